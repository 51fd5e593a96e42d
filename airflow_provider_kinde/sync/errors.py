"""What stops a run before it can decide anything. Kinde's own errors are in ``airflow_provider_kinde.exceptions``."""

from __future__ import annotations


class SyncError(Exception):
    """The run cannot go on; the message says what to do."""


class SpecError(SyncError):
    """The spec file is wrong: the message names file, line, key and what was expected.

    :param message: what is wrong and what was expected.
    :param file: the spec file, where known.
    :param line: 1-based line in it, where known.
    :param key: dotted key (``memberships[2].when``), where known.
    """

    def __init__(self, message: str, *, file: str = "", line: int | None = None, key: str = "") -> None:
        self.file, self.line, self.key = file, line, key
        where = file + (f":{line}" if line else "")
        super().__init__(": ".join(part for part in (where, key, message) if part))


class SourceError(SyncError):
    """The HR source cannot be read at all (no such file, refused credentials)."""
