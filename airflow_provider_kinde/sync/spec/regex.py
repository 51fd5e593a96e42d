r"""Regular expressions that end: how long a text each may read, found out from its syntax tree.

Python tries every way in which an expression can share a text among its parts. This counts the ways, from the last
part to the first. A part that repeats has one way where what follows cannot begin with the same characters (``\d+-``),
and as many as there are places to cut the text where it can (``.*,``). A choice has as many as there are alternatives
that begin alike. A repeated group takes all of its ways again each time it repeats, so it may have only one.
"""

from __future__ import annotations

import functools
import importlib
import math
import re
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from jinja2.exceptions import SecurityError

MAX_REGEX_INPUT = 500
_MOST_STEPS = 10_000_000
_FEW = 8
_parser = importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")

_END = ""
"""Stands among the characters that may follow: nothing more has to."""
_NEAR, _FAR = [chr(code) for code in range(0x180)], ["Ж", "ж", "中", "٣", "\u2003", "–", "’", "\U0001f600"]
_CATEGORIES = {
    "CATEGORY_DIGIT": r"\d", "CATEGORY_NOT_DIGIT": r"\D", "CATEGORY_SPACE": r"\s", "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w", "CATEGORY_NOT_WORD": r"\W",
}  # fmt: skip
_NARROW = re.compile(r"\(\?[a-zA-Z]*a")
_CASELESS = re.compile(r"\(\?[a-zA-Z]*i")


@dataclass(frozen=True)
class Regex:
    """A compiled regular expression.

    :param expression: what to search with.
    :param longest: characters that it may read, so that looking through them ends in a fraction of a second.
    """

    expression: re.Pattern[str]
    longest: int


@functools.lru_cache(maxsize=256)
def regex(pattern: str, ignorecase: bool = False) -> Regex:
    """Check and compile a regular expression.

    :raises SecurityError: it is none, or may run for years.
    """
    if len(pattern) > MAX_REGEX_INPUT:
        raise SecurityError("the regular expression is too long")
    try:
        longest = _longest(pattern, ignorecase)
        expression = re.compile(pattern, re.IGNORECASE if ignorecase else 0)
    except (re.error, OverflowError, RecursionError) as error:
        raise SecurityError(f"{pattern!r} is not a regular expression: {error}") from None
    return Regex(expression, longest)


@dataclass(frozen=True)
class _Ways:
    """In how many ways a part of an expression can match.

    :param entry: characters that it, or else what follows it, can begin with.
    :param cuts: parts that may end wherever the text allows.
    :param short: of how many lengths each part is that may end in a few places only.
    :param choices: product of the alternatives that begin alike.
    :param runs: some part has one way only, but as long as the text.
    :param varies: it holds *, +, ?, {m,n}, | or a look around: repeating it is not safe.
    """

    entry: frozenset[str]
    cuts: int = 0
    short: tuple[int, ...] = ()
    choices: int = 1
    runs: bool = False
    varies: bool = False

    def then(self, part: _Ways) -> _Ways:
        """This, after a part that was found to stand before it."""
        return _Ways(
            part.entry,
            self.cuts + part.cuts,
            self.short + part.short,
            self.choices * part.choices,
            self.runs or part.runs,
            self.varies or part.varies,
        )

    def steps(self, size: int) -> int:
        """About how many steps a text of this size takes at most."""
        # A part of a few lengths is counted either way: as such, or as one that may end anywhere.
        cuts, short = self.cuts + self.runs, self.short
        most = math.comb(size + cuts + len(short), cuts + len(short) + 1)
        return self.choices * min(math.comb(size + cuts, cuts + 1) * math.prod(short), most)


def _longest(pattern: str, ignorecase: bool) -> int:
    tree = _parser.parse(pattern, re.IGNORECASE if ignorecase else 0)
    ways = _Reading(pattern, ignorecase or bool(_CASELESS.search(pattern))).sequence(tree, frozenset({_END}))
    longest = next((size for size in range(MAX_REGEX_INPUT, 0, -1) if ways.steps(size) <= _MOST_STEPS), 0)
    if not longest:
        raise SecurityError(f"{pattern!r} can match in too many ways: that may never end")
    return longest


