"""A real Airflow and a local Kinde, each in processes of their own, for the whole module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from demo.local_airflow import LocalAirflow
from demo.local_kinde import LocalKinde
from demo.stage import DAG_ID, DAGS, Stage


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stage(tmp_path_factory.mktemp("e2e") / "stage")


@pytest.fixture(scope="session")
def kinde(stage: Stage) -> Iterator[LocalKinde]:
    with stage.kinde() as running:
        yield running


@pytest.fixture(scope="session")
def airflow(stage: Stage, kinde: LocalKinde) -> Iterator[LocalAirflow]:
    with LocalAirflow(stage.home, DAGS, stage.env(kinde)) as running:
        running.unpause(DAG_ID)
        yield running
