"""Expressions that look for a way out of the sandbox: refused, or harmless."""

from __future__ import annotations

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


@pytest.mark.parametrize("text", OUT, ids=lambda text: text[:40])
def test_no_expression_leaves_the_sandbox(text: str) -> None:
    try:
        found = Template(text).render(RowView(ROW))
    except TemplateError:
        found = ""
    assert len(found) < 50
    assert not [word for word in ("class", "<", "root", "function", "module") if word in found]


def test_nested_expressions_of_a_usual_depth_are_accepted() -> None:
    many = " or ".join(f"row.Name == 'a{number}'" for number in range(60))
    chosen = "".join(f"'{number}' if row.n == {number} else " for number in range(40))
    assert Template("{{ " + many + " }}").truth(ROW) is False
    assert Template("{{ " + chosen + "'' }}").value(ROW) == "7"
    assert Template("{% set a = row.tags %}{{ [[a, a], (a, 1), {'a': a}] | length }}").value(ROW) == "3"
    assert Template("{{ 2.345 | round(2, 'floor') }}/{{ 1234 | round(-2) | int }}").value(ROW) == "2.34/1200"


def test_methods_can_be_called_in_a_loop() -> None:
    template = Template("{% for tag in row.tags %}{{ tag.upper() }}{{ range(2) | list | length }}{% endfor %}")
    assert template.value(ROW) == "A2B2"
