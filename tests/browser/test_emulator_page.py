"""The emulator's page in a real browser: searched while typing, live, and usable with a thousand people."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kinde_emulator import Emulator
from tests.support.browser import findings

PEOPLE = 1_000


@pytest.fixture(scope="module")
def kinde() -> Iterator[Emulator]:
    with Emulator() as emulator:
        organizations = [f"Team {number}" for number in range(10)]
        users = [
            {
                "email": f"ann{number}@example.com", "first_name": "Ann", "last_name": f"Lee {number}",
                "provided_id": f"E{number:04}", "is_suspended": number % 9 == 0,
                "memberships": {organizations[number % 10]: ["engineer"] if number % 2 else []},
            }
            for number in range(PEOPLE)
        ]  # fmt: skip
        emulator.seed({"organizations": organizations, "roles": ["engineer", "owner"], "users": users})
        yield emulator


def request(kinde: Emulator, path: str) -> None:
    """One request to the local Kinde, with a token."""
    import requests

    form = {
        "grant_type": "client_credentials", "client_id": kinde.client_id, "client_secret": kinde.client_secret,
        "audience": f"{kinde.url}/api",
    }  # fmt: skip
    token = requests.post(f"{kinde.url}/oauth2/token", data=form, timeout=10).json()["access_token"]
    requests.get(f"{kinde.url}{path}", headers={"Authorization": f"Bearer {token}"}, timeout=10)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(chromium: Any, axe: str, kinde: Emulator, scheme: str) -> None:
    page = chromium.new_page(color_scheme=scheme, viewport={"width": 1200, "height": 2200})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    request(kinde, "/api/v1/users")
    page.goto(kinde.url)
    page.get_by_text("Switches: how Kinde behaves").click()
    page.get_by_text("/api/v1/users").first.wait_for()
    assert findings(page, axe) == []
    assert complaints == []
    if os.environ.get("KINDE_SCREENSHOTS"):
        page.screenshot(path=str(Path(os.environ["KINDE_SCREENSHOTS"]) / f"emulator-{scheme}.png"))
    page.close()


def test_people_are_found_while_typing_and_requests_come_by_themselves(chromium: Any, kinde: Emulator) -> None:
    page = chromium.new_page()
    page.goto(kinde.url)
    page.get_by_label("Find a person or an organization").press_sequentially("ann777@")
    api = pytest.importorskip("playwright.sync_api")
    api.expect(page.locator("#people tbody tr")).to_have_count(1, timeout=15_000)
    assert "ann777@example.com" in page.locator("#people").inner_text()
    assert page.url.endswith("?q=ann777%40")
    request(kinde, "/api/v1/roles?page_size=7")
    page.locator("#requests").get_by_text("page_size=7").wait_for()
    page.get_by_label("Path or body contains").fill("nothing like it")
    page.locator("#requests").get_by_text("None like that.").wait_for()
    page.close()


def test_a_fault_and_a_switch_by_hand(chromium: Any, kinde: Emulator) -> None:
    page = chromium.new_page()
    page.goto(kinde.url)
    page.get_by_label("Path contains").fill("/api/v1/roles")
    page.get_by_label("The request").select_option("503")
    page.get_by_role("button", name="Add the fault").click()
    page.get_by_text("any method /api/v1/roles: 503; 1 more, hit 0").wait_for()
    request(kinde, "/api/v1/roles")
    page.get_by_text("No fault waits.").wait_for()
    page.get_by_text("Switches: how Kinde behaves").click()
    page.get_by_label("Find a switch").fill("patch_roles")
    assert page.locator("#switches label:visible").count() == 1
    page.locator("select[name=patch_roles]").select_option("merge")
    page.get_by_text("patch_roles is merge now.").wait_for()
    assert kinde.settings.patch_roles == "merge"
    page.close()
