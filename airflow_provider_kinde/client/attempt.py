"""What happens to one request from its first try to its last, for the sync and the async client alike."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from tenacity import Retrying

from airflow_provider_kinde.client.endpoints.base import Request
from airflow_provider_kinde.client.responses import (
    AttemptFailed,
    Response,
    TransportError,
    interpret,
    is_missing,
    without_response,
)
from airflow_provider_kinde.client.retry import RetryPolicy
from airflow_provider_kinde.client.settings import Settings
from airflow_provider_kinde.client.tokens import Token, Tokens, read_token, token_request
from airflow_provider_kinde.exceptions import KindeConflictError, KindeError, KindeRateLimitError

log = logging.getLogger("airflow_provider_kinde.client")

SendRequest = Callable[[Request, Token | None], Response]
"""Sends a request once, blocking; raises ``TransportError`` when no whole response comes."""


class Counts:
    """How many HTTP requests were sent, retries included: ``read`` (GET), ``write``, ``total``, and ``token`` apart."""

    def __init__(self) -> None:
        self.read = self.write = self.token = 0
        self._lock = threading.Lock()
        self._thread = threading.local()

    @property
    def total(self) -> int:
        """Reads and writes."""
        return self.read + self.write

    def add(self, kind: str) -> None:
        """Count one request.

        :param kind: ``read``, ``write`` or ``token``.
        """
        with self._lock:
            setattr(self, kind, getattr(self, kind) + 1)
        if kind == "write":
            self._thread.writes = self.writes_of_thread + 1

    @property
    def writes_of_thread(self) -> int:
        """Writes that the present thread has sent."""
        return int(getattr(self._thread, "writes", 0))

    def __repr__(self) -> str:
        return f"Counts(read={self.read}, write={self.write}, total={self.total}, token={self.token})"


class RequestAttempts:
    """All tries of one request; remembers what the earlier ones came to.

    :param request: the request.
    :param settings: of the client that sends it.
    :param counts: counts every try that may have reached the server.
    :param tokens: the client's tokens; ``None`` for the token request itself.
    """

    def __init__(self, request: Request, settings: Settings, counts: Counts, tokens: Tokens | None) -> None:
        self.request = request
        self._settings = settings
        self._counts = counts
        self._tokens = tokens
        self._fate_unknown = False
        self._token_renewed = False

    def run(self, attempt: Callable[[], Any]) -> Any:
        """Try until it succeeds or another try is not worth it, blocking between the tries.

        :param attempt: one try; raises ``AttemptFailed``.
        :returns: what the last try returned.
        :raises KindeError: of the last try.
        """
        try:
            return Retrying(sleep=self._settings.sleep, **RetryPolicy(self._settings).strategies())(attempt)
        except (AttemptFailed, KindeError) as failed:
            raise self.final_error(failed) from None

    def send(self, send: SendRequest, token: Token | None) -> Response:
        """Send once, and count it.

        :param send: sends it.
        :param token: goes into the ``Authorization`` header.
        :raises AttemptFailed: no whole response came.
        """
        try:
            response = send(self.request, token)
        except TransportError as reason:
            raise self.without_response(reason) from None
        self.count()
        return response

    def count(self) -> None:
        """Count a request that reached the server, or may have."""
        kind = "token" if self._tokens is None else "read" if self.request.method == "GET" else "write"
        self._counts.add(kind)

    def renew_token(self, response: Response, token: Token) -> bool:
        """Decide whether to send the request again at once with a new token; true at most once.

        :param response: the response to the last try.
        :param token: the token that it was sent with.
        """
        tokens = self._tokens
        assert tokens
        if response.status not in (401, 403):
            if response.status < 500 and response.status != 429:
                tokens.accept(token)
            return False
        if self._token_renewed:
            tokens.renewal_failed(self.request, response, token)
            return False
        self._token_renewed = tokens.worth_renewing(self.request, response, token)
        if self._token_renewed:
            log.info("Kinde refused the token (HTTP %s): requesting a new one", response.status)
            tokens.refuse(token)
        return self._token_renewed

    def interpret(self, response: Response) -> Any:
        """Decode a response, knowing what the tries before it came to.

        :param response: the response to the last try.
        :returns: decoded JSON, or ``None`` for an empty body.
        :raises AttemptFailed: this try failed.
        """
        try:
            return interpret(self.request, response, self._tokens.scrub if self._tokens else str)
        except AttemptFailed as failed:
            error = failed.error
            done = self.request.method == "DELETE" and is_missing(error)
            done = done or (self.request.method == "POST" and isinstance(error, KindeConflictError))
            if done and self._fate_unknown and self.request.idempotent:
                # An earlier try did it; only its response was lost.
                return None
            wait = failed.wait if isinstance(error, KindeRateLimitError) else None
            if wait is not None and wait <= self._settings.retry_time:
                log.info("Kinde's rate limit is reached: it asks to wait %.1f s", wait)
            self._fate_unknown |= error.fate_unknown
            raise

    def without_response(self, reason: TransportError) -> AttemptFailed:
        """Turn a missing response into a failed try, and count the request if it may have been sent.

        :param reason: why there is none.
        """
        if reason.sent:
            self.count()
        failed = without_response(self.request, reason)
        self._fate_unknown |= failed.error.fate_unknown
        log.info("%s %s: %s", self.request.method, self.request.path, reason)
        return failed

    def final_error(self, failed: AttemptFailed | KindeError) -> KindeError:
        """Return the error as the caller gets it.

        :param failed: what ended the last try.
        """
        error = failed.error if isinstance(failed, AttemptFailed) else failed
        # A token request is none of the caller's writes.
        error.fate_unknown = self._tokens is not None and (error.fate_unknown or self._fate_unknown)
        return error


def fetch_token(settings: Settings, counts: Counts, send: SendRequest, scrub: Callable[[str], str]) -> Token:
    """Request a new token, with retries. Blocking in both clients, so that locks and caches are written once.

    :param settings: of the client.
    :param counts: counts the requests.
    :param send: sends a request.
    :param scrub: takes secrets out of what the server says.
    :raises KindeError: Kinde issues no token.
    """
    request = token_request(settings.credentials)
    attempts = RequestAttempts(request, settings, counts, None)

    def attempt() -> Token:
        requested_at = settings.wall()
        return read_token(request, attempts.send(send, None), settings.credentials, requested_at, scrub)

    token: Token = attempts.run(attempt)
    return token
