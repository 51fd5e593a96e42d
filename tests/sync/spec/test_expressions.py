from __future__ import annotations

import datetime as dt
import decimal
import pickle
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kinde.sync.spec.expressions import (
    RowCache,
    RowView,
    Template,
    TemplateError,
    UnknownColumn,
    is_blank,
)

ROW: dict[str, Any] = {
    "Name": "Adinolfi, Wilson  K",
    "Department": "Production       ",
    "Two words": "two",
    "items": "the items",
    "keys": "the keys",
    "values": "the values",
    "get": "the get",
    "null": None,
    "number": 10026,
    "float": 10026.0,
    "half": 0.5,
    "nan": float("nan"),
    "decimal": decimal.Decimal("7.00"),
    "flag": True,
    "tags": ["a", "b"],
    "day": dt.date(2026, 3, 31),
}


def view(row: dict[str, Any] = ROW) -> RowView:
    return RowView(row, known=frozenset(row))


def value(text: str, row: dict[str, Any] = ROW) -> Any:
    return Template(text).value(view(row))


def test_an_object_or_a_list_is_not_called_blank() -> None:
    view = RowView({"mail.work": "a@x.com", "mail.home": "b@x.com", "tags": ["a"]}, None, set())
    with pytest.raises(TemplateError, match=r"column 'mail' holds an object, not one value: read mail.home, mail.work"):
        Template("{{ row.mail }}").render(view)
    with pytest.raises(TemplateError, match="yields a list where text is expected"):
        Template("{{ row.tags }}").render(view)
    with pytest.raises(TemplateError, match="yields an object where text is expected"):
        Template("{{ row.x }}").render({"x": {"secret": "value"}})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ row.items }}", "the items"),
        ("{{ row.keys }}", "the keys"),
        ("{{ row.values }}", "the values"),
        ("{{ row.get }}", "the get"),
        ("{{ row['Two words'] }}", "two"),
        ("{{ row.Department == 'Production' }}", False),
        ("{{ row.Department | trim == 'Production' }}", True),
        ("{{ row.Department.strip() in ['IT', 'Production'] }}", True),
        ("{{ row.Name.split(', ')[1] }}", "Wilson  K"),
        ("{{ row.Name | before }}/{{ row.Name | after }}", "Adinolfi/Wilson  K"),
        ("{{ (row.Name | after).split() | first }}", "Wilson"),
        ("{{ row.null }}", ""),
        ("{{ row.null ~ 'x' }}", "x"),
        ("{{ row.null | lower }}", ""),
        ("{{ row.nan }}", ""),
        ("{{ row.number }}", 10026),
        ("{{ row.float }}", 10026),
        ("{{ row.float ~ '' }}", "10026"),
        ("{{ row.half }}", 0.5),
        ("{{ row.decimal }}", 7),
        ("{{ row.flag }}", True),
        ("{{ row.day }}", dt.date(2026, 3, 31)),
        ("{{ row.day.year }}", 2026),
        ("{{ row.tags | join('-') }}", "a-b"),
        ("{{ 'a' in row.tags }}", True),
        ("{{ {'Production': 'prod'}.get(row.Department | trim, 'other') }}", "prod"),
        ("{{ row.Name[:3] | upper }}", "ADI"),
        ("{% if row.flag %}yes{% else %}no{% endif %}", "yes"),
        ("{% set first = row.Name | after %}{{ first[0] }}", "W"),
        ("{% for tag in row.tags %}{{ loop.index }}{{ tag }}{% endfor %}", "1a2b"),
        ("{{ row.Name | regex_replace('\\\\s+', ' ') }}", "Adinolfi, Wilson K"),
        ("{{ row.Name | regex_search('(\\\\w+), (\\\\w)', 2) }}", "W"),
        ("{{ row.Name | regex_search('\\\\d') }}", ""),
        ("{{ '%05d' | format(row.number) }}", "10026"),
        ("{{ '%07d' % row.number }}", "0010026"),
        ("{{ '{:>7}'.format(row.number) }}", "  10026"),
        ("{{ row.number + 1 }}", 10027),
        ("{{ row.Name | split(',') | last | trim }}", "Wilson  K"),
        ("{{ row.Name | replace(',', ';') }}", "Adinolfi; Wilson  K"),
        ("{{ [row.number, row.null] | join('/') }}", "10026/"),
    ],
)
def test_expressions(text: str, expected: Any) -> None:
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("given", "folded"),
    [
        ("Zoë Ångström", "Zoe Angstrom"),
        ("Zoe\u0308", "Zoe"),
        ("Weiß Łukasz Søren Đorđe Æsa Þór ıI", "Weiss Lukasz Soren Dorde Aesa Thor iI"),
        ("O’Hare–Smith", "O'Hare-Smith"),
        ("李 Li", " Li"),
    ],
)
def test_ascii(given: str, folded: str) -> None:
    assert value("{{ row.x | ascii }}", {"x": given}) == folded


