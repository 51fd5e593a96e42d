"""What the statuses of an HR export mean."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from airflow_provider_kinde.resources.normalization import clean_name
from airflow_provider_kinde.sync.draft.column_words import words_of

Statuses = list[tuple[str, int]]
"""Statuses, each with the number of rows that have it."""

_ACTIVE = (
    "active", "leave", "loa", "sabbatical", "maternity", "paternity", "parental", "probation", "current", "employed",
    "working", "hired", "future start", "starter", "full time", "part time", "yes", "true", "1", "y", "a",
    "aktiv", "angestellt", "beschaftigt", "elternzeit", "mutterschutz", "ruhend", "beurlaubt", "abwesend",
    "actif", "en poste", "conge", "arret", "aktywn", "zatrudnion", "urlop", "activo", "licencia", "ativo", "attivo",
    "congedo", "aspettativa", "actief", "verlof",
)  # fmt: skip
_INACTIVE = (
    "inactive", "terminat", "resign", "retired", "left", "leaver", "dismissed", "deceased", "ended", "former",
    "laid off", "departed", "offboard", "not active", "deactivated", "quit", "no", "false", "0", "n", "t", "i",
    "inaktiv", "ausgeschieden", "ausgetreten", "gekundigt", "ehemalig", "inactif", "sorti", "demission", "licencie",
    "congedi", "nieaktywn", "nie aktywn", "zwolnion", "byly", "inactivo", "inativo", "desligad", "demitid", "inattivo",
    "cessat", "dimess", "inactief", "uit dienst",
)  # fmt: skip

_PLAIN_ACTIVE = ("active", "employed", "aktiv", "actif", "aktyw", "activo", "activa", "ativo", "attiv", "actief")
_PLAIN_INACTIVE = (
    "inactive", "not active", "terminat", "resign", "dismissed", "left", "leaver", "inaktiv", "ausgeschieden",
    "ausgetreten", "inactif", "nieaktyw", "nie aktyw", "inactivo", "inactiva", "inativo", "inattiv", "inactief",
    "uit dienst",
)  # fmt: skip


def gives_access(status: str) -> bool:
    """Whether a status is a known word for "works here".

    :param status: the status.
    :returns: true if it is.
    """
    return _says(_words(status), _ACTIVE)


def is_plain(status: str, *, active: bool) -> bool:
    """Whether a status says plainly what a draft makes of it, such as "Active"; "Elternzeit" is a guess.

    :param status: the status.
    :param active: whether the draft lets it give access.
    :returns: true if it does.
    """
    return _says(_words(status), _PLAIN_ACTIVE if active else _PLAIN_INACTIVE)


def is_known(status: str) -> bool:
    """Whether a status is a known word of more than three letters, for "works here" or for "left".

    :param status: the status.
    :returns: true if it is.
    """
    words = _words(status)
    return len(words) > 3 and (_says(words, _ACTIVE) or _says(words, _INACTIVE))


def split_statuses(counts: Mapping[str, int]) -> tuple[Statuses, Statuses, Statuses]:
    """Divide statuses by what they mean.

    :param counts: each status with the number of rows that have it, the most frequent first.
    :returns: the statuses that give access, those that take it, and those that are unclear, each with its rows.
    """
    active: Statuses = []
    inactive: Statuses = []
    unclear: Statuses = []
    folded: Counter[str] = Counter()
    spelled: dict[str, str] = {}
    for value, count in counts.items():
        key = clean_name(value).casefold()
        folded[key] += count
        spelled.setdefault(key, clean_name(value))
    for key, count in folded.items():
        words = _words(key)
        if not is_constant(spelled[key]):
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
    return words_of(clean_name(text).casefold())


def _says(words: str, known: Sequence[str]) -> bool:
    """Whether a status is one of the known words, or contains one of more than three letters."""
    return any(words == word or (len(word) > 3 and re.search(rf"\b{word}", words)) for word in known)


def is_constant(text: str) -> bool:
    """Whether a text can be written into a spec as it is.

    :param text: the text.
    :returns: true if YAML and Jinja read it as this text.
    """
    return text.isprintable() and "{{" not in text and "{%" not in text
