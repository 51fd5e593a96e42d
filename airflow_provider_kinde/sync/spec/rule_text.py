"""Membership rules in words, as reasons in plans and in ``explain``."""

from __future__ import annotations

from functools import lru_cache

import jinja2
from jinja2 import nodes

MAX_CONDITION = 120
"""Longest condition, in characters, that a reason quotes."""
_SAME_VALUE = frozenset({"trim", "lower", "upper", "string"})
"""Filters and text methods that a reason leaves out: ``row.Department | trim`` is "Department"."""


def rule_text(line: int | None, when: str = "") -> str:
    """Name a membership rule with its line and its condition.

    :param line: line of the rule in the spec file, from 1; ``None`` if the spec is not from a file.
    :param when: the rule's ``when`` as the spec holds it; empty if the rule always holds.
    :returns: such as ``rule in line 58: BusinessUnit is BPC``; without the condition if there is none, if it is long,
        or if it holds an e-mail address.
    """
    name = f"rule in line {line}" if line else "rule"
    text = condition_text(when) if when else ""
    return f"{name}: {text}" if text else name


@lru_cache(maxsize=512)
def condition_text(text: str) -> str:
    """Write a condition in words.

    :param text: the expression as the spec holds it.
    :returns: ``BusinessUnit is BPC`` for ``{{ row.BusinessUnit == 'BPC' }}``; the expression itself if it is another
        than comparisons of columns with constants; empty if it is long or holds an e-mail address.
    """
    try:
        body = jinja2.Environment(autoescape=True).parse(text).body
    except (jinja2.TemplateError, RecursionError):
        return ""
    output = body[0] if len(body) == 1 else None
    alone = output.nodes[0] if isinstance(output, nodes.Output) and len(output.nodes) == 1 else None
    words = (_condition(alone) if alone else "") or " ".join(text.strip().removeprefix("{{").removesuffix("}}").split())
    return "" if "@" in words or len(words) > MAX_CONDITION else words


def _condition(node: nodes.Node) -> str:
    """Words for a comparison, or for several joined by ``and`` or by ``or``; empty for anything else."""
    if isinstance(node, (nodes.And, nodes.Or)):
        parts = [_condition(node.left), _condition(node.right)]
        other = nodes.Or if isinstance(node, nodes.And) else nodes.And
        if not all(parts) or isinstance(node.left, other) or isinstance(node.right, other):
            return ""  # "a and b or c" has two readings in English
        return (" and " if isinstance(node, nodes.And) else " or ").join(parts)
    if not isinstance(node, nodes.Compare) or len(node.ops) != 1:
        return ""
    column, operator, value = _column(node.expr), node.ops[0].op, node.ops[0].expr
    if column and operator in ("eq", "ne") and isinstance(value, nodes.Const):
        return f"{column} {'is' if operator == 'eq' else 'is not'} {_constant(value)}"
    if column and operator in ("in", "notin") and isinstance(value, (nodes.List, nodes.Tuple)):
        listed = [_constant(item) for item in value.items if isinstance(item, nodes.Const)]
        if len(listed) == len(value.items):
            return f"{column} is {'' if operator == 'in' else 'not '}one of {', '.join(listed)}"
    return ""


def _column(node: nodes.Node | None) -> str:
    """The name of a column, read as it is or trimmed or folded; empty for anything else."""
    if isinstance(node, nodes.Filter) and node.name in _SAME_VALUE and not node.args:
        return _column(node.node)
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr) and not node.args:
        return _column(node.node.node) if node.node.attr in ("strip", "lower", "upper", "casefold") else ""
    if (
        isinstance(node, (nodes.Getattr, nodes.Getitem))
        and isinstance(node.node, nodes.Name)
        and node.node.name == "row"
    ):
        if isinstance(node, nodes.Getattr):
            return node.attr
        return str(node.arg.value) if isinstance(node.arg, nodes.Const) else ""
    return ""


def _constant(node: nodes.Const) -> str:
    return str(node.value) if str(node.value).strip() else "blank"
