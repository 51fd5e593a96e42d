"""What the README names is there: files, anchors, make targets and commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from airflow_provider_kinde.cli.main import parser

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def anchors(page: str) -> set[str]:
    """The anchors of the headings of a page, as GitHub and the site make them."""
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_leads_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if not link.startswith("http")]
    assert len(links) > 30
    for link in links:
        path, _, anchor = link.partition("#")
        assert (ROOT / path).exists(), link
        assert not anchor or anchor in anchors((ROOT / path).read_text(encoding="utf-8")), link


def test_every_target_of_make_exists() -> None:
    targets = set(re.findall(r"\bmake ([a-z][\w-]*)", README))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert {"demo", "test", "docs"} <= targets
    assert sorted(target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)) == []


def test_every_command_is_taken() -> None:
    lines = re.findall(r"^python -m airflow_provider_kinde ([^#\n]+)", README, re.MULTILINE)
    assert len(lines) >= 2
    for line in lines:
        parser().parse_args(line.split())


@pytest.mark.parametrize("example", ["hr.yaml", "employees.csv"])
def test_example_files_are_made_by_the_tutorial(example: str) -> None:
    assert f"cat > {example} <<" in (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
