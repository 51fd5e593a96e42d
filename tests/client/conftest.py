from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.loopback import Blocking, Clock, Server, make_client


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sync", "async"])
def connect(request: pytest.FixtureRequest, server: Server, clock: Clock) -> Iterator[Callable[..., Any]]:
    """Makes clients: each test runs with the sync one and with the async one."""
    made: list[Any] = []

    def connect(**options: Any) -> Any:
        made.append(make_client(request.param, server, clock, **options))
        return made[-1]

    yield connect
    for client in made:
        client.stop() if isinstance(client, Blocking) else client.close()


@pytest.fixture
def client(connect: Callable[..., Any]) -> Any:
    return connect()
