"""The schema of a spec: every key of the reader and of the documentation is in it, and every example fits it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from airflow_provider_kinde.cli.main import main
from airflow_provider_kinde.exceptions import SpecError
from airflow_provider_kinde.sync import SyncSpec
from airflow_provider_kinde.sync.spec.json_schema import spec_schema
from tests.support.world import SPEC

jsonschema = pytest.importorskip("jsonschema")

ROOT = Path(__file__).parents[3]
SCHEMA = spec_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

# A spec of sections only, and where the schema describes each of them.
SECTIONS: dict[tuple[str | int, ...], tuple[str | int, ...]] = {
    (): (),
    ("person",): ("$defs", "PersonSpec"),
    ("employment",): ("$defs", "EmploymentSpec"),
    ("memberships", 0): ("$defs", "MembershipSpec"),
    ("keep", 0): ("$defs", "KeepSpec"),
    ("retired",): ("$defs", "RetiredSpec"),
    ("joiner",): ("$defs", "JoinerSpec"),
    ("leaver",): ("$defs", "LeaverSpec"),
    ("guards",): ("$defs", "Guards"),
    ("protect",): ("$defs", "ProtectSpec"),
    ("organizations", "a"): ("$defs", "OrganizationLookup"),
}


def at(document: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        document = document[key]
    return document


def errors(text: str) -> list[str]:
    return [f"{list(e.absolute_path)}: {e.message}" for e in VALIDATOR.iter_errors(yaml.safe_load(text))]


def test_the_json_schema_is_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", SECTIONS, ids=str)
def test_the_json_schema_has_the_keys_of_the_reader(path: tuple[str | int, ...]) -> None:
    spec = yaml.safe_load(SPEC)
    spec["organizations"] = {"a": {"name": "A"}, "eng": {"name": "E"}, "sales": {"name": "S"}}
    spec["keep"] = [{"email": "a@x.com", "organization": "a"}]
    spec.update({name: {} for name in ("retired", "joiner", "leaver", "guards", "protect")})
    at(spec, path)["zzqqxxkk"] = 1
    with pytest.raises(SpecError) as caught:
        SyncSpec.parse(yaml.safe_dump(spec))
    known = re.search(r"zzqqxxkk: unknown key; known are (.*)", str(caught.value))
    assert known, caught.value
    section = at(SCHEMA, SECTIONS[path])
    assert set(section["properties"]) == set(known[1].split(", "))
    assert section["additionalProperties"] is False


def documented() -> Iterator[str]:
    """Every key in the tables of docs/spec.md, dotted."""
    text = (ROOT / "docs" / "spec.md").read_text(encoding="utf-8").split("## Keys")[1].split("## Expressions")[0]
    section = ""
    for line in text.splitlines():
        if line.startswith("### "):
            section = line[4:].strip()
        elif line.startswith("| `"):
            for name in re.findall(r"`([a-z_.]+)`", line.split("|")[1]):
                inside = section in ("person", "employment", "memberships") and "." not in name
                yield f"{section}.{name}" if inside else name


def test_the_json_schema_has_the_keys_of_the_documentation() -> None:
    keys = list(documented())
    assert {"version", "person.id", "employment.status", "memberships.when", "joiner.adopt"} <= set(keys)
    for key in keys:
        section: Any = SCHEMA
        for name in key.split("."):
            section = properties(section)
            assert name in section, key
            section = section[name]


def properties(part: Any) -> dict[str, Any]:
    """The keys of a part of the schema: of the mapping itself, or of the mappings that a list holds."""
    if "$ref" in part:
        return properties(SCHEMA["$defs"][part["$ref"].rpartition("/")[2]])
    if "items" in part:
        return properties(part["items"])
    found = {**part.get("properties", {})}
    for option in part.get("anyOf", ()):
        found |= properties(option)
    return found


def test_every_key_has_a_description() -> None:
    for part in (SCHEMA, *SCHEMA["$defs"].values()):
        for name, key in part["properties"].items():
            inner = [key, *(option for option in key.get("anyOf", ()))]
            refs = [SCHEMA["$defs"][option["$ref"].rpartition("/")[2]] for option in inner if "$ref" in option]
            assert any(option.get("description") for option in (*inner, *refs)), name


def examples() -> Iterator[tuple[str, str]]:
    for path in (*ROOT.glob("dags/*.yaml"), ROOT / "demo" / "hr" / "hr.yaml"):
        yield path.name, path.read_text(encoding="utf-8")
    for page in ("spec.md", "index.md"):
        blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.DOTALL)
        yield from ((f"{page} {n}", block) for n, block in enumerate(blocks) if block.startswith("version:"))


@pytest.mark.parametrize("text", [text for _, text in examples()], ids=[name for name, _ in examples()])
def test_every_example_fits(text: str) -> None:
    assert errors(text) == []


FULL = (
    SPEC
    + """
kinde_conn_id:
tenant: acme.kinde.com
scope: yes
keep: [{email: a@x.com, organization: eng}]
retired: {roles: [old], organizations: [eng, org_1, {external_id: "5"}]}
joiner: {days_before_start: 3, adopt: false, adopt_provided_id: "{{ row.old }}", leave_default_organization: true}
leaver: {action: remove, end_sessions: false, grace_days: 2, delete_after_days: null}
absent: hold
guards: {max_leavers: 10%, max_row_drop: 5, max_held: 2.5 %, floor: 0}
protect: {roles: [], emails: [boss@x.com]}
"""
)


def test_every_key_of_a_full_spec_fits() -> None:
    SyncSpec.parse(FULL)
    assert errors(FULL) == []
    matched = FULL.replace(
        "  eng: {name: Engineering}\n  sales: {name: Sales}\n", "  match: external_id\n  prefix: e\n"
    )
    assert errors(matched) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("version: 1", "version: 2"),
        ("name: hr\n", "name: HR Sync\n"),
        ("active: [Active]", "active: [yes]"),
        ("active: [Active]", "active: []"),
        ("  status:", "  state:"),
        ("{name: Sales}", "{name: Sales, handle: sales}"),
        ("{name: Sales}", "{create: true}"),
        ("{name: Sales}", "Sales Team"),
        ("roles: [engineer]", "roles: engineer"),
        ("roles: [engineer]", 'roles: ["the engineer"]'),
        ("absent: hold", "absent: delete"),
        ("days_before_start: 3", "days_before_start: -1"),
        ("max_leavers: 10%", "max_leavers: many"),
        ("type: file, path: hr.csv", "type: telepathy"),
        ("type: file, path: hr.csv", "type: file"),
        ("scope: yes", "scope: 5"),
    ],
)
def test_the_schema_refuses_the_mistakes_that_the_reader_refuses(old: str, new: str) -> None:
    text = FULL.replace(old, new)
    assert text != FULL
    assert errors(text)
    from airflow_provider_kinde.sources import make_source

    with pytest.raises(SpecError):
        make_source(SyncSpec.parse(text))


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == SCHEMA
