"""Queries on the changes of a plan."""

from __future__ import annotations

from typing import NamedTuple

BATCH = 500
"""How many people are read at once."""


class ChangeRow(NamedTuple):
    """A row of the table ``changes``, column by column; see :class:`~..changes.Change` for what it makes.

    :param seq: where the change is kept; ``None`` in a row that is inserted.
    :param rank: the place of its kind in the order in which changes are carried out.
    :param before: as JSON.
    :param after: as JSON.
    :param person: as JSON.
    :param account: as JSON.
    :param digest: what approvals and hashes know the change by.
    :param organizations: as JSON; ``None`` for none.
    :param due: when it was due by HR's dates.
    :param done: when it was done.
    :param steps: as JSON; ``None`` for none.
    """

    seq: int | None
    rank: int
    kind: str
    id: str
    alias: str | None
    role: str | None
    before: str | None
    after: str | None
    reason: str
    who: str
    person: str | None
    account: str | None
    outcome: str
    error: str
    sealed: str
    user_id: str
    joined: bool
    digest: str
    organizations: str | None
    due: str
    done: float
    steps: str | None


# In these queries {ranks} and {marks} stand for a list of kinds and for placeholders: SQL has no parameter for a list.

INDEXES = (
    "CREATE INDEX IF NOT EXISTS changes_order ON changes (rank, id, alias, role)",
    "CREATE INDEX IF NOT EXISTS changes_person ON changes (id, rank, alias, role)",
    "CREATE INDEX IF NOT EXISTS changes_alias ON changes (alias, id, rank)",
    "CREATE INDEX IF NOT EXISTS changes_digest ON changes (digest)",
)

_SELECT = f"SELECT {', '.join(ChangeRow._fields)} FROM changes"

_LARGE = {"before": "NULL", "after": "NULL", "reason": "''", "who": "''", "person": "NULL", "account": "NULL"}

_SELECT_LIGHT = f"SELECT {', '.join(_LARGE.get(column, column) for column in ChangeRow._fields)} FROM changes"
"""Without the large columns, for what needs none of them."""

ALL = f"{_SELECT} ORDER BY rank, id, alias, role"

AT = f"{ALL} LIMIT 1 OFFSET ?"

OF_KINDS = f"{_SELECT} WHERE rank IN ({{ranks}}) ORDER BY rank, id, alias, role"

OF_PERSON = f"{_SELECT} WHERE id = ? ORDER BY rank, alias, role"

OF_PEOPLE = f"{_SELECT} WHERE id IN ({{marks}}) ORDER BY id, rank, alias, role"

WITHOUT_PERSON = f"""
SELECT {", ".join("NULL" if column in ("person", "account") else column for column in ChangeRow._fields)}
FROM changes INDEXED BY changes_person ORDER BY id, rank, alias, role
"""

OF_MEMBERS = f"""
{_SELECT_LIGHT} WHERE alias = ? AND rank IN ({{ranks}}) AND outcome = '' AND id IN ({{marks}}) ORDER BY id, rank, role
"""

WITH_DIGEST = f"{_SELECT_LIGHT} WHERE digest = ?"

WITHOUT_ORGANIZATION = f"{_SELECT_LIGHT} WHERE kind = 'create' AND user_id != '' AND NOT joined"

COUNT = "SELECT count(*) FROM changes"

COUNT_KINDS = "SELECT kind, count(*) FROM changes GROUP BY kind"

COUNT_OUTCOMES = "SELECT outcome, count(*) FROM changes GROUP BY outcome"

DIGESTS = "SELECT digest FROM changes ORDER BY digest"

HAS_LIKE = "SELECT 1 FROM changes WHERE id = ? AND rank = ? AND alias IS ? AND role IS ?"

CREATES_WITHOUT_MEMBERSHIP = """
SELECT 1 FROM changes c WHERE c.kind = 'create'
  AND NOT EXISTS (SELECT 1 FROM changes m WHERE m.id = c.id AND m.kind = 'add_membership')
"""

PEOPLE_BY_FIRST_CHANGE = "SELECT id, min(rank) FROM changes GROUP BY id ORDER BY min(rank), id"

# The indexes are named so that a plan of many people is gone through once, not once for each batch.

NEXT_PEOPLE = f"""
SELECT DISTINCT id FROM changes INDEXED BY changes_person
WHERE rank IN ({{ranks}}) AND id != '' AND id > ? ORDER BY id LIMIT {BATCH}
"""

NEXT_MEMBERS = f"""
SELECT DISTINCT id FROM changes INDEXED BY changes_alias
WHERE alias = ? AND rank IN ({{ranks}}) AND outcome = '' AND id > ? ORDER BY id LIMIT {BATCH}
"""

ALIASES = "SELECT DISTINCT alias FROM changes WHERE rank IN ({ranks}) AND alias IS NOT NULL ORDER BY alias"

COUNT_OPEN_BY_ALIAS = """
SELECT alias, count(DISTINCT id) FROM changes
WHERE rank IN ({ranks}) AND outcome = '' AND alias IS NOT NULL GROUP BY alias ORDER BY alias
"""

FAIL_IN_ORGANIZATION = """
UPDATE changes SET outcome = 'failed', error = ? WHERE alias = ? AND rank IN ({ranks}) AND outcome = ''
"""

SETTLE_UNVERIFIED = """
UPDATE changes SET outcome = CASE WHEN error = '' THEN 'done' ELSE 'failed' END,
  error = CASE WHEN error = '' THEN ? ELSE error END
WHERE alias = ? AND rank IN ({ranks}) AND outcome = '' AND error != ?
"""

WAITS = "waits"
"""The outcome of changes that are put off, until they are taken up in the same run."""

PUT_OFF = f"UPDATE changes SET outcome = '{WAITS}' WHERE seq = ? AND outcome = ''"

TAKE_UP = f"UPDATE changes SET outcome = '' WHERE outcome = '{WAITS}'"

SAVE = "UPDATE changes SET outcome = ?, error = ?, user_id = ?, joined = ?, done = ?, steps = ? WHERE seq = ?"

FINISH = "UPDATE changes SET outcome = ?, error = CASE WHEN error = '' THEN ? ELSE error END WHERE outcome = ''"

COUNT_WITH_ERROR = "SELECT count(*) FROM changes WHERE error IN ({marks})"

DELETE = "DELETE FROM changes WHERE seq = ?"

DELETE_ALL = "DELETE FROM changes"
