"""From a YAML file to a model: read strictly, and every mistake is told with file, line and key."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from airflow_provider_kinde.client.text import did_you_mean
from airflow_provider_kinde.exceptions import SpecError
from airflow_provider_kinde.sync.spec.fields import LocatedMapping, LocatedText, OtherScalar, cut

MAX_FILE = 500_000
"""Bytes of the largest file that is read, and characters of the longest text."""
MAX_NODES = 30_000
MAX_DEPTH = 30
_TOO_LARGE = "not a spec: too large or nested too deeply (YAML aliases count each time they are used)"
_KINDS = {"str": "text", "int": "a number", "float": "a number", "bool": "a boolean", "null": "nothing"}
_INTEGER = re.compile(r"[-+]?(0|[1-9]\d{0,17})")
_EXPECTED = {
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "bool_type": "true or false",
    "too_short": "at least one item",
}

Model = TypeVar("Model", bound=BaseModel)


def read_file(path: str | Path) -> str:
    """Read the text of a spec file.

    :param path: the file.
    :returns: its text.
    :raises SpecError: it cannot be read, is not UTF-8, or is larger than 500,000 bytes.
    """
    try:
        found = Path(path).expanduser()
        if not stat.S_ISREG(found.stat().st_mode):
            raise SpecError("the file cannot be read: it is a folder, a pipe or a device", file=str(path))
        with found.open("rb") as file:
            content = file.read(MAX_FILE + 1)
        if len(content) > MAX_FILE:
            raise SpecError(f"the file is larger than {MAX_FILE:,} bytes: this is no spec", file=str(path))
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError(f"the file is not UTF-8 (byte {error.start})", file=str(path)) from None
    except OSError as error:
        raise SpecError(f"the file cannot be read: {error.strerror or error}", file=str(path)) from None
    except ValueError as error:
        raise SpecError(f"the file cannot be read: {error}", file=repr(str(path))) from None


def read_model(model: type[Model], text: str, file: str) -> Model:
    """Check the text of a YAML file against a model.

    :param model: the model.
    :param text: YAML.
    :param file: the name of the file, for messages.
    :returns: the model, filled.
    :raises SpecError: with everything that is wrong, in the order of the file.
    """
    document = Document(text, file)
    made = None
    try:
        made = model.model_validate(document.data, context=document)
    except ValidationError as error:
        document.add(error)
    document.finish()
    assert made is not None
    return made


class Document:
    """One YAML file: its data, the lines of its keys, and the mistakes found so far.

    :param text: YAML.
    :param file: the name of the file, for messages.
    :raises SpecError: it is no YAML, or too large for a spec.
    """

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.lines: dict[str, int] = {}
        """Dotted key -> line."""
        self._nodes: dict[str, yaml.Node] = {}
        self._problems: list[SpecError] = []
        node = _compose(text, file)
        if node is None:
            raise SpecError("the file is empty: a spec begins with version: 1", file=file)
        self.data = self._value(node, "", 1)

    # -- reading ---------------------------------------------------------------------------------------------------

    def _value(self, node: yaml.Node, key: str, line: int) -> Any:
        """The value of a node, as models read it."""
        self.lines.setdefault(key, line)
        self._nodes.setdefault(key, node)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, key)
        if isinstance(node, yaml.SequenceNode):
            return [
                self._value(item, f"{key}[{index}]", item.start_mark.line + 1) for index, item in enumerate(node.value)
            ]
        raw, kind = str(node.value), _kind(node)
        if kind == "null":
            return None
        if kind == "bool":
            return raw.lower() in ("true", "yes", "on")
        if kind == "int" and _INTEGER.fullmatch(raw):
            return int(raw)
        if kind == "float" and re.fullmatch(r"[-+]?\d+\.\d*", raw):
            return float(raw)
        if kind != "str":
            return OtherScalar(raw)
        found = LocatedText(raw)
        found.key, found.line = key, line
        found.first_line = node.start_mark.line + 1 + (getattr(node, "style", None) in ("|", ">"))
        return found

    def _mapping(self, node: yaml.MappingNode, key: str) -> LocatedMapping:
        found = LocatedMapping()
        found.key = key
        for name_node, node_of_value in node.value:
            line = name_node.start_mark.line + 1
            name = str(name_node.value) if isinstance(name_node, yaml.ScalarNode) else ""
            inner = f"{key}.{name}" if key else name
            kind = _kind(name_node)
            if not name:
                self.fail(key, "a key must be text", line)
            elif name == "<<":
                self.fail(key, "merge keys (<<) are not used in a spec", line)
            elif kind != "str":
                what = _KINDS.get(kind, kind)
                self.fail(inner, f'a key is text: YAML reads {name} as {what}; write "{name}"', line)
            elif name in found:
                self.fail(inner, f"stands twice (first in line {self.lines[inner]})", line)
            else:
                found[name] = self._value(node_of_value, inner, line)
        return found

    def raw(self, key: str) -> str | None:
        """The text of a scalar as the file holds it.

        :param key: dotted key.
        :returns: the text; ``None`` where no scalar stands there.
        """
        node = self._nodes.get(key)
        return str(node.value) if isinstance(node, yaml.ScalarNode) else None

    # -- mistakes --------------------------------------------------------------------------------------------------

    def fail(self, key: str, message: str, line: int | None = None) -> None:
        """Note a mistake; reading goes on, so that the author sees them all.

        :param key: dotted key.
        :param message: what is wrong and what was expected.
        :param line: the line; that of the key, or of what the key stands in, when left out.
        """
        line = line or self.lines.get(self._nearest(key))
        self._problems.append(SpecError(message, file=self.file, line=line, key=key))

    def unknown_key(self, section: str, name: str, known: Iterable[str]) -> None:
        """Note a key that does not exist.

        :param section: dotted key of the mapping.
        :param name: the key.
        :param known: the keys that the mapping may hold.
        """
        self.fail(f"{section}.{name}" if section else name, f"unknown key; {did_you_mean(name, known)}")

    def add(self, error: ValidationError) -> None:
        """Note what pydantic found wrong.

        :param error: pydantic's error.
        """
        for found in error.errors(include_url=False):
            # A tag such as <lookup> says which form of a value was taken; the file does not hold it.
            parts = [part for part in found["loc"] if not str(part).startswith("<")]
            key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).lstrip(".")
            context = found.get("ctx", {})
            if found["type"] == "missing":
                self.fail(key, "is missing")
            else:
                key = self._nearest(key)
                message = self._message(key, found["type"], found["msg"], context)
                inner = context.get("inner")
                self.fail(f"{key}.{inner}" if inner else key, message, context.get("line"))

    def finish(self) -> None:
        """Raise what was found, in the order of the file."""
        if not self._problems:
            return
        self._problems.sort(key=lambda problem: problem.line or 0)
        first = self._problems[0]
        if len(self._problems) == 1:
            raise first
        whole = SpecError("\n".join(dict.fromkeys(map(str, self._problems))))
        whole.file, whole.line, whole.key = first.file, first.line, first.key
        raise whole

    def _nearest(self, key: str) -> str:
        """The key itself, or the innermost one around it that the file holds."""
        while key and key not in self._nodes:
            key = key[: max(key.rfind("."), key.rfind("["), 0)]
        return key

    def _message(self, key: str, kind: str, message: str, context: dict[str, Any]) -> str:
        if kind == "wrong":
            return message
        if kind == "literal_error":
            allowed = re.findall(r"'([^']*)'", context["expected"])
            what = f"one of {', '.join(allowed)}" if len(allowed) > 1 else context["expected"]
        elif kind == "expected":
            what = message
        elif kind in _EXPECTED:
            what = _EXPECTED[kind]
        else:
            return message
        node = self._nodes[key]
        quotes = ""
        if what.startswith("text") and _kind(node) in ("int", "float", "bool", "timestamp"):
            quotes = f'; if it is meant as text, put it in quotes: "{cut(node.value)}"'
        return f"{what} is expected, found {_found(node)}{quotes}"


def _kind(node: yaml.Node) -> str:
    """``mapping``, ``list``, or the YAML type of a scalar (``str``, ``int``, ``bool``, ``null``, ...)."""
    if isinstance(node, yaml.MappingNode):
        return "mapping"
    if isinstance(node, yaml.SequenceNode):
        return "list"
    return str(node.tag).rpartition(":")[2]


def _found(node: yaml.Node) -> str:
    kind = _kind(node)
    if kind in ("mapping", "list"):
        return f"a {kind}" if node.value else f"an empty {kind}"
    return f"{_KINDS.get(kind, f'a {kind}')} ({cut(str(node.value))})" if kind != "null" else "nothing"


# -- YAML --------------------------------------------------------------------------------------------------------------


def _compose(text: str, file: str) -> yaml.Node | None:
    """The tree of the file, if it is YAML and not too large for a spec."""
    if len(text) > MAX_FILE:
        raise SpecError(f"the file is larger than {MAX_FILE:,} characters: this is no spec", file=file)
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=_Loader)
        _check_size(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        raise SpecError(f"not valid YAML: {error.problem or error.context}", file=file, line=line) from None
    except yaml.YAMLError as error:
        raise SpecError(f"not valid YAML: {str(error).splitlines()[0]}", file=file) from None
    except RecursionError:
        raise SpecError("not a spec: it is nested too deeply", file=file) from None
    except ValueError as error:
        raise SpecError(str(error), file=file) from None
    return node


class _Loader(yaml.SafeLoader):
    """Counts nodes while it reads: reading all of a large file takes far longer than seeing that it is no spec."""

    _count = _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self._count, self._depth = self._count + 1, self._depth + 1
        if self._count > MAX_NODES or self._depth > MAX_DEPTH + 1:
            raise ValueError(_TOO_LARGE)
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _check_size(node: yaml.Node | None) -> None:
    # An alias leads to the node that it names. Each way to a node counts, so a YAML bomb is found here.
    count, stack = 0, [(node, 0)]
    while stack:
        current, depth = stack.pop()
        count += 1
        if count > MAX_NODES or depth > MAX_DEPTH:
            raise ValueError(_TOO_LARGE)
        if isinstance(current, yaml.MappingNode):
            stack.extend((child, depth + 1) for pair in current.value for child in pair)
        elif isinstance(current, yaml.SequenceNode):
            stack.extend((child, depth + 1) for child in current.value)
