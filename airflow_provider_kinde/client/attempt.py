"""What the sync and the async client do alike: everything about a request but sending it and waiting for it."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tenacity import Retrying

from airflow_provider_kinde.client.endpoints.base import Request, is_text
from airflow_provider_kinde.client.network_options import check_concurrency, check_proxies, check_verify
from airflow_provider_kinde.client.responses import AttemptFailed, Response, TransportError, gone, interpret, lost
from airflow_provider_kinde.client.retry import Clock, RetryPolicy
from airflow_provider_kinde.client.tokens import Credentials, Token, Tokens, read_token, scopes_text, token_request
from airflow_provider_kinde.client.urls import base_url, is_loopback
from airflow_provider_kinde.exceptions import KindeConflictError, KindeError, KindeRateLimitError

log = logging.getLogger("airflow_provider_kinde.client")

MAX_CONCURRENCY = 16
"""Requests at once at most, unless told otherwise: the client finds out by itself how many of them Kinde takes."""
CONNECT_TIMEOUT = 6.0
"""Seconds: six tries to reach a host that is not there stay below a minute."""


def user_agent() -> str:
    """``airflow-provider-kinde/0.1.0 Python/3.11``; the hook puts Airflow's version in."""
    from airflow_provider_kinde import __version__

    return f"airflow-provider-kinde/{__version__} Python/{sys.version_info.major}.{sys.version_info.minor}"


class Counts:
    """How many HTTP requests were sent, retries included: ``read`` (GET), ``write``, ``total``, and ``token`` apart."""

    def __init__(self) -> None:
        self.read = self.write = self.token = 0
        self._lock = threading.Lock()

    @property
    def total(self) -> int:
        return self.read + self.write

    def add(self, kind: str) -> None:
        with self._lock:
            setattr(self, kind, getattr(self, kind) + 1)

    def __repr__(self) -> str:
        return f"Counts(read={self.read}, write={self.write}, total={self.total}, token={self.token})"


@dataclass(frozen=True)
class Settings:
    """Everything that a client is configured by; see ``KindeClient``."""

    credentials: Credentials
    timeout: float
    max_concurrency: int
    requests_per_minute: float | None
    proxies: Mapping[str, str] | None
    verify: bool | str
    user_agent: str
    token_cache: str
    cache_dir: str | None
    patience: RetryPolicy = field(repr=False)
    sleep: Callable[[float], Any] = field(repr=False)
    wall: Clock = field(repr=False)

    @classmethod
    def make(
        cls,
        domain: str,
        client_id: str,
        client_secret: str,
        *,
        audience: str | None = None,
        scopes: str | Iterable[str] | None = None,
        timeout: float = 30.0,
        max_concurrency: int = MAX_CONCURRENCY,
        requests_per_minute: float | None = None,
        proxies: Mapping[str, str] | str | None = None,
        verify: bool | str = True,
        user_agent: str = "",
        token_cache: str = "none",
        cache_dir: str | None = None,
        max_tries: int = 6,
        retry_time: float = 300.0,
        sleep: Callable[[float], Any] = time.sleep,
        clock: Clock = time.monotonic,
        wall: Clock = time.time,
    ) -> Settings:
        """Check what was given.

        :raises ValueError: what cannot be; the message names the parameter.
        """
        base = base_url(domain)
        for name, text in (("client_id", client_id), ("client_secret", client_secret)):
            if not (text and text.strip()):
                raise ValueError(f"{name} is empty")
        credentials = Credentials(
            base, client_id.strip(), client_secret.strip(), audience or f"{base}/api", scopes_text(scopes)
        )
        for name in ("client_id", "client_secret", "audience", "scopes"):
            if not is_text(getattr(credentials, name)):
                raise ValueError(f"{name} holds half a character: it was not copied whole")
        if not timeout > 0:
            raise ValueError("timeout must be more than 0 seconds")
        if max_concurrency < 1:
            raise ValueError("max_concurrency must be at least 1")
        checks: tuple[tuple[str, Callable[[Any], Any], Any], ...] = (
            ("max_concurrency", check_concurrency, max_concurrency),
            ("verify", check_verify, verify),
            ("proxies", check_proxies, proxies),
        )
        for name, check, value in checks:
            try:
                check(value)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        if max_tries < 1:
            raise ValueError("max_tries must be at least 1")
        if token_cache not in ("host", "process", "none"):
            raise ValueError(f"token_cache is {token_cache!r}: expected host, process or none")
        return cls(
            credentials=credentials,
            timeout=float(timeout),
            max_concurrency=int(max_concurrency),
            requests_per_minute=requests_per_minute,
            proxies={"http": proxies, "https": proxies} if isinstance(proxies, str) else proxies,
            verify=verify,
            user_agent=user_agent or globals()["user_agent"](),
            token_cache=token_cache,
            cache_dir=cache_dir,
            patience=RetryPolicy(max_tries, retry_time, clock),
            sleep=sleep,
            wall=wall,
        )

    @property
    def base_url(self) -> str:
        return self.credentials.base_url

    @property
    def host(self) -> str:
        return self.base_url.partition("://")[2]

    @property
    def longest(self) -> float:
        """Seconds from sending to the last byte of an answer, however it comes: half of them may be silence."""
        return 2 * self.timeout

    def too_late(self) -> TransportError:
        """The failure of an answer that came too slowly, each byte in time and yet no end."""
        return TransportError(f"no whole answer within {self.longest:g} s", sent=True)

    @property
    def local(self) -> bool:
        """Whether this is this machine, where proxies of the environment have no business."""
        return is_loopback(urlsplit(self.base_url).hostname or "")

    def headers(self, request: Request, token: Token | None) -> dict[str, str]:
        """Every header that the request goes out with, but ``Host`` and ``Content-Length``."""
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": self.user_agent,
            "Connection": "keep-alive",
        }
        if request.content_type:
            headers["Content-Type"] = request.content_type
        if request.body is None and request.method != "GET":
            headers["Content-Length"] = "0"
        if token:
            headers["Authorization"] = f"Bearer {token.value}"
        return headers


