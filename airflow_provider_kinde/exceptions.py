"""The typed errors of this provider. Each says what to do about it, and whether a retry may help (``retryable``)."""

from __future__ import annotations

from typing import Any

_LONGEST_PATH = 300


class ProviderError(Exception):
    """The base of all errors of this provider.

    Operators, sensors, triggers and the retry policy all ask ``retryable``, and nothing else, whether to try again.
    """

    @property
    def retryable(self) -> bool:
        """Whether the same task may succeed later without any change to the DAG, the spec or Kinde's settings."""
        return True


def may_retry(error: BaseException) -> bool:
    """Whether a retry may help after any exception. An error of other code counts as one that may pass.

    :param error: what was raised.
    """
    return error.retryable if isinstance(error, ProviderError) else True


class KindeInputError(ProviderError, ValueError):
    """A parameter is wrong: correct the DAG, its input or its connection."""

    retryable = False


class StorageError(ProviderError):
    """A file in the storage could not be read or written. The message names the file and the reason."""


class KindeError(ProviderError):
    """Kinde refused a request, or could not be reached; the message quotes Kinde's own words.

    A retry may help unless Kinde refused the request itself (a status of 400 to 499).

    :param message: what happened.
    :param status: HTTP status, or ``None`` when no answer came.
    :param code: Kinde's error code (``USER_ALREADY_EXISTS``), or the OAuth error of the token endpoint.
    :param method: HTTP method of the refused request.
    :param path: its path, without the query; cut where it is very long.
    :param request_id: the id under which Kinde's support finds the request, where the answer carried one.
    :param fate_unknown: a write may have been carried out although no answer says so: look before sending it again.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str = "",
        method: str = "",
        path: str = "",
        request_id: str = "",
        fate_unknown: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.method = method
        self.path = path if len(path) <= _LONGEST_PATH else f"{path[:_LONGEST_PATH]}..."
        self.request_id = request_id
        self.fate_unknown = fate_unknown

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later: not if Kinde refused it with 400 to 499, or with 501."""
        return self.status is None or not (400 <= self.status < 500 or self.status == 501)

    def __str__(self) -> str:
        known = [f"HTTP {self.status}" if self.status else "", self.code]
        known.append(f"request {self.request_id}" if self.request_id else "")
        known.append("it may have been carried out" if self.fate_unknown else "")
        where = " ".join(part for part in (self.method, self.path) if part)
        what = ", ".join(part for part in known if part)
        return (f"{where}: " if where else "") + self.message + (f" ({what})" if what else "")

    def __reduce__(self) -> tuple[Any, ...]:
        # Airflow pickles exceptions; the default would call the class without its keyword arguments.
        return _rebuild, (type(self), self.message, dict(self.__dict__))


def _rebuild(kind: type[KindeError], message: str, state: dict[str, Any]) -> KindeError:
    error = kind(message)
    error.__dict__.update(state)
    return error


class KindeStoppedError(KindeError):
    """A request was not sent, since the client was stopped before: by Ctrl-C, or when Airflow ends the task."""


class KindeAuthError(KindeError):
    """No token, or none that Kinde accepts: check client ID, client secret, audience and scopes of the connection."""

    retryable = False


class KindePermissionError(KindeError):
    """The application lacks a scope: enable the one in ``scope`` for it in Kinde (Settings > APIs).

    :param message: what Kinde refused.
    :param scope: the missing scope, such as ``delete:users``; empty when neither side knows it.
    :param details: of :class:`KindeError`.
    """

    retryable = False

    def __init__(self, message: str, *, scope: str = "", **details: Any) -> None:
        super().__init__(message, **details)
        self.scope = scope


class KindeNotFoundError(KindeError):
    """There is no such user, organization, role or route. For a removal, that is success."""

    retryable = False


class KindeConflictError(KindeError):
    """The thing exists already: look it up and update it instead."""

    retryable = False


class KindeRateLimitError(KindeError):
    """Kinde's rate limit outlasted the time this client waits: lower ``max_concurrency`` or ``requests_per_minute``.

    :param message: which request was refused.
    :param retry_after: seconds to wait, as Kinde said, or ``None`` when it named no time.
    :param details: of :class:`KindeError`.
    """

    retryable = True

    def __init__(self, message: str, *, retry_after: float | None = None, **details: Any) -> None:
        super().__init__(message, **details)
        self.retry_after = retry_after


class KindeServerError(KindeError):
    """Kinde failed (5xx), timed out or could not be reached, at each try: try again later."""

    retryable = True


class KindeResponseError(KindeError):
    """The answer is not one of Kinde (HTML, cut off, a redirect, repeated pages): check domain and proxies."""

    retryable = True


class SyncError(ProviderError):
    """The run cannot go on. The message says what to do."""

    retryable = False


class UnknownIdsError(SyncError):
    """``--approve-protected`` names an id that nothing has: nothing was written. The message names the ids."""


class SpecError(SyncError):
    """The spec file is wrong: the message names file, line, key and what was expected.

    :param message: what is wrong and what was expected.
    :param file: the spec file, where known.
    :param line: 1-based line in it, where known.
    :param key: dotted key (``memberships[2].when``), where known.
    """

    def __init__(self, message: str, *, file: str = "", line: int | None = None, key: str = "") -> None:
        self.file, self.line, self.key = file, line, key
        where = file + (f":{line}" if line else "")
        super().__init__(": ".join(part for part in (where, key, message) if part))


class SourceError(SyncError):
    """The HR source cannot be read at all (no such file, refused credentials, no connection)."""

    retryable = True
