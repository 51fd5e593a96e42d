"""A stage and a local Kinde for each test; who makes one Airflow suffer several times shares them in its module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.local_kinde import LocalKinde
from demo.stage import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "stage")


@pytest.fixture
def kinde(stage: Stage) -> Iterator[LocalKinde]:
    with stage.kinde() as running:
        yield running
