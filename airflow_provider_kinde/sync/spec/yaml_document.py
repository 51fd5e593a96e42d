"""YAML read strictly: every message knows its file, line and key, and several are told at once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any

import yaml

from airflow_provider_kinde.exceptions import SpecError
from airflow_provider_kinde.sync.spec.expressions import Template, TemplateError, UnknownColumn

MAX_FILE = 500_000
"""Bytes of the largest file that is read, and characters of the longest text."""
MAX_NODES = 30_000
MAX_DEPTH = 30
MAX_SHOWN = 40
"""Characters of a wrong value that a message repeats."""
_TOO_LARGE = "not a spec: too large or nested too deeply (YAML aliases count each time they are used)"
_KINDS = {"str": "text", "int": "a number", "float": "a number", "bool": "a boolean", "null": "nothing"}


class Document:
    """One spec file: its tree, the lines of its keys, and the errors found so far."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.lines: dict[str, int] = {}
        self.errors: list[SpecError] = []
        self.templates: list[Template] = []
        if len(text) > MAX_FILE:
            raise SpecError(f"the file is larger than {MAX_FILE:,} characters: this is no spec", file=file)
        try:
            node = yaml.compose(text, Loader=_Loader)
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
        if node is None:
            raise SpecError("the file is empty: a spec begins with version: 1", file=file)
        self.root = Value(self, node, "", 1)

    def fail(self, key: str, message: str, line: int | None) -> None:
        """Note an error; reading goes on, so that the author sees them all."""
        self.errors.append(SpecError(message, file=self.file, line=line, key=key))

    def finish(self) -> None:
        """Raise what was found, in the order of the file."""
        if not self.errors:
            return
        self.errors.sort(key=lambda error: error.line or 0)
        first = self.errors[0]
        if len(self.errors) == 1:
            raise first
        whole = SpecError("\n".join(dict.fromkeys(map(str, self.errors))))
        whole.file, whole.line, whole.key = first.file, first.line, first.key
        raise whole


class _Loader(yaml.SafeLoader):
    """Counts nodes as they come: reading all of a large file takes far longer than seeing that it is no spec."""

    _count = _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self._count, self._depth = self._count + 1, self._depth + 1
        if self._count > MAX_NODES or self._depth > MAX_DEPTH + 1:
            raise ValueError(_TOO_LARGE)
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _check_size(node: yaml.Node | None) -> None:
    # An alias leads to the node it names: each way to it counts, so a YAML bomb is found here.
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


def cut(text: str) -> str:
    """A text as messages show it."""
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"


