"""OpenLineage: which HR data went into which organizations. Counts only; nothing here names a person.

Imports OpenLineage only when its provider is installed and switched on.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from airflow_provider_kinde.sync.report.changed_places import ENVIRONMENT, changes_by_place

if TYPE_CHECKING:
    from airflow_provider_kinde.sync.plan.plan import Plan

log = logging.getLogger(__name__)

FACET = "kinde_sync"


def active() -> bool:
    """Whether lineage is wanted: OpenLineage's provider is installed, and not disabled."""
    try:
        from airflow.providers.openlineage import conf
    except ImportError:
        return False
    return not conf.is_disabled()


def trace(source: Any, plan: Plan, result: Mapping[str, Any], *, applied: bool) -> Any:
    """What a sync read and wrote, for OpenLineage. An error here never fails the task.

    :param source: the HR source that was read.
    :param plan: the plan of the run.
    :param result: what the task returns.
    :param applied: whether the plan was carried out, so that Kinde's organizations are outputs.
    :returns: an ``OperatorLineage``; ``None`` where lineage is not wanted.
    """
    try:
        if not active():
            return None
        from airflow.providers.openlineage.extractors import OperatorLineage

        from airflow_provider_kinde.openlineage.facets import KindeSyncRunFacet

        facet = KindeSyncRunFacet(
            outcome=result["outcome"],
            planHash=result["hash"],
            held=result["held"],
            rejected=result["rejected"],
            blocked=len(result["blocked"]),
            summary=result["summary"],
            outcomes=result.get("outcomes", {}),
            requests=result.get("requests", {}),
        )
        outputs = _outputs(plan) if applied else []
        return OperatorLineage(inputs=inputs(source), outputs=outputs, run_facets={FACET: facet})
    except Exception as error:
        # Its text may quote a connection.
        log.warning("no lineage for OpenLineage: %s", type(error).__name__)
        return None


def inputs(source: Any) -> list[Any]:
    """The datasets behind an HR source.

    :param source: the source section of a spec.
    """
    from airflow_provider_kinde.sources.file.source import FileSource
    from airflow_provider_kinde.sources.http.source import ApiSource
    from airflow_provider_kinde.sources.sql import SqlSource

    if isinstance(source, FileSource):
        return [_dataset(*_place(path)) for path in source.paths]
    if isinstance(source, ApiSource):
        return [_dataset(*_place(source.address()))]
    if isinstance(source, SqlSource):
        return _tables(source.conn_id, source.query)
    return []


def asset_dataset(asset: Any, lineage_context: Any) -> Any:
    """The dataset of an asset ``kinde://<host>/<code>``; Airflow calls this for inlets and outlets.

    :param asset: Airflow's asset.
    :param lineage_context: OpenLineage's context; it is not used.
    """
    parts = urlsplit(asset.uri)
    return _dataset(f"kinde://{parts.netloc}", parts.path.strip("/") or ENVIRONMENT)


def _place(path: str) -> tuple[str, str]:
    """Namespace and name of a path or URL, as OpenLineage has them, without user, password and query."""
    parts = urlsplit(path)
    if "://" not in path or parts.scheme == "file":
        return "file", str(Path(unquote(parts.path) if "://" in path else path).absolute())
    name = parts.path if parts.scheme in ("http", "https") else parts.path.lstrip("/")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", name or "/"


def _tables(conn_id: str, query: str) -> list[Any]:
    """The tables that a query reads, or the database where they cannot be told."""
    from airflow.providers.common.compat.sdk import BaseHook
    from airflow.providers.openlineage.sqlparser import SQLParser

    connection = BaseHook.get_connection(conn_id)
    hook = connection.get_hook()  # type: ignore[no-untyped-call]
    info = hook.get_openlineage_database_info(connection)
    if info is not None:
        default_schema = None
        with contextlib.suppress(Exception):  # some ask the database, each with exceptions of its own
            default_schema = hook.get_openlineage_default_schema()
        parser = SQLParser(hook.get_openlineage_database_dialect(connection), default_schema)
        # Without a connection: what is asked for is names, and the query has been sent once already.
        found = parser.generate_openlineage_metadata_from_sql(query, hook, info, use_connection=False)
        if found.inputs:
            return [_dataset(table.namespace, table.name) for table in found.inputs]
    port = f":{connection.port}" if connection.port else ""
    return [_dataset(f"{connection.conn_type}://{connection.host or ''}{port}", connection.schema or "/")]


def _outputs(plan: Plan) -> list[Any]:
    """The environment and every managed organization, each with how many changes were made there."""
    from airflow.providers.common.compat.openlineage.facet import OutputDataset, OutputStatisticsOutputDatasetFacet

    return [
        OutputDataset(
            namespace=f"kinde://{plan.host}",
            name=name,
            outputFacets={"outputStatistics": OutputStatisticsOutputDatasetFacet(rowCount=changes)},
        )
        for name, changes in changes_by_place(plan).items()
    ]


def _dataset(namespace: str, name: str) -> Any:
    from airflow.providers.common.compat.openlineage.facet import Dataset

    return Dataset(namespace=namespace, name=name)
