"""What the columns of an HR export mean, guessed from their names and values."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.resources.normalization import clean_email, email_key
from airflow_provider_kinde.sync.draft.column_words import (
    AVOIDED,
    NAMES,
    NO_ACCESS_DATE,
    OTHER_PERSON,
    PREFERRED,
    words_of,
)
from airflow_provider_kinde.sync.draft.date_formats import date_formats, is_date, is_number
from airflow_provider_kinde.sync.draft.statuses import Statuses, gives_access, is_constant, is_known, split_statuses
from airflow_provider_kinde.sync.spec.expressions import is_blank, plain
from airflow_provider_kinde.sync.spec.filters import as_text
from airflow_provider_kinde.sync.spec.sections import UNKNOWN_DOMAIN

Pairs = Callable[[str, str], int]
"""Counts the different pairs of values of two columns."""


@dataclass(slots=True)
class Column:
    """A column and its values.

    :param name: the name in the file.
    :param counts: each value as text, with the number of rows that have it.
    :param blank: how many rows have no value.
    :param rows: how many rows the file has.
    """

    name: str
    counts: Counter[str] = field(default_factory=Counter)
    blank: int = 0
    rows: int = 0
    days: int = 0
    """How many values have the type date (Parquet)."""
    others: int = 0
    """How many values are no texts."""

    def add(self, value: Any) -> None:
        """Count one cell.

        :param value: the value of the cell.
        """
        if is_blank(value) or isinstance(value, (list, dict, tuple, bytes)):
            self.blank += 1
            return
        self.days += isinstance(value, dt.date)
        self.others += not isinstance(value, str)
        self.counts[value.strip() if isinstance(value, str) else as_text(plain(value))] += 1

    @property
    def filled(self) -> int:
        return sum(self.counts.values())

    @property
    def unique(self) -> bool:
        """Whether every row has a different value."""
        return self.filled == len(self.counts) == self.rows

    @property
    def words(self) -> str:
        """The name as lower-case words: ``EmpID`` and ``emp_id`` are ``emp id``."""
        return words_of(self.name)

    @property
    def reference(self) -> str:
        """The column in an expression: ``row.EmpID``."""
        if self.name.isascii() and self.name.isidentifier():
            return f"row.{self.name}"
        return "row['" + self.name.replace("\\", "\\\\").replace("'", "\\'") + "']"

    def texts(self) -> list[str]:
        """The values, the most frequent first."""
        return [value for value, _ in sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))]

    def share(self, fits: Any) -> float:
        """The share of the filled rows whose value fits.

        :param fits: the test of a value.
        :returns: from 0 to 1.
        """
        return sum(count for value, count in self.counts.items() if fits(value)) / (self.filled or 1)


@dataclass(frozen=True, slots=True)
class DraftValue:
    """One value of the draft.

    :param expression: the value.
    :param why: the evidence for the guess.
    :param sure: whether the guess needs no check.
    """

    expression: str
    why: str
    sure: bool = True


@dataclass(slots=True)
class DraftColumns:
    """What the draft knows about a file."""

    rows: int
    id: DraftValue
    email: DraftValue
    given: DraftValue
    family: DraftValue
    status: DraftValue
    active: Statuses
    inactive: Statuses
    unclear: Statuses
    start: DraftValue | None = None
    end: DraftValue | None = None
    formats: Sequence[str] = ()
    formats_why: str = ""
    department: Column | None = None
    status_column: str | None = None
    start_column: str | None = None
    end_column: str | None = None
    unread_dates: Sequence[str] = ()
    """Remarks on columns of dates that the draft does not read."""
    two_jobs: bool = False
    """Whether rows of one id are one person with several jobs."""
    has_addresses: bool = True
    """Whether a column of the file has addresses."""
    end_columns: Sequence[str] = ()
    """All columns that look like end dates."""

    def read_end_dates(self, further: Sequence[str]) -> None:
        """Read further columns as the end date, where the first one is blank.

        :param further: names of columns.
        """
        if self.end and further:
            columns = " or ".join([self.end.expression[3:-3], *(Column(name).reference for name in further)])
            self.end = DraftValue(_reads(columns), f"{self.end.why}; then {', '.join(further)}", False)


def guess(
    columns: Sequence[Column], rows: int, accounts: AbstractSet[str] = frozenset(), pairs: Pairs = lambda *names: 0
) -> DraftColumns:
    """Guess what each column means.

    :param columns: the columns.
    :param rows: how many rows the file has.
    :param accounts: addresses of accounts in Kinde, in the form for comparing: the column that holds most of them is
        the one to match by.
    :param pairs: counts the different pairs of values of two columns.
    :returns: the guesses.
    :raises SyncError: no column can be an id.
    """
    columns = [column for column in columns if column.name and column.name.isprintable()]
    email = _email_column(columns, accounts)
    given, family = _people_names(columns)
    id, two_jobs = _id(columns, email, pairs)
    status_column, status = _status(columns, rows)
    active, inactive, unclear = (
        split_statuses({value: status_column.counts[value] for value in status_column.texts()})
        if status_column
        else ([("Active", rows)], [], [])
    )
    department = _best(columns, "department", _is_department)
    start, end = (_date_column(columns, kind) for kind in ("start", "end"))
    ends = [column for column in columns if _date_column([column], "end") and column is not start]
    dates = [column for column in (start, *ends) if column]
    unread = _unread_dates(columns, dates)
    formats, formats_why = date_formats(value for column in dates if not column.days for value in column.counts)
    return DraftColumns(
        rows=rows,
        id=id,
        email=_email(email, given, family),
        has_addresses=email is not None,
        unread_dates=unread,
        two_jobs=two_jobs,
        given=given,
        family=family,
        status=status,
        active=active,
        inactive=inactive,
        unclear=unclear,
        start=_date(start),
        end=_date(end),
        formats=formats,
        formats_why=formats_why,
        department=department,
        status_column=status_column.name if status_column else None,
        start_column=start.name if start else None,
        end_column=end.name if end else None,
        end_columns=[column.name for column in ends],
    )


def names_a_person(column: Column) -> bool:
    """Whether a column, by its name, says who a person is, or who another person is.

    :param column: the column.
    """
    words = column.words
    kinds = ("id", "email", "given", "family", "name")
    return bool(OTHER_PERSON.search(words)) or any(re.fullmatch(NAMES[kind], words) for kind in kinds)


def _is_department(column: Column) -> bool:
    return column.filled > 0 and not column.days and all(map(is_constant, column.counts))


def slug(text: str) -> str:
    """Convert a text to lower-case ASCII letters, digits and single dashes.

    :param text: the text.
    :returns: the slug.
    """
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", folded).strip("-")


def _best(columns: Sequence[Column], kind: str, fits: Any = lambda column: True) -> Column | None:
    """Find the column whose name fits a kind best, among those whose values fit."""
    preferred, avoided = PREFERRED.get(kind), AVOIDED.get(kind)
    found: list[tuple[int, int, Column]] = []
    for place, column in enumerate(columns):
        words = column.words
        if not re.fullmatch(NAMES[kind], words) or OTHER_PERSON.search(words) or not fits(column):
            continue
        score = 2 * bool(preferred and re.search(preferred, words)) - 3 * bool(avoided and re.search(avoided, words))
        found.append((-score, place, column))
    return min(found, key=lambda item: item[:2])[2] if found else None


def _reads(expression: str) -> str:
    return "{{ " + expression + " }}"


def _id(columns: Sequence[Column], email: Column | None, pairs: Pairs) -> tuple[DraftValue, bool]:
    """The HR id, and whether rows of one id are one person with several jobs."""

    def usable(column: Column) -> bool:
        return column.unique and not column.days and not any("~" in value for value in column.counts)

    def text(column: Column) -> bool:
        return column.share(lambda value: " " in value) < 0.5  # not a column of names

    named = _best(columns, "id", lambda column: usable(column) and text(column))
    repeated = _best(columns, "id", lambda column: column.filled == column.rows and text(column))
    several = repeated if email is not None and email.blank == 0 and not (repeated and repeated.unique) else None
    if several and email and pairs(several.name, email.name) == len(several.counts) == len(email.counts):
        why = "its values repeat as the addresses do: one person with several rows, such as two jobs"
        return DraftValue(_reads(several.reference), why, False), True
    if named:
        return DraftValue(_reads(named.reference), "its name, and every row has a value of its own"), False
    if repeated:
        value, count = repeated.counts.most_common(1)[0]
        why = f"its name; but values appear twice, such as {value!r} ({counted(count, 'row')})"
        return DraftValue(_reads(repeated.reference), why, False), False
    others = [c for c in columns if usable(c) and c.share(lambda value: "@" in value) < 0.5]
    others.sort(key=lambda column: max(map(len, column.counts)))
    if others:
        return DraftValue(_reads(others[0].reference), "the first column in which no value appears twice", False), False
    raise SyncError("no column can be an id: a column with a different value in every row is needed")


def _email_column(columns: Sequence[Column], accounts: AbstractSet[str]) -> Column | None:
    def addresses(column: Column) -> bool:
        return column.filled > 0 and column.share(_is_email) >= 0.8

    # Managers have accounts as well: a person who is matched by the manager's address would get the manager's account.
    own = [c for c in columns if addresses(c) and not OTHER_PERSON.search(c.words) and 2 * len(c.counts) >= c.filled]
    known = [(sum(email_key(value) in accounts for value in c.counts), c) for c in own]
    most, column = max(known, key=lambda item: item[0], default=(0, None))
    if most:
        return column
    named = _best(columns, "email", addresses)
    return named or (own[0] if own else None)


def _is_email(value: str) -> bool:
    try:
        clean_email(value)
    except ValueError:
        return False
    return True


def _email(column: Column | None, given: DraftValue, family: DraftValue) -> DraftValue:
    if column is None:
        first, last = (part.expression[2:-2].strip() for part in (given, family))
        if not given.expression or not family.expression:
            raise SyncError("no column has e-mail addresses, and there are no names to make addresses from")
        text = f"{{{{ ({first}) | slug }}}}.{{{{ ({last}) | slug('') }}}}@{UNKNOWN_DOMAIN}"
        why = f"no column has addresses: made from the names. Replace {UNKNOWN_DOMAIN} by your domain, or better export"
        return DraftValue(text, f"{why} the work addresses and draft again", False)
    bad = [value for value in column.texts() if not _is_email(value)]
    wrong = f"; {counted(len(bad), 'value is no address', 'values are no addresses')}" if bad else ""
    twice = column.filled - len({value.casefold() for value in column.counts})
    again = counted(twice, "stands in an earlier row too", "stand in earlier rows too")
    shared = f"; {again}: different people who share an address are held" if twice else ""
    blank = f"; blank in {counted(column.blank, 'row')}" if column.blank else ""
    sure = not (bad or twice or re.search(AVOIDED["email"], column.words))
    return DraftValue(_reads(column.reference), f"its values are addresses{wrong}{shared}{blank}", sure)


def _people_names(columns: Sequence[Column]) -> tuple[DraftValue, DraftValue]:
    given, family = (_best(columns, kind, lambda c: c.filled > 0) for kind in ("given", "family"))
    whole = _best(columns, "name", lambda column: column.share(lambda value: " " in value) >= 0.5)
    if whole is None or (given and family):
        none = DraftValue("", "no column looks like it", False)
        return (_name(given) if given else none), (_name(family) if family else none)
    comma = whole.share(lambda value: "," in value)
    if comma >= 0.8:
        why = ("" if comma == 1 else "mostly ") + "`Last, First`: what stands {} the comma"
        first, last = (_reads(f"{whole.reference} | {side}") for side in ("after", "before"))
        return DraftValue(first, why.format("after"), comma == 1), DraftValue(last, why.format("before"), comma == 1)
    words = f"({whole.reference} | trim).split(' ')"
    first, last = _reads(f"{words}[:-1] | join(' ')"), _reads(f"{words} | last")
    why = "one column holds the whole name: {}"
    return (
        DraftValue(first, why.format("all but its last word"), False),
        DraftValue(last, why.format("its last word"), False),
    )


def _name(column: Column) -> DraftValue:
    why = f"its name; blank in {counted(column.blank, 'row')}; such rows are rejected" if column.blank else "its name"
    return DraftValue(_reads(column.reference), why, not column.blank)


def _status(columns: Sequence[Column], rows: int) -> tuple[Column | None, DraftValue]:
    few = [column for column in columns if 0 < len(column.counts) <= 30 and not column.days]
    known = _best(few, "status", lambda column: any(map(gives_access, column.counts)))
    column = known or _best(few, "status", lambda column: "status" in column.words)
    by_value = next((column for column in few if len(column.counts) > 1 and column.share(is_known) >= 0.5), None)
    if column is None and by_value is None:
        return None, DraftValue("Active", "no column looks like a status: the dates alone decide", False)
    why = "its name" if column else "its values, which say who works here"
    column = column or by_value
    assert column is not None
    why += f", and {counted(len(column.counts), 'different value')}"
    if column.blank:
        why += f"; blank in {counted(column.blank, 'row')}; such rows are rejected"
    return column, DraftValue(_reads(column.reference), why, known is not None and not column.blank)


def _date_column(columns: Sequence[Column], kind: str) -> Column | None:
    return _best(columns, kind, _dated)


def _dated(column: Column) -> bool:
    return column.filled > 0 and (column.days > 0 or column.share(is_date) >= 0.8)


def _unread_dates(columns: Sequence[Column], read: Sequence[Column]) -> list[str]:
    """Name columns of dates that the draft does not read, though they may say when access begins or ends; and columns
    that are called so, and whose values are no dates.
    """
    lines = []
    for column in columns:
        words = column.words
        if column in read or not column.filled or NO_ACCESS_DATE.search(words) or OTHER_PERSON.search(words):
            continue
        if _dated(column) and not (column.days == 0 and column.share(is_number) > 0.5):
            lines.append(f"check: {column.name!r} holds dates that nothing here reads: is it a start or an end date?")
        elif re.search(r"dat(e|um|a)", words) and any(re.fullmatch(NAMES[kind], words) for kind in ("start", "end")):
            lines.append(f"check: {column.name!r} is called a date, but {column.texts()[0]!r} is none that can be read")
    return lines


def _date(column: Column | None) -> DraftValue | None:
    if column is None:
        return None
    bad = [value for value in column.texts() if not column.days and not is_date(value)]
    why = "its name, and its values are dates"
    if bad:
        return DraftValue(_reads(column.reference), f"{why}, but for {bad[0]!r}: such rows are rejected", False)
    return DraftValue(_reads(column.reference), why)
