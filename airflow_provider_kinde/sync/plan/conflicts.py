"""Separation of duties: roles that no person may hold together, in whatever organizations."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from airflow_provider_kinde.sync.changes import Change


def find_conflict(pairs: Iterable[tuple[str, str]], held: Mapping[str, Collection[str]]) -> str:
    """Say which two roles may not be held together; empty where all may.

    :param pairs: the spec's ``conflicts``.
    :param held: alias -> role keys of one person.
    """
    for first, second in pairs:
        places = [next((alias for alias in sorted(held) if role in held[alias]), None) for role in (first, second)]
        if None not in places:
            return (
                f"conflicts: {first} in {places[0]!r} and {second} in {places[1]!r} may not be held together: take one "
                "away in Kinde, or correct HR or the rules"
            )
    return ""


def roles_after(present: Mapping[str, Collection[str]], changes: Iterable[Change]) -> dict[str, set[str]]:
    """The roles of a person once some changes were made.

    :param present: alias -> role keys before.
    :param changes: the changes of the person.
    """
    held = {alias: set(roles) for alias, roles in present.items()}
    for change in changes:
        alias = change.alias or ""
        if change.kind == "add_role" and change.role:
            held.setdefault(alias, set()).add(change.role)
        elif change.kind == "remove_role":
            held.get(alias, set()).discard(change.role or "")
        elif change.kind == "remove_membership":
            held.pop(alias, None)
    return held
