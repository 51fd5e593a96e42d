"""Which file a path means today: ``*`` in it, ``{today}`` in it, and how old the file may be."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pendulum

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.exceptions import SourceError

_TODAY = re.compile(r"\{today([+-]\d{1,4})?(?::([^{}]+))?\}")


@dataclass(frozen=True)
class FoundFile:
    """One file.

    :param path: where it is.
    :param status: what its storage says of it; ``None`` if it was not asked.
    """

    path: str
    status: Any = None

    @property
    def written(self) -> float:
        """When it was written, in seconds since 1970."""
        return float(getattr(self.status, "st_mtime", 0) or 0)


@dataclass(frozen=True)
class Search:
    """How files are looked for.

    :param newest: which of several matches is taken: the last by ``name``, the last by ``time``, or ``all`` of them.
    :param max_age: how many seconds ago a file may have been written; ``None``: any time.
    :param timezone: where it is ``{today}``.
    :param storage: makes the path object of a URL of an object storage.
    """

    newest: str
    max_age: float | None
    timezone: dt.tzinfo
    storage: Callable[[str], Any]

    def find(self, path: str, name: str) -> list[FoundFile]:
        """Find the file, or the files, that a path of the spec means.

        :param path: the path, with ``*`` and ``{today}`` in it or not.
        :param name: the path for messages.
        :returns: the files, by name.
        :raises SourceError: no file matches.
        """
        texts = dated(path, dt.datetime.now(self.timezone))
        if texts == [path] and "*" not in path and self.max_age is None:
            return [FoundFile(path)]
        found = {match.path: match for text in texts for match in self._matches(text)}
        if not found:
            if "*" not in path and len(texts) == 1:
                return [FoundFile(texts[0])]  # opening it says what is wrong
            shown = " or ".join(text.rpartition("/")[2] for text in texts)
            raise SourceError(
                f"no file matches {name} ({shown}): check source.path in the spec, and that the export ran"
            )
        files = [found[key] for key in sorted(found)]
        if self.newest == "all":
            return files
        return [max(files, key=lambda file: (file.written, file.path))] if self.newest == "time" else files[-1:]

    def stale(self, file: FoundFile) -> str:
        """Say why a file is too old to be acted upon; empty if it is not.

        :param file: the file that was found.
        """
        if self.max_age is None or file.status is None:
            return ""
        age = time.time() - file.written
        if age <= self.max_age:
            return ""
        at = dt.datetime.fromtimestamp(file.written, dt.timezone.utc)
        ago, most = f"{age / 3600:.0f} hours ago", _hours(self.max_age)
        return f"it is stale: it was written {at:%Y-%m-%d %H:%M} UTC, {ago}, and max_age is {most}"

    def _matches(self, path: str) -> list[FoundFile]:
        try:
            root = self.storage if "://" in path else Path
            if "*" not in path:
                file = root(path)
                return [FoundFile(path, file.stat())] if file.is_file() else []
            parts = path.split("/")
            first = next(index for index, part in enumerate(parts) if "*" in part)
            # Of the marks that a pattern may hold, only the star is one.
            pattern = re.sub(r"[\[?]", lambda match: f"[{match[0]}]", "/".join(parts[first:]))
            matches = root("/".join(parts[:first]) or "/").glob(pattern)
            return [FoundFile(str(file), file.stat()) for file in matches if file.is_file()]
        except SourceError:
            raise
        except Exception as error:
            # Each storage has its own exceptions for refused credentials and unknown buckets.
            raise SourceError(
                f"the files of {path.rpartition('@')[2]} cannot be listed: {type(error).__name__}"
            ) from error


def dated(path: str, now: dt.datetime) -> list[str]:
    """Fill in ``{today}``, ``{today-1}`` and ``{today:YYYYMMDD}``.

    :param path: a path of the spec.
    :param now: the moment, in the time zone of the source.
    :returns: the path with the day; where no format is named, once as ``2026-11-26`` and once as ``20261126``.
    """

    def fill(form: str) -> str:
        def day(match: re.Match[str]) -> str:
            that = pendulum.date(now.year, now.month, now.day).add(days=int(match[1] or 0))
            return str(that.format(match[2] or form))

        return _TODAY.sub(day, path)

    return list(dict.fromkeys([fill("YYYY-MM-DD"), fill("YYYYMMDD")]))


def _hours(seconds: float) -> str:
    if seconds % 86400 == 0:
        return counted(int(seconds // 86400), "day")
    return counted(int(seconds // 3600), "hour") if seconds % 3600 == 0 else f"{seconds / 3600:g} hours"
