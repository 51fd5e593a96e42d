"""Expressions that look for a way out, or for a way to take all time and memory: refused, or harmless, at once."""

from __future__ import annotations

import time

import pytest

from airflow_provider_kinde.sync.spec.expressions import RowView, Template, TemplateError

ROW = {"Name": "Ann", "n": 7, "tags": ["a", "b"], "more": {"a": 1}}
OUT = [
    "{{ row.Name.__class__ }}",
    "{{ row['__class__'] }}",
    "{{ row | attr('__class__') }}",
    "{{ '{0.__class__.__mro__}'.format(row) }}",
    "{{ '{a.__init__.__globals__}'.format(a=row) }}",
    "{{ '{0[__class__]}'.format(row) }}",
    "{{ '%(x)s' | format(x=row) }}",
    "{{ self.__init__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ row.Name.format.__globals__ }}",
    "{{ [row.Name] | map('attr', '__class__') | list | join }}",
    "{{ [row.Name] | map(attribute='__class__') | join }}",
    "{{ [row.Name] | map(attribute='upper.__self__.__class__') | join }}",
    "{{ [row.Name] | selectattr('__class__') | join }}",
    "{{ [row.Name] | unique(attribute='__class__') | join }}",
    "{{ [row] | sort(attribute='__class__') | join }}",
    "{{ [row.Name] | groupby('__class__') }}",
    "{{ dict(a=row).a.__init__ }}",
    "{{ cycler.__init__.__globals__ }}{{ row.n }}",
    "{{ row.Name | tojson | urlize }}",
    "{% include '/etc/passwd' %}{{ row.n }}",
    "{% import 'os' as os %}{{ row.n }}",
    "{% extends 'x' %}{{ row.n }}",
    "{% set row = 1 %}{{ row.__class__ }}",
    "{% for x in [row] %}{{ x.__class__ }}{% endfor %}",
]
TOO_MUCH = [
    "{{ 'a' * 10**9 }}{{ row.n }}",
    "{{ [row.Name] * 10**9 }}",
    "{{ '%s' * 100000 % row.Name }}",
    "{{ ('a' * 9999) | replace('a', 'b' * 9999) | replace('b', row.Name * 3333) }}",
    "{% for a in range(999) %}{% for b in range(999) %}{{ row.Name }}{% endfor %}{% endfor %}",
    "{% for a in range(10**9) %}{{ row.Name }}{% endfor %}",
    "{{ range(10**9) | list }}{{ row.n }}",
    "{% set ns = namespace(x='a') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
    "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(row.n) }}",
    "{% for i in row.tags recursive %}{{ loop(row.tags) }}{% endfor %}",
    "{{ 9**9**9 + row.n }}",
    "{{ (row.n ** 99999) ** 9999 }}",
    "{{ ('9' * 9999) | int * ('9' * 9999) | int + row.n }}",
    "{{ '{:>999999999}'.format(row.Name) }}",
    "{{ '%*d' % (10**9, row.n) }}",
    "{{ row.Name.center(10**9) }}",
    "{{ row.Name.zfill(10**9) }}",
    "{{ row.Name | center(10**9) }}",
    "{{ row.Name | indent(10**9) }}",
    "{{ (row.Name ~ '\t').expandtabs(10**9) }}",
    "{{ row.Name.translate({65: 'x' * 9999}) }}",
    "{{ [1] | batch(10**9, row.Name) | list }}",
    "{{ lipsum(10**6) }}{{ row.n }}",
    "{{ row.Name | regex_replace('(a+)+$', 'b') }}",
    "{{ row.Name | regex_search('(?:a|a)*b') }}",
    "{{ row.Name | regex_search('(a{1000}){1000}') }}",
    "{{ row.Name | regex_search('a{99999999}') }}",
    "{{ " + "(" * 3000 + "row.n" + ")" * 3000 + " }}",
    "{{ row.n " + "+ 1" * 5000 + " }}",
    "{{ " + "not " * 5000 + "row.n }}",
    "{{ row.Name" + " | upper" * 3000 + " }}",
    "{{ row.Name" + ".upper()" * 3000 + " }}",
]