class Value:
    """One node of the file, and how to read it as what the spec expects there."""

    def __init__(self, doc: Document, node: yaml.Node, key: str, line: int) -> None:
        self.doc, self.node, self.key, self.line = doc, node, key, line
        doc.lines.setdefault(key, line)

    @property
    def kind(self) -> str:
        """``mapping``, ``list``, or the YAML type of a scalar (``str``, ``int``, ``bool``, ``null``, ...)."""
        if isinstance(self.node, yaml.MappingNode):
            return "mapping"
        if isinstance(self.node, yaml.SequenceNode):
            return "list"
        return str(self.node.tag).rpartition(":")[2]

    @property
    def raw(self) -> str:
        return str(self.node.value) if isinstance(self.node, yaml.ScalarNode) else ""

    def fail(self, message: str) -> None:
        self.doc.fail(self.key, message, self.line)

    def _found(self) -> str:
        if self.kind in ("mapping", "list"):
            return f"a {self.kind}"
        return f"{_KINDS.get(self.kind, f'a {self.kind}')} ({cut(self.raw)})" if self.kind != "null" else "nothing"

    def _unexpected(self, expected: str) -> None:
        hint = ""
        if self.kind in ("int", "float", "bool", "timestamp") and expected.startswith(("text", "a text")):
            hint = f'; if it is meant as text, put it in quotes: "{cut(self.raw)}"'
        self.fail(f"{expected} is expected, found {self._found()}{hint}")

    # -- structure ---------------------------------------------------------------------------------------------

    def entries(self) -> list[tuple[str, Value]]:
        """The entries of a mapping with free keys."""
        if not isinstance(self.node, yaml.MappingNode):
            self._unexpected("a mapping")
            return []
        found: dict[str, Value] = {}
        for key_node, value_node in self.node.value:
            line = key_node.start_mark.line + 1
            name = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else ""
            key = f"{self.key}.{name}" if self.key else name
            kind = key_node.tag.rpartition(":")[2]
            if not name:
                self.doc.fail(self.key, "a key must be text", line)
            elif name == "<<":
                self.doc.fail(self.key, "merge keys (<<) are not used in a spec", line)
            elif kind != "str":
                self.doc.fail(
                    key, f'a key is text: YAML reads {name} as {_KINDS.get(kind, kind)}; write "{name}"', line
                )
            elif name in found:
                self.doc.fail(key, f"stands twice (first in line {found[name].line})", line)
            else:
                found[name] = Value(self.doc, value_node, key, line)
        return list(found.items())

    def section(self, allowed: Sequence[str], required: Sequence[str] = ()) -> Section:
        """A mapping with known keys."""
        section = Section(self)
        for name, value in self.entries():
            if name not in allowed:
                near = difflib.get_close_matches(name, allowed, 1, 0.6)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(allowed)}"
                value.fail(f"unknown key; {hint}")
            elif value.kind != "null":
                section[name] = value
        if self.kind == "mapping":
            for name in required:
                if name not in section:
                    self.doc.fail(f"{self.key}.{name}" if self.key else name, "is missing", self.line)
        return section

    def items(self) -> list[Value]:
        """The items of a list."""
        if not isinstance(self.node, yaml.SequenceNode):
            self._unexpected("a list")
            return []
        return [
            Value(self.doc, node, f"{self.key}[{index}]", node.start_mark.line + 1)
            for index, node in enumerate(self.node.value)
        ]

    # -- scalars -----------------------------------------------------------------------------------------------

    def text(self, what: str = "text", *, constant: bool = True) -> str:
        """A text that is not blank."""
        if self.kind != "str":
            self._unexpected(what)
            return ""
        if not self.raw.strip():
            self.fail(f"{what} is expected, found blanks only")
        if constant and ("{{" in self.raw or "{%" in self.raw):
            self.fail(f"{what} is expected; an expression cannot stand here")
        return self.raw.strip()

    def texts(self, what: str) -> list[str]:
        """A list of texts."""
        return [text for item in self.items() if (text := item.text(what))]

    def boolean(self) -> bool:
        if self.kind != "bool":
            self._unexpected("true or false")
        return self.raw.lower() in ("true", "yes", "on")

    def integer(self, low: int, high: int) -> int:
        if self.kind != "int" or not re.fullmatch(r"\+?\d{1,9}", self.raw) or not low <= int(self.raw) <= high:
            self._unexpected(f"a whole number from {low} to {high}")
            return low
        return int(self.raw)

    def choice(self, allowed: Sequence[str]) -> str:
        if self.kind != "str" or self.raw not in allowed:
            self._unexpected(f"one of {', '.join(allowed)}")
            return allowed[0]
        return self.raw

    def template(self, *, truth: bool = False, blank: bool = False) -> Template:
        """An expression, or a constant.

        :param truth: it answers yes or no, so a YAML boolean is fine too.
        :param blank: a blank constant is fine.
        """
        template = Template("", key=self.key, line=self.line)
        if self.kind == "str" or (truth and self.kind == "bool"):
            if not blank and not self.raw.strip():
                self.fail("an expression or a text is expected, found blanks only")
            try:
                template = Template(self.raw, key=self.key, line=self.line)
                if truth and template.constant and self.raw.strip():
                    template.truth({})
            except (TemplateError, UnknownColumn) as error:
                line = getattr(error, "line", None) or 1
                block = isinstance(self.node, yaml.ScalarNode) and self.node.style in ("|", ">")
                first = self.node.start_mark.line + 1 + block
                self.doc.fail(self.key, f"{error} in {self.raw.strip()[:200]!r}", first + line - 1)
        else:
            self._unexpected('text or an expression such as "{{ row.Column }}"')
        self.doc.templates.append(template)
        return template

    def plain(self) -> Any:
        """The value as Python has it, for the options of a source."""
        if self.kind == "mapping":
            return {name: value.plain() for name, value in self.entries()}
        if self.kind == "list":
            return [item.plain() for item in self.items()]
        if self.kind == "null":
            return None
        if self.kind == "bool":
            return self.boolean()
        try:
            if self.kind == "int" and re.fullmatch(r"[-+]?\d{1,18}", self.raw):
                return int(self.raw)
            if self.kind == "float":
                return float(self.raw)
        except ValueError:
            pass
        return self.raw


class Section(dict[str, Value]):
    """The entries of a mapping with known keys; what is null counts as left out."""

    def __init__(self, owner: Value) -> None:
        super().__init__()
        self.owner = owner

    def boolean(self, name: str, default: bool) -> bool:
        return self[name].boolean() if name in self else default

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        return self[name].integer(low, high) if name in self else default

    def text(self, name: str, what: str = "text", default: str = "") -> str:
        return self[name].text(what) if name in self else default

    def texts(self, name: str, what: str) -> list[str]:
        return self[name].texts(what) if name in self else []

    def template(self, name: str, *, truth: bool = False, blank: bool = False) -> Template | None:
        return self[name].template(truth=truth, blank=blank) if name in self else None

    def required_template(self, name: str, *, blank: bool = False) -> Template:
        # A missing key was told by section(); the blank stands in until the errors are raised.
        return self[name].template(blank=blank) if name in self else Template("")

    def items_of(self, name: str) -> Iterable[Value]:
        return self[name].items() if name in self else ()
