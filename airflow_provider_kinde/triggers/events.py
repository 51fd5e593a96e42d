"""Asset watchers: what happened to users, organizations and members since the last poll. Needs Airflow 3.

Kinde has neither a list of events nor a filter for what changed: a trigger lists all of them and compares digests.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import AsyncIterator, Hashable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.triggers.base import TriggerEvent

from airflow_provider_kinde.triggers.durations import seconds
from airflow_provider_kinde.triggers.poller import poller, until_next
from airflow_provider_kinde.version_compat import event_trigger, off_loop

if TYPE_CHECKING:
    from airflow_provider_kinde.triggers.poller import Poller

log = logging.getLogger(__name__)

MOST = 1000
"""How many ids of one kind an event names: it is kept in Airflow's database."""

_EventTrigger: Any = event_trigger()


class _WatchTrigger(_EventTrigger):  # type: ignore[misc]
    """Lists what it watches at every poll, and compares digests with those of the poll before.

    The first poll of a watcher only remembers what is there. The digests (id to eight bytes, no names) are kept under
    ``storage_path``. An event may come twice after a triggerer was stopped at the wrong moment, but none is lost.
    """

    what: ClassVar[str]
    """What is watched, in the plural: the name of the ids in an event."""
    kinds: ClassVar[tuple[str, ...]]
    """The kinds of events, in the order of an event."""

    def __init__(
        self,
        *,
        kinde_conn_id: str = "kinde_default",
        events: Sequence[str] | None = None,
        poll_interval: float | timedelta = 900.0,
        storage_path: str | None = None,
        name: str = "",
    ) -> None:
        super().__init__()
        events = self.kinds if events is None else events
        unknown = [event for event in events if event not in self.kinds]
        if unknown or not events or isinstance(events, str):
            raise ValueError(f"events must be a list of {', '.join(self.kinds)}, not {events!r}")
        self.kinde_conn_id = kinde_conn_id
        self.events = [kind for kind in self.kinds if kind in events]
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
            **self._scope(),
        }

    def _scope(self) -> dict[str, str]:
        """What a list is about, where it is about something: arguments, and fields of the event."""
        return {}

    def _digests(self, shared: Poller) -> AsyncIterator[tuple[str, str]]:
        """Every item of the list: its id, and its digest."""
        raise NotImplementedError

    async def _still_there(self, shared: Poller, before: Mapping[str, str], gone: Sequence[str]) -> dict[str, str]:
        """The digests of items that a list lacks although they exist."""
        raise NotImplementedError

    def _compared(self, before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, list[str]]:
        """The ids of each kind of event."""
        raise NotImplementedError

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll for ever, and yield an event whenever something happened."""
        async for event in self.filter_shared_stream(self.listings()):
            yield event

    def shared_stream_key(self) -> Hashable | None:
        """What watchers must have in common to share one poll (Airflow 3.3)."""
        return (f"kinde {self.what}", self.kinde_conn_id, self.poll_interval, *self._scope().values())

    @classmethod
    async def open_shared_stream(cls, kwargs: dict[str, Any]) -> AsyncIterator[Any]:
        """The shared poll (Airflow 3.3).

        :param kwargs: of one of the watchers.
        """
        async for listing in cls(**kwargs).listings():
            yield listing

    async def listings(self) -> AsyncIterator[dict[str, Any]]:
        """List at every beat, for ever: ``{"host", "at", "items": {id: digest}}``.

        A listing that fails is left out: half of one would look like deletions.
        """
        async with poller(self.kinde_conn_id) as shared:
            while True:
                try:
                    host = await shared.host()
                    at = datetime.now(timezone.utc).isoformat(timespec="seconds")
                    items = {key: value async for key, value in self._digests(shared)}
                except Exception as error:
                    text = "%s could not be listed over %r. The next poll tries again: %s"
                    log.error(text, f"Kinde's {self.what}", self.kinde_conn_id, error)
                else:
                    yield {"host": host, "at": at, "items": items}
                await asyncio.sleep(until_next(self.poll_interval))

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Any]) -> AsyncIterator[TriggerEvent]:
        """Compare each listing with what this watcher saw last.

        :param shared_stream: listings, ``{"host", "at", "items": {id: digest}}``.
        """
        # Each watcher keeps its own state: watchers may run in different triggerers, and come and go.
        async with poller(self.kinde_conn_id) as shared:
            async for listing in shared_stream:
                try:
                    before = await off_loop(self._read, listing["host"])
                    event, after = await self._compare(shared, before, listing)
                except Exception as error:
                    self.log.error("%s: could not be compared. The next poll tries again: %s", self._file(), error)
                    continue
                if event:
                    yield TriggerEvent(event)  # type: ignore[no-untyped-call]
                # After the event: one that comes twice is better than one that is lost.
                if before != after:
                    await self._remember(listing["host"], after)

    async def _compare(
        self, shared: Poller, before: dict[str, str] | None, listing: dict[str, Any]
    ) -> tuple[dict[str, Any] | None, dict[str, str]]:
        after: dict[str, str] = dict(listing["items"])
        if before is None:
            return None, after
        gone = sorted(before.keys() - after.keys())
        if gone:
            # Kinde's pages shift while something is deleted: what is missing from the list may still be there.
            after.update(await self._still_there(shared, before, gone))
        found = self._compared(before, after)
        named = {kind: found[kind][:MOST] for kind in self.events if found[kind]}
        if not named:
            return None, after
        counts = {kind: len(found[kind]) for kind in named}
        truncated = any(counts[kind] > MOST for kind in named)
        event = {"counts": counts, self.what: named, "truncated": truncated, "at": listing["at"], **self._scope()}
        return event, after

    def _file(self) -> str:
        from airflow_provider_kinde.storage import run_files

        what = json.dumps([self.kinde_conn_id, self.events, self.name, *self._scope().values()])
        folder = (self.storage_path or run_files.default_path()).rstrip("/")
        return f"{folder}/watchers/{self.what}-{hashlib.sha256(what.encode()).hexdigest()[:16]}.json"

    def _read(self, host: str) -> dict[str, str] | None:
        """What was there last time; ``None`` if there was no such time, or with another Kinde."""
        from airflow_provider_kinde.storage.state_files import read_state

        kept = read_state(self._file())
        items = kept.get(self.what) if kept.get("host") == host else None
        return items if isinstance(items, dict) else None

    async def _remember(self, host: str, items: dict[str, str]) -> None:
        from airflow_provider_kinde.storage.state_files import write_state

        try:
            await off_loop(write_state, self._file(), {"host": host, self.what: items})
        except Exception as error:
            self.log.error("%s cannot be written; the next event repeats this one: %s", self._file(), error)


class KindeUserEventTrigger(_WatchTrigger):
    """Fires when users were created, changed, suspended or deleted since the last poll.

    All watchers of a connection share one poll on Airflow 3.3. The first poll of a watcher only remembers what is
    there; the digests (user id to eight bytes, no names) are kept under ``storage_path``. An event may come twice
    after a triggerer was stopped at the wrong moment, but none is lost.

    The event is ``{"counts": {kind: number}, "users": {kind: [ids]}, "truncated": bool, "at": time}``; of each kind
    the first thousand ids.

    :param kinde_conn_id: Airflow connection.
    :param events: which of ``created``, ``changed`` (names, identities, organizations, no longer suspended),
        ``suspended`` and ``deleted`` fire; all when left out.
    :param poll_interval: seconds (or a ``timedelta``) between two polls; each reads all users, 500 to a request.
    :param storage_path: folder for the digests, local or ``ObjectStoragePath``; ``[kinde] storage_path`` when left out.
    :param name: tells two watchers apart that otherwise watch the same.
    :raises RuntimeError: on Airflow 2, which has no asset watchers.
    :raises ValueError: an unknown kind of event, or an interval that is none.
    """

    what = "users"
    kinds = ("created", "changed", "suspended", "deleted")

    async def _digests(self, shared: Poller) -> AsyncIterator[tuple[str, str]]:
        # Imported already, by the poller, off the loop.
        from airflow_provider_kinde.resources import digests, fields

        async for user in shared.every("iter_users", expand="identities,organizations"):
            yield fields.id_in(user), digests.of_user(user)

    async def _still_there(self, shared: Poller, before: Mapping[str, str], gone: Sequence[str]) -> dict[str, str]:
        from airflow_provider_kinde.resources.digests import of_user

        return {str(user["id"]): of_user(user) for user in await _users(shared, gone)}

    def _compared(self, before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, list[str]]:
        from airflow_provider_kinde.resources.digests import compare_users

        return compare_users(before, after)


class KindeOrganizationEventTrigger(_WatchTrigger):
    """Fires when organizations were created, changed or deleted since the last poll.

    The event is ``{"counts": {kind: number}, "organizations": {kind: [codes]}, "truncated": bool, "at": time}``. All
    else is as for :class:`KindeUserEventTrigger`.

    :param kinde_conn_id: Airflow connection.
    :param events: which of ``created``, ``changed`` (name, handle, external id, whether users join by themselves) and
        ``deleted`` fire; all when left out.
    :param poll_interval: seconds (or a ``timedelta``) between two polls; each reads all organizations.
    :param storage_path: folder for the digests, local or ``ObjectStoragePath``; ``[kinde] storage_path`` when left out.
    :param name: tells two watchers apart that otherwise watch the same.
    :raises RuntimeError: on Airflow 2, which has no asset watchers.
    :raises ValueError: an unknown kind of event, or an interval that is none.
    """

    what = "organizations"
    kinds = ("created", "changed", "deleted")

    async def _digests(self, shared: Poller) -> AsyncIterator[tuple[str, str]]:
        # Imported already, by the poller, off the loop.
        from airflow_provider_kinde.resources import digests, fields

        async for organization in shared.every("iter_organizations"):
            yield fields.id_in(organization, "code"), digests.of_organization(organization)

    async def _still_there(self, shared: Poller, before: Mapping[str, str], gone: Sequence[str]) -> dict[str, str]:
        from airflow_provider_kinde.resources.queries import OrganizationName, find_organization, run_query_async

        found = {}
        for code in gone:
            if await run_query_async(find_organization(OrganizationName("code", code)), shared.answer):
                # A single organization has other fields than one in the list: what changed is seen the next time.
                found[code] = before[code]
        return found

    def _compared(self, before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, list[str]]:
        from airflow_provider_kinde.resources.digests import compare

        return compare(before, after)


class KindeMembershipEventTrigger(_WatchTrigger):
    """Fires when users joined an organization, left it, or hold other roles there since the last poll.

    The event is ``{"org_code": code, "counts": {kind: number}, "members": {kind: [user ids]}, "truncated": bool,
    "at": time}``. All else is as for :class:`KindeUserEventTrigger`.

    :param org_code: the organization's code.
    :param common: the other parameters of :class:`KindeUserEventTrigger`. ``events`` are ``added``, ``changed`` (other
        roles) and ``removed``; each poll reads all members, 500 to a request.
    :raises RuntimeError: on Airflow 2, which has no asset watchers.
    :raises ValueError: no organization, an unknown kind of event, or an interval that is none.
    """

    what = "members"
    kinds = ("added", "changed", "removed")

    def __init__(self, *, org_code: str, **common: Any) -> None:
        super().__init__(**common)
        if not str(org_code or "").strip():
            raise ValueError(f"org_code={org_code!r}: expected the code of an organization")
        self.org_code = str(org_code).strip()

    def _scope(self) -> dict[str, str]:
        return {"org_code": self.org_code}

    async def _digests(self, shared: Poller) -> AsyncIterator[tuple[str, str]]:
        # Imported already, by the poller, off the loop.
        from airflow_provider_kinde.resources import digests, fields

        async for member in shared.every("iter_organization_users", org_code=self.org_code):
            if member.get("id"):
                yield fields.id_in(member), digests.of_member(member)

    async def _still_there(self, shared: Poller, before: Mapping[str, str], gone: Sequence[str]) -> dict[str, str]:
        from airflow_provider_kinde.resources.fields import is_member

        # Users are listed without roles: what changed is seen the next time.
        members = [str(user["id"]) for user in await _users(shared, gone) if is_member(user, self.org_code)]
        return {user_id: before[user_id] for user_id in members}

    def _compared(self, before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, list[str]]:
        from airflow_provider_kinde.resources.digests import compare

        found = compare(before, after)
        return {"added": found["created"], "changed": found["changed"], "removed": found["deleted"]}


async def _users(shared: Poller, user_ids: Sequence[str]) -> list[Any]:
    """Those of some users who exist."""
    from airflow_provider_kinde.resources.queries import UserName, find_users, run_query_async

    names = [UserName(user_id=user_id) for user_id in user_ids]
    return [user for user in await run_query_async(find_users(names), shared.answer) if user]
