"""Characters that cannot be told apart by looking: what a cell really holds, in code points."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from airflow_provider_kinde.sync.spec.cell_text import BLANKS, INVISIBLE, clean_text

MOST_SHOWN = 5
"""How many code points a line names."""

# Letters of Cyrillic and Greek that look like Latin ones; quotes and dashes.
_LOOKS = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0406\u0408\u0405"
    "\u03bf\u03b1\u03bd\u03c1\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7"
    "\u2018\u2019\u02bc\u201c\u201d\u2010\u2011\u2012\u2013\u2014\u2212",
    "aeopcyxijsABEKMHOPCTYXIJS" + "oavpABEZHIKMNOPTYX" + "'''\"\"------",
)


def hidden(raw: str) -> str:
    """Name what a cell holds beside the text that is read.

    :param raw: the cell as the source writes it.
    :returns: such as ``U+00A0 NO-BREAK SPACE``; empty where the cell holds nothing that cannot be seen.
    """
    unseen = [char for char in raw if char in BLANKS or char in INVISIBLE]
    if not unseen and not raw.isascii() and unicodedata.normalize("NFC", raw) != raw:
        unseen = [char for char in raw if unicodedata.combining(char)] or [char for char in raw if not char.isascii()]
    return _named(unseen)


def look_alike(cell: str, texts: Iterable[str]) -> tuple[str, str] | None:
    """Find a text of the spec that looks like a cell and is another one.

    :param cell: the cell as it is read.
    :param texts: texts of the spec with which the cell may be compared.
    :returns: the text of the spec, and the code points in which the two differ; nothing where none looks like it.
    """
    look = _look(cell)
    for text in sorted(texts):
        if text != cell and look and _look(text) == look:
            mine = _named([char for char in cell if char not in text])
            other = _named([char for char in text if char not in cell])
            return text, f"the cell has {mine or 'the same characters'}, the spec {other or 'the same characters'}"
    return None


def _look(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", clean_text(text)).translate(_LOOKS).split())


def _named(characters: Iterable[str]) -> str:
    found = list(dict.fromkeys(characters))
    shown = [f"U+{ord(char):04X} {unicodedata.name(char, '')}".strip() for char in found[:MOST_SHOWN]]
    return ", ".join(shown) + (", …" if len(found) > MOST_SHOWN else "")
