"""Find HR ids that are like an unknown one: it was mistyped, or it lost its zeros."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_provider_kinde.sync.store.database import Database

_KNOWN = "SELECT id FROM hr WHERE id IS NOT NULL UNION SELECT link FROM accounts WHERE link IS NOT NULL"

_SAME = f"""
SELECT id FROM ({_KNOWN}) WHERE ltrim(lower(replace(replace(id, ' ', ''), '-', '')), '0') = :plain
ORDER BY id LIMIT {{most}}
"""

_ALIKE = f"""
SELECT id FROM ({_KNOWN}) WHERE abs(length(id) - length(:id)) <= 1
  AND (substr(id, 1, :half) = :head OR substr(id, -:half) = :tail) ORDER BY id LIMIT 5000
"""

MOST = 3


def near_ids(database: Database, id: str) -> list[str]:
    """Find the ids in HR or on an account that look like an id: the same but for leading zeros, case, blanks and
    hyphens, or else with one or two other characters.

    :param database: the database of the run, with HR rows and accounts.
    :param id: an id that is not there; it is never found itself (``relink`` sees its account under the new id already).
    """
    plain = _plain(id)
    same = database.all(_SAME.format(most=MOST + 1), {"plain": plain}) if plain else []
    found = [near for (near,) in same if near != id][:MOST]
    half = (len(id) + 1) // 2
    if found or len(id) < 3:
        return found
    values = {"id": id, "half": half, "head": id[:half], "tail": id[-half:]}
    return closest(id, [near for (near,) in database.all(_ALIKE, values) if near != id])


def closest(id: str, known: Iterable[str]) -> list[str]:
    """The ids among some that look like an id, the most alike first.

    :param id: the id.
    :param known: the ids that there are.
    """
    from difflib import get_close_matches

    listed, plain = list(known), _plain(id)
    same = [one for one in listed if _plain(one) == plain]
    return same[:MOST] or get_close_matches(id, listed, MOST, 0.75)


def _plain(id: str) -> str:
    return id.lower().replace(" ", "").replace("-", "").lstrip("0")


def suggestion(near: Iterable[str]) -> str:
    """Ask whether one of some ids was meant; empty where there are none.

    :param near: the ids.
    """
    listed = list(near)
    return f" (did you mean {' or '.join(listed)}?)" if listed else ""
