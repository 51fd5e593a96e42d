"""Rows that belong together: several with one id, and several people with one address."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from airflow_provider_kinde.sync.model import Access, DesiredMembership, RejectedRow
from airflow_provider_kinde.sync.store import hr_rows
from airflow_provider_kinde.sync.store.hr_rows import HrRow
from airflow_provider_kinde.sync.store.people import People, decode_memberships, encode_memberships

_RANK = {access.value: rank for rank, access in enumerate((Access.ACTIVE, Access.KEEP, Access.GRACE, Access.NONE))}
_NONE = Access.NONE.value
_SHOWN = 20
"""Rows of one id that a reason names."""


def settle_repeats(people: People, *, join: bool) -> None:
    """Make one row of the rows that hold one id, or reject them.

    Equal rows count once. Rows that all take access away are a leaver. Others are rejected, or joined.

    :param people: what was read; its rejected rows are brought up to date.
    :param join: whether differing rows are one person (``person.rows: all``).
    """
    database = people.database
    again: set[tuple[int, str]] = set()
    differing: set[str] = set()
    rejected: list[RejectedRow] = []
    for id in hr_rows.repeated_ids(database):
        found = hr_rows.rows_of(database, id)
        first = found[0]
        if len({row.mark for row in found}) == 1:
            again |= {(row.number, id) for row in found[1:]}
        elif all(row.access == _NONE for row in found):
            # A blank that puts a row out of scope is an unclear rule, which must not get lost.
            first = min(
                found, key=lambda row: (not row.memberships, not row.key, row.email, row.given, row.family, row.why)
            )
            # Access was due to end with the last of the jobs; where one has no date, no date says when.
            ended = [row.due_at or "" for row in found]
            hr_rows.replace_row(database, first._replace(due_at=max(ended) if all(ended) else ""))
        elif problem := _difference(found) if join else "; where a person may have two jobs: person.rows: all":
            differing.add(id)
            numbers = sorted(row.number for row in found)
            shown = ", ".join(map(str, numbers[:_SHOWN])) + (", …" if len(numbers) > _SHOWN else "")
            reason = f"rows {shown} hold the same id and differ{problem}"
            rejected += [RejectedRow(number, id, reason) for number in numbers]
            hr_rows.reject_rows(database, "id", id)
        else:
            first = _joined(found)
            hr_rows.replace_row(database, first)
        hr_rows.drop_other_rows(database, id, first.rowid)
    rejected += [r for r in people.rejected if r.id not in differing and (r.row, r.id) not in again]
    people.rejected = sorted(rejected, key=lambda found: found.row)


def _difference(rows: Sequence[HrRow]) -> str:
    """Why rows cannot be one person; empty when they can."""
    if any(row.access is None for row in rows):
        return ", and one of them is rejected"
    if len({row.key for row in rows if row.key}) > 1:
        return " in the address"
    names = ({row.given for row in rows if row.given}, {row.family for row in rows if row.family})
    return " in the name" if any(len(found) > 1 for found in names) else ""


def _joined(rows: Sequence[HrRow]) -> HrRow:
    """One row for a person with several: access while any of them gives it, memberships add up.

    What a row gives that starts later, or is in grace, stays where it is there and is not given.
    """
    first = rows[0]
    # By what the rows hold: their order in the source decides nothing.
    ranked = sorted(
        rows,
        key=lambda row: (_RANK[row.access or ""], row.why, row.properties, row.memberships, row.adopt, row.connection),
    )
    best = ranked[0]
    memberships: set[DesiredMembership] = set()
    unclear_rules = set()
    for row in rows:
        due, unsure = decode_memberships(row.memberships)
        unclear_rules |= set(unsure)
        memberships |= {DesiredMembership(d.alias, d.roles, d.entry, d.kept or row.access != best.access) for d in due}
    ordered = sorted(memberships, key=lambda d: (d.alias, d.entry, d.kept, sorted(d.roles)))
    unsure = tuple(sorted(unclear_rules, key=lambda d: (d.columns, -1 if d.entry is None else d.entry, d.alias or "")))
    return best._replace(
        rowid=first.rowid,
        number=first.number,
        email=min((row.email for row in rows if row.email), default=""),
        key=max(row.key or "" for row in rows) or None,
        given=max(row.given for row in rows),
        family=max(row.family for row in rows),
        memberships=encode_memberships(tuple(ordered), unsure),
        adopt=max(row.adopt for row in rows),
        connection=max(row.connection for row in rows),
        due_at=min(row.due_at or "" for row in rows if row.access == best.access),
        unmapped=hr_rows.joined_unmapped(row.unmapped for row in rows if row.access == best.access),
    )


def hold_shared_addresses(people: People) -> None:
    """Hold people who get access with an address that another one has, too.

    :param people: what was read.
    """
    database = people.database
    for key in hr_rows.shared_addresses(database):
        rows = hr_rows.people_of_address(database, key)
        for id in rows:
            others = [f"{other} (row {rows[other]})" for other in islice((o for o in rows if o != id), 4)]
            shown = ", ".join(others[:3]) + (", …" if len(others) > 3 else "")
            people.held[id] = f"shares its e-mail address with {shown}: one address cannot be two accounts"
        hr_rows.hold_address(database, key)
