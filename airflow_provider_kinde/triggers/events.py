"""Asset watchers: what happened to Kinde's users since the last look. Needs Airflow 3.

Kinde has neither a list of events nor a filter for what changed: the trigger lists all users and compares digests.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import AsyncIterator, Hashable, Sequence
from datetime import datetime, timedelta, timezone
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import TriggerEvent

from airflow_provider_kinde.triggers.durations import seconds
from airflow_provider_kinde.triggers.poller import poller, until_next
from airflow_provider_kinde.version_compat import event_trigger, off_loop

if TYPE_CHECKING:
    from airflow_provider_kinde.triggers.poller import Poller

log = logging.getLogger(__name__)

KINDS = ("created", "changed", "suspended", "deleted")
MOST = 1000
"""How many ids of one kind an event names: it is kept in Airflow's database."""

_EventTrigger: Any = event_trigger()


class KindeUserEventTrigger(_EventTrigger):  # type: ignore[misc]
    """Fires when users were created, changed, suspended or deleted since the last poll.

    All watchers of a connection share one poll on Airflow 3.3. The first poll of a watcher only remembers what is
    there; the digests (user id to eight bytes, no names) are kept under ``storage_path``. An event may come twice
    after a triggerer was stopped at the wrong moment, but none is lost.

    The event is ``{"counts": {kind: number}, "users": {kind: [ids]}, "truncated": bool, "at": time}``; of each kind
    the first thousand ids.

    :param kinde_conn_id: Airflow connection.
    :param events: which of ``created``, ``changed`` (names, identities, organizations, no longer suspended),
        ``suspended`` and ``deleted`` fire.
    :param poll_interval: seconds (or a ``timedelta``) between two polls; each reads all users, 500 to a request.
    :param storage_path: folder for the digests, local or ``ObjectStoragePath``; ``[kinde] storage_path`` when left out.
    :param name: tells two watchers apart that otherwise watch the same.
    :raises RuntimeError: on Airflow 2, which has no asset watchers.
    :raises ValueError: an unknown kind of event, or an interval that is none.
    """

    def __init__(
        self,
        *,
        kinde_conn_id: str = "kinde_default",
        events: Sequence[str] = KINDS,
        poll_interval: float | timedelta = 900.0,
        storage_path: str | None = None,
        name: str = "",
    ) -> None:
        super().__init__()
        unknown = [event for event in events if event not in KINDS]
        if unknown or not events or isinstance(events, str):
            raise ValueError(f"events must be a list of {', '.join(KINDS)}, not {events!r}")
        self.kinde_conn_id = kinde_conn_id
        self.events = [kind for kind in KINDS if kind in events]
        self.poll_interval = seconds("poll_interval", poll_interval)
        self.storage_path = storage_path
        self.name = name

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Everything that makes this watcher."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "kinde_conn_id": self.kinde_conn_id,
            "events": self.events,
            "poll_interval": self.poll_interval,
            "storage_path": self.storage_path,
            "name": self.name,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll for ever, and yield an event whenever something happened."""
        async for event in self.filter_shared_stream(listings(self.kinde_conn_id, self.poll_interval)):
            yield event

    def shared_stream_key(self) -> Hashable | None:
        """What watchers must have in common to share one poll (Airflow 3.3)."""
        return ("kinde users", self.kinde_conn_id, self.poll_interval)

    @classmethod
    async def open_shared_stream(cls, kwargs: dict[str, Any]) -> AsyncIterator[Any]:
        """The shared poll (Airflow 3.3).

        :param kwargs: of one of the watchers.
        """
        async for listing in listings(kwargs["kinde_conn_id"], kwargs["poll_interval"]):
            yield listing

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Any]) -> AsyncIterator[TriggerEvent]:
        """Compare each listing with what this watcher saw last.

        :param shared_stream: listings, ``{"host", "at", "users": {id: digest}}``.
        """
        # Each watcher keeps its own state: watchers may run in different triggerers, and come and go.
        async with poller(self.kinde_conn_id) as shared:
            async for listing in shared_stream:
                try:
                    before = await off_loop(self._read, listing["host"])
                    event, after = await self._compare(shared, before, listing)
                except Exception as error:
                    self.log.error("%s: could not be compared, next time more: %s", self._file(), error)
                    continue
                if event:
                    yield TriggerEvent(event)  # type: ignore[no-untyped-call]
                # After the event: one that comes twice is better than one that is lost.
                if before != after:
                    await self._remember(listing["host"], after)

    async def _compare(
        self, shared: Poller, before: dict[str, str] | None, listing: dict[str, Any]
    ) -> tuple[dict[str, Any] | None, dict[str, str]]:
        from airflow_provider_kinde.resources import fields
        from airflow_provider_kinde.resources.queries import UserName, find_users, run_query_async

        after: dict[str, str] = dict(listing["users"])
        if before is None:
            return None, after
        gone = sorted(before.keys() - after.keys())
        # Kinde's pages shift while users are deleted: a user who is missing from the list may still be there.
        for user in await run_query_async(find_users([UserName(user_id=user_id) for user_id in gone]), shared.answer):
            if user:
                after[str(user["id"])] = fields.digest(user)
        found = fields.compare(before, after)
        users = {kind: found[kind][:MOST] for kind in self.events if found[kind]}
        if not users:
            return None, after
        counts = {kind: len(found[kind]) for kind in users}
        truncated = any(counts[kind] > MOST for kind in users)
        return {"counts": counts, "users": users, "truncated": truncated, "at": listing["at"]}, after

    def _file(self) -> str:
        from airflow_provider_kinde.storage import run_files

        what = json.dumps([self.kinde_conn_id, self.events, self.name])
        folder = (self.storage_path or run_files.default_path()).rstrip("/")
        return f"{folder}/watchers/users-{hashlib.sha256(what.encode()).hexdigest()[:16]}.json"

    def _read(self, host: str) -> dict[str, str] | None:
        """What was there last time; ``None`` if there was no such time, or with another Kinde."""
        from airflow_provider_kinde.storage import run_files

        try:
            kept = json.loads(run_files.read(self._file()))
            if kept["host"] == host:
                return dict(kept["users"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            self.log.warning("%s cannot be read: this poll counts as the first", self._file())
        return None

    async def _remember(self, host: str, users: dict[str, str]) -> None:
        from airflow_provider_kinde.storage import run_files

        def write() -> None:
            run_files.write(self._file(), json.dumps({"host": host, "users": users}) + "\n")

        try:
            await off_loop(write)
        except Exception as error:
            self.log.error("%s cannot be written; the next event repeats this one: %s", self._file(), error)


async def listings(conn_id: str, poll_interval: float) -> AsyncIterator[dict[str, Any]]:
    """List all users at every beat, for ever: ``{"host", "at", "users": {id: digest}}``.

    A listing that fails is left out: half of one would look like deletions.

    :param conn_id: the Airflow connection.
    :param poll_interval: seconds from one listing to the next.
    """
    async with poller(conn_id) as shared:
        while True:
            try:
                listing = await _list(shared)
            except Exception as error:
                log.error("Kinde's users could not be listed over %r, next time more: %s", conn_id, error)
            else:
                yield listing
            await asyncio.sleep(until_next(poll_interval))


async def _list(shared: Poller) -> dict[str, Any]:
    host = await shared.host()
    fields = import_module("airflow_provider_kinde.resources.fields")
    at = datetime.now(timezone.utc).isoformat(timespec="seconds")
    users = {}
    async for user in shared.users():
        users[fields.id_in(user)] = fields.digest(user)
    return {"host": host, "at": at, "users": users}
