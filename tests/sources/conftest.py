from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.hr_server import HrServer


@pytest.fixture
def server() -> Iterator[HrServer]:
    with HrServer() as running:
        yield running
