"""Dates as HR systems write them."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pendulum

from airflow_provider_kinde.sync.spec.cell_text import shortened
from airflow_provider_kinde.sync.spec.month_names import month_number

NO_END_YEAR = 9000
"""From this year on a date means "no end" (9999-12-31 and its kin)."""
NO_END = dt.date(9999, 12, 31)
FAR_START_YEARS = 10
"""A start whose two-digit year would lie further ahead than this belongs to the century before."""

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
EXCEL = "excel"
"""The format of days that Excel counts from the end of 1899."""
_EXCEL_SERIAL = re.compile(r"(\d{1,7})(?:[.,](\d*))?")
_ZEROS = re.compile(r"(?:0{8}|0000[-/.]00[-/.]00|00[-/.]00[-/.]0000)(?:[T ]00:00(?::00)?)?")
"""No date, as MySQL and SAP write it."""
_EXCEL_LAST = 2_958_465
"""9999-12-31."""
_NAME = r"[^\W\d_]{2,}\.?"

# As in pendulum a padded token takes one digit as well, but only where no digit stands beside it.
_PADDED = r"\d{2}|(?<!\d)\d(?!\d)"
# token -> (pattern, the part of the date that it gives); "" is read and left aside.
_TOKENS: dict[str, tuple[str, str]] = {
    "YYYY": (r"\d{4}", "year"),
    "YY": (r"\d{2}", "short_year"),
    "MMMM": (_NAME, "month_name"),
    "MMM": (_NAME, "month_name"),
    "MM": (_PADDED, "month"),
    "M": (r"\d{1,2}", "month"),
    "DDDD": (r"\d{3}", "day_of_year"),
    "DDD": (r"\d{1,3}", "day_of_year"),
    "DD": (_PADDED, "day"),
    "Do": (r"\d{1,2}(?:st|nd|rd|th)", "day"),
    "D": (r"\d{1,2}", "day"),
    "dddd": ("|".join(_DAYS), ""),
    "ddd": ("|".join(name[:3] for name in _DAYS), ""),
    "HH": (_PADDED, "hour"),
    "H": (r"\d{1,2}", "hour"),
    "hh": (_PADDED, "hour12"),
    "h": (r"\d{1,2}", "hour12"),
    "mm": (_PADDED, "minute"),
    "m": (r"\d{1,2}", "minute"),
    "ss": (_PADDED, "second"),
    "s": (r"\d{1,2}", "second"),
    "SSSSSS": (r"\d{6}", ""),
    "SSS": (r"\d{3}", ""),
    "A": (r"[AP]M", "half"),
    "a": (r"[ap]m", "half"),
    "ZZ": (r"Z|[+-]\d{4}", "offset"),
    "Z": (r"Z|[+-]\d{2}:\d{2}", "offset"),
}
_TOKEN = re.compile(r"\[([^\]]*)\]|(" + "|".join(sorted(_TOKENS, key=len, reverse=True)) + r")|([A-Za-z]+)")
_ISO = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})"
    r"(?:[Tt ](?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d{1,9})?)?"
    r" ?(?P<offset>[Zz]|[+-]\d{2}(?::?\d{2})?)?|[Zz]|[+-]\d{2}:\d{2})?"  # a day with a zone is that day (Workday)
    r"|(?P<year_>\d{4})(?P<month_>\d{2})(?P<day_>\d{2})"
)
_ISO_OTHER = re.compile(r"\d{4}-?W\d{2}-?\d|\d{4}-\d{3}")


@dataclass(frozen=True)
class _Format:
    pattern: re.Pattern[str]
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Parsed:
    day: dt.date
    moment: dt.datetime | None = None
    """With its offset, when the text names a time of day other than midnight and an offset."""
    short_year: bool = False


def _excel(text: str) -> _Parsed:
    match = _EXCEL_SERIAL.fullmatch(text)
    if not match or not 1 <= int(match[1]) <= _EXCEL_LAST or _has_thousands(match):
        raise ValueError("not a number of days as Excel counts them")
    days = int(match[1])
    # Excel counts a 29 February 1900, which never was: before it, days are counted from a day later.
    return _Parsed(dt.date(1899, 12, 30 if days > 59 else 31) + dt.timedelta(days=days))


def _has_thousands(match: re.Match[str]) -> bool:
    """Whether the decimals are rather thousands: ``46,082`` is a day of this decade, and no morning in 1900."""
    decimals = match[2] or ""
    return int(match[1]) < 1000 and (len(decimals) == 3 or bool(decimals.strip("0")))


def same_text(formats: Sequence[str]) -> tuple[str, str] | None:
    """Find two formats that read some text as two different days.

    :param formats: ``date_format`` of a spec.
    :returns: the first two such formats, such as ``M/D/YYYY`` and ``D/M/YYYY``; ``None`` if there are none.
    """
    day = pendulum.datetime(2003, 4, 5, 6, 7, 8)
    for index, first in enumerate(formats):
        if first == EXCEL:
            continue
        text = day.format(first)
        readings = [DateReader([other], day.date()) for other in formats[index + 1 :]]
        own = DateReader([first], day.date())
        for other, reader in zip(formats[index + 1 :], readings, strict=True):
            try:
                if reader.read(text, dt.timezone.utc) != own.read(text, dt.timezone.utc):
                    return first, other
            except ValueError:
                continue
    return None


def check_format(text: str) -> None:
    """Check one ``date_format``.

    :param text: pendulum tokens, such as ``M/D/YY``.
    :raises ValueError: an unknown token, or no whole date in it; the message says what was expected.
    """
    if text != EXCEL:
        _compile(text)


def _compile(text: str) -> _Format:
    pattern, parts, at = "", [], 0
    for match in _TOKEN.finditer(text):
        pattern += re.escape(text[at : match.start()])
        at = match.end()
        literal, token, unknown = match.groups()
        if unknown:
            raise ValueError(
                f"{unknown!r} is not a known token; known are {', '.join(_TOKENS)}, and [text] as it stands"
            )
        if token is None:
            pattern += re.escape(literal)
            continue
        expression, part = _TOKENS[token]
        if part and part in parts:
            raise ValueError(f"the {part.replace('_', ' ')} stands in it twice")
        pattern += f"({expression})" if part else f"(?:{expression})"
        if part:
            parts.append(part)
    pattern += re.escape(text[at:])
    if not {"year", "short_year"} & set(parts):
        raise ValueError("it names no year (YYYY or YY)")
    if "day_of_year" not in parts and not ({"month", "month_name"} & set(parts) and "day" in parts):
        raise ValueError("it names no month and day (such as M/D/YYYY)")
    return _Format(re.compile(pattern, re.IGNORECASE), tuple(parts))


class DateReader:
    """Reads dates in the formats of a spec; each distinct text is parsed once.

    :param formats: ``date_format`` of the spec; ISO 8601 when empty.
    :param today: the day of the run, which decides the century of a two-digit start.
    """

    def __init__(self, formats: Sequence[str], today: dt.date) -> None:
        self._formats = [None if text == EXCEL else _compile(text) for text in formats]
        self._names = tuple(formats)
        self._words = " or ".join(formats) or "an ISO 8601 date such as 2026-03-31"
        self._doubtful: Counter[tuple[str, str]] = Counter()
        self._latest_start = today.replace(day=1).replace(year=today.year + FAR_START_YEARS)
        self._seen: dict[str, _Parsed] = {}

    def read(self, value: Any, timezone: dt.tzinfo, *, start: bool = False) -> dt.date | None:
        """Read one date.

        :param value: text, a date or a datetime; blank is no date.
        :param timezone: where the person works: a time with an offset becomes the local day there.
        :param start: the date is a start: a two-digit year never lies more than ten years ahead.
        :returns: the day, or ``None`` when there is none.
        :raises ValueError: it cannot be read; the message says what was expected.
        """
        if value is None or value == "":
            return None
        if isinstance(value, dt.datetime):
            parsed = _of_datetime(value)
        elif isinstance(value, dt.date):
            return dt.date(value.year, value.month, value.day)
        else:
            text = str(value).strip()
            if not text or _ZEROS.fullmatch(text):
                return None
            known = self._seen.get(text)
            if known is None:
                known = self._parse(text)
                if len(self._seen) < 100_000:
                    self._seen[text] = known
            parsed = known
        if parsed.moment is not None and 1 < parsed.day.year < NO_END_YEAR:
            return parsed.moment.astimezone(timezone).date()
        if start and parsed.short_year and parsed.day >= self._latest_start:
            return parsed.day.replace(year=parsed.day.year - 100)
        if (
            not start
            and parsed.short_year
            and (parsed.day.year % 100, parsed.day.month, parsed.day.day) == (99, 12, 31)
        ):
            return NO_END  # 12/31/9999, saved with a year of two digits
        return parsed.day

    def _parse(self, text: str) -> _Parsed:
        shown = shortened(text)
        reasons: list[str] = []
        found: _Parsed | None = None
        first = 0
        for index in range(max(len(self._formats), 1)):
            try:
                if len(text) > 100:
                    raise ValueError("too long")
                parsed = self._parse_as(index, text)
            except ValueError as error:
                reasons.append(str(error))
                continue
            if parsed is None:
                continue
            if found is None:
                found, first = parsed, index
            elif parsed.day != found.day:
                self._doubtful[self._names[first], self._names[index]] += 1
                break
        if found is not None:
            return found
        if _EXCEL_SERIAL.fullmatch(text) and 20_000 < float(text.replace(",", ".")) < 80_000:
            reasons = ["if Excel counts days so, add excel to date_format"]
        raise ValueError(f"{shown!r} is not a date in {self._words}" + (f" ({reasons[0]})" if reasons else ""))

    def _parse_as(self, index: int, text: str) -> _Parsed | None:
        """Read a text in one of the formats; ``None`` if it does not look like that format."""
        if not self._formats:
            return _iso(text)
        form = self._formats[index]
        if form is None:
            return _excel(text)
        match = form.pattern.fullmatch(text)
        return _build(dict(zip(form.parts, match.groups(), strict=True)).get) if match else None

    def warnings(self) -> list[str]:
        """Say which formats read dates as two different days.

        :returns: one warning for each pair of formats.
        """
        return [
            f"dates that two formats of employment.date_format read as two different days, {first} and {other}: "
            f"{count}; {first}, which comes first, is taken"
            for (first, other), count in self._doubtful.items()
        ]


def _iso(text: str) -> _Parsed:
    if _ISO_OTHER.fullmatch(text):
        day = pendulum.parse(text, exact=True)
        assert isinstance(day, dt.date)
        return _Parsed(dt.date(day.year, day.month, day.day))
    match = _ISO.fullmatch(text)
    if not match:
        raise ValueError(
            "not ISO 8601; date_format in the spec says how dates are written, and excel that days are counted"
        )
    parts = match.groupdict()
    return _build(lambda part: parts.get(part) or parts.get(part + "_"))


def _build(part: Callable[[str], str | None]) -> _Parsed:
    def number(name: str, default: int = 0) -> int:
        return int(re.sub(r"\D", "", part(name) or "") or default)

    year = number("year")
    short = part("short_year")
    if short:
        year = int(short) + (2000 if int(short) <= 68 else 1900)
    if part("day_of_year"):
        day = dt.date(year, 1, 1) + dt.timedelta(days=number("day_of_year") - 1)
        if day.year != year:
            raise ValueError("day is out of range for year")
    else:
        name = part("month_name")
        day = dt.date(year, month_number(name) if name else number("month"), number("day"))
    hour = number("hour")
    if part("hour12"):
        if not 1 <= number("hour12") <= 12:
            raise ValueError("hour must be in 1..12")
        hour = number("hour12") % 12 + (12 if (part("half") or "").casefold() == "pm" else 0)
    time = dt.time(hour, number("minute"), number("second"))
    offset = part("offset")
    moment = None
    if offset and time != dt.time():
        zone = dt.timezone.utc
        if offset not in "Zz":
            minutes = int(offset[1:3]) * 60 + int(offset[3:].replace(":", "") or 0)
            zone = dt.timezone(dt.timedelta(minutes=-minutes if offset[0] == "-" else minutes))
        moment = dt.datetime.combine(day, time, zone)
    return _Parsed(day, moment, bool(short))


def _of_datetime(value: dt.datetime) -> _Parsed:
    day = dt.date(value.year, value.month, value.day)
    # Midnight with an offset is how exports write a plain date: it is taken as written.
    aware = value.tzinfo is not None and (value.hour, value.minute, value.second) != (0, 0, 0)
    return _Parsed(day, value if aware else None)
