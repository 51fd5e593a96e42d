"""The page of the emulator's operations says what its routes say."""

from __future__ import annotations

import re

from airflow_provider_kinde.client.endpoints.catalog import ENDPOINTS
from kinde_emulator.server.documented import OPERATIONS
from scripts.emulator_coverage import PAGE, page


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m scripts.emulator_coverage"


def test_every_operation_of_the_client_is_one_of_the_emulator() -> None:
    assert {f"{each.method} {each.path}" for each in OPERATIONS} == {each.call for each in ENDPOINTS.values()}


def test_every_operation_has_one_row() -> None:
    rows = re.findall(r"^\| `\w+` \| `(\w+ \S+)` \| (yes|501) \|$", page(), re.M)
    assert len(rows) == len(OPERATIONS) == len({call for call, _ in rows})
