"""The pages that a hurried reader opens, with the data that breaks pages: nothing runs off the side, axe finds nothing.

Screenshots go to ``KINDE_SCREENSHOTS``, or to pytest's temporary folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kinde.sync.changes import Change
from airflow_provider_kinde.sync.report.page import file_page
from airflow_provider_kinde.sync.report.plan_file import PlanFile
from airflow_provider_kinde.sync.store.changes import ChangeList
from tests.support.browser import findings

PHONE = {"width": 390, "height": 844}
LONG = "Wolfeschlegelsteinhausenbergerdorffwelchevoralternwarengewissenhaftschaferswessenschafewarenwohlgepflege"
NAMES = (
    "Ann Lee <ann@example.com>",
    f"{LONG} {LONG} <{LONG[:60]}@{'sub.' * 20}example.com>",
    "\u0645\u062d\u0645\u062f \u0639\u0644\u064a <m.ali@example.com>",
    "\u05d3\u05d5\u05d3 \u05db\u05d4\u05df <david@example.com>",
    "\u738b\u5c0f\u660e <wang@example.com>",
    "",
)
GUARDS = (
    ("max_leavers", "people would lose access"),
    ("max_joiners", "people would get a new account"),
    ("max_row_drop", "people with access have no HR row"),
    ("max_membership_removals", "people would leave 'engineering-europe-middle-east-and-africa'"),
    ("max_membership_grants", "people who were in a managed organization already would join 'sales'"),
    ("max_role_removals", "people would lose role 'administrator'"),
    ("max_role_grants", "people who had access already would be given role 'administrator'"),
    ("max_email_changes", "e-mail addresses would change"),
    ("max_rejected_rows", "rows are rejected"),
    ("max_held", "people are held"),
)
HEAD = {
    "spec": "acme-hr", "host": "acme.kinde.com", "hash": "ab" * 32, "created_at": "2026-11-27T06:00:00Z",
    "outcome": "changes", "summary": {"unchanged": 170}, "managed": 200,
    "run": {"seconds": 3.1, "dag_id": "kinde_hr_sync", "run_id": "scheduled__2026-11-27T06:00:00+00:00"},
}  # fmt: skip


def check(number: int, exceeded: bool) -> dict[str, Any]:
    guard, what = GUARDS[number]
    count, allowed = (30 + number, 20) if exceeded else (number, 20)
    return {"guard": guard, "limit": "10%", "count": count, "base": 200, "allowed": allowed, "exceeded": exceeded,
            "what": what}  # fmt: skip


def leavers(count: int) -> Iterator[Change]:
    for number in range(count):
        yield Change(
            "suspend", f"E{number:05}", before={"suspended": False}, after={"suspended": True},
            who=NAMES[number % len(NAMES)], reason="status is Terminated", organizations=("finance", "sales"),
        )  # fmt: skip
        if number % 3 == 0:
            yield Change("remove_role", f"E{number:05}", alias="finance", role="approver", who=NAMES[number % 6])
        if number % 4 == 0:
            email = {"email": f"{number}@{'sub.' * 25}example.com"}
            yield Change(
                "rename", f"R{number:05}", before={"email": "a@example.com"}, after=email, who=NAMES[number % 6]
            )


def held(count: int) -> list[dict[str, Any]]:
    reasons = (
        "suspended in Kinde by someone else, while HR says active",
        "shares its e-mail address with {other} (row 7): one address cannot be two accounts",
        f"the address is on the account of {LONG}, who has access",
    )
    return [
        {"id": f"H{number:05}", "who": NAMES[number % len(NAMES)],
         "reason": reasons[number % 3].format(other=f"H{number + 1:05}")}
        for number in range(count)
    ]  # fmt: skip


def rejected(count: int) -> list[dict[str, Any]]:
    reason = "email is not an e-mail address: its domain holds no dot"
    return [
        {"row": n, "id": f"J{n}" if n % 2 else None, "who": NAMES[n % 6], "reason": reason} for n in range(2, count)
    ]


def empty() -> PlanFile:
    return made({"outcome": "no changes"})


def blocked_by_ten_guards() -> PlanFile:
    guards = [check(number, True) for number in range(len(GUARDS))]
    blocked = [
        {"reason": f"{one['guard']} (10%): {one['count']} {one['what']}. The limit without approval is 20 (10 %)",
         "approvable": True}
        for one in guards
    ]  # fmt: skip
    return made({"outcome": "blocked", "blocked": blocked, "guards": guards, "held": held(9), "rejected": rejected(5)},
                leavers(40))  # fmt: skip


def blocked_source() -> PlanFile:
    reason = f"/data/exports/{LONG}.csv is empty: it has a header only, and no rows. Nobody's access was removed"
    return made({"outcome": "blocked", "blocked": [{"reason": reason, "approvable": False}], "managed": 0,
                 "summary": {"unchanged": 0}})  # fmt: skip


def only_holds() -> PlanFile:
    unmanaged = [{"id": "E7", "who": NAMES[1], "account": "kp_" + "0123456789abcdef" * 2, "api_keys": 2}]
    return made({"outcome": "no changes", "held": held(12), "rejected": rejected(20), "unmanaged_leavers": unmanaged,
                 "guards": [check(number, False) for number in range(len(GUARDS))]})  # fmt: skip


def ten_thousand() -> PlanFile:
    return made({"held": held(10_000), "rejected": rejected(2_000)}, leavers(10_000))


def failed_report() -> PlanFile:
    def changes() -> Iterator[Change]:
        for change in leavers(20):
            change.outcome = "failed" if change.id.endswith("3") else "done"
            change.error = (
                "PATCH /api/v1/user: it cannot be changed (HTTP 400, NO)" if change.outcome == "failed" else ""
            )
            yield change

    since = [{"text": f"no longer stands: suspend E{number:05}", "who": NAMES[number]} for number in range(3)]
    return made({"outcome": "failed", "outcomes": {"done": 20, "failed": 2, "skipped": 0}, "changed_since_plan": since,
                 "requests": {"total": 3, "read": 1, "write": 2}}, changes())  # fmt: skip


def made(changes: dict[str, Any], operations: Iterator[Change] | None = None) -> PlanFile:
    return PlanFile({**HEAD, **changes}, ChangeList(operations or ()), None)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(os.environ.get("KINDE_SCREENSHOTS") or tmp_path_factory.mktemp("shots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_the_old_name_stands_before_the_new_one_in_each_writing_direction(chromium: Any, tmp_path: Path) -> None:
    def changes() -> Iterator[Change]:
        for number, (old, new) in enumerate((("Lee", "Poe"), ("\u0639\u0644\u064a", "\u062d\u0633\u0646"))):
            yield Change("update", f"E{number}", before={"family_name": old}, after={"family_name": new}, who=old)

    path = tmp_path / "page.html"
    path.write_text("".join(file_page(made({}, changes()))), encoding="utf-8")
    page = chromium.new_page()
    page.goto(path.as_uri())
    for number in range(2):
        old, arrow, new = (
            page.locator(f"tr[data-find] {tag}").nth(number).bounding_box()["x"] for tag in ("del", ".v i", "ins")
        )
        assert old < arrow < new
    page.close()


def test_the_search_finds_held_people_and_rejected_rows(chromium: Any, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("".join(file_page(only_holds())), encoding="utf-8")
    page = chromium.new_page()
    page.goto(path.as_uri())
    page.locator("#find").fill("H00003")
    page.get_by_text("1 of the listed people, organizations and rows fits.").wait_for()
    assert page.locator("li[data-find]:visible").count() == 1
    page.close()


PAGES: list[Callable[[], PlanFile]] = [
    empty, blocked_by_ten_guards, blocked_source, only_holds, failed_report, ten_thousand,
]  # fmt: skip


@pytest.mark.parametrize("made", PAGES, ids=lambda made: made.__name__)
def test_a_report_page_is_read_on_a_telephone_and_in_the_dark(
    chromium: Any, axe: str, tmp_path: Path, shots: Path, made: Callable[[], PlanFile]
) -> None:
    path = tmp_path / "page.html"
    path.write_text("".join(file_page(made())), encoding="utf-8")
    for scheme, size in (("light", PHONE), ("dark", {"width": 1100, "height": 900})):
        page = chromium.new_page(viewport=size, color_scheme=scheme)
        page.goto(path.as_uri())
        page.screenshot(path=str(shots / f"{made.__name__}-{scheme}.png"), full_page=made is not ten_thousand)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        if made is not ten_thousand:  # axe takes a minute for it, and the markup is that of the others
            assert findings(page, axe) == []
        page.close()