@pytest.mark.parametrize("text", OUT + TOO_MUCH, ids=lambda text: text[:40])
def test_no_way_out_and_no_way_to_take_everything(text: str) -> None:
    began = time.process_time()
    try:
        found = Template(text).render(RowView(ROW))
    except TemplateError:
        found = ""
    assert time.process_time() - began < 1
    assert len(found) < 50
    assert not [word for word in ("class", "<", "root", "function", "module") if word in found]


NESTED_LISTS = "".join(f"{{% set {x} = [row.n] * 9000 %}}{{% set {x} = [{x}] * 9000 %}}" for x in "ab")
COSTLY = [
    ("{{ row.n | round(-1000000000) }}", "30 places"),
    ("{{ row.n | round(100000000, 'ceil') }}", "30 places"),
    ("{{ 7 | round(-1000000000) }}", "30 places"),
    (NESTED_LISTS + "{{ a == b }}", "a list may hold"),
    (NESTED_LISTS + "{{ [a, b] | max | length }}", "a list may hold"),
    ("{% set a = (row.n,) * 9000 %}{% set a = (a,) * 9000 %}{{ {a: 1} | length }}", "a list may hold"),
    ("{% set a = [row.n] %}" + "{% set a = [a, a] %}" * 40 + "{{ a == row.n }}", "a list may hold"),
    ("{% set a = (row.n,) %}" + "{% set a = {1: a, 2: a} %}" * 40 + "{{ a == row.n }}", "a list may hold"),
    ("{% set a = [row.n] * 9000 %}{{ ([0] * 900) | map('default', a, true) | list }}", "a list may hold"),
    ("{% set a = [row.n] * 9000 %}{{ [a] + [a] }}", "a list may hold"),
    ("{% set x = row.Name * 3333 %}{% for i in range(9999) %}{{ x }}{% endfor %}", "yields more than"),
    ("{{ ('a ' * 4999) | slug('b' * 9999) }}{{ row.n }}", "yields more than"),
    ("{{ " + "not " * 190 + "row.n }}", "nested too deeply"),
    ("{{ row.n" + " | string" * 200 + " }}", "nested too deeply"),
    ("{{ " + "-" * 300 + "row.n }}", "nested too deeply"),
    ("{{ [" + "row.n," * 10_000 + "] }}", "too long"),
    ("{% if row.n %}" * 99 + "x" + "{% endif %}" * 99, "nested too deeply"),
    ("{{ " + "(" * 110 + "row.n" + " + 1)" * 110 + " }}", "nested too deeply"),
    ("{{ " + "9" * 5000 + " + row.n }}", "not a valid expression"),
]


@pytest.mark.parametrize(("text", "words"), COSTLY, ids=lambda value: value[-40:])
def test_what_costs_too_much_is_refused_before_it_is_done(text: str, words: str) -> None:
    began = time.process_time()
    with pytest.raises(TemplateError, match=words):
        Template(text).render(RowView(ROW))
    assert time.process_time() - began < 5


def test_what_people_nest_is_fine() -> None:
    many = " or ".join(f"row.Name == 'a{number}'" for number in range(60))
    chosen = "".join(f"'{number}' if row.n == {number} else " for number in range(40))
    assert Template("{{ " + many + " }}").truth(ROW) is False
    assert Template("{{ " + chosen + "'' }}").value(ROW) == "7"
    assert Template("{% set a = row.tags %}{{ [[a, a], (a, 1), {'a': a}] | length }}").value(ROW) == "3"
    assert Template("{{ 2.345 | round(2, 'floor') }}/{{ 1234 | round(-2) }}").value(ROW) == "2.34/1200"


def test_methods_can_be_called_in_a_loop() -> None:
    template = Template("{% for tag in row.tags %}{{ tag.upper() }}{{ range(2) | list | length }}{% endfor %}")
    assert template.value(ROW) == "A2B2"