class _Reading:
    """The walk through one expression, last part first."""

    def __init__(self, pattern: str, caseless: bool) -> None:
        self._pattern, self._caseless = pattern, caseless
        # With (?a), \w and \W mean less and more than they do here: nothing is known to be apart then.
        self._unknown = bool(_NARROW.search(pattern))
        self._all = frozenset({*_NEAR, *_FAR, *(variant for char in pattern for variant in _variants(char))})
        self._far = frozenset(char for char in self._all if char not in _NEAR)

    def sequence(self, nodes: Iterable[Any], after: frozenset[str]) -> _Ways:
        """Ways of parts that stand one after the other, when what follows them begins with ``after``."""
        found = _Ways(after)
        for node in reversed(list(nodes)):
            found = found.then(self._part(str(node[0]), node[1], found.entry))
        return found

    def _part(self, kind: str, value: Any, after: frozenset[str]) -> _Ways:
        if kind in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
            return _Ways(self._chars(kind, value))
        if kind in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            return self._repeat(value[0], value[1], value[2], after)
        if kind in ("SUBPATTERN", "ATOMIC_GROUP"):
            return self.sequence(value[3] if kind == "SUBPATTERN" else value, after)
        if kind == "BRANCH":
            return self._branch([self.sequence(nodes, after) for nodes in value[1]])
        if kind in ("ASSERT", "ASSERT_NOT"):
            return replace(self.sequence(value[1], frozenset({_END})), entry=after, varies=True)
        if kind == "AT":
            return _Ways(after)
        if kind == "GROUPREF":
            return _Ways(self._all | after, cuts=1, varies=True)
        raise SecurityError(f"{self._pattern!r} holds what cannot be used here: {kind.lower()}")

    def _repeat(self, least: int, most: Any, nodes: Any, after: frozenset[str]) -> _Ways:
        empty = nodes.getwidth()[0] == 0
        if most in (0, 1):
            inner = self.sequence(nodes, after)
            if least == most:
                return inner
            twice = bool(inner.entry & after)
            return replace(
                inner,
                entry=inner.entry | after,
                short=inner.short + ((2,) if twice and not empty else ()),
                choices=inner.choices * (2 if twice and empty else 1),
                varies=True,
            )
        inner = self.sequence(nodes, frozenset())
        if inner.varies:
            held = "that itself holds *, +, ?, { or |"
            raise SecurityError(f"{self._pattern!r} repeats a group {held}: that may never end")
        if empty or least > MAX_REGEX_INPUT:
            raise SecurityError(f"{self._pattern!r} repeats nothing, or more often than a text is long")
        lengths = min(most, MAX_REGEX_INPUT) - least + 1
        apart = not inner.entry & after
        return _Ways(
            inner.entry if least else inner.entry | after,
            cuts=int(lengths > _FEW and not apart),
            short=(lengths,) if 1 < lengths <= _FEW and not apart else (),
            runs=most > _FEW and (apart or lengths <= _FEW),
            varies=most != least,
        )

    def _branch(self, options: list[_Ways]) -> _Ways:
        alike = Counter(char for option in options for char in option.entry)
        return _Ways(
            frozenset(alike),
            max(option.cuts for option in options),
            max((option.short for option in options), key=math.prod),
            max(alike.values(), default=1) * max(option.choices for option in options),
            any(option.runs for option in options),
            True,
        )

    def _chars(self, kind: str, value: Any) -> frozenset[str]:
        """Which characters one place of an expression takes; rather too many than too few."""
        if self._unknown:
            return self._all
        found: Iterable[str]
        if kind == "LITERAL":
            found = {chr(value)} if chr(value) in self._all else self._far
        elif kind == "IN":
            negated = str(value[0][0]) == "NEGATE"
            found = frozenset().union(*(self._chars(str(item), part) for item, part in value[negated:]))
            if negated:
                return self._all.difference(found.intersection(_NEAR))
        elif kind == "RANGE":
            near = [char for char in _NEAR if value[0] <= ord(char) <= value[1]]
            found = self._far.union(near) if value[1] >= len(_NEAR) else near
        elif kind == "CATEGORY" and str(value) in _CATEGORIES:
            category = re.compile(_CATEGORIES[str(value)])
            found = [char for char in self._all if category.match(char)]
        else:
            return self._all
        if self._caseless:
            found = [variant for char in found for variant in _variants(char)]
        return frozenset(found)


def _variants(char: str) -> set[str]:
    return {char, char.lower(), char.upper(), char.swapcase()} if char.isalpha() else {char}
