"""Access reviews: the lists, the decisions that come back, and the removals."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_kinde.operators.reviews import KindeAccessReviewOperator
from airflow_provider_kinde.operators.sync import KindeSyncOperator
from airflow_provider_kinde.storage.history import History
from airflow_provider_kinde.storage.history_reader import heads
from kinde_emulator import Emulator
from tests.operators.sync.test_cancellation import context
from tests.support.company import Company, writes

Rows = list[dict[str, str]]
HAND = "mail-8@example.com"
"""One of four people of HR who were given the role auditor by hand."""


@pytest.fixture
def synced(database: None, company: Company, kinde: Emulator, storage_path: Path) -> Company:
    """Everybody is in Kinde; one more role and an unmanaged account are there by hand."""
    KindeSyncOperator(task_id="sync", spec=str(company.spec)).execute(context())
    outsider = {"email": "guest@example.com", "memberships": {"IT": ["engineer"]}}
    auditors = [{"email": f"mail-{n}@example.com", "memberships": {"HR": ["auditor"]}} for n in (4, 6, 8, 10)]
    kinde.seed({"roles": ["auditor"], "users": [outsider, *auditors]})
    return company


class Review:
    """One review: its lists, and what comes back."""

    def __init__(self, company: Company, folder: Path) -> None:
        self.company, self.folder = company, folder
        self.found = KindeAccessReviewOperator(task_id="list", spec=str(company.spec)).execute(context())

    def rows(self, alias: str) -> Rows:
        rows = list(csv.DictReader(io.StringIO(Path(self.found["lists"][alias]).read_text(encoding="utf-8"))))
        return [{**row, "decision": "keep"} for row in rows]

    def decide(self, rows: Rows | str, **arguments: Any) -> dict[str, Any]:
        path = self.folder / "decided.csv"
        if isinstance(rows, str):
            path.write_text(rows, encoding="utf-8")
        else:
            out = io.StringIO()
            writer = csv.DictWriter(out, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
            path.write_text(out.getvalue(), encoding="utf-8")
        operator = KindeAccessReviewOperator(
            task_id="remove",
            spec=str(self.company.spec),
            decisions=str(path),
            review_path=self.found["path"],
            **arguments,
        )
        return operator.execute(context())

    def results(self, found: dict[str, Any]) -> dict[str, tuple[str, str]]:
        rows = csv.DictReader(io.StringIO(Path(found["decisions_path"]).read_text(encoding="utf-8")))
        return {row["email"]: (row["result"], row["reason"]) for row in rows}


@pytest.fixture
def review(synced: Company, tmp_path: Path) -> Review:
    return Review(synced, tmp_path)


def memberships(kinde: Emulator, email: str) -> dict[str, list[str]]:
    names = {item["code"]: item["name"] for item in kinde.state()["organizations"]}
    user = next(user for user in kinde.state()["users"] if user["email"] == email)
    found = {names[code]: roles for code, roles in user["memberships"].items()}
    return {name: roles for name, roles in found.items() if name in ("IT", "HR")}


def test_the_list_says_who_has_access_and_why(review: Review, kinde: Emulator) -> None:
    before = writes(kinde)
    rows = {row["email"]: row for row in review.rows("it")}
    assert len(rows) == 7
    assert rows["mail-3@example.com"]["id"] == "E3"
    assert rows["mail-3@example.com"]["roles"] == "engineer"
    assert rows["mail-3@example.com"]["given_by"].startswith("rule in line ")
    assert rows["guest@example.com"]["given_by"] == "no rule: the sync does not manage this account"
    by_hand = next(row for row in review.rows("hr") if row["email"] == HAND)
    assert by_hand["given_by"].endswith("auditor: no rule: given by hand")
    assert (review.found["memberships"], writes(kinde)) == (13, before)


def test_the_list_says_since_when_and_by_what_where_the_history_knows(review: Review, kinde: Emulator) -> None:
    today = datetime.now(timezone.utc).date().isoformat()
    row = next(row for row in review.rows("it") if row["email"] == "mail-3@example.com")
    assert row["since"] == today
    assert row["since_by"].startswith("rule in line ")
    assert row["since_by"].endswith("(entry 1)")
    by_hand = next(row for row in review.rows("hr") if row["email"] == HAND)
    assert by_hand["since"] == f"{today}; auditor: after the last run"
    assert next(row for row in review.rows("it") if row["email"] == "guest@example.com")["since"] == ""
    KindeSyncOperator(task_id="sync", spec=str(review.company.spec)).execute(context())
    by_hand = next(row for row in Review(review.company, review.folder).rows("hr") if row["email"] == HAND)
    assert by_hand["since_by"].endswith("; auditor: given without a run of this sync (entry 2)")


def test_a_history_that_cannot_be_read_leaves_the_columns_blank(
    synced: Company, tmp_path: Path, storage_path: Path, said: Callable[[], str]
) -> None:
    for entry in (storage_path / "small-hr" / "history").glob("*.jsonl"):
        entry.write_text('{"number": 1, "previous": ""}\n[1, 2]\n', encoding="utf-8")
    rows = Review(synced, tmp_path).rows("it")
    assert {row["since"] for row in rows} == {""}
    assert "since and since_by are blank" in said()


def test_a_review_has_its_own_name_in_the_history(review: Review, storage_path: Path) -> None:
    review.decide([{**row, "decision": "remove auditor"} if row["email"] == HAND else row for row in review.rows("hr")])
    commands = [head["command"] for head in heads(History(str(storage_path), "small-hr"))]
    assert commands == ["apply", "review"]


def test_what_no_rule_gives_is_removed_and_the_rest_is_named(review: Review, kinde: Emulator) -> None:
    def decide(row: dict[str, str]) -> dict[str, str]:
        wanted = {HAND: "Remove Auditor", "mail-2@example.com": "remove"}
        return {**row, "decision": wanted.get(row["email"], "keep")}

    rows = [decide(row) for row in review.rows("hr")]
    planned = review.decide(rows, plan_only="true")
    assert (planned["decisions"]["planned"], planned["summary"]["remove_role"]) == (1, 1)
    assert memberships(kinde, HAND) == {"HR": ["auditor"]}
    found = review.decide(rows)
    assert found["decisions"] == {
        "kept": 4, "planned": 1, "rule": 1, "changed": 0, "held": 0, "unmanaged": 0, "already": 0
    }  # fmt: skip
    assert memberships(kinde, HAND) == {"HR": []}
    result, reason = review.results(found)["mail-2@example.com"]
    assert (result, memberships(kinde, "mail-2@example.com")) == ("rule", {"HR": []})
    assert "change the rule, or HR" in reason
    # The next sync gives nothing back.
    KindeSyncOperator(task_id="sync", spec=str(review.company.spec)).execute(context())
    assert memberships(kinde, HAND) == {"HR": []}
    assert review.decide(rows)["decisions"]["already"] == 1


def test_unmanaged_accounts_and_access_that_changed_since_are_left(review: Review, kinde: Emulator) -> None:
    rows = [
        {**row, "decision": "remove"} if row["email"] in (HAND, "guest@example.com") else row
        for row in review.rows("it")
    ]
    found = review.decide(rows)
    assert review.results(found)["guest@example.com"] == (
        "unmanaged",
        "the sync does not manage this account: remove it in Kinde",
    )
    rows = [{**row, "decision": "remove auditor"} if row["email"] == HAND else row for row in review.rows("hr")]
    kinde.seed({"roles": ["payroll"], "users": [{"email": HAND, "memberships": {"HR": ["auditor", "payroll"]}}]})
    found = review.decide(rows)
    assert review.results(found)[HAND][0] == "changed"
    assert "decide again on a new list" in review.results(found)[HAND][1]
    assert memberships(kinde, HAND) == {"HR": ["auditor", "payroll"]}


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda rows: rows[: len(rows) // 2], "hr: 3 of 6 rows without a decision that can be read"),
        (lambda rows: [*rows[:-1], {**rows[-1], "access_id": "a-1"}], "row 6: access_id 'a-1' is not in the list"),
        (lambda rows: [*rows[:-1], {**rows[-1], "roles": "owner"}], "row 6: roles was changed: the list says"),
        (lambda rows: [*rows[:-1], {**rows[-1], "email": rows[0]["email"]}], "row 6: email was changed"),
        (lambda rows: [*rows, rows[0]], "row 7: this access_id was decided on in an earlier row"),
        (lambda rows: [*rows[:-1], {**rows[-1], "decision": ""}], "row 6: there is no decision: keep, remove, or"),
        (lambda rows: [*rows[:-1], {**rows[-1], "decision": "delete"}], "row 6: the decision is 'delete'"),
        (lambda rows: [*rows[:-1], {**rows[-1], "decision": "remove boss"}], "row 6: the list has no role boss here"),
        (lambda rows: "name\nAda\n", "lacks the columns access_id, organization"),
        (lambda rows: "[1]", "a list of objects is expected"),
        (lambda rows: "", "lacks the columns"),
    ],
)  # fmt: skip
def test_decisions_with_mistakes_change_nothing(
    review: Review, kinde: Emulator, edit: Callable[[Rows], Any], message: str
) -> None:
    before = writes(kinde)
    with pytest.raises(AirflowFailException, match=message):
        review.decide(edit(review.rows("hr")))
    assert writes(kinde) == before


def test_a_list_that_was_edited_or_is_missing_is_refused(review: Review, kinde: Emulator) -> None:
    rows = review.rows("hr")
    path = Path(review.found["path"])
    content = json.loads(path.read_text(encoding="utf-8"))
    content["operations"][0]["roles"] = "owner"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(AirflowFailException, match="the access list was changed: its signature does not match"):
        review.decide(rows)
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(AirflowFailException, match=r"this is no review\.json"):
        review.decide(rows)
    path.unlink()
    with pytest.raises(AirflowFailException, match="there is no file"):
        review.decide(rows)


def test_removals_pass_the_guards_and_protection(review: Review, kinde: Emulator) -> None:
    everybody = [{"email": row["email"], "memberships": {"HR": ["auditor"]}} for row in review.rows("hr")]
    kinde.seed({"users": everybody})
    text = review.company.spec.read_text(encoding="utf-8")
    review.company.spec.write_text(
        f"{text}guards: {{max_role_removals: 1, floor: 1}}\nprotect: {{roles: [owner]}}\n", encoding="utf-8"
    )
    again = Review(review.company, review.folder)
    rows = [{**row, "decision": "remove auditor"} for row in again.rows("hr")]
    before = writes(kinde)
    with pytest.raises(AirflowFailException, match="blocked, nothing was written"):
        again.decide(rows)
    assert writes(kinde) == before
    kinde.seed({"users": [{"email": HAND, "memberships": {"HR": ["owner"]}}]})
    protected = Review(review.company, review.folder)
    one = [{**row, "decision": "remove owner"} if row["email"] == HAND else row for row in protected.rows("hr")]
    with pytest.raises(AirflowFailException, match="approve_protected"):
        protected.decide(one)
    assert memberships(kinde, HAND) == {"HR": ["owner"]}
    protected.decide(one, approve_protected="E8")
    assert memberships(kinde, HAND) == {"HR": []}
