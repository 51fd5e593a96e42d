from __future__ import annotations

import copy
import os
import pickle
import re
from pathlib import Path

import pytest
import yaml

from airflow_provider_kinde.exceptions import SpecError
from airflow_provider_kinde.sync.spec.fields import Limit
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.spec.source import FileOptions

SMALL = """\
version: 1
name: acme-hr
source: {type: file, path: hr.csv}
person:
  id: "{{ row.EmpID }}"
  email: "{{ row.work_email }}"
  given_name: "{{ row.first }}"
  family_name: "{{ row.last }}"
employment:
  status: "{{ row.Status }}"
  active: [Active]
  inactive: [Terminated]
"""

FULL = """\
version: 1
name: acme-hr
kinde_conn_id: kinde_acme
tenant: https://Acme.kinde.com/
source:
  type: file
  path: s3://hr/employees.csv
  conn_id: aws_default
  expect: {min_rows: 900}
person:
  id: "{{ row.EmpID }}"
  email: "{{ row.work_email }}"
  given_name: "{{ row.first }}"
  family_name: "{{ row.last }}"
  properties: {kp_usr_job_title: "{{ row.Position }}"}
scope: "{{ row.Type != 'Contractor' }}"
may_be_empty: [Type]
employment:
  status: "{{ row.Status }}"
  active: [Active, " Leave of Absence "]
  inactive: [Terminated]
  start_date: "{{ row.Hired }}"
  end_date: "{{ row.Left }}"
  date_format: [M/D/YY, YYYY-MM-DD]
  timezone: America/New_York
organizations:
  it: org_1ccfb819462
  production: {external_id: "5"}
  sales: {name: Sales, create: true}
memberships:
  - organization: it
    when: "{{ row.Department == 'IT' }}"
    roles: [engineer]
  - organization: "{{ row.Org }}"
keep:
  - {email: Boss@Acme.com, organization: it}
retired: {roles: [old], organizations: [org_0ld00000000, {handle: gone}, it]}
joiner: {days_before_start: 3, adopt: false, adopt_provided_id: "{{ row.Old }}", leave_default_organization: true}
leaver: {action: remove, end_sessions: false, grace_days: 7, delete_after_days: 90}
absent: hold
guards: {max_leavers: 12.5%, max_deletes: 3, floor: 0, max_held: 100%}
protect: {roles: [owner], emails: [Root@Acme.com]}
"""


def test_the_small_spec_and_its_defaults() -> None:
    spec = SyncSpec.parse(SMALL, "hr.yaml")
    assert (spec.version, spec.name, spec.kinde_conn_id, spec.tenant) == (1, "acme-hr", "kinde_default", None)
    assert isinstance(spec.source, FileOptions)
    assert (spec.source.type, spec.source.path, spec.source.conn_id) == ("file", ("hr.csv",), None)
    assert spec.person.email.columns == {"work_email"}
    assert spec.employment.active == {"active"}
    assert spec.employment.timezone.render({}) == "UTC"
    assert spec.employment.date_format == ()
    assert (spec.scope, spec.absent, spec.memberships, spec.organizations) == (None, None, (), ())
    assert (spec.joiner.days_before_start, spec.joiner.adopt, spec.joiner.adopt_provided_id) == (0, True, None)
    assert (spec.leaver.action, spec.leaver.end_sessions, spec.leaver.delete_after_days) == ("suspend", True, None)
    assert spec.protect.roles == {"owner", "admin"}
    assert {name: str(spec.guards[name]) for name in spec.guards.names()} == {
        "max_leavers": "10%",
        "max_joiners": "20%",
        "max_row_drop": "20%",
        "max_membership_removals": "25%",
        "max_membership_grants": "25%",
        "max_role_removals": "25%",
        "max_role_grants": "25%",
        "max_email_changes": "5%",
        "max_deletes": "1%",
        "max_rejected_rows": "5%",
        "max_held": "5%",
    }
    assert spec.guards.floor == 5


