"""What an approver reads."""

from __future__ import annotations

import re
from typing import Any

from airflow_provider_kinde.sync.report.approval_text import approval_body

GUARDS = {"max_leavers": "10%", "max_row_drop": "20%"}
HASH = "ab" * 32


def plan(operations: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    summary = {"suspend": len(operations), "create": 3, "held": 0}
    values = {"spec": "acme-hr", "host": "acme.kinde.com", "hash": HASH, "summary": summary, "operations": operations}
    return {**values, **changes}


def leaver(id: str, **changes: Any) -> dict[str, Any]:
    return {"id": id, "kind": "suspend", "alias": None, "role": None, "who": f"Ann {id} <ann-{id}@x.com>", **changes}


def shown(markdown: str) -> str:
    """The text as Markdown shows it: backslashes before punctuation are gone."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown)


def test_counts_guards_people_hash_and_path() -> None:
    reason = "max_leavers (10%): 30 people would lose access. The limit without approval is 20 (10 % of 205)"
    operations = [leaver(f"E{number}") for number in range(30)]
    operations += [
        leaver("M1", kind="remove_role", role="engineer", alias="it"),
        leaver("M1", kind="remove_role", role="lead", alias="it"),
        leaver("M1", kind="add_role", role="seller", alias="sales"),
    ]
    body = shown(approval_body(plan(operations), [reason], GUARDS, "/kinde/plan.json"))
    assert f"- {reason}" in body
    assert "| suspend | 33 |" in body
    assert "| held" not in body
    assert "| max_leavers | 10% | **tripped** |" in body
    assert "| max_row_drop | 20% |  |" in body
    assert "**30 people: lose their access**" in body
    assert "- E19\n- and 10 more" in body
    assert "**1 person: lose a role**\n\n- M1: engineer in it, lead in it" in body
    assert "seller" not in body
    assert f"`{HASH}`" in body
    assert "/kinde/plan.json" in body


def test_names_only_where_they_are_wanted() -> None:
    operations = [leaver("E1")]
    assert "Ann" not in approval_body(plan(operations), [], GUARDS, "p")
    assert "- E1 Ann E1 <ann-E1@x.com>" in shown(approval_body(plan(operations), [], GUARDS, "p", names=True))


def test_nothing_from_outside_is_markup() -> None:
    evil = "[x](javascript:alert(1)) <img src=x> `a` | **b** \n# c\u202e\u2028"
    body = approval_body(
        plan([leaver(evil, who=evil, role=evil, alias=evil)], spec=evil), [evil], {"g": evil}, evil, names=True
    )
    for line in body.splitlines():
        bare = re.sub(r"\\[!-/:-@\[-`{-~]", "", line)
        assert not re.search(r"[<>`\[]", bare.replace(f"`{HASH}`", ""))
        assert not line.startswith("#")
    assert "\u202e" not in body
    assert "\u2028" not in body


def test_it_fits_the_column_whatever_is_in_it() -> None:
    kinds = ("suspend", "delete", "remove_membership", "remove_role")
    operations = [
        leaver("💥" * 300 + str(number), kind=kind, who="💥" * 900, alias="💥" * 300, role="💥" * 300)
        for kind in kinds
        for number in range(500)
    ]
    guards = {f"guard{number}": "💥" * 50 for number in range(9)}
    body = approval_body(plan(operations), ["💥" * 2000] * 500, guards, "💥" * 5000, names=True)
    assert len(body.encode()) < 30_000
    assert HASH in body
