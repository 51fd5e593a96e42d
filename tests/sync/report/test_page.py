"""The page of a plan or a report: what a reader sees first, and that nothing from outside is markup or code."""

from __future__ import annotations

import ast
import hashlib
import io
import json
import re
from base64 import b64encode
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import airflow_provider_kinde
from airflow_provider_kinde.sync.changes import Change
from airflow_provider_kinde.sync.kinds import KINDS
from airflow_provider_kinde.sync.report import page
from airflow_provider_kinde.sync.report.approval_text import approval_text
from airflow_provider_kinde.sync.report.headline import headline, subject
from airflow_provider_kinde.sync.report.overview import CATEGORIES, categories
from airflow_provider_kinde.sync.report.page import file_page, plan_page, report_page
from airflow_provider_kinde.sync.report.plan_file import PlanFile, lines
from airflow_provider_kinde.sync.report.redaction import redact_file, redact_plan
from airflow_provider_kinde.sync.report.report import Report
from airflow_provider_kinde.sync.report.table import csv_lines
from airflow_provider_kinde.sync.report.text import plan_text
from airflow_provider_kinde.sync.report.troubles import ADVICE, MOST_GROUPS, OTHER, Entry, troubles
from airflow_provider_kinde.sync.store.changes import ChangeList
from tests.support.world import SPEC, World, people, person

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7 * 7 }}</style>"


