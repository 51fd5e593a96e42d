"""Expressions that look for a way out, or for a way to take all time and memory: refused, or harmless, at once."""

from __future__ import annotations

import time

import pytest

from airflow_provider_kinde.sync.template import RowView, Template, TemplateError

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
