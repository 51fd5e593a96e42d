from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kinde_emulator import Emulator, Settings
from tests.probe.probed_tenant import fill


@pytest.fixture(scope="module")
def shared() -> Iterator[Emulator]:
    """One emulator for the tests that set all that they rely on."""
    with Emulator() as kinde:
        fill(kinde)
        yield kinde


@pytest.fixture
def start() -> Iterator[Callable[..., Emulator]]:
    running: list[Emulator] = []

    def begin(**settings: Any) -> Emulator:
        running.append(Emulator(Settings().changed(settings)).start())
        return fill(running[-1])

    yield begin
    for kinde in running:
        kinde.stop()


@pytest.fixture
def kinde(start: Callable[..., Emulator]) -> Emulator:
    return start()
