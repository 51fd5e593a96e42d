"""The Airflow connection of a command, opened while other work goes on."""

from __future__ import annotations

import threading
from typing import Any

from airflow_provider_kinde.cli.interruption import stop_when_interrupted
from airflow_provider_kinde.cli.progress import Progress
from airflow_provider_kinde.exceptions import ProviderError, SyncError


class Connection:
    """The client of an Airflow connection. Airflow takes seconds to start: it starts while HR is being read.

    :param conn_id: id of the Airflow connection.
    :param progress: told while the client is waited for.
    """

    def __init__(self, conn_id: str, progress: Progress) -> None:
        self.conn_id, self._progress = conn_id, progress
        self._client: Any = None
        self._error: BaseException | None = None
        # A daemon, so that Ctrl-C does not wait until Airflow has started.
        self._thread = threading.Thread(target=self._open, name="airflow", daemon=True)
        self._thread.start()

    def _open(self) -> None:
        try:
            self._client = open_connection(self.conn_id)
            stop_when_interrupted(self._client.stop)
        except BaseException as error:  # raised in the thread that asks for the client
            self._error = error

    def get_conn(self) -> Any:
        """Return the client, as soon as Airflow has started.

        :raises SyncError: the connection cannot be used.
        """
        while self._thread.is_alive():
            self._progress("starting Airflow", 0, None)
            self._thread.join(0.2)  # so that a signal is seen
        if self._error is not None:
            raise self._error
        return self._client

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *error: object) -> None:
        if self._client is not None:
            self._client.close()


def open_connection(conn_id: str) -> Any:
    """Open an Airflow connection in the same way as ``airflow connections``.

    :param conn_id: id of the Airflow connection.
    :returns: a client for Kinde.
    :raises SyncError: the connection cannot be used.
    """
    from airflow_provider_kinde.cli.airflow_context import open_connections

    open_connections()
    from airflow_provider_kinde.hooks.kinde import KindeHook

    try:
        return KindeHook(kinde_conn_id=conn_id).get_conn()
    except ProviderError:
        raise
    except Exception as error:  # Airflow's own errors (no database, say) have no common type
        raise SyncError(f"the Airflow connection {conn_id!r} cannot be used: {error}") from error
