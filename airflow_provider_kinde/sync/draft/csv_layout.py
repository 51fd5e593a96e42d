"""How a CSV export is laid out: its delimiter, and the line in which its header stands."""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter

_DELIMITERS = (",", ";", "\t", "|")
_LOOKED_AT = 40
"""Lines that are looked at."""


def csv_options(text: str, *, tab: bool = False) -> dict[str, str]:
    """Guess delimiter and header from the beginning of a CSV text.

    :param text: the beginning of the file.
    :param tab: whether the name of the file says that tabs stand between cells.
    :returns: ``delimiter`` and ``skip_rows`` of the source, where they differ from the default.
    """
    lines = text.lstrip("\ufeff").splitlines()[:_LOOKED_AT]
    options: dict[str, str] = {}
    first = re.fullmatch('"?sep=(.)"?', lines[0], re.IGNORECASE) if lines else None
    if first:
        lines, best = ["", *lines[1:]], first[1]
    else:
        best = "\t" if tab else max(_DELIMITERS, key=lambda mark: _weight(lines, mark))
        if best != "," and not tab and _weight(lines, best):
            options["delimiter"] = "tab" if best == "\t" else best
    above = _above(lines, best)
    if _says_the_same(lines, above, best):
        above += 1
    if above > (1 if first else 0):
        options["skip_rows"] = str(above)
    return options


def _says_the_same(lines: list[str], above: int, delimiter: str) -> bool:
    """Whether the line below the header repeats it in other words: technical names, then labels (SuccessFactors)."""
    try:
        records = [cells for cells in csv.reader(lines[above : above + 2], delimiter=delimiter) if cells]
    except csv.Error:
        return False
    if len(records) != 2 or len(records[0]) != len(records[1]) or records[0] == records[1]:
        return False
    names, labels = ([re.sub(r"[\W_]+", "", cell).casefold() for cell in cells] for cells in records)
    equal = sum(bool(name) and name == label for name, label in zip(names, labels, strict=True))
    return len(set(labels)) == len(labels) and equal >= max(2, len(names) / 2)


def _weight(lines: list[str], mark: str) -> int:
    """How much speaks for a delimiter: it stands equally often in most lines."""
    counts = Counter(count for line in lines if (count := line.count(mark)))
    return max((count * rows for count, rows in counts.items()), default=0)


def _above(lines: list[str], delimiter: str) -> int:
    """How many lines stand above the header: the first line that has as many cells as most lines have."""
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter)
    records: list[tuple[int, list[str]]] = []
    begins = 1
    try:
        for cells in itertools.islice(reader, _LOOKED_AT):
            if any(cell.strip() for cell in cells):
                records.append((begins, cells))
            begins = reader.line_num + 1
    except csv.Error:
        return 0
    if not records:
        return 0
    usual = Counter(len(cells) for _, cells in records).most_common(1)[0][0]
    if usual < 2:
        return 0
    # A title may stand in the first of as many cells as the rows have.
    header = next(
        (line for line, cells in records if len(cells) == usual and sum(map(bool, map(str.strip, cells))) > 1),
        records[0][0],
    )
    before = [cells for line, cells in records if line < header]
    # One delimiter too many or too few in the header is no title.
    if any(sum(map(bool, map(str.strip, cells))) > max(usual // 2, 1) for cells in before):
        return 0
    return header - 1 if before else 0
