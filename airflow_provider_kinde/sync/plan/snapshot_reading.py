"""When a run reads Kinde: after HR or, of a large company, while HR is still read."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from types import TracebackType
from typing import Any

from airflow_provider_kinde.sync.progress import Progress
from airflow_provider_kinde.sync.snapshot.reader import Snapshot, read_snapshot
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.database import Database
from airflow_provider_kinde.sync.tenant import client_of, wrong_tenant
from airflow_provider_kinde.thread_pool import ThreadPool

MANY_ROWS = 50_000
"""Rows of HR after which Kinde is read as well. An empty or broken source has fewer, and costs Kinde no request."""


class SnapshotReading:
    """Reads Kinde for a run, once.

    :param spec: the spec.
    :param client: a ``KindeClient`` or a ``KindeHook``, whose connection is opened as late as possible.
    :param database: the database of the run.
    :param progress: called with the state of long work.
    """

    def __init__(self, spec: SyncSpec, client: Any, database: Database, progress: Progress | None) -> None:
        self._spec, self._client, self._database = spec, client, database
        self._progress = progress or (lambda stage, done, total: None)
        self._opened: Any = None
        self._pool: ThreadPool | None = None
        self._early: Future[Snapshot] | None = None
        self._hr_read, self._ended = threading.Event(), threading.Event()
        self.counts_before = (0, 0)
        """Requests of the client, reads and writes, before this reading."""

    def client(self) -> Any:
        """Open the connection, where it is not open yet; returns the ``KindeClient``."""
        if self._opened is None:
            self._opened = client_of(self._client)
            self.counts_before = (self._opened.counts.read, self._opened.counts.write)
        return self._opened

    def hr_progress(self, stage: str, done: int, total: int | None) -> None:
        """Tell how far the reading of HR is, and begin with Kinde's after :data:`MANY_ROWS`.

        :param stage: the stage.
        :param done: how many rows are read.
        :param total: how many there are; ``None`` while that is unknown.
        """
        self._progress(stage, done, total)
        if done < MANY_ROWS or self._pool or wrong_tenant(self._spec.tenant, self.client().host):
            return
        self._pool = ThreadPool(1)
        if self._pool.threaded:
            # Users, and one organization after the other until HR is read: more threads would take the processor from
            # both, and the list of users is the longest.
            self._early = self._pool.submit(
                lambda client: read_snapshot(self._spec, client, self._told, self._database, self._wait), self.client()
            )

    def snapshot(self) -> Snapshot:
        """Read Kinde, or wait for what is being read.

        :raises SpecError: Kinde does not have an organization or a role of the spec.
        :raises KindeError: Kinde refused, or could not be reached.
        """
        self._hr_read.set()
        if self._early:
            return self._early.result()
        return read_snapshot(self._spec, self.client(), self._progress, self._database)

    def _wait(self) -> None:
        self._hr_read.wait()
        self._check_wanted()

    def _check_wanted(self) -> None:
        if self._ended.is_set():
            raise _NotWanted

    def _told(self, stage: str, done: int, total: int | None) -> None:
        self._check_wanted()
        if self._hr_read.is_set():  # until then the progress of HR is told
            self._progress(stage, done, total)

    def __enter__(self) -> SnapshotReading:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._ended.set()
        self._hr_read.set()
        if self._pool:
            self._pool.shutdown()


class _NotWanted(Exception):
    """The run is over before Kinde is read to its end: HR cannot be used."""
