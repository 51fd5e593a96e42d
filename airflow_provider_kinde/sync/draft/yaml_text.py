"""Write values as YAML, and texts as literals of expressions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from airflow_provider_kinde.sync.draft.columns import slug
from airflow_provider_kinde.sync.people.null_texts import listed
from airflow_provider_kinde.sync.report.text import clean

_TAKEN = frozenset({"match", "prefix", "null", "yes", "no", "on", "off", "true", "false"})
"""Words that YAML or a spec does not read as an alias."""


def entry(key: str, value: str, why: str, sure: bool) -> list[str]:
    """Write one key with the evidence of its value.

    :param key: the key, indented.
    :param value: the value.
    :param why: the evidence.
    :param sure: whether the value needs no check.
    :returns: one line, or two where the comment is long.
    """
    comment = f"# {clean(why)}" if sure else f"# check: {clean(why)}"
    line = f"{key}: {quoted(value)}"
    return [f"{line}  {comment}"] if len(line) + len(comment) < 118 else [f"  {comment}", line]


def aliases_of(values: Iterable[str]) -> list[str]:
    """Make a different short name for each value.

    :param values: the values.
    :returns: the names, in the order of the values.
    """
    found: dict[str, None] = {}
    for value in values:
        base = slug(value) or "organization"
        if base[0].isdigit() or base in _TAKEN:
            base = f"org-{base}"
        alias, number = base, 2
        while alias in found:
            alias, number = f"{base}-{number}", number + 1
        found[alias] = None
    return list(found)


def some(texts: Sequence[str], most: int = 10) -> str:
    """List the first of some texts.

    :param texts: the texts.
    :param most: how many are shown.
    """
    more = f" and {len(texts) - most:,} more" if len(texts) > most else ""
    return ", ".join(clean(text) for text in texts[:most]) + more


def flow(options: dict[str, Any]) -> str:
    """Write a mapping in one line.

    :param options: the mapping.
    """
    return "{" + ", ".join(f"{key}: {scalar(value)}" for key, value in options.items()) + "}"


def scalar(text: str | list[str]) -> str:
    """Write a text, a number or a list of texts.

    :param text: the value.
    """
    if isinstance(text, list):
        return listed(text)
    return text if text.isascii() and text.isdigit() else quoted(text)


def quoted(text: str) -> str:
    """Write a text in double quotes.

    :param text: the text.
    """
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"


def literal(value: Any) -> str:
    """Write a value as a literal of an expression: texts in single quotes.

    :param value: the value of a cell.
    """
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return str(value).lower() if isinstance(value, bool) else str(value)
