"""The sync client of Kinde's Management API."""

from __future__ import annotations

import dataclasses
import functools
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from airflow_provider_kinde.client.attempt import RequestAttempts, fetch_token
from airflow_provider_kinde.client.base_client import BaseClient
from airflow_provider_kinde.client.endpoints.base import Endpoint, Request, plain_request
from airflow_provider_kinde.client.endpoints.catalog import EndpointMethods, find_endpoint
from airflow_provider_kinde.client.limiter import Limiter
from airflow_provider_kinde.client.limiter_queue import ThreadQueue
from airflow_provider_kinde.client.pagination import Paginator
from airflow_provider_kinde.client.responses import Response
from airflow_provider_kinde.client.settings import Settings
from airflow_provider_kinde.client.token_cache import make_cache
from airflow_provider_kinde.client.tokens import Token, Tokens
from airflow_provider_kinde.client.transport import Transport
from airflow_provider_kinde.exceptions import KindeError, KindeStoppedError


class KindeClient(BaseClient, EndpointMethods[Any, Iterator[dict[str, Any]]]):
    """Kinde's Management API for one environment. Cheap to make: nothing is sent before the first call.

    May be used by many threads at once, and as a context manager.

    :param domain: the Kinde domain, ``acme.kinde.com``; or ``Settings``, which hold everything.
    :param client_id: client ID of a machine-to-machine application.
    :param client_secret: its secret.
    :param on_token: called with every token before it is used, to mask it in logs.
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
        **options: Any,
    ) -> None:
        settings = domain if isinstance(domain, Settings) else Settings(domain, client_id, client_secret, **options)
        self._stop = threading.Event()
        self._sleep = settings.sleep
        settings = dataclasses.replace(settings, sleep=self._wait)
        super().__init__(settings)
        self._on_token = on_token
        self._known_token = ""
        limiter = Limiter(settings.max_concurrency, settings.requests_per_minute)
        self._queue = ThreadQueue(limiter, settings.clock, settings.retry_time, settings.sleep, self._stop.is_set)
        self._transport = Transport(settings)
        self.on_response: Callable[[Request, Response], Any] | None = None
        """For diagnosis: called with every response as it came; those of the token endpoint hold a token."""
        fetch = functools.partial(fetch_token, settings, self.counts, self._transmit)
        self._tokens = Tokens(settings.credentials, fetch, make_cache(settings), settings.wall)

    @property
    def throttled_seconds(self) -> float:
        """Seconds for which Kinde's rate limit let no request of this client start."""
        return self._queue.limiter.pause.total

    def granted_scopes(self, renew: bool = False) -> frozenset[str]:
        """Return the scopes that the token carries; empty when Kinde does not say.

        :param renew: request a new token first: a shared one may be older than the scopes of the application.
        """
        if renew and (token := self._tokens.peek()):
            self._tokens.refuse(token)
        return frozenset(self._tokens.get().scope.split())

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
        """Call an endpoint by name; unlike ``search_users``, this returns one page of a search.

        :param name: the name of the endpoint's method, a key of ``ENDPOINTS``.
        :param args: as of the method.
        :param kwargs: as of the method.
        :returns: decoded JSON, or ``None`` for an empty body.
        :raises ValueError: there is no such endpoint.
        """
        endpoint = find_endpoint(name)
        return self._call(endpoint, endpoint.bind(args, kwargs))

    def close(self) -> None:
        """Close all connections; a later call opens new ones."""
        self._transport.close()

    def stop(self) -> None:
        """Begin no more requests: those under way end, every other one fails at once. Never waits."""
        self._stop.set()

    @property
    def stopped(self) -> bool:
        """Whether :meth:`stop` was called."""
        return self._stop.is_set()

    def _wait(self, seconds: float) -> None:
        """Wait between two tries, or for the limiter; not longer than until the client is stopped."""
        if self._sleep is time.sleep:
            self._stop.wait(seconds)
        else:
            self._sleep(seconds)
        self._check_running()

    def _check_running(self) -> None:
        if self.stopped:
            raise KindeStoppedError("not sent: the client was stopped")

    def __enter__(self) -> KindeClient:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _call(self, endpoint: Endpoint, arguments: dict[str, Any]) -> Any:
        return self._send(endpoint.request(arguments))

    def _walk(self, endpoint: Endpoint, arguments: dict[str, Any]) -> Iterator[dict[str, Any]]:
        pages = Paginator(endpoint, arguments)
        # Built here, so that wrong arguments fail at the call and not at the first item.
        endpoint.request(pages.arguments)
        return self._items(endpoint, pages)

    def _items(self, endpoint: Endpoint, pages: Paginator) -> Iterator[dict[str, Any]]:
        while pages.more:
            try:
                page = self._call(endpoint, pages.arguments)
            except KindeError as error:
                if not pages.shrink(error):
                    raise
                continue
            yield from pages.take(page)

    def _send(self, request: Request) -> Any:
        attempts = RequestAttempts(request, self._settings, self.counts, self._tokens)
        return attempts.run(lambda: self._attempt(attempts))

    def _attempt(self, attempts: RequestAttempts) -> Any:
        while True:
            token = self._token()
            ticket, response = self._queue.acquire(), None
            try:
                self._check_running()
                response = attempts.send(self._transmit, token)
            finally:
                self._queue.release(ticket, response)
            if not attempts.renew_token(response, token):
                return attempts.interpret(response)

    def _transmit(self, request: Request, token: Token | None) -> Response:
        response = self._transport.send(request, token)
        if self.on_response:
            self.on_response(request, response)
        return response

    def _token(self) -> Token:
        token = self._tokens.get()
        if self._on_token and token.value != self._known_token:
            self._on_token(token.value)
            self._known_token = token.value
        return token
