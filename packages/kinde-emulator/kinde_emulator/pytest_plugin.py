"""The fixture ``kinde_emulator``: an empty local Kinde for one test.

pytest loads this module in every run: the emulator itself is imported only when a test uses the fixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from kinde_emulator import Emulator


@pytest.fixture
def kinde_emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """A local Kinde over HTTP with an empty tenant, stopped after the test.

    A mark sets how it behaves: ``@pytest.mark.kinde_emulator(patch_roles="merge", rate_limit=60)``.

    :param request: pytest's request, with the mark of the test.
    """
    from kinde_emulator.emulator import Emulator
    from kinde_emulator.settings import Settings

    marks = list(request.node.iter_markers("kinde_emulator"))
    changes = {name: value for mark in reversed(marks) for name, value in mark.kwargs.items()}
    with Emulator(Settings().changed(changes)) as emulator:
        yield emulator


def pytest_configure(config: pytest.Config) -> None:
    """Makes the mark known.

    :param config: pytest's configuration.
    """
    config.addinivalue_line("markers", "kinde_emulator(**settings): settings of the fixture kinde_emulator")
