"""The options of a source, as its spec has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_kinde.sync.spec.models import SyncSpec


class Options:
    """The options of a source, checked one by one; every message names file, line and key.

    :param spec: the spec whose ``source`` they stand under.
    :param allowed: the options that this type of source has.
    :raises SpecError: there is another one.
    """

    def __init__(self, spec: SyncSpec, allowed: Sequence[str]) -> None:
        self.spec, self.allowed = spec, allowed
        for name in spec.source.options:
            if name not in allowed:
                kind = spec.source.type
                raise self.error(name, f"unknown option of a {kind} source; known are {', '.join(sorted(allowed))}")

    def error(self, name: str, message: str) -> Exception:
        """A SpecError about one option (``expect.min_rows``)."""
        key = f"source.{name}"
        return self.spec.error(key, message, self.spec.source.lines.get(key) or self.spec.source.line)

    def text(self, name: str, default: str | None = None, *, blank: bool = False) -> str:
        """A text, not of blanks alone unless ``blank``; required when there is no default."""
        value = self.spec.source.options.get(name)
        if value is None and default is not None:
            return default
        if value is None:
            raise self.error(name, "is missing")
        if not isinstance(value, str) or not (value if blank else value.strip()):
            raise self.error(name, f"text is expected, found {value!r}")
        if "{{" in value:
            raise self.error(name, "an expression cannot stand here")
        return value

    def choice(self, name: str, allowed: Sequence[str], default: str) -> str:
        """One of some words."""
        value = self.text(name, default)
        if value not in allowed and value != default:
            raise self.error(name, f"one of {', '.join(allowed)} is expected, found {value!r}")
        return value

    def mapping(self, name: str, allowed: Sequence[str]) -> Mapping[str, Any]:
        """A mapping with known keys; empty when left out."""
        value = self.spec.source.options.get(name)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise self.error(name, f"a mapping with {', '.join(allowed)} is expected, found {value!r}")
        for key in value:
            if key not in allowed:
                raise self.error(f"{name}.{key}", f"unknown key; known are {', '.join(allowed)}")
        return value
