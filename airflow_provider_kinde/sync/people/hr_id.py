"""Which texts can be the id of a person in HR."""

from __future__ import annotations

from airflow_provider_kinde.sync.spec.cell_text import is_scientific, shortened

MAX_ID = 200


def clean_id(text: str) -> str:
    """Check an id and bring it into the form that is kept.

    :param text: an id as the expression yields it; blanks around it are dropped.
    :returns: the id.
    :raises ValueError: it cannot be an id; the message says why.
    """
    id = text.strip()
    if id.isalnum() and len(id) <= MAX_ID:
        return id  # as nearly every id is
    if not id:
        raise ValueError("is blank")
    shown = repr(shortened(id))
    if is_scientific(id):
        raise ValueError(f"{shown} is a number in scientific notation: a spreadsheet cut it; export the column as text")
    if id.startswith(("'", '="')):
        raise ValueError(f"{shown} begins as a spreadsheet marks text: export the column as text, without {id[0]}")
    if "~" in id or len(id) > MAX_ID or not id.isprintable():
        raise ValueError(f"{shown} cannot be used: it holds ~ or a control character, or is too long")
    return id
