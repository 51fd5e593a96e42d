from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "operators"))

from kinde_stage import database, kinde, run

__all__ = ["database", "kinde", "run"]
