"""``python -m airflow_provider_kinde``."""

from __future__ import annotations

import sys

from airflow_provider_kinde.cli.main import main

sys.exit(main(sys.argv[1:]))