def test_every_key() -> None:
    spec = SyncSpec.parse(FULL, "hr.yaml")
    assert spec.tenant == "acme.kinde.com"
    assert isinstance(spec.source, FileOptions)
    assert spec.source.expect.min_rows == 900
    assert list(spec.person.properties) == ["kp_usr_job_title"]
    assert spec.employment.active == {"active", "leave of absence"}
    assert spec.employment.date_format == ("M/D/YY", "YYYY-MM-DD")
    assert [(o.alias, o.code, o.external_id, o.name, o.create) for o in spec.organizations] == [
        ("it", "org_1ccfb819462", None, None, False),
        ("production", None, "5", None, False),
        ("sales", None, None, "Sales", True),
    ]
    assert spec.organizations[1].key == "organizations.production"
    assert spec.organizations[1].line == 28
    assert [(rule.index, rule.roles, rule.line) for rule in spec.memberships] == [(0, ("engineer",), 31), (1, (), 34)]
    assert [(kept.email, kept.organization) for kept in spec.keep] == [("boss@acme.com", "it")]
    assert spec.retired.roles == {"old"}
    assert [(o.alias, o.code, o.handle) for o in spec.retired.organizations] == [
        ("org_0ld00000000", "org_0ld00000000", None),
        ("gone", None, "gone"),
        ("it", "org_1ccfb819462", None),
    ]
    assert spec.role_keys == {"engineer", "old"}
    assert spec.joiner.adopt_provided_id is not None
    assert spec.leaver.delete_after_days == 90
    assert spec.absent == "hold"
    assert spec.guards.max_leavers == Limit(share=0.125)
    assert spec.guards.max_deletes == Limit(number=3)
    assert spec.guards.max_held == Limit(share=1.0)
    assert spec.guards.floor == 0
    assert spec.protect.emails == {"root@acme.com"}
    by_key = {template.key: template.line for template in spec.templates}
    assert by_key["memberships[0].when"] == 32
    assert by_key["scope"] == 16


def test_organizations_by_match() -> None:
    text = SMALL + 'organizations: {match: external_id, prefix: "hr-"}\n'
    text += 'memberships: [{organization: hr-5}, {organization: "{{ row.Org }}"}]\n'
    text += "keep: [{email: a@x.com, organization: hr-1}]\nretired: {organizations: [hr-9, org_1]}\n"
    spec = SyncSpec.parse(text)
    assert spec.organizations_match is not None
    assert (spec.organizations_match.field, spec.organizations_match.prefix) == ("external_id", "hr-")
    assert [(o.external_id, o.code) for o in spec.retired.organizations] == [("hr-9", None), (None, "org_1")]


def test_null_counts_as_left_out() -> None:
    text = SMALL + "scope:\nkeep: null\njoiner:\nabsent: ~\norganizations:\nleaver: {delete_after_days: null}\n"
    spec = SyncSpec.parse(text)
    assert (spec.scope, spec.keep, spec.absent, spec.leaver.delete_after_days) == (None, (), None, None)


def test_a_scope_may_be_a_yaml_boolean_or_a_block() -> None:
    assert SyncSpec.parse(SMALL + "scope: yes\n").scope.truth({}) is True  # type: ignore[union-attr]
    block = SMALL + "scope: |\n  {{ row.A == 'x'\n     and row.B == 'y' }}\n"
    scope = SyncSpec.parse(block).scope
    assert scope is not None
    assert scope.truth({"A": "x", "B": "y"}) is True


