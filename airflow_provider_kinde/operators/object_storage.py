"""Write the users, memberships and roles of a tenant to files, for a warehouse or an audit."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING, Any, Literal

from airflow_provider_kinde.operators.asset_events import attach
from airflow_provider_kinde.operators.base import KindeOperator, airflow_errors, one_of
from airflow_provider_kinde.storage import run_files

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

TABLES = ("users", "memberships", "roles")


class KindeUsersToObjectStorageOperator(KindeOperator):
    """Write users, memberships and roles of a tenant to Parquet, CSV or JSON files. Reads only.

    The folder then holds ``users.parquet``, ``memberships.parquet`` and ``roles.parquet``. Everything is read before
    the first file is written, and each file is written whole: a task that fails while it reads leaves the files of the
    run before. A file that is there already is replaced; put ``{{ run_id }}`` into ``path`` to keep one folder for each
    run. The files name people: keep the place private.

    :param path: folder, local or any that Airflow's ``ObjectStoragePath`` knows, such as
        ``s3://aws_default@bucket/kinde/{{ run_id }}`` (templated).
    :param tables: which tables to write: ``users``, ``memberships`` (a row for each member of each organization, with
        the keys of the roles), ``roles``.
    :param file_format: ``"parquet"`` (needs the extra ``parquet``), ``"csv"`` or ``"json"`` (one object a line,
        ``.jsonl``). In CSV, a cell that a spreadsheet would run as a formula gets an apostrophe, and several roles have
        a semicolon between them.
    :param kinde_conn_id: Airflow connection (templated).
    :param kwargs: of Airflow's ``BaseOperator``. The events of ``outlets`` carry the counts and the files.
    :returns: ``{"path", "files", "rows"}``: the files and how many rows they have, by table; no names and addresses.
    :raises ValueError: no ``path``, or an unknown table or format.
    """

    template_fields: Sequence[str] = (*KindeOperator.template_fields, "path")

    def __init__(
        self,
        *,
        path: str,
        tables: Sequence[str] = TABLES,
        file_format: Literal["parquet", "csv", "json"] = "parquet",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(tables, str) or not tables or len(set(tables)) != len(tables):
            raise ValueError(f"tables={tables!r}: expected a list of {', '.join(TABLES)}, each once")
        self.path = path
        self.tables = [one_of("tables", table, *TABLES) for table in tables]
        self.file_format = one_of("file_format", file_format, "parquet", "csv", "json")

    @airflow_errors()
    def execute(self, context: Context) -> dict[str, Any]:
        """Read the tables to temporary files, then put each in its place.

        :param context: Airflow's context of the task.
        :raises KindeInputError: no path.
        :raises StorageError: a file cannot be written, or pyarrow is missing.
        :raises KindeError: Kinde refused.
        """
        from airflow_provider_kinde.exceptions import KindeInputError
        from airflow_provider_kinde.resources.tenant_tables import TABLES as TENANT
        from airflow_provider_kinde.sync.report.table_files import table_writer

        folder = str(self.path).strip().rstrip("/")
        if not folder:
            raise KindeInputError("path is empty: name a folder, such as s3://aws_default@bucket/kinde")
        ending, write = table_writer(self.file_format)
        run_files.probe(folder)
        rows: dict[str, int] = {}
        read: dict[str, IO[bytes]] = {}
        with ExitStack() as stack:
            with self._client(context) as client:
                for name in self.tables:
                    read[name] = stack.enter_context(tempfile.TemporaryFile())
                    table = TENANT[name]
                    rows[name] = write(read[name], table.columns, table.rows(client))
                    self.log.info("%s: %d rows read", name, rows[name])
            files = {name: f"{folder}/{name}.{ending}" for name in self.tables}
            for name, file in read.items():
                file.seek(0)
                run_files.copy(file, files[name])
                self.log.info("%s: %s", name, files[name])
        result = {"path": folder, "files": files, "rows": rows}
        attach(self.outlets or (), context, lambda _uri: result)
        return result
