"""Days in expressions: ``today`` where the person works, and the dates that the filter ``date`` makes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2.exceptions import SecurityError

from airflow_provider_kinde.sync.spec.date_parser import DateReader
from airflow_provider_kinde.sync.spec.filters import to_int

Read = Callable[[Any], "Day | None"]


class Day(dt.date):
    """A day that compares with other days, and with cells that hold one; days can be added to it."""

    _read: Read

    @classmethod
    def of(cls, day: dt.date, read: Read) -> Day:
        """Make one.

        :param day: the day.
        :param read: reads a cell that the day is compared with.
        """
        found = cls(day.year, day.month, day.day)
        found._read = read
        return found

    @property
    def _plain(self) -> dt.date:
        return dt.date(self.year, self.month, self.day)

    def _other(self, other: Any) -> dt.date:
        if isinstance(other, Day):
            return other._plain
        found = self._read(other) if isinstance(other, (str, dt.date)) else None
        if found is None:
            raise SecurityError("a blank is compared with a day; write: not row.X or row.X >= today")
        return found._plain

    def __lt__(self, other: Any) -> bool:
        return self._plain < self._other(other)

    def __le__(self, other: Any) -> bool:
        return self._plain <= self._other(other)

    def __gt__(self, other: Any) -> bool:
        return self._plain > self._other(other)

    def __ge__(self, other: Any) -> bool:
        return self._plain >= self._other(other)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (str, dt.date)) or other == "":
            return False
        return self._plain == self._other(other)

    def __hash__(self) -> int:
        return hash(self._plain)

    def __add__(self, other: dt.timedelta) -> Day:
        return Day.of(self._plain + other, self._read)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, dt.timedelta):
            return Day.of(self._plain - other, self._read)
        return self._plain - self._other(other)

    def __rsub__(self, other: Any) -> dt.timedelta:
        return self._other(other) - self._plain

    def __reduce__(self) -> tuple[Any, ...]:
        return dt.date, (self.year, self.month, self.day)


@dataclass(frozen=True)
class LocalDays:
    """The days of the place where a person works.

    :param name: the name of the time zone.
    :param zone: the time zone.
    :param day: the local day.
    :param reader: reads dates as the spec says that they are written.
    """

    name: str
    zone: dt.tzinfo
    day: dt.date
    reader: DateReader

    @property
    def key(self) -> str:
        """Equal where the same expression yields the same for the same row."""
        return f"{self.name} {self.day}"

    @property
    def today(self) -> Day:
        """The local day, as expressions see it."""
        return Day.of(self.day, self.read)

    def read(self, value: Any, *formats: str) -> Day | None:
        """Read a date.

        :param value: a cell; blank is no date.
        :param formats: how it is written; as ``employment.date_format`` says when left out.
        :returns: the day, or nothing for a blank.
        :raises SecurityError: it cannot be read.
        """
        reader = _reader(formats, self.day) if formats else self.reader
        try:
            found = reader.read(value, self.zone)
        except ValueError as error:
            raise SecurityError(str(error)) from None
        return None if found is None else Day.of(found, self.read)


@lru_cache(maxsize=64)
def _reader(formats: tuple[str, ...], today: dt.date) -> DateReader:
    return DateReader(formats, today)


def days(count: Any) -> dt.timedelta:
    """So many days, to be added to a day.

    :param count: a whole number, or a text that is one.
    """
    return dt.timedelta(days=to_int(count))
