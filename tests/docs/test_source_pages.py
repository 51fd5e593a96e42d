"""The examples of the documentation are valid specs, and so is every block in the pages on sources."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from airflow_provider_kinde.exceptions import SpecError
from airflow_provider_kinde.sources import SOURCES, make_source
from airflow_provider_kinde.sync.spec.json_schema import spec_schema
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.spec.source import SOURCE_TYPES
from tests.support.hr_server import REST, spec

DOCS = Path(__file__).resolve().parents[2] / "docs"
TYPES = sorted(SOURCES.keys() - {"file"})


@pytest.mark.parametrize("kind", TYPES)
def test_every_source_has_an_example_and_a_page(kind: str) -> None:
    example = SyncSpec.load(DOCS / "examples" / f"{kind}.yaml")
    assert example.source.type == kind
    make_source(example)
    assert f"../examples/{kind}.yaml" in (DOCS / "sources" / f"{kind}.md").read_text()


def blocks() -> list[Any]:
    found = []
    for kind in TYPES:
        text = (DOCS / "sources" / f"{kind}.md").read_text()
        for number, block in enumerate(re.findall(r"^```yaml\n(source:\n.*?)^```", text, re.DOTALL | re.MULTILINE), 1):
            found.append(pytest.param(block, id=f"{kind}.md-{number}"))
    return found


@pytest.mark.parametrize("block", blocks())
def test_every_block_in_the_pages(block: str) -> None:
    make_source(spec(yaml.safe_load(block)["source"], REST))


@pytest.mark.parametrize("kind", TYPES)
def test_every_option_is_in_the_page(kind: str) -> None:
    options = [name for name in known_options(kind) if name != "type"]
    page = (DOCS / "sources" / f"{kind}.md").read_text()
    assert [name for name in options if f"| `{name}` |" not in page] == []


@pytest.mark.parametrize("kind", TYPES)
def test_editors_know_the_options(kind: str) -> None:
    """The schema takes what the source takes: each example, no other option, and none with a blank required one."""
    source = yaml.safe_load((DOCS / "examples" / f"{kind}.yaml").read_text())["source"]
    whole = spec_schema()
    schema = {"$ref": f"#/$defs/{SOURCE_TYPES[kind].__name__}", "$defs": whole["$defs"]}
    options = jsonschema.Draft202012Validator(schema)
    assert options.is_valid(source)
    assert options.is_valid({**source, "expect": None})
    for wrong in ({**source, "no_such_option": 1}, {**source, "expect": {"rows": 3}}):
        assert not options.is_valid(wrong)
    assert sorted(whole["$defs"][SOURCE_TYPES[kind].__name__]["properties"]) == sorted(known_options(kind))


def known_options(kind: str) -> list[str]:
    """The options that the message about an unknown one names."""
    with pytest.raises(SpecError) as caught:
        spec({"type": kind, "no_such_option": 1}, REST)
    return re.findall(r"known are (.*)", str(caught.value))[0].split(", ")


def test_every_type_of_source_has_options_and_a_reader() -> None:
    assert SOURCE_TYPES.keys() == SOURCES.keys()
