"""What can go wrong between us and Kinde: one type per kind, each saying what to do about it."""

from __future__ import annotations

from typing import Any

_LONGEST_PATH = 300


class KindeError(Exception):
    """Kinde refused a request, or could not be reached; the message quotes Kinde's own words.

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


class KindeAuthError(KindeError):
    """No token, or none that Kinde accepts: check client ID, client secret, audience and scopes of the connection."""


class KindePermissionError(KindeError):
    """The application lacks a scope: enable the one in ``scope`` for it in Kinde (Settings > APIs).

    :param scope: the missing scope, such as ``delete:users``; empty when neither side knows it.
    """

    def __init__(self, message: str, *, scope: str = "", **details: Any) -> None:
        super().__init__(message, **details)
        self.scope = scope


class KindeNotFoundError(KindeError):
    """No such user, organization, role or route. To remove what is not there, take it as done."""


class KindeConflictError(KindeError):
    """It exists already: look it up and update it instead."""


class KindeRateLimitError(KindeError):
    """Kinde's rate limit outlasted the time this client waits: lower ``max_concurrency`` or ``requests_per_minute``.

    :param retry_after: seconds to wait, as Kinde said, or ``None`` when it named no time.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, **details: Any) -> None:
        super().__init__(message, **details)
        self.retry_after = retry_after


class KindeServerError(KindeError):
    """Kinde failed (5xx), timed out or could not be reached, and went on doing so: try again later."""


class KindeResponseError(KindeError):
    """The answer cannot be Kinde's (HTML, cut off, a redirect, pages that repeat): check domain and proxies."""


class SyncError(Exception):
    """The run cannot go on; the message says what to do."""


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
    """The HR source cannot be read at all (no such file, refused credentials)."""
