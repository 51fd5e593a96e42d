from __future__ import annotations

from tests.support.airflow_fixtures import database
from tests.support.operator_runs import kinde, run

__all__ = ["database", "kinde", "run"]