def test_an_address_is_built_from_a_name() -> None:
    text = "{{ [(row.Name | after).split() | first, row.Name | before] | map('slug') | join('.') }}@acme.com"
    assert value(text) == "wilson.adinolfi@acme.com"
    assert value(text, {"Name": "O'Hare,  Zoë M "}) == "zoe.ohare@acme.com"
    assert value("{{ row.x | slug }}", {"x": "Ait Sidi"}) == "ait-sidi"
    assert value("{{ row.x | slug('_') }}", {"x": " Ait  Sidi "}) == "ait_sidi"


def test_text_of_what_it_yields() -> None:
    assert Template("{{ row.float }}").render(view()) == "10026"
    assert Template("{{ row.null }}").render(view()) == ""
    assert Template("{{ none }}").render(view()) == ""
    assert Template("{{ row.day }}").render(view()) == "2026-03-31"
    assert Template("{{ row.flag }}").render(view()) == "True"
    with pytest.raises(TemplateError, match="a list where text is expected"):
        Template("{{ row.tags }}").render(view())
    with pytest.raises(TemplateError, match="where text is expected"):
        Template("{{ row }}").render(view())


@pytest.mark.parametrize(
    ("text", "columns", "optional"),
    [
        ("plain", set(), set()),
        ("{{ row.a }} {{ row['b c'] }}", {"a", "b c"}, set()),
        ("{{ row.a.strip() }}", {"a"}, set()),
        ("{% set r = row %}{{ r.a }}", {"a"}, set()),
        ("{% set c = 'a' %}{{ row[c] }}", {"a"}, set()),
        ("{% for c in ['a', 'b'] %}{{ row[c] }}{% endfor %}", {"a", "b"}, set()),
        ("{{ row['a' ~ 'b'] }}", {"ab"}, set()),
        ("{{ row.a if row.a is defined else row.b }}", {"a", "b"}, {"a"}),
        ("{{ row.a is not defined }}", {"a"}, {"a"}),
        ("{{ row.a | default('x') }}", {"a"}, {"a"}),
        ("{{ 'a' in row and row.a == 'x' }}", {"a"}, {"a"}),
        ("{{ row['a b'] is defined }}", {"a b"}, {"a b"}),
        ("{{ 1 + 1 }}", set(), set()),
    ],
)
def test_the_columns_that_an_expression_reads(text: str, columns: set[str], optional: set[str]) -> None:
    template = Template(text)
    assert (template.columns, template.optional) == (columns, optional)
    assert template.constant == (not columns)


def test_an_unknown_column_is_an_error_that_names_it() -> None:
    for text in ("{{ row.Nmae }}", "{{ row['Nmae'] == 'x' }}", "{{ row[row.items[:0] ~ 'Nmae'] }}"):
        with pytest.raises(UnknownColumn, match="Nmae"):
            value(text)
    assert value("{{ row.Nmae is defined }}") is False
    assert value("{{ row.Name is defined }}") is True
    assert value("{{ row.null is defined }}") is True
    assert value("{{ row.Nmae | default('none') }}") == "none"
    assert value("{{ row.Nmae.strip() if 'Nmae' in row else 'none' }}") == "none"


def test_a_column_that_a_json_row_lacks_is_blank_and_noted() -> None:
    missed: set[str] = set()
    lacking = RowView({"a": "1"}, None, missed)
    assert Template("{{ row.b }}{{ row.a }}").render(lacking) == "1"
    assert Template("{{ row.b == '' }}").value(lacking) is True
    assert Template("{{ row.b is defined }}").value(lacking) is False
    assert missed == {"b"}


@pytest.mark.parametrize("word", ["yes", "Yes ", "TRUE", "1", True, 1, 1.0])
def test_true(word: Any) -> None:
    assert Template("{{ row.x }}").truth({"x": word}) is True


@pytest.mark.parametrize("word", ["no", " nO", "False", "0", False, 0])
def test_false(word: Any) -> None:
    assert Template("{{ row.x }}").truth({"x": word}) is False


