"""What an approver reads."""

from __future__ import annotations

import re
from typing import Any

from airflow_provider_kinde.sync.report.approval_text import approval_text
from airflow_provider_kinde.sync.report.plan_file import PlanFile

HASH = "ab" * 32
LEAVERS = {"guard": "max_leavers", "limit": "10%", "count": 30, "base": 205, "allowed": 20, "exceeded": True}
GUARDS = [
    {**LEAVERS, "what": "people would lose access"},
    {**LEAVERS, "guard": "max_row_drop", "count": 1, "exceeded": False, "what": "people with access have no HR row"},
]
REASON = "max_leavers (10%): 30 people would lose access. The limit without approval is 20 (10 % of 205)"


def plan(operations: list[dict[str, Any]], **changes: Any) -> PlanFile:
    values = {"spec": "acme-hr", "host": "acme.kinde.com", "hash": HASH, "outcome": "changes", "summary": {}}
    return PlanFile.of({**values, "operations": operations, "guards": GUARDS, **changes})


def leaver(id: str, **changes: Any) -> dict[str, Any]:
    values = {"id": id, "kind": "suspend", "alias": None, "role": None, "before": None, "after": None}
    return {**values, "who": f"Ann {id} <ann-{id}@x.com>", **changes}


def shown(markdown: str) -> str:
    """The text as Markdown shows it: backslashes before punctuation are gone."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown)


def test_the_subject_names_value_and_limit_and_the_text_groups_people() -> None:
    operations = [leaver(f"E{number:02}", reason="status is Left", organizations=["it"]) for number in range(25)]
    operations += [leaver(f"F{number:02}", reason="absent", organizations=["hr"]) for number in range(5)]
    operations += [
        leaver("M1", kind="remove_role", role="engineer", alias="it"),
        leaver("M1", kind="remove_role", role="lead", alias="it"),
        leaver("M1", kind="add_role", role="seller", alias="sales"),
    ]
    blocked = [{"reason": REASON, "approvable": True}]
    asked = approval_text(
        plan(operations, blocked=blocked), [REASON], "/kinde/plan.json", page="https://a.b/kinde/run?c=d"
    )
    assert asked.subject == "acme-hr: 30 people would lose access, limit 20"
    body = shown(asked.body)
    assert body.startswith(
        "**30 people would lose access, 1 would change; blocked: 30 leavers, the limit without approval is 20.**"
    )
    assert "[Look at the whole plan](https://a.b/kinde/run?c=d)" in asked.body
    assert f"- {REASON}" in body
    assert "| Lose access | 30 |" in body
    assert "| people would lose access (max_leavers) | 30 | 20 | 205 | **over the limit** |" in body
    assert "| people with access have no HR row (max_row_drop) | 1 | 20 | 205 |  |" in body
    assert "**30 people: Lose access**\n\n- 25 it: status is Left\n  - E00\n" in body
    assert body.index("- 25 it: status is Left") < body.index("- 5 hr: absent")
    assert "  - E19\n  - and 5 more" in body
    assert "**1 person: Lose a role**" in body
    assert "  - M1: engineer in it, lead in it" in body
    assert "seller" not in body
    assert f"`{HASH}`" in body
    assert "/kinde/plan.json" in body


def test_names_only_where_they_are_wanted() -> None:
    operations = [leaver("E1")]
    assert "Ann" not in approval_text(plan(operations), [], "p").body
    assert "- E1 Ann E1 <ann-E1@x.com>" in shown(approval_text(plan(operations), [], "p", names=True).body)


def test_data_in_an_approval_is_no_markup() -> None:
    evil = "[x](javascript:alert(1)) <img src=x> `a` | **b** \n# c\u202e\u2028"
    guards = [{**GUARDS[0], "guard": evil, "subject": evil, "what": evil}]
    operations = [leaver(evil, who=evil, role=evil, alias=evil, reason=evil, organizations=[evil])]
    asked = approval_text(plan(operations, spec=evil, host=evil, guards=guards), [evil], evil, names=True)
    for line in asked.body.splitlines():
        bare = re.sub(r"\\[!-/:-@\[-`{-~]", "", line)
        assert not re.search(r"[<>`\[]", bare.replace(f"`{HASH}`", ""))
        assert not line.startswith("#")
    for text in asked:
        assert not {"\u202e", "\u2028"} & set(text)
    assert "\n" not in asked.subject


def test_an_approval_text_fits_its_column() -> None:
    kinds = ("suspend", "delete", "remove_membership", "remove_role")
    operations = [
        leaver("💥" * 300 + kind + str(number), kind=kind, who="💥" * 900, alias="💥" * 300, role="💥" * 300)
        for kind in kinds
        for number in range(500)
    ]
    guards = [{**GUARDS[0], "guard": "💥" * 500, "subject": "💥" * 500, "what": "💥" * 500}] * 40
    asked = approval_text(plan(operations, guards=guards), ["💥" * 2000] * 500, "💥" * 5000, names=True)
    assert len(asked.body.encode()) < 30_000
    assert len(asked.subject) <= 120
    assert HASH in asked.body
    assert "This list is cut here: the whole plan holds the rest." in asked.body
    assert "and 28 more guards" in asked.body


def test_whom_the_plan_leaves_alone_stands_at_the_end_by_reason() -> None:
    held = [{"id": f"H{n:02}", "who": f"Bo {n}", "reason": "shares its e-mail address with 'x'"} for n in range(23)]
    held += [{"id": "A1", "reason": "an admin", "protected": True}]
    rejected = [{"row": 7, "id": None, "reason": "id is blank"}]
    told = {names: shown(approval_text(plan([], held=held, rejected=rejected), [], "p", names=names).body)
            for names in (True, False)}  # fmt: skip
    for body in told.values():
        assert "**1 protected person waits for a decision: nothing is done for this person**" in body
        assert "**23 people are held: nothing is done for them**\n\n- 23 shares its e-mail address with" in body
        assert "  - and 3 more" in body
        assert "**1 HR row is rejected: nothing is done for this person**\n\n- 1 id is blank\n  - row 7" in body
    assert "  - H00 Bo 0\n" in told[True]
    assert "Bo" not in told[False]