@pytest.mark.parametrize(
    ("change", "words"),
    [
        # (what is replaced in FULL, by what, the message)
        (("version: 1", "version: 2"), "hr.yaml:1: version: 1 is expected, found a number .2.$"),
        (("version: 1", "version: '1'"), "1: version: 1 is expected"),
        (("version: 1\n", ""), "version: is missing"),
        (("name: acme-hr", "name: Acme HR"), "hr.yaml:2: name: 'Acme HR' is not a spec's name"),
        (("name: acme-hr", "name: 2026"), '2: name: text is expected, found a number.*in quotes: "2026"'),
        (("name: acme-hr", "names: acme-hr"), "2: names: unknown key; did you mean name?"),
        (("scope:", "scoop:"), "16: scoop: unknown key; did you mean scope?"),
        (("tenant: https://Acme.kinde.com/", "tenant: not a host"), "4: tenant: 'not a host' is not a domain"),
        (("  type: file\n", ""), "source.type: is missing"),
        (('  id: "{{ row.EmpID }}"\n', ""), "hr.yaml:10: person.id: is missing|11: person.id: is missing"),
        (('"{{ row.EmpID }}"', "10026"), '11: person.id: text or an expression .* quotes: "10026"'),
        (('"{{ row.EmpID }}"', "EmpID"), r"11: person.id: 'EmpID' is the same for every row; write \"\{\{ row.Column"),
        (('"{{ row.EmpID }}"', '"{{ row.EmpID"'), "11: person.id: not a valid expression"),
        (
            ('"{{ row.EmpID }}"', '"{{ EmpID }}"'),
            "11: person.id: .*unknown name 'EmpID': a column is written row.EmpID",
        ),
        (('"{{ row.first }}"', "[a]"), "13: person.given_name: .* found a list"),
        (("scope: \"{{ row.Type != 'Contractor' }}\"", "scope: maybe"), "16: scope: yields 'maybe' where yes or no"),
        (("may_be_empty: [Type]", "may_be_empty: Type"), "17: may_be_empty: a list is expected, found text"),
        (("may_be_empty: [Type]", "may_be_empty: [2024]"), r"17: may_be_empty\[0\]: .* in quotes"),
        (("active: [Active, ", "active: [no, "), r'20: employment.active\[0\]: .*found a boolean \(no\).*quotes: "no"'),
        (
            ("inactive: [Terminated]", "inactive: [ACTIVE]"),
            "21: employment.inactive: 'active' stands in active as well",
        ),
        (("inactive: [Terminated]", "inactive: ['']"), r"21: employment.inactive\[0\]: .*blanks only"),
        (("[M/D/YY, YYYY-MM-DD]", "[M/D/yy]"), r"24: employment.date_format\[0\]: 'M/D/yy': 'yy' is not a known token"),
        (("[M/D/YY, YYYY-MM-DD]", "M/D"), "24: employment.date_format: 'M/D': it names no year"),
        (
            ("timezone: America/New_York", "timezone: New York"),
            "25: employment.timezone: 'New York' is not a time zone",
        ),
        (("it: org_1ccfb819462", "it: 42"), "27: organizations.it: .*found a number"),
        (
            ("it: org_1ccfb819462", "it: Sales EU"),
            "27: organizations.it: 'Sales EU' is not an organization code; by name",
        ),
        (
            ("it: org_1ccfb819462", "no: org_1ccfb819462"),
            '27: organizations.no: a key is text: .* a boolean; write "no"',
        ),
        (('{external_id: "5"}', "{external_id: 5}"), "28: organizations.production.external_id: .*quotes"),
        (('{external_id: "5"}', "{external_id: a, name: b}"), "28: organizations.production: exactly one of"),
        (('{external_id: "5"}', "{}"), "28: organizations.production: exactly one of"),
        (('{external_id: "5"}', "{external_id: a, create: true}"), "28: .*create: true needs name"),
        (('{external_id: "5"}', "org_1ccfb819462"), "28: organizations.production: is the same organization as it"),
        (('{external_id: "5"}', "{name: Sales, match: x}"), "match: unknown key"),
        (
            ("  sales: {", "  match: external_id\n  sales: {"),
            "either match and prefix, or aliases: it, production, sales",
        ),
        (
            ("organization: it\n", "organization: prodution\n"),
            r"31: memberships\[0\].organization: .prodution. .*did you mean production",
        ),
        (("organization: it\n", "organization: [it]\n"), r"31: memberships\[0\].organization: .*a list"),
        (("  - organization: it\n    when", "  - when"), r"31: memberships\[0\].organization: is missing"),
        (("roles: [engineer]", "roles: engineer"), r"33: memberships\[0\].roles: a list is expected"),
        (("roles: [engineer]", "roles: [404]"), r'33: memberships\[0\].roles\[0\]: .*put it in quotes: "404"'),
        (
            ("roles: [engineer]", 'roles: ["{{ row.Role }}"]'),
            r"33: memberships\[0\].roles\[0\]: .*an expression cannot",
        ),
        (("roles: [engineer]", "roles: [chief engineer]"), r"33: memberships\[0\].roles\[0\]: .*keys hold no blanks"),
        (("roles: [engineer]", "roles: [owner]"), r"33: memberships\[0\].roles: owner is a protected role"),
        (("Boss@Acme.com", "Boss"), r"36: keep\[0\].email: 'Boss' is not an e-mail address"),
        (
            ("Acme.com, organization: it}", "Acme.com, organization: at}"),
            r"36: keep\[0\].organization: 'at' is not an alias",
        ),
        (("{handle: gone}", "{name: x, create: true}"), r"37: retired.organizations\[1\]: create: a retired"),
        (("days_before_start: 3", "days_before_start: -3"), "38: joiner.days_before_start: a whole number from 0"),
        (("adopt: false", "adopt: 0"), "38: joiner.adopt: true or false is expected, found a number"),
        (("action: remove", "action: delete"), "39: leaver.action: one of suspend, remove, hold is expected"),
        (("delete_after_days: 90", "delete_after_days: 0"), "39: leaver.delete_after_days: a whole number from 1"),
        (("absent: hold", "absent: no"), "40: absent: one of suspend, remove, hold is expected, found a boolean"),
        (
            ("12.5%", "-1%"),
            "41: guards.max_leavers: a share .* or a whole number is expected, found text .-1%.$",
        ),
        (("12.5%", "101%"), "41: guards.max_leavers: a share"),
        (("12.5%", ".nan"), "41: guards.max_leavers: a share"),
        (("12.5%", "0.1"), "41: guards.max_leavers: a share"),
        (("12.5%", "-5"), "41: guards.max_leavers: a share"),
        (("12.5%", "yes"), "41: guards.max_leavers: a share"),
        (("floor: 0", "floor: 1%"), "41: guards.floor: a whole number"),
        (("max_deletes: 3", "max_delete: 3"), "41: guards.max_delete: unknown key; did you mean max_deletes?"),
        (("emails: [Root@Acme.com]", "emails: [nobody]"), r"42: protect.emails\[0\]: 'nobody' is not an e-mail"),
        (("kinde_conn_id: kinde_acme", "name: other"), "3: name: stands twice .first in line 2"),
        (("may_be_empty: [Type]", "<<: {scope: yes}"), "17: merge keys"),
        (("may_be_empty: [Type]", "may_be_empty: [Type"), "hr.yaml:1[78]: not valid YAML"),
        (("may_be_empty: [Type]", "may_be_empty: *nothing"), "hr.yaml:17: not valid YAML: found undefined alias"),
    ],
)
def test_mistakes_are_reported_with_file_line_and_key(change: tuple[str, str], words: str) -> None:
    assert change[0] in FULL
    with pytest.raises(SpecError, match=words) as caught:
        SyncSpec.parse(FULL.replace(*change, 1), "hr.yaml")
    assert caught.value.file == "hr.yaml"
    assert "hr.yaml:" in str(caught.value)


