"""How the dates of an HR export are written."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from airflow_provider_kinde.sync.spec.date_parser import EXCEL, DateReader, same_text

FORMATS = (
    "YYYY-MM-DD", "M/D/YYYY", "D/M/YYYY", "M/D/YY", "D/M/YY", "D.M.YYYY", "D.M.YY", "D-M-YYYY", "M-D-YYYY", "YYYY/M/D",
    "D-MMM-YYYY", "D-MMM-YY", "D MMM YYYY", "D MMMM YYYY", "MMM D, YYYY", "MMMM D, YYYY", "D. MMM YYYY", "D. MMMM YYYY",
    "D [de] MMMM [de] YYYY", "YYYYMMDD",
    "M/D/YYYY H:mm", "D/M/YYYY H:mm", "D.M.YYYY H:mm", "M/D/YYYY h:mm:ss A", "YYYY-MM-DD HH:mm:ss",
    EXCEL,
)  # fmt: skip
"""Formats in the order in which they are tried. Of two that read every date, the first one is drafted."""


def is_date(value: str) -> bool:
    """Whether one of the known formats reads a text as a date.

    :param value: the text of a cell.
    :returns: true if it does.
    """
    return any(_reads_all(reader, [value]) for reader in _READERS.values()) or _reads_all(_ISO, [value])


def is_number(value: str) -> bool:
    """Whether a text is a number, which may be a day as Excel counts them, or none.

    :param value: the text of a cell.
    """
    return bool(re.fullmatch(r"\d+(\.\d*)?", value))


def _reads_all(reader: DateReader, values: Iterable[str]) -> bool:
    try:
        for value in values:
            if reader is _READERS[EXCEL] and not re.fullmatch(r"[2-7]\d{4}(\.\d*)?", value):
                return False  # any number is a day to Excel; only those of 1954 to 2119 are guessed to be one
            reader.read(value, dt.timezone.utc)
    except ValueError:
        return False
    return True


_READERS = {text: DateReader([text], dt.date(2026, 1, 1)) for text in FORMATS}
_ISO = DateReader([], dt.date(2026, 1, 1))


def date_formats(values: Iterable[str]) -> tuple[list[str], str]:
    """Find the fewest formats that read every date.

    :param values: the values of all date columns; values that are no dates are ignored.
    :returns: the formats in the order of the spec, and the evidence, as a comment for the draft.
    """
    values = {value for value in values if is_date(value)}
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
            break  # only ISO 8601 with a time reads the rest, and it cannot be combined with a format
        chosen.append(best)
        rest -= read[best]
    if other := _other_order(chosen, values):
        return chosen, f"check: {other}"
    if rest:
        return chosen, f"check: does not read {sorted(rest)[0]!r}"
    if both := same_text(chosen):
        return chosen, f"check: {both[0]} and {both[1]} read some dates as two different days; the first is taken"
    return chosen, "reads every date of the file"


def _other_order(chosen: Sequence[str], values: AbstractSet[str]) -> str:
    """Say which other format would read the dates of a chosen one: day and month may be the other way round."""
    for text in chosen:
        rest = {value for value in values if not any(_reads_all(_READERS[o], [value]) for o in chosen if o != text)}
        same_order = any(other != text and other[:3] == text[:3] for other in chosen)
        other = next((t for t in FORMATS if t not in chosen and _reads_all(_READERS[t], rest)), "")
        if rest and other and not same_order:
            what = "every date" if len(chosen) == 1 else f"every date that {text} reads"
            return f"{other} would read {what} as well"
    return ""
