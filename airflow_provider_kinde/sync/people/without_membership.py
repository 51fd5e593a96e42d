"""People with access to whom no rule gives a membership, because a column is blank in their row."""

from __future__ import annotations

from airflow_provider_kinde.sync.model import Access
from airflow_provider_kinde.sync.store.people import decode_memberships

_ACTIVE = Access.ACTIVE.value
_SHOWN = 10
"""Ids that one warning names."""


class WithoutMembership:
    """Counts them by the blank columns: future hires are often without a department until their first day."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, ...], list[str]] = {}
        self._more: dict[tuple[str, ...], int] = {}

    def look_at(self, id: str, access: str | None, memberships: str | None) -> None:
        """Take note of one person.

        :param id: the HR id.
        :param access: the value of :class:`Access`.
        :param memberships: memberships and unclear rules as :func:`encode_memberships` writes them.
        """
        if not memberships or access != _ACTIVE:
            return
        due, unclear_rules = decode_memberships(memberships)
        if due or not unclear_rules:
            return
        columns = tuple(sorted({column for rule in unclear_rules for column in rule.columns}))
        ids = self._found.setdefault(columns, [])
        if len(ids) < _SHOWN:
            ids.append(id)
        else:
            self._more[columns] = self._more.get(columns, 0) + 1

    def warnings(self) -> list[str]:
        """Say who they are.

        :returns: one warning for each set of blank columns.
        """
        found = []
        for columns, ids in sorted(self._found.items()):
            more = self._more.get(columns, 0)
            count = len(ids) + more
            names = ", ".join(map(repr, columns))
            who = "person has" if count == 1 else "people have"
            found.append(
                f"{count} {who} access and no rule gives a membership, because {names} "
                f"{'is' if len(columns) == 1 else 'are'} blank in the row: id {', '.join(ids)}"
                + (f" and {more} more" if more else "")
            )
        return found
