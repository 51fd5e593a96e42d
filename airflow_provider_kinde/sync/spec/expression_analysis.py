"""What an expression reads, found out from its syntax tree, before any row is there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import jinja2
from jinja2 import meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.visitor import NodeTransformer

from airflow_provider_kinde.client.text import did_you_mean
from airflow_provider_kinde.sync.spec.cell_text import clean_inside
from airflow_provider_kinde.sync.spec.date_parser import check_format
from airflow_provider_kinde.sync.spec.filters import regex

# What the discovery of columns understands: no macros, blocks, imports and namespaces.
_STATEMENTS = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Assign, nodes.Expr)
_HELPERS = (nodes.Operand, nodes.Keyword, nodes.Pair)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_GLOBALS = {"row", "range", "today", "days"}
_SAME_VALUE = {"trim", "lower", "upper", "string", "strip", "casefold"}
"""Filters and text methods that leave a value what it is, but for case and blanks."""
_FOLDING = {"lower", "upper", "casefold"}


@dataclass(frozen=True)
class ExpressionAnalysis:
    """What is known of an expression without running it.

    :param tree: the tree to compile.
    :param columns: columns read by a constant name.
    :param optional: those that need not exist.
    :param dynamic: some column's name is known at run time only.
    :param reads_row: the expression uses ``row`` at all.
    :param only_column: the one column that the expression is, without anything done to it.
    :param texts: the constant texts in it, with which cells may be compared.
    :param dated: the value depends on the day, or on how dates are written.
    :param compared: column -> the texts with which the expression compares it.
    :param named: column -> the texts that the expression asks for or excludes, and whether case counts.
    """

    tree: nodes.Template
    columns: frozenset[str]
    optional: frozenset[str]
    dynamic: bool
    reads_row: bool
    only_column: str | None
    texts: frozenset[str]
    dated: bool
    compared: dict[str, frozenset[str]]
    named: dict[str, frozenset[tuple[str, bool]]]


def prepare(tree: nodes.Template, environment: jinja2.Environment) -> ExpressionAnalysis:
    """Check a parsed template, find its columns and bring it into the form that is compiled.

    :param tree: the parsed template, which is changed.
    :param environment: the environment that parsed it.
    :raises jinja2.TemplateSyntaxError: it uses what an expression of a spec may not.
    """
    _check(tree, environment)
    rows = _row_names(tree)
    constants = _constants(tree)
    columns: set[str] = set()
    dynamic = False
    lookups: list[nodes.Getattr | nodes.Getitem] = [*tree.find_all(nodes.Getattr), *tree.find_all(nodes.Getitem)]
    for node in lookups:
        names = _column_names(node, rows, constants)
        if names is None:
            dynamic = True
        columns.update(names or ())
    reads_row = any(name.name == "row" for name in tree.find_all(nodes.Name))
    # `row` handed on as a whole may be read in ways that the tree does not show.
    used = sum(name.name in rows and name.ctx == "load" for name in tree.find_all(nodes.Name))
    handed_on = used - sum(isinstance(node.node, nodes.Name) and node.node.name in rows for node in lookups)
    dated = any(name.name == "today" for name in tree.find_all(nodes.Name))
    dated = dated or any(node.name == "date" for node in tree.find_all(nodes.Filter))
    compared, named = _compared(tree, rows, ("eq", "in")), _compared(tree, rows, ("eq", "in", "ne", "notin"))
    transformer = _Transformer(rows, constants)
    expression = _single_expression(tree)
    only = None
    if expression is not None and isinstance(expression, (nodes.Getattr, nodes.Getitem)):
        names = _column_names(expression, rows, constants)
        only = names[0] if names and len(names) == 1 else None
    if expression is not None:
        target = nodes.Name("result", "store", lineno=expression.lineno)
        tree.body = [nodes.Assign(target, expression, lineno=expression.lineno)]
    tree = transformer.visit(tree)
    tree.set_environment(environment)
    texts = (const.value for const in tree.find_all(nodes.Const) if isinstance(const.value, str))
    return ExpressionAnalysis(
        tree=tree,
        columns=frozenset(columns),
        optional=frozenset(transformer.optional),
        dynamic=dynamic or handed_on > 0,
        reads_row=reads_row,
        only_column=only,
        texts=frozenset(texts) - columns,
        dated=dated,
        compared={column: frozenset(text for text, _ in texts) for column, texts in compared.items()},
        named=named,
    )


def _fail(message: str, node: nodes.Node) -> jinja2.TemplateSyntaxError:
    return jinja2.TemplateSyntaxError(message, node.lineno or 1)


def _check(tree: nodes.Template, environment: jinja2.Environment) -> None:
    for node in (tree, *tree.find_all(nodes.Node)):
        if not isinstance(node, (*_STATEMENTS, *_HELPERS)):
            raise _fail(f"{type(node).__name__.lower()} cannot be used in a spec", node)
        if isinstance(node, nodes.Name) and node.ctx == "store" and node.name in _GLOBALS | {"result"}:
            raise _fail(f"{node.name!r} cannot be set: it has a meaning here", node)
        if isinstance(node, nodes.Const) and isinstance(node.value, str) and _CONTROL.search(node.value):
            raise _fail("a text in it holds a control character; a backslash is written twice there: '\\\\1'", node)
        if isinstance(node, nodes.NSRef):
            raise _fail("namespaces cannot be used in a spec", node)
        if isinstance(node, nodes.Filter) and node.name not in environment.filters:
            raise _fail(f"no filter named {node.name!r}" + _hint(node.name, environment.filters), node)
        if isinstance(node, nodes.Filter) and node.name in ("regex_replace", "regex_search"):
            _check_regex(node)
        if isinstance(node, nodes.Filter) and node.name == "date":
            _check_formats(node)
        if isinstance(node, nodes.Test) and node.name not in environment.tests:
            raise _fail(f"no test named {node.name!r}" + _hint(node.name, environment.tests), node)
    names_used = meta.TrackingCodeGenerator(environment)
    names_used.optimizer = None  # it would fold lists and dictionaries of the tree, whose texts are looked at later
    names_used.visit(tree)
    unknown = sorted(names_used.undeclared_identifiers - _GLOBALS)
    if unknown:
        names = [name for name in tree.find_all(nodes.Name) if name.name == unknown[0]]
        message = f"unknown name {unknown[0]!r}: a column is written row.{unknown[0]}, a text stands in quotes"
        raise _fail(message, names[0] if names else tree)


def _check_regex(node: nodes.Filter) -> None:
    """A pattern that is written out is checked now, rather than on each row."""
    pattern = _const(node.args[0]) if node.args else None
    try:
        if pattern is not None:
            regex(pattern)
    except SecurityError as error:
        raise _fail(str(error.message), node) from None


def _check_formats(node: nodes.Filter) -> None:
    for argument in node.args:
        text = _const(argument)
        try:
            if text is not None:
                check_format(text)
        except ValueError as error:
            raise _fail(f"{text!r} is no format of a date: {error}", node) from None


def _compared(
    tree: nodes.Template, rows: set[str], operators: tuple[str, ...]
) -> dict[str, frozenset[tuple[str, bool]]]:
    """Which texts a column is compared with, and whether case counts: ``==``, ``in``, or a look-up in a dictionary."""
    found: dict[str, frozenset[tuple[str, bool]]] = {}

    def note(node: nodes.Node, items: Sequence[nodes.Node]) -> None:
        names = _column_names(_inner(node), rows, {})
        texts = [text for item in items if (text := _const(item)) is not None]
        if names and len(names) == 1 and texts:
            exact = not _folds(node)
            found[names[0]] = found.get(names[0], frozenset()) | frozenset((text, exact) for text in texts)

    for compare in tree.find_all(nodes.Compare):
        for operand in compare.ops:
            if operand.op not in operators:
                continue
            if operand.op in ("eq", "ne"):
                note(compare.expr, [operand.expr])
                note(operand.expr, [compare.expr])
            elif isinstance(operand.expr, (nodes.List, nodes.Tuple)):
                note(compare.expr, operand.expr.items)
    for call in tree.find_all(nodes.Call):
        method = call.node
        named = isinstance(method, nodes.Getattr) and method.attr == "get" and call.args
        if named and isinstance(method, nodes.Getattr) and isinstance(method.node, nodes.Dict):
            note(call.args[0], [pair.key for pair in method.node.items])
    for lookup in tree.find_all(nodes.Getitem):
        if isinstance(lookup.node, nodes.Dict):
            note(lookup.arg, [pair.key for pair in lookup.node.items])
    return found


def _inner(node: nodes.Node) -> nodes.Node:
    """What a value is made of, without what changes only its case and its blanks."""
    if isinstance(node, nodes.Filter) and node.name in _SAME_VALUE and node.node is not None:
        return _inner(node.node)
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr) and node.node.attr in _SAME_VALUE:
        return _inner(node.node.node)
    return node


def _folds(node: nodes.Node) -> bool:
    """Whether case is changed on the way to a value."""
    if isinstance(node, nodes.Filter) and node.node is not None:
        return node.name in _FOLDING or _folds(node.node)
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
        return node.node.attr in _FOLDING or _folds(node.node.node)
    return False


def _hint(name: str, known: Iterable[str]) -> str:
    hint = did_you_mean(name, known, otherwise="")
    return f"; {hint}" if hint else ""


def _single_expression(tree: nodes.Template) -> nodes.Expr | None:
    """The expression of a template that is one ``{{ }}`` and nothing else."""
    if len(tree.body) == 1 and isinstance(tree.body[0], nodes.Output):
        parts = tree.body[0].nodes
        if len(parts) == 1 and not isinstance(parts[0], nodes.TemplateData):
            return parts[0]
    return None


def _row_names(tree: nodes.Template) -> set[str]:
    """``row`` and the names that ``{% set r = row %}`` gives it."""
    rows = {"row"}
    for assign in tree.find_all(nodes.Assign):
        if isinstance(assign.node, nodes.Name) and assign.node.name in rows and isinstance(assign.target, nodes.Name):
            rows.add(assign.target.name)
    return rows


def _constants(tree: nodes.Template) -> dict[str, list[str] | None]:
    """Names that can only hold constant text, with what they can hold; ``None`` when anything else is possible."""
    found: dict[str, list[str] | None] = {}
    bindings: list[tuple[nodes.Node, Sequence[nodes.Node]]] = [
        (assign.target, [assign.node]) for assign in tree.find_all(nodes.Assign)
    ]
    bindings += [
        (loop.target, loop.iter.items if isinstance(loop.iter, nodes.List) else []) for loop in tree.find_all(nodes.For)
    ]
    for target, values in bindings:
        texts = [_const(value) for value in values] if isinstance(target, nodes.Name) else []
        for name in [target] if isinstance(target, nodes.Name) else target.find_all(nodes.Name):
            before = found.get(name.name, [])
            if before is None or not texts or None in texts:
                found[name.name] = None
            else:
                found[name.name] = [*before, *(text for text in texts if text is not None)]
    return found


def _const(node: nodes.Node) -> str | None:
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        return node.value
    if isinstance(node, nodes.Concat):
        parts = [_const(part) for part in node.nodes]
        return None if None in parts else "".join(part for part in parts if part is not None)
    return None


def _column_names(node: nodes.Node, rows: set[str], constants: dict[str, list[str] | None]) -> list[str] | None:
    """Columns that this node can read: none when it is not a column, ``None`` when that is known at run time only."""
    if not isinstance(node, (nodes.Getattr, nodes.Getitem)):
        return []
    if not (isinstance(node.node, nodes.Name) and node.node.name in rows):
        return []
    if isinstance(node, nodes.Getattr):
        return [node.attr]
    if isinstance(node.arg, nodes.Const):
        return [str(node.arg.value)]
    if isinstance(node.arg, nodes.Name):
        return constants.get(node.arg.name)
    text = _const(node.arg)
    return None if text is None else [text]


class _Transformer(NodeTransformer):
    """Makes it safe to ask whether a column exists, lets ``~`` join values as text, cleans texts as cells are."""

    def __init__(self, rows: set[str], constants: dict[str, list[str] | None]) -> None:
        self._rows, self._constants = rows, constants
        self.optional: set[str] = set()

    def _asked(self, node: nodes.Expr) -> nodes.Expr:
        """``row.x`` as ``(row.x if "x" in row)``: undefined, rather than an error, when there is no such column."""
        names = _column_names(node, self._rows, self._constants)
        if not names or len(names) != 1 or not isinstance(node, (nodes.Getattr, nodes.Getitem)):
            return node
        self.optional.add(names[0])
        present = nodes.Compare(nodes.Const(names[0]), [nodes.Operand("in", node.node)], lineno=node.lineno)
        return nodes.CondExpr(present, node, None, lineno=node.lineno)

    def visit_Test(self, node: nodes.Test) -> nodes.Node:
        node = self.generic_visit(node)  # type: ignore[assignment]
        if node.name in ("defined", "undefined"):
            node.node = self._asked(node.node)
        return node

    def visit_Filter(self, node: nodes.Filter) -> nodes.Node:
        node = self.generic_visit(node)  # type: ignore[assignment]
        if node.name in ("default", "d") and node.node is not None:
            node.node = self._asked(node.node)
        return node

    def visit_Const(self, node: nodes.Const) -> nodes.Node:
        if isinstance(node.value, str):
            node.value = clean_inside(node.value)
        return node

    def visit_TemplateData(self, node: nodes.TemplateData) -> nodes.Node:
        node.data = clean_inside(node.data)
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        # The name of a column is read as the source writes it.
        named = isinstance(node.arg, nodes.Const) and isinstance(node.node, nodes.Name) and node.node.name in self._rows
        return node if named else self.generic_visit(node)

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        asked = _const(node.expr)
        node = self.generic_visit(node)  # type: ignore[assignment]
        for operand in node.ops:
            if asked is not None and operand.op in ("in", "notin") and isinstance(operand.expr, nodes.Name):
                self.optional.update({asked} if operand.expr.name in self._rows else ())
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        node = self.generic_visit(node)  # type: ignore[assignment]
        pieces = nodes.List(node.nodes, lineno=node.lineno)
        return nodes.Filter(pieces, "join", [], [], None, None, lineno=node.lineno)