class Page(HTMLParser):
    """The text of a page, its tags, and what is in its scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "input", "rect"):
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.inside:
            while self.inside.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self.inside[-1] if self.inside else "", []).append(data)

    def text(self, *tags: str) -> str:
        wanted = tags or [tag for tag in self.texts if tag not in ("script", "style")]
        return " ".join(" ".join("".join(self.texts.get(tag, ())).split()) for tag in wanted)


def of(plan: Any) -> Page:
    return Page("".join(plan_page(plan)))


@pytest.fixture
def settled(world: World) -> World:
    assert world.apply(people(40, dept="Eng")).outcome == "changes"
    return world


TROUBLE = [
    *(person(number, dept="Eng", status="Terminated") for number in range(1, 9)),
    person(9, dept="Sales"),
    person(10, dept="Eng", email="nobody"),
    *people(40, dept="Eng")[10:],
    person(41, dept="Eng"),
    person(42, dept="Sales"),
]


def test_the_page_begins_with_a_sentence_that_says_why_it_is_blocked(settled: World) -> None:
    shown = of(settled.plan(TROUBLE))
    assert shown.text("h1") == (
        "8 people would lose access, 2 would join, 1 would change, 1 HR row is rejected; "
        "blocked: 8 leavers, the limit without approval is 5."
    )
    assert "approve the plan" in shown.text("p")
    assert "max_leavers (10%): 8 people would lose access." in shown.text("li")


def test_a_blocked_plan_says_how_it_is_approved(settled: World) -> None:
    plan = settled.plan(TROUBLE)
    code = of(plan).text("code")
    assert f"python -m airflow_provider_kinde apply --spec SPEC --approve {plan.hash}" in code
    assert "trigger it" not in of(plan).text("li")
    plan.run = {"dag_id": "acme-hr", "run_id": "r1", "task_id": "plan"}
    shown = of(plan)
    assert "if the DAG acme-hr asks for approval: answer under Required Actions" in shown.text("li")
    assert shown.text("code").count(plan.hash) >= 2
    assert "How to approve" not in of(settled.plan([])).text("h3")
    assert "How to approve" not in of(settled.plan(people(40, dept="Eng"))).text("h3")


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("email is blank", "Write the person's e-mail address into HR."),
        ("shares its e-mail address with E2 (row 3): one address cannot be two accounts", "address of their own"),
        (
            "the address is still on the account of E2, who left: …; if not, release --id E2",
            "relink --spec FILE; if not",
        ),
        ("the Kinde account with this address is suspended: not adopted. If it is", "enable it"),
        ("the address is on the account of E2, who has access", "Ask HR whose address it is"),
        ("given_name is blank", "may_be_empty"),
        ("email is not an e-mail address: it holds a blank", "Correct the e-mail address in HR."),
        ("status 'Unknwon' is neither in employment.active nor in employment.inactive", "add it to employment.active"),
    ],
)
def test_the_advice_helps_with_the_reason(reason: str, advice: str) -> None:
    (found,) = troubles([Entry("E1", "E1", "", reason)], "Look at it.")
    assert advice in found.advice
    assert "release" not in found.advice or "release" in reason


def test_each_guard_has_its_value_its_limit_and_its_base(settled: World) -> None:
    plan = settled.plan(TROUBLE)
    checks = {check.guard: check for check in plan.guards}
    leavers = checks["max_leavers"]
    assert (leavers.count, int(leavers.allowed), leavers.base, leavers.exceeded) == (8, 5, 40, True)
    assert not checks["max_rejected_rows"].exceeded
    assert [tag for tag, attributes in of(plan).tags if attributes.get("class") == "tripped"] == ["tr"]
    assert plan.to_json()["guards"][0] == leavers.to_json()
    assert plan.to_json()["managed"] == 40


def test_people_are_grouped_by_what_happens_organization_and_reason(settled: World) -> None:
    found = {category.kind: category for category in categories(settled.plan(TROUBLE).operations, 100)}
    assert {kind: category.count for kind, category in found.items()} == {
        "suspend": 8, "remove_membership": 1, "create": 2,
    }  # fmt: skip
    (leavers,) = found["suspend"].groups
    assert (leavers.organization, leavers.reason, leavers.count) == ("eng", "status is Terminated", 8)
    assert {(group.organization, group.count) for group in found["create"].groups} == {("eng", 1), ("sales", 1)}


def test_a_row_says_what_was_and_what_will_be(settled: World) -> None:
    html = "".join(
        plan_page(settled.plan([person(1, dept="Eng", email="new@example.com"), *people(40, dept="Eng")[1:]]))
    )
    assert "change the address" in html
    assert "<del>p1@example.com</del> <i>→</i> <ins>new@example.com</ins>" in html


def test_a_report_says_what_was_done(settled: World) -> None:
    report = settled.apply([*people(39, dept="Eng"), person(40, dept="Eng", status="Terminated")])
    report.plan.run = {"approved_by": "ada", "seconds": 1.5, "throttled_seconds": 0.0, "versions": "v1"}
    shown = Page("".join(report_page(report)))
    assert shown.text("h1") == "1 person lost access."
    assert "ada" in shown.text("dd")
    assert "1.5 s" in shown.text("dd")


def test_a_report_counts_what_was_made_where_something_was_not(settled: World) -> None:
    settled.kinde.fault("PATCH", "/api/v1/user", status=400, times=None)
    report = settled.apply([*people(39, dept="Eng"), person(40, dept="Eng", status="Terminated")])
    assert Page("".join(report_page(report))).text("h1") == (
        "0 of 1 change was made. Planned: 1 person would lose access."
    )
    report.interrupted = True
    assert Page("".join(report_page(report))).text("h1").startswith("Interrupted: 0 of 1 change was made.")


def test_the_page_of_the_file_is_the_page_of_the_plan(settled: World) -> None:
    for made, written in (
        (settled.plan(TROUBLE), plan_page),
        (settled.apply(people(39, dept="Eng")), report_page),
    ):
        text = "".join(lines(made.document()))
        again = file_page(PlanFile.read(lambda text=text: io.StringIO(text)))
        assert "".join(again) == "".join(written(made))  # type: ignore[operator]


def test_a_redacted_plan_makes_a_redacted_page(settled: World) -> None:
    html = "".join(plan_page(redact_plan(settled.plan(TROUBLE))))
    assert "Redacted" in html
    assert "example.com" not in html
    assert "Given1" not in html


TOLD = [
    person(1, dept="Eng", email="p2@example.com"),
    person(2, dept="Eng"),
    person(3, dept="Eng", status="???"),
    *people(40, dept="Eng")[3:],
]
"""Whom a plan names without a change: 1 and 2 share an address, row 3 cannot be read, 41 left and is of no sync."""


@pytest.fixture
def told(settled: World) -> Any:
    settled.kinde.seed({"users": [{"email": "p41@example.com", "first_name": "Ivy", "is_confirmed": True}]})
    return settled.plan([*TOLD, person(41, "Ivy", status="Terminated")])


def test_people_without_a_change_are_named_like_others(told: Any) -> None:
    names = {held.id: held.who for held in told.held}
    assert names == {"1": "Given1 Doe <p2@example.com>", "2": "Given2 Doe <p2@example.com>"}
    assert [row.who for row in told.rejected] == ["Given3 Doe <p3@example.com>"]
    assert [one.who for one in told.unmanaged_leavers] == ["Ivy Doe <p41@example.com>"]
    every = [*names.values(), told.rejected[0].who, told.unmanaged_leavers[0].who]
    shown = of(told)
    text = plan_text(told)
    asked = approval_text(PlanFile.of(told.to_json()), [], "p", names=True).body
    for who in every:
        assert who in shown.text("bdi")
        assert who in text or who == every[-1]  # the warning about accounts of no sync goes into logs, too
    for who in every[:3]:
        assert who.partition(" <")[0] in asked
    table = "".join(csv_lines(Report(told)))
    assert "2,Given2 Doe <p2@example.com>,held" in table
    assert "3,row 3: Given3 Doe <p3@example.com>,rejected" in table


def test_where_names_are_not_wanted_there_are_none(told: Any) -> None:
    redacted = redact_plan(told)
    looked_at = redact_file(PlanFile.of(told.to_json()))
    without = approval_text(PlanFile.of(told.to_json()), [], "p").body
    for text in ("".join(plan_page(redacted)), "".join(file_page(looked_at)), plan_text(redacted), without,
                 json.dumps(redacted.to_json())):  # fmt: skip
        assert not [name for name in ("Given1", "Given2", "Given3", "Ivy", "p2@", "example\\.com") if name in text]
    assert "shares its e" in without


def test_a_person_whom_hr_no_longer_lists_is_named_by_the_account(settled: World) -> None:
    plan = settled.plan(people(39, dept="Eng"), SPEC + "absent: hold\n")
    assert [(held.id, held.who) for held in plan.held] == [("40", "Given40 Doe <p40@example.com>")]


def test_protected_people_stand_apart_from_those_who_are_held() -> None:
    held = [{"id": "1", "reason": "an admin", "protected": True}, {"id": "2", "reason": "two accounts"}]
    file = PlanFile({**evil_file().head, "held": held}, ChangeList(), None)  # type: ignore[arg-type]
    html = "".join(file_page(file))
    assert (
        html.index("wait for a decision")
        < html.index("an admin")
        < html.index('id="held"')
        < html.index("two accounts")
    )


def evil_file() -> PlanFile:
    changes = [
        Change("suspend", EVIL, before={EVIL: EVIL}, after={EVIL: EVIL}, who=EVIL, reason=EVIL, organizations=(EVIL,)),
        Change("add_role", "2", alias=EVIL, role=EVIL, who=EVIL, reason=EVIL, outcome="failed", error=EVIL),
    ]
    head = {
        "spec": EVIL, "host": EVIL, "hash": EVIL, "created_at": EVIL, "outcome": "blocked", "summary": {"unchanged": 0},
        "blocked": [{"reason": EVIL, "approvable": False}], "managed": 3, "warnings": [EVIL], "unmapped": [EVIL],
        "guards": [{"guard": EVIL, "subject": EVIL, "limit": EVIL, "count": 2, "base": 3, "allowed": 1,
                    "exceeded": True, "what": EVIL}],
        "held": [{"id": EVIL, "who": EVIL, "reason": EVIL}],
        "rejected": [{"row": 1, "id": EVIL, "who": EVIL, "reason": EVIL}],
        "changed_since_plan": [{"text": EVIL, "who": EVIL}],
        "unmanaged_leavers": [{"id": EVIL, "who": EVIL, "account": EVIL}],
        "run": {"run_id": EVIL, "versions": EVIL, "approved_by": EVIL},
    }  # fmt: skip
    return PlanFile(head, ChangeList(changes), None)  # type: ignore[arg-type]


def test_data_in_the_page_is_neither_markup_nor_code() -> None:
    html = "".join(file_page(evil_file(), [(EVIL, "/somewhere?a=<b>")]))
    shown = Page(html)
    assert [tag for tag, _ in shown.tags].count("script") == 1
    assert not [tag for tag, _ in shown.tags if tag == "img"]
    assert not [name for _, attributes in shown.tags for name in attributes if name.startswith("on") or name == "style"]
    assert "{{ 7 * 7 }}" in shown.text("b")
    assert EVIL not in html


def test_its_policy_runs_its_own_script_and_loads_nothing() -> None:
    html = "".join(file_page(evil_file()))
    policy = next(a["content"] for tag, a in Page(html).tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy == page.content_security_policy()
    assert policy.startswith("default-src 'none'; ")
    for tag in ("script", "style"):
        text = re.search(f"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        assert text
        assert f"'sha256-{b64encode(hashlib.sha256(text[1].encode()).digest()).decode()}'" in policy
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", html)


def test_a_million_people_are_counted_and_not_all_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "KEPT", 10)
    changes = ChangeList(Change("create", f"{number:03}", who="Ann", reason="new") for number in range(300))
    file = PlanFile({**evil_file().head, "held": [], "rejected": []}, changes, None)  # type: ignore[arg-type]
    html = "".join(file_page(file))
    assert html.count("<tr data-find") == 10
    assert "290 more are in the JSON file." in html
    assert 'Join with a new account <span class="count">300</span>' in html


def test_reasons_that_differ_in_ids_and_numbers_are_one_group() -> None:
    reasons = {"E7": "no row has id E7: see row 12", "E8": "no row has id E8: see row 99"}
    held = [Entry(id, id, "", reason) for id, reason in reasons.items()]
    (found,) = troubles(held, "Look at it.")
    assert (found.reason, found.count, found.advice) == ("no row has id …: see row …", 2, "Look at it.")
    (alone,) = troubles(held[:1], "Look at it.")
    assert alone.reason == reasons["E7"]
    (short,) = troubles([Entry("a", "a", "", "an account has the address of a")], "Look at it.")
    assert short.reason == "an account has the address of a"


def test_a_page_tells_only_the_most_frequent_reasons_apart() -> None:
    names = [chr(ord("a") + number % 26) * (1 + number // 26) for number in range(MOST_GROUPS + 30)]
    entries = [Entry(str(number), str(number), "", f"because of {name}") for number, name in enumerate(names)]
    found = troubles([*entries, *entries[:5]], "Look at it.")
    assert len(found) == MOST_GROUPS + 1
    assert (found[-1].reason, found[-1].count, found[0].count) == (OTHER, 30, 2)
    assert sum(trouble.count for trouble in found) == len(entries) + 5


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (["suspend"], "acme: 1 person would lose access"),
        (["suspend", "suspend", "create"], "acme: 2 people would lose access, 1 other change"),
        (["delete", "delete"], "acme: 2 people would be deleted"),
        (["update", "update"], "acme: 2 people would get changed details"),
    ],
)
def test_the_subject_of_an_approval_names_the_loss(kinds: list[str], expected: str) -> None:
    changes = ChangeList(Change(kind, str(number)) for number, kind in enumerate(kinds))
    assert subject({"spec": "acme"}, categories(changes, 0)) == expected


def test_the_subject_of_a_blocked_plan_names_value_and_limit(settled: World) -> None:
    plan = settled.plan(TROUBLE)
    document = json.loads("".join(lines(plan.document())))
    assert subject(document, categories(plan.operations, 0)) == "hr: 8 people would lose access, limit 5"


def test_what_failed_stands_before_all_others_with_what_to_do(settled: World) -> None:
    settled.kinde.fault("PATCH", "/api/v1/user", status=400, times=None)
    report = settled.apply(
        [person(0, dept="Eng"), *people(39, dept="Eng"), person(40, dept="Eng", status="Terminated")]
    )
    html = "".join(report_page(report))
    assert html.index("What failed") < html.index("Who changes")
    shown = Page(html)
    assert "What failed stands first below" in shown.text("p")
    assert "Kinde refuses this request." in shown.text("p")
    assert "40 Given40 Doe <p40@example.com>: suspend the account" in shown.text("b")
    assert "What failed" not in "".join(plan_page(settled.plan(TROUBLE)))


@pytest.mark.parametrize("apply", [False, True])
def test_held_people_and_rejected_rows_are_not_called_nothing_to_do(settled: World, apply: bool) -> None:
    rows = [
        *people(38, dept="Eng"),
        person(39, dept="Eng", email="p40@example.com"),
        person(40, dept="Eng", status="?"),
    ]
    made = settled.apply(rows) if apply else settled.plan(rows)
    shown = Page("".join(report_page(made) if apply else plan_page(made)))  # type: ignore[arg-type]
    assert shown.text("h1") == "No changes; 1 person is held, 1 HR row is rejected."
    assert "There is nothing to do" not in shown.text("p")
    assert "each group says what to do" in shown.text("p")


def test_a_blocked_source_is_not_said_to_agree_with_hr(settled: World) -> None:
    plan = settled.plan([])
    assert plan.blocked
    sentence = headline(plan.content(), categories(plan.operations, 0))
    assert sentence.startswith("Blocked: ")
    assert "agrees" not in sentence
    plan.run = {"requests": {"total": 0, "read": 0, "write": 0}}
    assert "People managed" not in of(plan).text("dt")
    plan.run = {"requests": {"total": 9, "read": 9, "write": 0}}
    assert "People managed" in of(plan).text("dt")


def test_the_guards_stand_nearest_to_their_limit_first_and_after_the_people_unless_they_block(settled: World) -> None:
    blocked, calm = settled.plan(TROUBLE), settled.plan([*people(39, dept="Eng"), person(40, status="Terminated")])
    html = "".join(plan_page(blocked))
    assert html.index('id="guards"') < html.index('id="changes"')
    assert re.findall(r"<code>(max_\w+)</code>", html)[0] == "max_leavers"
    html = "".join(plan_page(calm))
    assert html.index('id="guards"') > html.index('id="changes"')
    assert "Look first at those who would lose access." in html
    empty = {"guard": "max_membership_grants", "limit": "25%", "count": 0, "base": 0, "allowed": 0, "exceeded": False}
    html = "".join(file_page(PlanFile({**blocked.content(), "guards": [empty]}, ChangeList(), None)))  # type: ignore[arg-type]
    assert "max_membership_grants" not in html


def test_a_suspension_says_so_once_and_a_moment_is_readable(settled: World) -> None:
    html = "".join(plan_page(settled.plan([*people(39, dept="Eng"), person(40, dept="Eng", status="Terminated")])))
    assert "suspend the account" in html
    assert "suspended: <del>" not in html
    assert re.search(r"<dt>Planned at</dt><dd>\d{4}-\d\d-\d\d \d\d:\d\d UTC</dd>", html)


def test_values_that_no_rule_names_are_told_in_a_sentence() -> None:
    html = "".join(file_page(evil_file()))
    assert "Values of HR that no rule of the spec names, with the number of people who have access" in html


def test_every_kind_of_change_has_a_category() -> None:
    assert set(CATEGORIES) == set(KINDS) == set(page._VERBS)


def texts(module: Path) -> Iterator[str]:
    """The texts that a module makes: constants, and f-strings with each value as one character. No docstrings."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    passed = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            passed |= {id(part) for part in node.values}
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "\0" for part in node.values)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed:
            yield node.value


def test_the_advice_is_about_reasons_that_there_are() -> None:
    package = Path(airflow_provider_kinde.__file__).parent
    folders = (package / name for name in ("sync/plan", "sync/people", "resources"))
    said = "\n".join(text for folder in folders for module in folder.rglob("*.py") for text in texts(module))
    parts = {**{key: [key] for key in ADVICE}, "id is blank": ["id \0", "is blank"]}
    assert [key for key, found in parts.items() if not all(part in said for part in found)] == []


def test_a_plan_without_changes_says_so(settled: World) -> None:
    plan = settled.plan(people(40, dept="Eng"))
    assert headline(plan.content(), categories(plan.operations, 0)) == "No changes: Kinde agrees with HR."
    assert "There is nothing to do." in of(plan).text("p")
