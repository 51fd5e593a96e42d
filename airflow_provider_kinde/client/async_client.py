"""The async client of Kinde's Management API: the same endpoints, as coroutines."""

from __future__ import annotations

import asyncio
import functools
import inspect
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Any

from tenacity import AsyncRetrying

from airflow_provider_kinde.client.async_transport import AsyncTransport, send_blocking
from airflow_provider_kinde.client.attempt import RequestAttempts, fetch_token
from airflow_provider_kinde.client.base_client import BaseClient
from airflow_provider_kinde.client.endpoints.base import Endpoint, Request, coroutines, plain_request
from airflow_provider_kinde.client.endpoints.catalog import EndpointMethods, find_endpoint
from airflow_provider_kinde.client.limiter import Limiter
from airflow_provider_kinde.client.limiter_queue import TaskQueue
from airflow_provider_kinde.client.pagination import Paginator
from airflow_provider_kinde.client.responses import AttemptFailed, Response, TransportError
from airflow_provider_kinde.client.retry import RetryPolicy
from airflow_provider_kinde.client.settings import Settings
from airflow_provider_kinde.client.token_cache import make_cache
from airflow_provider_kinde.client.tokens import Token, Tokens
from airflow_provider_kinde.exceptions import KindeError


@coroutines
class AsyncKindeClient(BaseClient, EndpointMethods[Coroutine[Any, Any, Any], AsyncIterator[dict[str, Any]]]):
    """Kinde's Management API for one environment and one event loop. Never blocks the loop.

    May be used by many tasks at once, and as an async context manager.

    :param domain: the Kinde domain, ``acme.kinde.com``; or ``Settings``, which hold everything.
    :param client_id: client ID of a machine-to-machine application.
    :param client_secret: its secret.
    :param on_token: called with every token before it is used; awaited if it is a coroutine function.
    :param sleep: waits between two tries, in seconds.
    :param blocking_sleep: the same for token requests, which run in a thread.
    :param options: the other fields of ``Settings``, such as ``timeout`` (seconds) and ``max_concurrency``.
    :raises ValueError: an option has a value that it cannot have; the message names it.
    """

    def __init__(
        self,
        domain: str | Settings,
        client_id: str = "",
        client_secret: str = "",
        *,
        on_token: Callable[[str], Any] | None = None,
        sleep: Callable[[float], Coroutine[Any, Any, Any]] = asyncio.sleep,
        blocking_sleep: Callable[[float], Any] = time.sleep,
        **options: Any,
    ) -> None:
        if isinstance(domain, Settings):
            settings = domain
        else:
            settings = Settings(domain, client_id, client_secret, sleep=blocking_sleep, **options)
        super().__init__(settings)
        self._on_token = on_token
        self._known_token = ""
        self._sleep = sleep
        limiter = Limiter(settings.max_concurrency, settings.requests_per_minute)
        self._queue = TaskQueue(limiter, settings.clock, settings.retry_time, sleep)
        self._token_lock = asyncio.Lock()
        self._transport = AsyncTransport(settings)
        fetch = functools.partial(fetch_token, settings, self.counts, functools.partial(send_blocking, settings))
        self._tokens = Tokens(settings.credentials, fetch, make_cache(settings), settings.wall)

    async def request(self, method: str, path: str, params: Mapping[str, Any] | None = None, json: Any = None) -> Any:
        """Send a request to an endpoint that has no method here. A POST is not sent again by itself.

        :param method: HTTP method.
        :param path: path on the Kinde domain, already percent-quoted: ``/api/v1/environment``.
        :param params: query; ``None`` values are left out.
        :param json: body.
        :returns: decoded JSON, or ``None`` for an empty body.
        :raises KindeError: Kinde refused, or could not be reached.
        """
        return await self._send(plain_request(method, path, params, json))

    async def call(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call an endpoint by name; unlike ``search_users``, this returns one page of a search.

        :param name: the name of the endpoint's method, a key of ``ENDPOINTS``.
        :param args: as of the method.
        :param kwargs: as of the method.
        :returns: decoded JSON, or ``None`` for an empty body.
        :raises ValueError: there is no such endpoint.
        """
        endpoint = find_endpoint(name)
        return await self._call(endpoint, endpoint.bind(args, kwargs))

    async def close(self) -> None:
        """Close all connections; the client cannot be used after that."""
        await self._transport.close()

    async def __aenter__(self) -> AsyncKindeClient:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def _call(self, endpoint: Endpoint, arguments: dict[str, Any]) -> Any:
        return await self._send(endpoint.request(arguments))

    def _walk(self, endpoint: Endpoint, arguments: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        pages = Paginator(endpoint, arguments)
        # Built here, so that wrong arguments fail at the call and not at the first item.
        endpoint.request(pages.arguments)
        return self._items(endpoint, pages)

    async def _items(self, endpoint: Endpoint, pages: Paginator) -> AsyncIterator[dict[str, Any]]:
        while pages.more:
            try:
                page = await self._call(endpoint, pages.arguments)
            except KindeError as error:
                if not pages.shrink(error):
                    raise
                continue
            for item in pages.take(page):
                yield item

    async def _send(self, request: Request) -> Any:
        attempts = RequestAttempts(request, self._settings, self.counts, self._tokens)
        retrying = AsyncRetrying(sleep=self._sleep, **RetryPolicy(self._settings).strategies())
        try:
            return await retrying(self._attempt, attempts)
        except (AttemptFailed, KindeError) as failed:
            raise attempts.final_error(failed) from None

    async def _attempt(self, attempts: RequestAttempts) -> Any:
        while True:
            token = await self._token()
            ticket, response = await self._queue.acquire(), None
            try:
                response = await self._transmit(attempts, token)
            finally:
                self._queue.release(ticket, response)
            if not attempts.renew_token(response, token):
                return attempts.interpret(response)

    async def _transmit(self, attempts: RequestAttempts, token: Token) -> Response:
        try:
            response = await self._transport.send(attempts.request, token)
        except TransportError as reason:
            raise attempts.without_response(reason) from None
        attempts.count()
        return response

    async def _token(self) -> Token:
        token = self._tokens.peek()
        if not token:
            async with self._token_lock:
                token = self._tokens.peek()
                if not token:
                    # In a thread: it waits for file locks. If this task is cancelled, the thread ends by itself.
                    token = await asyncio.to_thread(self._tokens.get)
        if self._on_token and token.value != self._known_token:
            masked = self._on_token(token.value)
            if inspect.isawaitable(masked):
                await masked
            self._known_token = token.value
        return token
