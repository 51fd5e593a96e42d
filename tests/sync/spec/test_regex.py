from __future__ import annotations

import pytest

from airflow_provider_kinde.sync.spec.expressions import Template, TemplateError
from airflow_provider_kinde.sync.spec.regex import regex

ENDLESS = [
    r"^(\d\d?)+$",
    "(aa?)*b",
    "(a?){40}a{40}b",
    "(aa|a)" * 60 + "b",
    r"(\b|\b)" * 60 + r"\B",
    "(a|a)*b",
    "(|)*",
    r"(?:\s*\b)*x",
    r"((?=a)a)*",
    r"(\b){100000000}",
    "(a)?(?(1)b|c)",
]
REFUSED = r"may never end|repeats nothing|cannot be used here"
FEWER = [
    (r"\w+\d+" * 4 + "x", "1"),
    ("(ab)*" * 6 + "x", "ab"),
    ("(ab)?" * 30 + "x", "ab"),
    (r"(a*)(a*)\1\2(a*)\3b", "a"),
    (r"[\u0400-\u04ff]*\w*[^x]*y", "ж"),
    ("(?=.*.*.*x)", "a"),
]
USUAL = [
    r"^\s+|\s+$",
    "[^a-z]+",
    r"(\d+)-(\d+)",
    r"^(Mr|Ms)\.? ",
    r"(?i)^(?:dr|prof)\.?\s+",
    r"(?:Jr|Sr|III|II|IV)\.?$",
    r"^(\w+)\s+(\w+)\s+(\w+)$",
    r"[\w.+-]+@[\w-]+\.[\w.]+",
    r"(?<=\d)(?=(?:\d{3})+$)",
    r"^(?P<site>[A-Z]{2})-?(\d{3,6})$",
    "[(](.*)[)]",
    "(?:a|b)+c",
]


@pytest.mark.parametrize("pattern", ENDLESS, ids=lambda pattern: pattern[:20])
def test_what_may_never_end_is_refused_before_there_is_a_row(pattern: str) -> None:
    written = pattern.replace("\\", "\\\\")
    with pytest.raises(TemplateError, match=REFUSED):
        Template("{{ row.x | regex_search('" + written + "') }}")
    with pytest.raises(TemplateError, match=REFUSED):
        Template("{{ row.x | regex_replace(row.pattern, '') }}").value({"x": "", "pattern": pattern})


@pytest.mark.parametrize(("pattern", "cell"), FEWER, ids=lambda value: value[:20])
def test_parts_that_share_a_text_read_less_of_it(pattern: str, cell: str) -> None:
    found = regex(pattern)
    assert 0 < found.longest <= 130
    found.expression.search((cell * found.longest)[: found.longest])


@pytest.mark.parametrize("pattern", USUAL)
def test_what_people_write_reads_all_that_it_may(pattern: str) -> None:
    assert regex(pattern).longest >= 390


def test_case_counts_only_where_it_does() -> None:
    assert regex("[a-z]+[A-Z]+[a-z]+[A-Z]").longest > regex("[a-z]+[A-Z]+[a-z]+[A-Z]", True).longest
    assert regex("[a-z]+[A-Z]+[a-z]+[A-Z]").longest > regex("(?i)[a-z]+[A-Z]+[a-z]+[A-Z]").longest
    assert regex(r"(\w+)\W+(\w+)").longest > regex(r"(?a)(\w+)\W+(\w+)").longest
