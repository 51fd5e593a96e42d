from __future__ import annotations

from tests.support.operator_runs import database, kinde, run

__all__ = ["database", "kinde", "run"]
