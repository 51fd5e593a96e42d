"""Access tokens by client credentials: fetched once, shared by all threads, renewed before they end."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote, quote_plus

from airflow_provider_kinde.client.endpoints.base import Request
from airflow_provider_kinde.client.responses import AttemptFailed, Response, interpret, read_errors
from airflow_provider_kinde.client.settings import Credentials
from airflow_provider_kinde.exceptions import KindeAuthError, KindeResponseError

TOKEN_PATH = "/oauth2/token"
_HOUR = 3600.0
_LONGEST = 30 * 24 * _HOUR
_SCOPES_SETTLE = 600.0

_ADVICE = {
    "invalid_client": "check client ID (login) and client secret (password): they differ per Kinde environment",
    "unauthorized_client": "authorise the application for the Kinde Management API, and check the audience",
    "access_denied": "authorise the application for the Kinde Management API, and check the audience",
    "invalid_scope": "enable these scopes for the application in Kinde, or leave `scopes` out",
    "invalid_request": "check the audience: it is https://<your subdomain>.kinde.com/api, of Kinde's own domain",
    "unsupported_grant_type": "use a machine-to-machine application",
}


@dataclass(frozen=True, slots=True)
class Token:
    """An access token.

    :param value: goes into the ``Authorization`` header.
    :param expires_at: Unix time from which Kinde no longer accepts it.
    :param fetched_at: Unix time at which it was requested.
    :param scope: the scopes that Kinde says it carries; empty when it does not say.
    """

    value: str
    expires_at: float
    fetched_at: float
    scope: str = ""

    def fresh(self, now: float) -> bool:
        """Return whether it is valid for a while: until a minute before its end, or a tenth of a short life.

        :param now: Unix time.
        """
        margin = min(60.0, (self.expires_at - self.fetched_at) * 0.1)
        # After a clock was set back, a token seems to come from the future: its age is unknown.
        return now < self.expires_at - margin and self.fetched_at <= now + 60

    def __repr__(self) -> str:
        return f"<Token until {self.expires_at:.0f}>"


class TokenCache(Protocol):
    """Where a token is shared with other clients."""

    def lock(self) -> Any:
        """Return a context manager that only one client holds at a time."""

    def read(self) -> Token | None:
        """Return the shared token, or ``None``."""

    def write(self, token: Token) -> None:
        """Share a token.

        :param token: the token.
        """


class Tokens:
    """The current token of one client.

    :param credentials: what a token is requested with.
    :param fetch: sends the token request, with retries; gets a function that takes out secrets; raises ``KindeError``.
    :param cache: where the token is shared with other clients; ``None`` to share it with none.
    :param now: wall clock, in seconds.
    """

    def __init__(
        self,
        credentials: Credentials,
        fetch: Callable[[Callable[[str], str]], Token],
        cache: TokenCache | None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._credentials = credentials
        self._fetch = fetch
        self._cache = cache
        self._now = now
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._accepted: set[str] = set()
        self._refused: set[str] = set()
        self._renewal_useless: set[str] = set()
        """Tokens (after a 401) and names of requests (after a 403) for which a new token did not help."""
        secret = credentials.client_secret
        self._secrets = {secret, quote(secret), quote_plus(secret)}

    def peek(self) -> Token | None:
        """Return the current token if it is still valid; never waits."""
        token = self._token
        return token if token and token.value not in self._refused and token.fresh(self._now()) else None

    def get(self) -> Token:
        """Return the current token, or a new one; many threads make one request.

        :raises KindeError: Kinde issues none.
        """
        token = self.peek()
        if token:
            return token
        with self._lock:
            token = self.peek()
            if token:
                return token
            token = self._shared() if self._cache else self._fetch(self.scrub)
            self._secrets.add(token.value)
            self._token = token
            return token

    def _shared(self) -> Token:
        assert self._cache
        with self._cache.lock():
            token = self._cache.read()
            if token and token.value not in self._refused and token.fresh(self._now()):
                # Another client has used it: if Kinde forbids everything now, it may have been revoked.
                self._accepted.add(token.value)
                return token
            token = self._fetch(self.scrub)
            self._cache.write(token)
            return token

    def accept(self, token: Token) -> None:
        """Note that Kinde accepted a token.

        :param token: the token.
        """
        self._accepted.add(token.value)

    def worth_renewing(self, request: Request, response: Response, token: Token) -> bool:
        """Return whether the request may succeed with a new token.

        After 401 it may. After 403 it may (Kinde's document uses it for bad tokens) if the token was accepted before.
        If a scope is missing, only an old token is renewed: the scope may have been enabled since. After a new token
        did not help, no other is requested, because each one counts against the quota of the Kinde plan.

        :param request: the refused request.
        :param response: the response to it.
        :param token: the token that it was sent with.
        """
        if response.status == 401:
            return token.value not in self._renewal_useless
        if response.status != 403 or token.value not in self._accepted or request.name in self._renewal_useless:
            return False
        lacks = bool(token.scope and request.scope) and request.scope not in token.scope.split()
        if lacks or b"scope" in response.body.lower():
            return self._now() - token.fetched_at > _SCOPES_SETTLE
        return True

    def renewal_failed(self, request: Request, response: Response, token: Token) -> None:
        """Note that a renewed token was refused as well.

        :param request: the refused request.
        :param response: the response to it.
        :param token: the token that it was sent with.
        """
        if response.status in (401, 403):
            self._renewal_useless.add(token.value if response.status == 401 else request.name)

    def refuse(self, token: Token) -> None:
        """Never use a token again.

        :param token: the token.
        """
        self._refused.add(token.value)

    def scrub(self, text: str) -> str:
        """Replace the secret and the tokens in a text of the server by ``***``.

        :param text: the text.
        """
        for secret in sorted(self._secrets, key=len, reverse=True):
            if len(secret) > 3:
                text = text.replace(secret, "***")
        return text


def token_request(credentials: Credentials) -> Request:
    """Build the token request (``POST /oauth2/token``); it may be sent again, since another token does no harm.

    :param credentials: what the token is requested with.
    """
    return Request(
        name=f"POST {TOKEN_PATH}",
        method="POST",
        path=TOKEN_PATH,
        body=credentials.form,
        content_type="application/x-www-form-urlencoded",
        idempotent=True,
    )


def read_token(
    request: Request,
    response: Response,
    credentials: Credentials,
    requested_at: float,
    scrub: Callable[[str], str] = str,
) -> Token:
    """Read the response to the token request.

    :param request: the token request.
    :param response: the response to it.
    :param credentials: what the token was requested with.
    :param requested_at: Unix time of the request.
    :param scrub: takes secrets out of what the server says.
    :raises AttemptFailed: it holds no token; the message quotes the server and says what to do.
    """
    if 400 <= response.status < 500 and response.status not in (408, 425, 429):
        raise AttemptFailed(_refused(request, response, credentials, scrub), resend=False)
    decoded = interpret(request, response, scrub)
    problem = "the response holds no token"
    if isinstance(decoded, dict):
        if decoded.get("error"):
            raise AttemptFailed(_refused(request, response, credentials, scrub), resend=False)
        value, kind = decoded.get("access_token"), decoded.get("token_type")
        if isinstance(value, str) and value and all(33 <= ord(char) <= 126 for char in value):
            if kind is None or (isinstance(kind, str) and kind.lower() == "bearer"):
                scope = decoded.get("scope")
                return Token(
                    value, requested_at + _lifetime(decoded), requested_at, scope if isinstance(scope, str) else ""
                )
            problem = "the response holds a token that is not a bearer token"
    details: dict[str, Any] = {"status": response.status, "method": request.method, "path": request.path}
    raise AttemptFailed(KindeResponseError(f"{problem}; check the domain", **details), resend=False)


def _lifetime(decoded: dict[str, Any]) -> float:
    try:
        seconds = float(decoded["expires_in"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return _HOUR
    return min(seconds, _LONGEST) if seconds == seconds else _HOUR


def _refused(
    request: Request, response: Response, credentials: Credentials, scrub: Callable[[str], str]
) -> KindeAuthError | KindeResponseError:
    try:
        decoded = json.loads(response.body)
    except (ValueError, RecursionError):
        decoded = None
    details: dict[str, Any] = {
        "status": response.status,
        "method": request.method,
        "path": request.path,
        "request_id": response.request_id(scrub),
    }
    codes, words = read_errors(decoded, scrub)
    if not codes and not words:
        host = credentials.base_url.partition("://")[2]
        return KindeResponseError(f"there is no token endpoint at {host}; check the domain", **details)
    code = codes[0] if codes else ""
    advice = _ADVICE.get(code, "check client ID, client secret, audience and scopes")
    message = ": ".join(part for part in (code, words if words != code else "") if part)
    if code != "invalid_client" and not _kindes_own(credentials.base_url):
        advice += "; the Management API needs <your subdomain>.kinde.com, not a custom domain"
    return KindeAuthError(f"Kinde issues no token: {message} - {advice}", code=code, **details)


def _kindes_own(url: str) -> bool:
    host = url.partition("://")[2]
    return host.endswith(".kinde.com") or url.startswith("http://")