@pytest.mark.parametrize("word", ["", " ", None, "maybe", "y", "on", 2, 0.5, float("nan"), [], ["yes"], "x" * 99])
def test_neither_true_nor_false(word: Any) -> None:
    with pytest.raises(TemplateError, match="where yes or no is expected"):
        Template("{{ row.x }}").truth({"x": word})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ row.Name", "not a valid expression"),
        ("{{ row.Name | }}", "not a valid expression"),
        ("{% if row.Name %}", "not a valid expression"),
        ("{{ Department }}", "unknown name 'Department': a column is written row.Department"),
        ("{{ row.Name | lowre }}", "no filter named 'lowre'; did you mean lower?"),
        ("{{ row.Name is blnak }}", "no test named"),
        ("{% macro f() %}{% endmacro %}", "macro cannot be used"),
        ("{% include 'x' %}", "include cannot be used"),
        ("{% import 'x' as y %}", "cannot be used"),
        ("{% set row = 1 %}", "cannot be set"),
        ("{% set ns = namespace(x=1) %}", "unknown name 'namespace'"),
        ("{{ cycler('a') }}", "unknown name"),
        ("{{ row.Name | attr('x') }}", "no filter named"),
        (r"{{ row.Name | regex_replace('(a)', '\1') }}", "a backslash is written twice"),
        (r"{{ row.Name | regex_search('\bx') }}", "a backslash is written twice"),
        ("{{ row.Name | random }}", "no filter named"),
        ("{{ " + "(" * 300 + "1" + ")" * 300 + " }}", "not a valid expression"),
    ],
)
def test_an_expression_that_cannot_be_compiled_says_why(text: str, words: str) -> None:
    with pytest.raises(TemplateError, match=words):
        Template(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ row.Name.split('x')[5] }}", "no element 5"),
        ("{{ row.Name.nothing }}", "nothing"),
        ("{{ row.tags.append('x') }}", "append"),
        ("{{ row.tags.__class__ }}", "__class__"),
        ("{{ ''.__class__.__mro__ }}", "__class__"),
        ("{{ row.Name.split.__self__ }}", "__self__"),
        ("{{ row.Name() }}", "not callable"),
        ("{{ row() }}", "not callable"),
        ("{{ 1 / 0 * row.number }}", "ZeroDivisionError"),
        ("{{ row.number + row.Name }}", "TypeError"),
        ("{{ '{0.__class__}'.format(row.Name) }}", "__class__"),
        ("{{ row.Name | regex_search('(') }}", "not a regular expression"),
    ],
)
def test_an_expression_that_fails_on_a_row_says_why(text: str, words: str) -> None:
    with pytest.raises(TemplateError, match=words):
        value(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ row.long }}", "column 'long' holds more than 10,000 characters"),
        ("{{ row.long | length }}", "column 'long' holds more than 10,000 characters"),
        ("{{ row.Name * 600 }}", "yields more than 10,000 characters"),
        ("{% for i in range(600) %}{{ row.Name }}{% endfor %}", "yields more than 10,000 characters"),
        ("{{ (row.Name * 30) | regex_search('a') }}", "reads at most 500 characters"),
        ("{{ (row.Name * 30) | regex_replace('a', 'b') }}", "reads at most 500 characters"),
    ],
)
def test_a_result_too_long_for_a_cell_rejects_the_row(text: str, words: str) -> None:
    with pytest.raises(TemplateError, match=words):
        Template(text).render(view(ROW | {"long": "x" * 10_001}))


def test_a_loop_in_a_loop() -> None:
    pairs = "{% for a in row.tags %}{% for b in row.tags %}{{ a }}{{ b }} {% endfor %}{% endfor %}"
    assert value(pairs) == "aa ab ba bb "


def test_a_loop_over_numbers() -> None:
    assert value("{% for i in range(100) %}{{ i }}{% endfor %}") == "".join(map(str, range(100)))


def test_equal_values_of_different_types_are_told_apart() -> None:
    template = Template("{{ row.x ~ '' }}")
    assert [template.value({"x": x}) for x in ("1", 1, True, 1.0, "1")] == ["1", "1", "True", "1", "1"]


@given(st.lists(st.text(max_size=5), min_size=1, max_size=50))
def test_cached_results_are_the_same(cells: list[str]) -> None:
    shared = Template("{{ row.x | trim | upper }}/{{ row.y }}")
    for cell in cells:
        row = {"x": cell, "y": cell[:1]}
        assert shared.value(row) == Template(shared.text).value(row)


def test_many_distinct_values_do_not_pile_up() -> None:
    asked: list[str] = []

    def compute(view: RowView) -> str:
        asked.append(view.values["x"])
        return str(view.values["x"]).upper()

    recall = RowCache(["x"], compute)
    for number in range(70_000):
        assert recall(RowView({"x": f"v{number}"})) == f"V{number}"
    assert len(recall._known) < 40_000
    assert recall(RowView({"x": "v7"})) == "V7"
    assert asked.count("v7") == 2


