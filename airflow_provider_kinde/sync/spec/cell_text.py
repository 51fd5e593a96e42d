"""Cells as expressions read them: texts that look the same are the same.

Exports differ in characters that cannot be seen: an umlaut of two characters, a blank that does not break, a character
without width from a web page. A cell is brought into one form before anything reads it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

BLANKS = frozenset("\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000")
"""The blanks of Unicode beside the plain one; what ends a line is none."""
INVISIBLE = frozenset(
    map(
        chr,
        (
            0x00AD,  # soft hyphen
            0x034F,  # grapheme joiner
            0x061C,  # Arabic letter mark
            *range(0x180B, 0x1810),  # Mongolian selectors
            *range(0x200B, 0x2010),  # zero-width space and joiners, direction marks
            *range(0x202A, 0x202F),  # direction
            *range(0x2060, 0x2070),  # word joiner, direction
            *range(0xFE00, 0xFE10),  # variation selectors
            0xFEFF,  # byte order mark
        ),
    )
)
"""Characters without width."""
_SCIENTIFIC = re.compile(r"[+-]?\d+[.,]\d+[eE][+-]?\d+|[+-]?\d+[eE][+-]\d+")
_TABLE = {ord(char): " " for char in BLANKS} | {ord(char): None for char in INVISIBLE}


def shortened(text: str, longest: int = 40) -> str:
    """Cut a text for a message; an ellipsis says that it goes on.

    :param text: the text.
    :param longest: how many characters are kept.
    """
    return text if len(text) <= longest else text[:longest] + "…"


def clean_text(text: str) -> str:
    """Bring a text into the form that cells have: NFC, plain blanks, no characters without width, trimmed.

    :param text: the text of a cell.
    :returns: the text in that form; a text that has it already comes back as it is.
    """
    return text.strip() if text.isascii() else clean_inside(text).strip()


def is_scientific(text: str) -> bool:
    """Whether a text is a number as spreadsheets write long ones (``2.02E+11``). ``4E10`` may be an id.

    :param text: a text, trimmed.
    """
    return _SCIENTIFIC.fullmatch(text) is not None


def clean_inside(text: str) -> str:
    """Do the same without trimming, for texts that are parts of others.

    :param text: a text.
    :returns: the text in NFC, with plain blanks, without characters without width.
    """
    return text if text.isascii() else unicodedata.normalize("NFC", text.translate(_TABLE))


def clean_cell(value: Any) -> Any:
    """Bring a cell into the form in which it is read.

    :param value: the cell: a text, or a list that may hold texts; anything else stays as it is.
    :returns: the cell in that form.
    """
    if type(value) is str:
        return clean_text(value)
    if type(value) is list:
        return [clean_cell(item) for item in value]
    return value


def clean_row(values: Mapping[str, Any], columns: Iterable[str] | None = None) -> Mapping[str, Any]:
    """Bring the cells of a row into the form in which they are read.

    :param values: the row.
    :param columns: the columns that are read; all of them when left out.
    :returns: the row; the same object when nothing was to be done, as for most rows.
    """
    cells = list(values.values())
    try:
        if "".join(cells).isascii() and list(map(str.strip, cells)) == cells:
            return values
    except TypeError:
        pass  # not texts alone
    found: dict[str, Any] | None = None
    for column in values if columns is None else columns:
        value = values.get(column)
        if type(value) is str:
            clean = value.strip() if value.isascii() else clean_text(value)
        elif type(value) is list:
            clean = clean_cell(value)
        else:
            continue
        if clean is not value:
            if found is None:
                found = dict(values)
            found[column] = clean
    return values if found is None else found
