from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from emulator_api import Api

from kinde_emulator import Emulator, Settings

ROLES = ["engineer", "owner", "viewer"]


@pytest.fixture
def start() -> Iterator[Callable[..., Api]]:
    """Starts an emulator with settings; gives a client of it."""
    running: list[Emulator] = []

    def begin(data: Any = None, **settings: Any) -> Api:
        running.append(Emulator(Settings(**settings), data=data).start())
        return Api(running[-1])

    yield begin
    for emulator in running:
        emulator.stop()


@pytest.fixture
def api(start: Callable[..., Api]) -> Api:
    return start()


@pytest.fixture
def org(api: Api) -> str:
    """An organization, beside the default one, with roles known."""
    return api.kinde.seed({"organizations": [{"name": "IT"}], "roles": ROLES})["organizations"]["IT"]