def test_several_errors_are_told_at_once_in_the_order_of_the_file() -> None:
    text = (
        FULL.replace("action: remove", "action: x").replace("version: 1", "version: 3").replace("floor: 0", "flor: 0")
    )
    with pytest.raises(SpecError) as caught:
        SyncSpec.parse(text, "hr.yaml")
    lines = str(caught.value).splitlines()
    assert [line.split(":")[1] for line in lines] == ["1", "39", "41"]
    assert (caught.value.file, caught.value.line, caught.value.key) == ("hr.yaml", 1, "version")


def test_mistakes_of_sections_source_and_rules_are_told_together() -> None:
    text = FULL.replace("min_rows: 900", "min_rows: 0").replace("conn_id: aws_default", "conn: aws_default")
    text = text.replace("organization: it\n", "organization: at\n").replace("adopt: false", "adopt: 0")
    with pytest.raises(SpecError) as caught:
        SyncSpec.parse(text, "hr.yaml")
    keys = [line.split(": ")[1] for line in str(caught.value).splitlines()]
    assert keys == ["source.conn", "source.expect.min_rows", "memberships[0].organization", "joiner.adopt"]


def test_an_error_in_a_block_names_its_own_line() -> None:
    text = SMALL + "scope: |\n  {% set a = row.A %}\n  {{ a == b }}\n"
    with pytest.raises(SpecError, match=r"hr.yaml:15: scope: .*unknown name 'b'"):
        SyncSpec.parse(text, "hr.yaml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("# nothing\n", "the file is empty"),
        ("just text", "a mapping is expected, found text"),
        ("- a\n- b\n", "a mapping is expected, found a list"),
        ("a: 1\n---\nb: 2\n", "not valid YAML"),
        ("a: \x07\n", "not valid YAML"),
        ("[" * 5000, "not valid YAML|nested too deeply"),
        ("[" * 40 + "]" * 40, "nested too deeply"),
        ("x" * 1_000_001, "larger than"),
        ("a: &a [*a]\n", "nested too deeply"),
        ("? [a]\n: b\n", "a key must be text"),
    ],
)
def test_a_file_that_is_no_spec_is_refused(text: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        SyncSpec.parse(text, "hr.yaml")


def test_a_yaml_bomb_is_refused() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    with pytest.raises(SpecError, match="too large or nested too deeply"):
        SyncSpec.parse(bomb)


def test_an_alias_used_with_measure_is_fine() -> None:
    text = SMALL.replace("active: [Active]", "active: &on [Active]").replace("inactive: [Terminated]", "inactive: []")
    assert SyncSpec.parse(text + "may_be_empty: *on\n").may_be_empty == {"Active"}


def test_load(tmp_path: Path) -> None:
    path = tmp_path / "hr.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALL.encode())
    assert SyncSpec.load(path).file == str(path)
    with pytest.raises(SpecError, match=r"none\.yaml: the file cannot be read: No such file"):
        SyncSpec.load(tmp_path / "none.yaml")
    path.write_bytes(SMALL.encode() + b"# \xff")
    with pytest.raises(SpecError, match="not UTF-8"):
        SyncSpec.load(path)
    with pytest.raises(SpecError, match="cannot be read"):
        SyncSpec.load(tmp_path)


def test_an_error_of_a_later_step_finds_its_line() -> None:
    spec = SyncSpec.parse(FULL, "hr.yaml")
    assert str(spec.error("organizations.sales", "two match")) == "hr.yaml:29: organizations.sales: two match"
    assert str(spec.error("organizations.sales", "two match", 7)) == "hr.yaml:7: organizations.sales: two match"


@pytest.mark.parametrize(
    "source",
    ["{type: file, path: hr.csv}", '{type: http, url: "https://hr.test/x", rows: data.rows, timezone: Europe/Berlin}'],
)
def test_a_spec_can_be_copied_and_sent_to_another_process(source: str) -> None:
    small = SMALL.replace("{type: file, path: hr.csv}", source)
    for spec in (SyncSpec.parse(FULL, "hr.yaml"), SyncSpec.parse(small)):
        assert_same(spec)


def assert_same(spec: SyncSpec) -> None:
    assert pickle.loads(pickle.dumps(spec)) == spec == copy.deepcopy(spec)


def test_the_reference_page_shows_valid_specs() -> None:
    page = Path(__file__).parents[3] / "docs" / "spec.md"
    blocks = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    whole = [block for block in blocks if "version: 1" in block]
    assert len(whole) >= 2
    for block in whole:
        assert SyncSpec.parse(block, "spec.md").name
    for block in blocks:
        assert yaml.safe_load(block), "every example is valid YAML"


@pytest.mark.parametrize("text", ["a:\n" + "- a\n" * 120_000, "a: [" + "a," * 240_000 + "]"], ids=["lines", "flow"])
def test_a_file_of_very_many_nodes_is_not_read_to_its_end(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    composed = 0
    scalar = yaml.SafeLoader.compose_scalar_node

    def counted(self: yaml.SafeLoader, anchor: str) -> yaml.ScalarNode:
        nonlocal composed
        composed += 1
        return scalar(self, anchor)

    monkeypatch.setattr(yaml.SafeLoader, "compose_scalar_node", counted)
    with pytest.raises(SpecError, match="too large or nested too deeply"):
        SyncSpec.parse(text)
    assert 0 < composed <= 30_000


def test_only_a_plain_file_of_measure_is_read(tmp_path: Path) -> None:
    pipe, large = tmp_path / "pipe", tmp_path / "large.yaml"
    os.mkfifo(pipe)
    large.write_bytes(b"#" * 500_001)
    for path, words in [
        (pipe, "a folder, a pipe or a device"),
        (Path("/dev/zero"), "a folder, a pipe or a device"),
        (large, "larger than 500,000 bytes"),
        (Path("a\0b"), "cannot be read"),
    ]:
        with pytest.raises(SpecError, match=words):
            SyncSpec.load(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("timezone: America/New_York", "timezone: " + "a" * 5000),
        ("[M/D/YY, YYYY-MM-DD]", "[" + "Y" * 3000 + "]"),
        ("[M/D/YY, YYYY-MM-DD]", "[" + "Q" * 90 + "]"),
        ("tenant: https://Acme.kinde.com/", "tenant: " + "_" * 5000),
        ("action: remove", "action: " + "9" * 5000),
    ],
)
def test_a_message_does_not_repeat_a_huge_value(old: str, new: str) -> None:
    assert old in FULL
    with pytest.raises(SpecError) as caught:
        SyncSpec.parse(FULL.replace(old, new, 1))
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "expression", ["{{ " + "9" * 5000 + " + row.n }}", "{{ " + "(" * 99 + "row.n" + " + 1)" * 99 + " }}"]
)
def test_an_expression_that_cannot_be_compiled_is_reported_with_line_and_key(expression: str) -> None:
    with pytest.raises(SpecError, match=r"hr\.yaml:7: person\.given_name: not a valid expression"):
        SyncSpec.parse(SMALL.replace("{{ row.first }}", expression), "hr.yaml")
