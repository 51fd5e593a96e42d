"""What the columns of an HR export are: guessed from their names and from what stands in them."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.resources.normalization import clean_email, clean_name
from airflow_provider_kinde.sync.spec.dates import DateReader
from airflow_provider_kinde.sync.spec.expressions import is_blank, plain
from airflow_provider_kinde.sync.spec.filters import as_text

FORMATS = (
    "YYYY-MM-DD", "M/D/YYYY", "D/M/YYYY", "M/D/YY", "D/M/YY", "D.M.YYYY", "D.M.YY", "D-M-YYYY", "M-D-YYYY", "YYYY/M/D",
    "D-MMM-YYYY", "D-MMM-YY", "D MMM YYYY", "D MMMM YYYY", "MMM D, YYYY", "MMMM D, YYYY", "YYYYMMDD",
    "M/D/YYYY H:mm", "D/M/YYYY H:mm", "D.M.YYYY H:mm", "M/D/YYYY h:mm:ss A", "YYYY-MM-DD HH:mm:ss",
)  # fmt: skip
"""Tried in this order: of two that read everything, the first one is drafted."""

_SOMEBODY_ELSE = re.compile(
    r"manager|supervisor|boss|reports? ?to|emergency|contact person|vorgesetzt|created|modified|updated"
)
_NAMES = {
    "id": r"(employee|emp|worker|person|personnel|staff|associate|payroll|file|badge)s? ?(id|no|nr|num|number|code|key)"
    r"|empid|personalnummer|matricule|id|uuid|guid|employee|external id|user id|number",
    "email": r".*\be ?mail\b.*|.*mail( address)?",
    "given": r"(legal |preferred )?(first|given|fore) ?names?|first|given|vorname|prenom|nombre",
    "family": r"(legal )?(last|family|sur) ?names?|last|surname|family|nachname|nom|apellidos?",
    "name": r"((employee|emp|worker|person|staff|full|display|complete|legal) ?)+names?|name",
    "status": r"((employment|employee|emp|worker|work|hr|account|current) ?)*(status|state)|is active|active|aktiv",
    "start": r".*\b(hire|hired|start|started|join|joined|joining|begin|entry|onboard|eintritt)\w*\b.*|.*dateofhire.*",
    "end": r".*\b(term|terminat\w*|end|ended|leave|leaving|left|exit|separat\w*|last day|offboard\w*|austritt)\b.*"
    r"|.*dateoftermination.*",
    "department": r"(department|dept|division|team|business unit|org unit|organization unit|abteilung|service|unit)"
    r"( ?name)?",
}
_PREFERRED = {
    "email": r"work|business|company|corporate|office|primary|geschaft",
    "id": r"emp|worker|person|staff",
    "status": r"stat[^e]|active",
    "start": r"hire|start",
    "department": r"dep",
}
_AVOIDED = {
    "email": r"personal|private|home|secondary|alternate|privat",
    "start": r"birth|review|last|re ?hire",
    "end": r"reason|type|proba",
}
_ACTIVE = (
    "active", "leave", "loa", "sabbatical", "maternity", "paternity", "parental", "probation", "current", "employed",
    "working", "hired", "future start", "starter", "full time", "part time", "aktiv", "yes", "true", "1", "y", "a",
)  # fmt: skip
_INACTIVE = (
    "inactive", "terminat", "resign", "retired", "left", "leaver", "dismissed", "deceased", "ended", "former",
    "laid off", "departed", "offboard", "not active", "deactivated", "quit", "inaktiv", "no", "false", "0", "n",
    "t", "i",
)  # fmt: skip


@dataclass(slots=True)
class Column:
    """A column and what stands in it.

    :param counts: text, blanks collapsed -> how many rows hold it.
    :param rows: how many rows the file has.
    """

    name: str
    counts: Counter[str] = field(default_factory=Counter)
    blank: int = 0
    rows: int = 0
    days: int = 0
    """How many values are dates already, as Parquet has them."""

    def add(self, value: Any) -> None:
        """Take note of one cell."""
        if is_blank(value) or isinstance(value, (list, dict, tuple, bytes)):
            self.blank += 1
            return
        self.days += isinstance(value, dt.date)
        self.counts[value.strip() if isinstance(value, str) else as_text(plain(value))] += 1

    @property
    def filled(self) -> int:
        return sum(self.counts.values())

    @property
    def unique(self) -> bool:
        """Whether every row holds a value of its own."""
        return self.filled == len(self.counts) == self.rows

    @property
    def words(self) -> str:
        """The name in lower case, its words apart: ``EmpID`` and ``emp_id`` are ``emp id``."""
        text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", unicodedata.normalize("NFKD", self.name))
        return " ".join(re.sub(r"[^a-z0-9]+", " ", text.lower()).split())

    @property
    def reference(self) -> str:
        """The column as an expression names it."""
        if self.name.isascii() and self.name.isidentifier():
            return f"row.{self.name}"
        return "row['" + self.name.replace("\\", "\\\\").replace("'", "\\'") + "']"

    def texts(self) -> list[str]:
        """Its values, the most frequent first."""
        return [value for value, _ in sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))]

    def share(self, fits: Any) -> float:
        """How much of what is filled fits a test."""
        return sum(count for value, count in self.counts.items() if fits(value)) / (self.filled or 1)


@dataclass(frozen=True, slots=True)
class Part:
    """One value of the draft.

    :param why: what the guess rests on.
    :param sure: whether it needs no second look.
    """

    expression: str
    why: str
    sure: bool = True


@dataclass(slots=True)
class Guess:
    """Everything that a draft needs to know of a file."""

    rows: int
    id: Part
    email: Part
    given: Part
    family: Part
    status: Part
    active: list[tuple[str, int]]
    inactive: list[tuple[str, int]]
    unclear: list[tuple[str, int]]
    start: Part | None = None
    end: Part | None = None
    formats: Sequence[str] = ()
    formats_why: str = ""
    department: Column | None = None


def guess(columns: Sequence[Column], rows: int) -> Guess:
    """Say what each column is.

    :raises SyncError: when nothing can be an id.
    """
    columns = [column for column in columns if column.name and column.name.isprintable()]
    email = _email_column(columns)
    given, family = _people_names(columns)
    status_column, status = _status(columns, rows)
    active, inactive, unclear = _split(status_column, rows)
    department = _best(columns, "department", _is_department)
    start, end = (_date_column(columns, kind) for kind in ("start", "end"))
    dates = [column for column in (start, end) if column]
    formats, formats_why = _formats([column for column in dates if not column.days])
    return Guess(
        rows=rows,
        id=_id(columns),
        email=_email(email, given, family),
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
    )


def _is_department(column: Column) -> bool:
    return column.filled > 0 and not column.days and all(map(_is_constant, column.counts))


def _is_constant(text: str) -> bool:
    """Whether a text can stand in a spec as it is."""
    return text.isprintable() and "{{" not in text and "{%" not in text


def slug(text: str) -> str:
    """Lower-case ASCII letters, digits and single dashes."""
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", folded).strip("-")


def _best(columns: Sequence[Column], kind: str, fits: Any = lambda column: True) -> Column | None:
    """The column whose name says most clearly that it is of this kind, among those whose values fit."""
    preferred, avoided = _PREFERRED.get(kind), _AVOIDED.get(kind)
    found: list[tuple[int, int, Column]] = []
    for place, column in enumerate(columns):
        words = column.words
        if not re.fullmatch(_NAMES[kind], words) or _SOMEBODY_ELSE.search(words) or not fits(column):
            continue
        score = 2 * bool(preferred and re.search(preferred, words)) - 3 * bool(avoided and re.search(avoided, words))
        found.append((-score, place, column))
    return min(found, key=lambda item: item[:2])[2] if found else None


def _reads(expression: str) -> str:
    return "{{ " + expression + " }}"


def _id(columns: Sequence[Column]) -> Part:
    def usable(column: Column) -> bool:
        return column.unique and not column.days and not any("~" in value for value in column.counts)

    named = _best(columns, "id", usable)
    if named:
        return Part(_reads(named.reference), "its name, and every row has a value of its own")
    repeated = _best(columns, "id", lambda column: column.filled == column.rows)
    if repeated:
        value, count = repeated.counts.most_common(1)[0]
        return Part(
            _reads(repeated.reference), f"its name; but values stand twice, such as {value!r} ({count} rows)", False
        )
    others = [c for c in columns if usable(c) and c.share(lambda value: "@" in value) < 0.5]
    others.sort(key=lambda column: max(map(len, column.counts)))
    if others:
        return Part(_reads(others[0].reference), "the first column in which no value stands twice", False)
    raise SyncError("no column can be an id: one is needed that is filled in every row, and never used again")


def _email_column(columns: Sequence[Column]) -> Column | None:
    def addresses(column: Column) -> bool:
        return column.filled > 0 and column.share(_is_email) >= 0.8

    named = _best(columns, "email", addresses)
    others = [c for c in columns if addresses(c) and not _SOMEBODY_ELSE.search(c.words)]
    return named or (others[0] if others else None)


def _is_email(value: str) -> bool:
    try:
        clean_email(value)
    except ValueError:
        return False
    return True


def _email(column: Column | None, given: Part, family: Part) -> Part:
    if column is None:
        first, last = (part.expression[2:-2].strip() for part in (given, family))
        if not given.expression or not family.expression:
            raise SyncError("no column holds e-mail addresses, and there are no names to make them of")
        text = f"{{{{ ({first}) | slug }}}}.{{{{ ({last}) | slug('') }}}}@example.com"
        return Part(text, "no column holds addresses: made of the names, with your domain for example.com", False)
    bad = [value for value in column.texts() if not _is_email(value)]
    wrong = f"; {len(bad)} values are no addresses" if bad else ""
    twice = column.filled - len({value.casefold() for value in column.counts})
    shared = f"; {twice} stand twice, and those people are held" if twice else ""
    blank = f"; blank in {column.blank} rows" if column.blank else ""
    sure = not (bad or twice or re.search(_AVOIDED["email"], column.words))
    return Part(_reads(column.reference), f"its values are addresses{wrong}{shared}{blank}", sure)


def _people_names(columns: Sequence[Column]) -> tuple[Part, Part]:
    given, family, whole = (_best(columns, kind, lambda c: c.filled > 0) for kind in ("given", "family", "name"))
    if whole is None or (given and family):
        none = Part("", "no column looks like it", False)
        return (_name(given) if given else none), (_name(family) if family else none)
    comma = whole.share(lambda value: "," in value)
    if comma >= 0.8:
        why = ("" if comma == 1 else "mostly ") + "`Last, First`: what stands {} the comma"
        first, last = (_reads(f"{whole.reference} | {side}") for side in ("after", "before"))
        return Part(first, why.format("after"), comma == 1), Part(last, why.format("before"), comma == 1)
    words = f"({whole.reference} | trim).split(' ')"
    first, last = (_reads(f"{words} | {side}") for side in ("first", "last"))
    why = "one column holds the whole name: its {} word"
    return Part(first, why.format("first"), False), Part(last, why.format("last"), False)


def _name(column: Column) -> Part:
    why = f"its name; blank in {column.blank} rows, which are rejected" if column.blank else "its name"
    return Part(_reads(column.reference), why, not column.blank)


def _status(columns: Sequence[Column], rows: int) -> tuple[Column | None, Part]:
    few = [column for column in columns if 0 < len(column.counts) <= 30 and not column.days]
    known = _best(few, "status", lambda column: any(_says(_words(value), _ACTIVE) for value in column.counts))
    column = known or _best(few, "status", lambda column: "status" in column.words)
    if column is None:
        return None, Part("Active", "no column looks like a status: the dates alone decide", False)
    why = f"its name, and {len(column.counts)} different values"
    if column.blank:
        why += f"; blank in {column.blank} rows, which are rejected"
    return column, Part(_reads(column.reference), why, not column.blank)


def _split(column: Column | None, rows: int) -> tuple[list[tuple[str, int]], ...]:
    """Statuses that give access, that take it, and that say neither."""
    if column is None:
        return [("Active", rows)], [], []
    active: list[tuple[str, int]] = []
    inactive: list[tuple[str, int]] = []
    unclear: list[tuple[str, int]] = []
    folded: Counter[str] = Counter()
    spelled: dict[str, str] = {}
    for value in column.texts():
        key = clean_name(value).casefold()
        folded[key] += column.counts[value]
        spelled.setdefault(key, clean_name(value))
    for key, count in folded.items():
        words = _words(key)
        if not _is_constant(spelled[key]):
            unclear.append((spelled[key], count))
        elif _says(words, _INACTIVE):
            inactive.append((spelled[key], count))
        elif _says(words, _ACTIVE):
            active.append((spelled[key], count))
        else:
            unclear.append((spelled[key], count))
    if not active:
        active.append(("Active", 0))
    return active, inactive, unclear


def _words(text: str) -> str:
    return " ".join(re.sub(r"[^a-z0-9]+", " ", clean_name(text).casefold()).split())


def _says(words: str, known: Sequence[str]) -> bool:
    """Whether a status is one of the known words, or holds one of more than three letters."""
    return any(words == word or (len(word) > 3 and re.search(rf"\b{word}", words)) for word in known)


def _date_column(columns: Sequence[Column], kind: str) -> Column | None:
    def dated(column: Column) -> bool:
        return column.filled > 0 and (column.days > 0 or column.share(_is_date) >= 0.8)

    return _best(columns, kind, dated)


def _date(column: Column | None) -> Part | None:
    if column is None:
        return None
    bad = [value for value in column.texts() if not column.days and not _is_date(value)]
    why = "its name, and its values are dates"
    if bad:
        return Part(_reads(column.reference), f"{why}, but for {bad[0]!r}: such rows are rejected", False)
    return Part(_reads(column.reference), why)


def _is_date(value: str) -> bool:
    return any(_reads_all(reader, [value]) for reader in _READERS.values()) or _reads_all(_ISO, [value])


def _reads_all(reader: DateReader, values: Iterable[str]) -> bool:
    try:
        for value in values:
            reader.read(value, dt.timezone.utc)
    except ValueError:
        return False
    return True


_READERS = {text: DateReader([text], dt.date(2026, 1, 1)) for text in FORMATS}
_ISO = DateReader([], dt.date(2026, 1, 1))


def _formats(columns: Sequence[Column]) -> tuple[list[str], str]:
    """The fewest formats that read every date, and why."""
    values = {value for column in columns for value in column.counts if _is_date(value)}
    if not values:
        return [], ""
    if _reads_all(_ISO, values):
        return [], "dates are ISO 8601: no date_format is needed"
    chosen: list[str] = []
    rest = set(values)
    while rest:
        read = {text: {v for v in rest if _reads_all(reader, [v])} for text, reader in _READERS.items()}
        best = max(FORMATS, key=lambda text: len(read[text]))
        if not read[best]:
            break  # read by ISO 8601 alone, with a time: it cannot stand beside a format
        chosen.append(best)
        rest -= read[best]
    other = next((t for t in FORMATS if t != chosen[0] and len(chosen) == 1 and _reads_all(_READERS[t], values)), "")
    if other:
        return chosen, f"check: {other} would read every date as well"
    return chosen, "reads every date of the file" if not rest else f"check: does not read {sorted(rest)[0]!r}"