def test_failures_and_equal_values_of_other_types_are_not_cached() -> None:
    asked: list[object] = []

    def compute(view: RowView) -> object:
        asked.append(view.values["x"])
        if view.values["x"] == "bad":
            raise LookupError
        return type(view.values["x"]).__name__

    recall = RowCache(["x"], compute)
    found = [recall(RowView({"x": x})) for x in (1, True, 1.0, "1", "1", None, None)]
    assert found == ["int", "bool", "float", "str", "str", "NoneType", "NoneType"]
    assert len(asked) == 5
    for _ in range(2):
        with pytest.raises(LookupError):
            recall(RowView({"x": "bad"}))
    assert len(asked) == 7


def test_an_expression_can_be_pickled() -> None:
    template = pickle.loads(pickle.dumps(Template("{{ row.Name }}", key="person.id", line=3)))
    assert (template.render(view()), template.key, template.line) == (ROW["Name"], "person.id", 3)


def test_an_expression_is_evaluated_fast() -> None:
    templates = [Template(text) for text in ("{{ row.a }}", "{{ row.b | trim == 'x' }}", "{{ row.a | upper }}x")]
    began = time.perf_counter()
    for number in range(1000):
        row = RowView({"a": str(number), "b": "x "})
        for template in templates:
            template.value(row)
    # Some 10 microseconds each on a slow machine; the bound is generous, since others use the same cores.
    assert time.perf_counter() - began < 0.5


@pytest.mark.parametrize("cell", ["", "  ", "\u00a0", None, float("nan"), [], {}, decimal.Decimal("NaN")])
def test_blank(cell: Any) -> None:
    assert is_blank(cell)


@pytest.mark.parametrize("cell", ["x", 0, False, 0.0, ["a"], dt.date(2026, 1, 1)])
def test_not_blank(cell: Any) -> None:
    assert not is_blank(cell)


@pytest.mark.parametrize(
    ("cell", "text"),
    [("1e30", "1" + "0" * 30), ("1E+5", "100000"), ("12.50", "12.50"), ("-1e999999999", "-1E+999999999")],
)
def test_a_decimal_is_not_unrolled_into_a_billion_digits(cell: str, text: str) -> None:
    assert Template("{{ row.a }}").render({"a": decimal.Decimal(cell)}) == text


def test_a_number_that_python_does_not_write_down() -> None:
    with pytest.raises(TemplateError, match="thousands of digits"):
        Template("{{ row.a }}").render({"a": 10**5000})


@pytest.mark.parametrize("cell", ["0,5", "", "abc", "1_0", "nan", "inf", "1.234,5", "0x1F"])
@pytest.mark.parametrize("name", ["int", "float"])
def test_a_text_that_is_no_number_fails_unless_a_default_is_given(name: str, cell: str) -> None:
    with pytest.raises(TemplateError, match="is not a"):
        Template("{{ row.x | " + name + " }}").render({"x": cell})
    assert Template("{{ row.x | " + name + "(7) }}").render({"x": cell}) == "7"
    assert Template("{{ row.x | " + name + "(default=none) }}").render({"x": cell}) == ""


@pytest.mark.parametrize("cell", ["12.7", 12.7, decimal.Decimal("12.7"), "1e-3", "1e999", float("inf"), float("nan")])
def test_int_cuts_nothing(cell: object) -> None:
    with pytest.raises(TemplateError, match="is not a whole number"):
        Template("{{ row.x | int }}").render({"x": cell})
    assert Template("{{ row.x | int(7) }}").render({"x": cell}) == "7"


def test_numbers_are_numbers() -> None:
    for cell, number in ((" 12 ", "12"), ("-3.0", "-3"), (5, "5"), ("1e3", "1000"), ("+7", "7")):
        assert Template("{{ row.x | float }}").render({"x": cell}) == number
        assert Template("{{ row.x | int }}").render({"x": cell}) == number
    assert Template("{{ row.x | int(base=16) }}").render({"x": "1F"}) == "31"
    assert Template("{{ row.x | float | round(0, 'floor') | int }}").render({"x": "12.7"}) == "12"
    assert Template("{{ row.x | float > 0.4 }}").truth({"x": "0.5"}) is True


@pytest.mark.parametrize("name", ["ascii", "slug"])
@pytest.mark.parametrize(
    "cell", ["J\u043ehn Doe", "\u674e", "\u0418\u0432\u0430\u043d \u041f\u0435\u0442\u0440\u043e\u0432"]
)
def test_a_part_of_a_word_is_not_taken_for_the_word(name: str, cell: str) -> None:
    with pytest.raises(TemplateError, match="has no form in ASCII"):
        Template("{{ row.x | " + name + " }}").render({"x": cell})
