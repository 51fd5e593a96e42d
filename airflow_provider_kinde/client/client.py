"""The sync client of Kinde's Management API."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from airflow_provider_kinde.client.attempt import MAX_CONCURRENCY, Counts, Exchange, Settings, token_fetcher
from airflow_provider_kinde.client.endpoints.base import Endpoint, Request, plain_request
from airflow_provider_kinde.client.endpoints.catalog import EndpointMethods, find_endpoint
from airflow_provider_kinde.client.limiter import Flow
from airflow_provider_kinde.client.limiter_queue import Turns
from airflow_provider_kinde.client.pagination import Paginator
from airflow_provider_kinde.client.responses import Response
from airflow_provider_kinde.client.retry import Clock
from airflow_provider_kinde.client.token_cache import make_cache
from airflow_provider_kinde.client.tokens import Token, Tokens
from airflow_provider_kinde.client.transport import Transport
from airflow_provider_kinde.exceptions import KindeError


class KindeClient(EndpointMethods[Any, Iterator[dict[str, Any]]]):
    """Kinde's Management API for one environment. Cheap to make: nothing is sent before the first call.

    May be used by many threads at once, and as a context manager.

    :param domain: the Kinde domain, ``acme.kinde.com``; a pasted URL will do. Plain HTTP for loopback only.
    :param client_id: of a machine-to-machine application.
    :param client_secret: its secret.
    :param audience: what the token is for; ``https://<domain>/api`` when left out.
    :param scopes: the scopes to ask for; all that the application has when left out.
    :param timeout: seconds that Kinde may be silent in one try of a request; a whole answer may take twice as long.
    :param max_concurrency: how many requests are under way at once at most; how many Kinde takes is found out.
    :param requests_per_minute: how many requests start in a minute at most, evenly spread; without it, all that Kinde
        takes.
    :param proxies: proxy for all, or ``{"https": ...}``; those of the environment when left out.
    :param verify: whether to check certificates, or the path of a CA bundle.
    :param user_agent: the ``User-Agent`` header.
    :param on_token: called with every token before it is used, to have it masked in logs.
    :param token_cache: ``host`` shares the token with other processes of this user, encrypted on disk; ``process``
        with other clients in this process; ``none`` with nobody.
    :param cache_dir: the folder for ``host``; a private one for this user when left out.
    :param max_tries: how often a request is sent at most (when Kinde limits the rate, twice as often).
    :param retry_time: no new try of a request once so many seconds would have passed.
    :raises ValueError: a parameter cannot be.
    """

    def __init__(
        self,
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
        on_token: Callable[[str], Any] | None = None,
        token_cache: str = "none",
        cache_dir: str | None = None,
        max_tries: int = 6,
        retry_time: float = 300.0,
        sleep: Callable[[float], Any] = time.sleep,
        clock: Clock = time.monotonic,
        wall: Clock = time.time,
    ) -> None:
        self._settings = settings = Settings.make(
            domain,
            client_id,
            client_secret,
            audience=audience,
            scopes=scopes,
            timeout=timeout,
            max_concurrency=max_concurrency,
            requests_per_minute=requests_per_minute,
            proxies=proxies,
            verify=verify,
            user_agent=user_agent,
            token_cache=token_cache,
            cache_dir=cache_dir,
            max_tries=max_tries,
            retry_time=retry_time,
            sleep=sleep,
            clock=clock,
            wall=wall,
        )
        self.counts = Counts()
        self._on_token = on_token
        self._known: str = ""
        self._stopped = False
        flow = Flow(settings.max_concurrency, settings.requests_per_minute)
        self._turns = Turns(flow, clock, settings.patience.retry_time, sleep)
        self._transport = Transport(settings)
        self.on_answer: Callable[[Request, Response], Any] | None = None
        """For diagnosis: called with every answer as it came; those of the token endpoint, too, which hold a token."""
        fetch = token_fetcher(settings, self.counts, self._transmit)
        self._tokens = Tokens(settings.credentials, fetch, make_cache(settings), wall)

    @property
    def base_url(self) -> str:
        """Scheme and host that requests go to."""
        return self._settings.base_url

    @property
    def host(self) -> str:
        """The Kinde domain, with the port if it is not the usual one."""
        return self._settings.host

    def granted_scopes(self, renew: bool = False) -> frozenset[str]:
        """The scopes that the token carries; empty when Kinde does not say.

        :param renew: ask for a new token first: a shared one may be older than the scopes of the application.
        """
        if renew and (token := self._tokens.peek()):
            self._tokens.refuse(token)
        return frozenset(self._tokens.get().scope.split())

    @property
    def max_concurrency(self) -> int:
        """How many requests are under way at once at most."""
        return self._settings.max_concurrency

    def request(self, method: str, path: str, params: Mapping[str, Any] | None = None, json: Any = None) -> Any:
        """Send a request to an endpoint that has no method here. A POST is not sent again by itself.

        :param method: HTTP method.
        :param path: path on the Kinde domain, already percent-quoted: ``/api/v1/environment``.
        :param params: query; ``None`` values are left out.
        :param json: body.
        :returns: decoded JSON, or ``None`` for an empty body.
        :raises KindeError: Kinde refused, or could not be reached.
        """
        return self._send(plain_request(method, path, params, json))

    def call(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call an operation by name; unlike ``search_users``, this returns one page of a search.

        :param name: a key of ``OPERATIONS``.
        :raises ValueError: no such operation.
        """
        operation = find_endpoint(name)
        return self._call(operation, operation.bind(args, kwargs))

    def close(self) -> None:
        """Close all connections; a later call opens new ones."""
        self._transport.close()

    def stop(self) -> None:
        """Begin no request any more, for good: those under way end, every other one fails at once. Never waits."""
        self._stopped = True

    def __enter__(self) -> KindeClient:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<KindeClient {self.host}>"

    def _call(self, operation: Endpoint, arguments: dict[str, Any]) -> Any:
        return self._send(operation.request(arguments))

    def _walk(self, operation: Endpoint, arguments: dict[str, Any]) -> Iterator[dict[str, Any]]:
        pages = Paginator(operation, arguments)
        # Built here, so that bad arguments are refused at the call and not at the first item.
        operation.request(pages.arguments)
        return self._items(operation, pages)

    def _items(self, operation: Endpoint, pages: Paginator) -> Iterator[dict[str, Any]]:
        while pages.more:
            try:
                answer = self._call(operation, pages.arguments)
            except KindeError as error:
                if not pages.shrink(error):
                    raise
                continue
            yield from pages.take(answer)

    def _send(self, request: Request) -> Any:
        exchange = Exchange(request, self._settings, self._tokens, self.counts)
        return exchange.retried(lambda: self._once(exchange))

    def _once(self, exchange: Exchange) -> Any:
        while True:
            token = self._token()
            ticket, answer = self._turns.take(), None
            try:
                if self._stopped:
                    raise KindeError("not sent: the client was stopped")
                answer = exchange.transmit(self._transmit, token)
            finally:
                self._turns.give(ticket, answer)
            if not exchange.renew(answer, token):
                return exchange.interpret(answer)

    def _transmit(self, request: Request, token: Token | None) -> Response:
        answer = self._transport.send(request, token)
        if self.on_answer:
            self.on_answer(request, answer)
        return answer

    def _token(self) -> Token:
        token = self._tokens.get()
        if self._on_token and token.value != self._known:
            self._on_token(token.value)
            self._known = token.value
        return token
