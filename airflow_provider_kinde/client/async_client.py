"""The async client of Kinde's Management API: the same operations, as coroutines."""

from __future__ import annotations

import asyncio
import functools
import inspect
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Any

from tenacity import AsyncRetrying

from airflow_provider_kinde.client.async_transport import AsyncTransport, send_blocking
from airflow_provider_kinde.client.attempt import Counts, Exchange, Settings, token_fetcher
from airflow_provider_kinde.client.endpoints.base import Endpoint, Request, coroutines, plain_request
from airflow_provider_kinde.client.endpoints.catalog import EndpointMethods, find_endpoint
from airflow_provider_kinde.client.limiter import Flow
from airflow_provider_kinde.client.limiter_queue import AsyncTurns
from airflow_provider_kinde.client.pagination import Paginator
from airflow_provider_kinde.client.responses import AttemptFailed, Response, TransportError
from airflow_provider_kinde.client.retry import Clock
from airflow_provider_kinde.client.token_cache import make_cache
from airflow_provider_kinde.client.tokens import Token, Tokens
from airflow_provider_kinde.exceptions import KindeError


@coroutines
class AsyncKindeClient(EndpointMethods[Coroutine[Any, Any, Any], AsyncIterator[dict[str, Any]]]):
    """Kinde's Management API for one environment and one event loop. Never blocks the loop.

    May be used by many tasks at once, and as an async context manager.

    :param domain: the Kinde domain. ``client_id``, ``client_secret`` and the other options are as in ``KindeClient``.
    :param on_token: called with every token before it is used; awaited if it is a coroutine function.
    :raises ValueError: a parameter cannot be.
    """

    def __init__(
        self,
        domain: str,
        client_id: str,
        client_secret: str,
        *,
        on_token: Callable[[str], Any] | None = None,
        sleep: Callable[[float], Coroutine[Any, Any, Any]] = asyncio.sleep,
        blocking_sleep: Callable[[float], Any] = time.sleep,
        clock: Clock = time.monotonic,
        **options: Any,
    ) -> None:
        self._settings = settings = Settings.make(
            domain, client_id, client_secret, sleep=blocking_sleep, clock=clock, **options
        )
        self.counts = Counts()
        self._on_token = on_token
        self._known = ""
        self._sleep = sleep
        flow = Flow(settings.max_concurrency, settings.requests_per_minute)
        self._turns = AsyncTurns(flow, clock, settings.patience.retry_time, sleep)
        self._token_lock = asyncio.Lock()
        self._transport = AsyncTransport(settings)
        fetch = token_fetcher(settings, self.counts, functools.partial(send_blocking, settings))
        self._tokens = Tokens(settings.credentials, fetch, make_cache(settings), settings.wall)

    @property
    def base_url(self) -> str:
        """Scheme and host that requests go to."""
        return self._settings.base_url

    @property
    def host(self) -> str:
        """The Kinde domain, with the port if it is not the usual one."""
        return self._settings.host

    @property
    def max_concurrency(self) -> int:
        """How many requests are under way at once at most."""
        return self._settings.max_concurrency

    async def request(self, method: str, path: str, params: Mapping[str, Any] | None = None, json: Any = None) -> Any:
        """Send a request to an endpoint that has no method here; see ``KindeClient.request``."""
        return await self._send(plain_request(method, path, params, json))

    async def call(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call an operation by name; see ``KindeClient.call``."""
        operation = find_endpoint(name)
        return await self._call(operation, operation.bind(args, kwargs))

    async def close(self) -> None:
        """Close all connections; the client is of no use after that."""
        await self._transport.close()

    async def __aenter__(self) -> AsyncKindeClient:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<AsyncKindeClient {self.host}>"

    async def _call(self, operation: Endpoint, arguments: dict[str, Any]) -> Any:
        return await self._send(operation.request(arguments))

    def _walk(self, operation: Endpoint, arguments: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        pages = Paginator(operation, arguments)
        operation.request(pages.arguments)
        return self._items(operation, pages)

    async def _items(self, operation: Endpoint, pages: Paginator) -> AsyncIterator[dict[str, Any]]:
        while pages.more:
            try:
                answer = await self._call(operation, pages.arguments)
            except KindeError as error:
                if not pages.shrink(error):
                    raise
                continue
            for item in pages.take(answer):
                yield item

    async def _send(self, request: Request) -> Any:
        exchange = Exchange(request, self._settings, self._tokens, self.counts)
        retrying = AsyncRetrying(sleep=self._sleep, **self._settings.patience.strategies())
        try:
            return await retrying(self._once, exchange)
        except (AttemptFailed, KindeError) as failed:
            raise exchange.last(failed) from None

    async def _once(self, exchange: Exchange) -> Any:
        while True:
            token = await self._token()
            ticket, answer = await self._turns.take(), None
            try:
                answer = await self._transmit(exchange, token)
            finally:
                self._turns.give(ticket, answer)
            if not exchange.renew(answer, token):
                return exchange.interpret(answer)

    async def _transmit(self, exchange: Exchange, token: Token) -> Response:
        try:
            answer = await self._transport.send(exchange.request, token)
        except TransportError as reason:
            raise exchange.lost(reason) from None
        exchange.sent()
        return answer

    async def _token(self) -> Token:
        token = self._tokens.peek()
        if not token:
            async with self._token_lock:
                token = self._tokens.peek()
                if not token:
                    # In a thread: it waits for file locks. Should this task be cancelled, the thread ends by itself.
                    token = await asyncio.to_thread(self._tokens.get)
        if self._on_token and token.value != self._known:
            masked = self._on_token(token.value)
            if inspect.isawaitable(masked):
                await masked
            self._known = token.value
        return token