class Exchange:
    """One request from its first try to its last: remembers what the tries before came to."""

    def __init__(self, request: Request, settings: Settings, tokens: Tokens | None, counts: Counts) -> None:
        self.request = request
        self._settings = settings
        self._tokens = tokens
        self._counts = counts
        self._unknown = False
        self._renewed = False

    def renew(self, answer: Response, token: Token) -> bool:
        """Whether to send the request again at once, with another token; true at most once."""
        tokens = self._tokens
        assert tokens
        if answer.status not in (401, 403):
            if answer.status < 500 and answer.status != 429:
                tokens.accept(token)
            return False
        if self._renewed:
            tokens.fruitless(self.request, answer, token)
            return False
        self._renewed = tokens.worth_renewing(self.request, answer, token)
        if self._renewed:
            log.info("Kinde refused the token (HTTP %s): asking for another", answer.status)
            tokens.refuse(token)
        return self._renewed

    def interpret(self, answer: Response) -> Any:
        """What the answer means, in the light of the tries before.

        :raises Failed: this try failed.
        """
        try:
            return interpret(self.request, answer, self._tokens.scrub if self._tokens else str)
        except AttemptFailed as failed:
            error = failed.error
            done = self.request.method == "DELETE" and gone(error)
            done = done or (self.request.method == "POST" and isinstance(error, KindeConflictError))
            if done and self._unknown and self.request.idempotent:
                # An earlier try did it; only its answer was lost.
                return None
            wait = failed.wait if isinstance(error, KindeRateLimitError) else None
            if wait is not None and wait <= self._settings.patience.retry_time:
                log.info("Kinde's rate limit is reached: it asks to wait %.1f s", wait)
            self._unknown |= error.fate_unknown
            raise

    def lost(self, reason: TransportError) -> AttemptFailed:
        """A failed try without an answer."""
        if reason.sent:
            self.sent()
        failed = lost(self.request, reason)
        self._unknown |= failed.error.fate_unknown
        log.info("%s %s: %s", self.request.method, self.request.path, reason)
        return failed

    def sent(self) -> None:
        """Count a request that reached the server, or may have."""
        name = "token" if self._tokens is None else "read" if self.request.method == "GET" else "write"
        self._counts.add(name)

    def last(self, failed: AttemptFailed | KindeError) -> KindeError:
        """The error as the caller gets it."""
        error = failed.error if isinstance(failed, AttemptFailed) else failed
        # A token request is none of the caller's writes.
        error.fate_unknown = self._tokens is not None and (error.fate_unknown or self._unknown)
        return error

    def retried(self, once: Callable[[], Any]) -> Any:
        """Try until it succeeds or is not worth another try.

        :raises KindeError: of the last try.
        """
        try:
            return Retrying(sleep=self._settings.sleep, **self._settings.patience.strategies())(once)
        except (AttemptFailed, KindeError) as failed:
            raise self.last(failed) from None

    def transmit(self, send: Callable[[Request, Token | None], Response], token: Token | None) -> Response:
        """Send once, and count it.

        :raises Failed: no whole answer came.
        """
        try:
            answer = send(self.request, token)
        except TransportError as reason:
            raise self.lost(reason) from None
        self.sent()
        return answer


def token_fetcher(
    settings: Settings, counts: Counts, send: Callable[[Request, Token | None], Response]
) -> Callable[[Callable[[str], str]], Token]:
    """What gets a new token; it is blocking in both clients, so that locks and caches are written once.

    :param send: sends a request, blocking.
    """

    def fetch(scrub: Callable[[str], str]) -> Token:
        request = token_request(settings.credentials)
        exchange = Exchange(request, settings, None, counts)

        def once() -> Token:
            asked_at = settings.wall()
            return read_token(request, exchange.transmit(send, None), settings.credentials, asked_at, scrub)

        token: Token = exchange.retried(once)
        return token

    return fetch
