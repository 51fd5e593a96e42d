"""One poll for many triggers: those of one process that ask one Kinde the same thing at the same time share requests.

Triggers look at the same beats of the clock (:func:`until_next`). Whatever they ask within a moment is gathered:
questions about single users become one list request for up to forty users, and equal questions are sent once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from airflow_provider_kinde.hooks.kinde import KindeAsyncHook
    from airflow_provider_kinde.resources.queries import ApiCall

MOMENT = 0.05
"""Seconds for which questions are gathered."""

_pollers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Poller]] = WeakKeyDictionary()


class Poller:
    """Answers questions over one connection on one event loop. Never blocks the loop.

    :param conn_id: the Airflow connection.
    """

    def __init__(self, conn_id: str) -> None:
        self.conn_id = conn_id
        self.holders = 0
        """How many triggers use it."""
        self._hook: KindeAsyncHook | None = None
        self._flying: dict[ApiCall, asyncio.Task[Any]] = {}
        self._gathering: dict[str, tuple[set[str], asyncio.Task[Any]]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    async def answer(self, asked: ApiCall) -> Any:
        """Answer a question, together with others where that can be.

        What is asked about single users may be answered with other users as well.

        :param asked: the question of one trigger.
        :raises KindeError: Kinde refused, or could not be reached.
        """
        about = _about_users(asked)
        if about:
            return await self._gather(*about)
        task = self._flying.get(asked)
        if task is None:
            task = self._start(self._send(asked))
            self._flying[asked] = task
            task.add_done_callback(lambda _: self._flying.pop(asked, None))
        # Shielded: who waits may be cancelled, the others still want the answer.
        return await asyncio.shield(task)

    async def host(self) -> str:
        """The Kinde domain of the connection."""
        return (await (await self._client()).get_conn()).host

    async def every(self, name: str, **arguments: Any) -> AsyncIterator[Any]:
        """Every item of a list, page by page.

        :param name: the method that yields them, such as ``iter_users``.
        :param arguments: its arguments.
        """
        async for item in getattr(await self._client(), name)(**arguments):
            yield item

    async def close(self) -> None:
        """Give up what is under way, and close the connections."""
        for task in list(self._tasks):
            task.cancel()
        hook, self._hook = self._hook, None
        if hook:
            await hook.close()

    async def _gather(self, field: str, values: tuple[str, ...]) -> Any:
        if field not in self._gathering:
            self._gathering[field] = set(), self._start(self._send_gathered(field))
        wanted, task = self._gathering[field]
        wanted.update(values)
        return await asyncio.shield(task)

    async def _send_gathered(self, field: str) -> list[Any]:
        from airflow_provider_kinde.resources.queries import BATCH, api_call

        await asyncio.sleep(MOMENT)
        wanted, _ = self._gathering.pop(field)
        ordered = sorted(wanted)
        answers: list[Any] = []
        for start in range(0, len(ordered), BATCH):
            chunk = tuple(ordered[start : start + BATCH])
            answers += await self._send(api_call("iter_users", **{field: chunk}, expand="identities,organizations"))
        return answers

    async def _send(self, asked: ApiCall) -> Any:
        from airflow_provider_kinde.exceptions import KindeAuthError

        known, hook = self._hook is not None, await self._client()
        try:
            return await _call(hook, asked)
        except KindeAuthError:
            # The secret in the connection may be a new one: the hook read it long ago.
            if self._hook is hook:
                self._hook = None
                self._start(hook.close())
            if not known:
                raise
        return await _call(await self._client(), asked)

    async def _client(self) -> KindeAsyncHook:
        if self._hook is None:
            # In a thread: a first import takes its time, and reads files.
            module = await asyncio.to_thread(_heavy_imports)
            return self._made(module.KindeAsyncHook)
        return self._hook

    def _made(self, kind: type[KindeAsyncHook]) -> KindeAsyncHook:
        # Another task may have been faster while this one waited for the import.
        self._hook = self._hook or kind(kinde_conn_id=self.conn_id)
        return self._hook

    def _start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # Waiting triggers get the error, too; this keeps asyncio from complaining where none waits any more.
            task.exception()


async def _call(hook: KindeAsyncHook, asked: ApiCall) -> Any:
    method = getattr(hook, asked.name)(**asked.values())
    if asked.name.startswith("iter_"):
        return [item async for item in method]
    return await method


@asynccontextmanager
async def poller(conn_id: str) -> AsyncIterator[Poller]:
    """The poller of a connection in the running event loop; the last one to leave closes it.

    :param conn_id: the Airflow connection.
    """
    pollers = _pollers.setdefault(asyncio.get_running_loop(), {})
    found = pollers.setdefault(conn_id, Poller(conn_id))
    found.holders += 1
    try:
        yield found
    finally:
        found.holders -= 1
        if not found.holders:
            pollers.pop(conn_id, None)
            await found.close()


def until_next(interval: float) -> float:
    """Seconds until the next beat: a full multiple of the interval by the wall clock.

    :param interval: seconds between beats.
    """
    left = interval - time.time() % interval
    # A sleep may end a little early: that beat has been looked at.
    return left if left > interval / 10 else left + interval


def _heavy_imports() -> Any:
    import_module("airflow_provider_kinde.client.async_client")
    for name in ("conditions", "digests", "fields", "queries"):
        import_module(f"airflow_provider_kinde.resources.{name}")
    with suppress(ImportError):
        # httpx would load it with the first request, on the loop.
        import_module("anyio._backends._asyncio")
    return import_module("airflow_provider_kinde.hooks.kinde")


def _about_users(asked: ApiCall) -> tuple[str, tuple[str, ...]] | None:
    values = asked.values()
    if asked.name == "iter_users" and values.pop("expand", "") == "identities,organizations" and len(values) == 1:
        field, wanted = values.popitem()
        return (field, wanted) if field in ("user_id", "email") else None
    return None
