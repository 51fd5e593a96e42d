"""Find an account by its link while a run writes: all users are read once, whatever it is needed for."""

from __future__ import annotations

import threading
import time
from typing import Any

from airflow_provider_kinde.resources import fields
from airflow_provider_kinde.sync.apply.failures import ChangeFailed
from airflow_provider_kinde.sync.link import parse_link
from airflow_provider_kinde.sync.snapshot.reader import Snapshot

_TABLE = "CREATE TABLE IF NOT EXISTS linked_meanwhile (provided_id TEXT PRIMARY KEY, id TEXT) WITHOUT ROWID"
_FIND = "SELECT id FROM linked_meanwhile WHERE provided_id = ?"


class LinkReading:
    """One reading of all users, made when it is first needed, and kept in the database of the run.

    :param name: the sync's name, which says whose links are read.
    :param snapshot: Kinde's side of the plan.
    :param client: a ``KindeClient``.
    """

    def __init__(self, name: str, snapshot: Snapshot, client: Any) -> None:
        self._name, self._database, self._client = name, snapshot.database, client
        self._reading = threading.Lock()
        self._begun: float | None = None

    def find(self, link: str, since: float | None) -> fields.Json | None:
        """Find the account with a link; ``None`` where the reading has none.

        :param link: the link, without marks.
        :param since: if the reading began before this moment (monotonic clock), it says nothing.
        :raises ChangeFailed: it began before.
        """
        with self._reading:
            if self._begun is None:
                begun = time.monotonic()
                self._database.run(_TABLE)
                self._database.insert("linked_meanwhile", filter(None, map(self._row, self._client.iter_users())))
                self._begun = begun
        found = self._database.one(_FIND, (link,))
        if found is None and since is not None and self._begun < since:
            raise ChangeFailed(
                "the response to the creation was lost, and whether Kinde made the account is not known: run again, "
                "and the next run finds it by its link"
            )
        return None if found is None else {"id": found[0], "provided_id": link}

    def _row(self, user: fields.Json) -> tuple[str, str] | None:
        provided_id = fields.text_in(user, "provided_id")
        return (provided_id, fields.id_in(user)) if parse_link(provided_id, self._name) else None
