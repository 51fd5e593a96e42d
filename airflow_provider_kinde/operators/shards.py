"""One apply in several tasks: prepare, then the shards side by side, then settle (``kinde_sync_dag(shards=...)``)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TextIO

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException

from airflow_provider_kinde.operators.spec_base import KindeSpecOperator, is_true, items, refuse_backfill, text
from airflow_provider_kinde.operators.sync import KindeSyncApplyOperator
from airflow_provider_kinde.storage import run_files, source_state

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_kinde.sync.shards import Prepared


class KindeSyncPrepareOperator(KindeSyncApplyOperator):
    """Plan afresh, keep what the plan file holds as well, create organizations, and divide the rest into shards.

    :param shards: into how many shards at most; few changes make fewer.
    :returns: an entry for each :class:`KindeSyncShardOperator`: paths, and the SHA-256 of what they must hold. XCom
        ``whole`` holds what :class:`KindeSyncSettleOperator` needs.

    The other parameters are those of :class:`~airflow_provider_kinde.operators.sync.KindeSyncApplyOperator`.
    """

    def __init__(self, *, shards: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shards = shards

    def execute(self, context: Context) -> Any:
        """Prepare; writes ``head.json`` and a ``work`` file for each shard.

        :raises AirflowSkipException: with ``plan_only``.
        :raises AirflowFailException: when the run is blocked, or the plan file, spec or connection are wrong.
        """
        from airflow_provider_kinde.sync import shards
        from airflow_provider_kinde.sync.apply import run

        refuse_backfill(context)
        if is_true(self.plan_only):
            raise AirflowSkipException("only a plan was asked for")
        with self._clear_errors():
            spec, source = self._load()
            plan_file = self._read_plan()
            root = self.storage_path or run_files.default_path()
            fired = source_state.fired_for(root, spec.name) if self.marks_source else {}
            with self._client(spec) as client:
                found = run.agreed(
                    spec, source, client, plan_file=plan_file, approve=text(self.approve), **self._selection()
                )
                prepared = shards.prepare(found.plan, client, self.shards, approve=found.approve)
                prepared.report.changed_since_plan = found.changed_since_plan
                if prepared.report.blocked:
                    return self._finish_report(spec, prepared.report, context)
                head = shards.head(prepared, client)
            whole = self._write(self._folder(spec, context), prepared, head)
        context["ti"].xcom_push(key="whole", value={**whole, "fired": fired})
        self.log.info("%d shards, from a plan of %d operations", len(whole["shards"]), len(found.plan.operations))
        return whole["shards"]

    def _write(self, folder: str, prepared: Prepared, head: Mapping[str, Any]) -> dict[str, Any]:
        from airflow_provider_kinde.sync import shards

        written = _write(f"{folder}/head.json", [json.dumps(head)])
        works = [_write(f"{folder}/work-{n}.jsonl", shards.work(prepared, n)) for n in range(prepared.shards)]
        entries = [
            {"head": written, "work": work, "result": f"{folder}/result-{number}", "of": prepared.shards}
            for number, work in enumerate(works)
        ]
        return {"head": written, "shards": entries}


class KindeSyncShardOperator(KindeSpecOperator):
    """Carry out one shard: suspend, create, adopt, rename and update its people, and send their memberships.

    Meant to be mapped over what :class:`KindeSyncPrepareOperator` returned. A try that was killed is simply
    run again. What fails is told to :class:`KindeSyncSettleOperator`, and does not fail the shard.

    :param shard: one entry of that.
    :returns: ``{path, sha256, outcomes}``: of the result.
    """

    template_fields: Sequence[str] = (*KindeSpecOperator.template_fields, "shard")
    template_fields_renderers: ClassVar[dict[str, str]] = {"shard": "json"}

    def __init__(self, *, shard: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shard = shard

    def execute(self, context: Context) -> dict[str, Any]:
        """Carry out the shard; writes a ``result`` file.

        :raises AirflowFailException: when the work is not what was prepared.
        """
        from airflow_provider_kinde.sync import shards
        from airflow_provider_kinde.sync.spec.models import SyncSpec

        with self._clear_errors():
            spec = SyncSpec.load(self._spec_file())
            head = json.loads(_checked(self.shard["head"])().read())
            with self._client(spec, int(self.shard["of"])) as client:
                outcomes, result = shards.carry_out(spec, head, _checked(self.shard["work"]), client)
            counted = {outcome or "sent": count for outcome, count in outcomes.items()}
            self.log.info("operations: %s", ", ".join(f"{count} {name}" for name, count in sorted(counted.items())))
            # Of each try its own: one that was given up may come back and write its own while the next one is read.
            path = f"{self.shard['result']}.try{context['ti'].try_number}.jsonl"
            return {**_write(path, result), "outcomes": counted}


class KindeSyncSettleOperator(KindeSyncApplyOperator):
    """Read the organizations that the shards changed, right what is wrong there, do what comes last, and report.

    Enabling and deleting come after everything else, so they happen here. A retry plans afresh and does what is left,
    in this one task.

    :param prepared_by: task id of the :class:`KindeSyncPrepareOperator`.
    :param results: what the mapped :class:`KindeSyncShardOperator` returned.
    :returns: what :class:`~airflow_provider_kinde.operators.sync.KindeSyncApplyOperator` returns.

    The other parameters are those of that operator.
    """

    template_fields: Sequence[str] = (*KindeSyncApplyOperator.template_fields, "results")

    def __init__(self, *, prepared_by: str, results: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.prepared_by = prepared_by
        self.results = results

    def execute(self, context: Context) -> dict[str, Any]:
        """Settle, write ``report.json`` and ``report.csv``, and return the summary.

        :raises AirflowSkipException: with ``plan_only``.
        :raises AirflowException: when some operations failed: a retry does only what is left.
        """
        from airflow_provider_kinde.sync import shards
        from airflow_provider_kinde.sync.spec.models import SyncSpec

        if context["ti"].try_number > 1 or is_true(self.plan_only):
            return super().execute(context)
        with self._clear_errors():
            spec = SyncSpec.load(self._spec_file())
            whole = context["ti"].xcom_pull(task_ids=self.prepared_by, key="whole")
            entries, results = list(whole["shards"]), list(self.results or ())
            if len(entries) != len(results):
                raise AirflowFailException(f"{len(entries)} shards were prepared, and {len(results)} came to a result")
            head = json.loads(_checked(whole["head"])().read())
            works, done = [_checked(entry["work"]) for entry in entries], list(map(_checked, results))
            with self._client(spec) as client:
                report = shards.settle(spec, head, works, done, client)
            # They name people, and have served their purpose.
            run_files.remove([whole["head"]["path"], *(entry["work"]["path"] for entry in entries)])
            run_files.remove([str(result["path"]) for result in results])
            result = self._finish_report(spec, report, context)
            if self.marks_source and not items(self.ids) and not items(self.only) and not result["changed_since_plan"]:
                root = self.storage_path or run_files.default_path()
                source_state.synced(root, spec.name, whole["fired"])
            return result


def _write(path: str, pieces: Iterable[str]) -> dict[str, str]:
    """Write a file; returns where it is, and the digest of what it must hold."""
    digest = hashlib.sha256()

    def hashed() -> Iterator[str]:
        for piece in pieces:
            digest.update(piece.encode())
            yield piece

    run_files.write(path, hashed())
    return {"path": path, "sha256": digest.hexdigest()}


def _checked(written: Mapping[str, Any]) -> Callable[[], TextIO]:
    """Opens a file that :func:`_write` wrote, once it is sure that nobody changed it.

    :raises AirflowFailException: when it is not there, or somebody did.
    """
    path, digest = str(written["path"]), hashlib.sha256()
    try:
        with run_files.opened(path) as file:
            while piece := file.read(1 << 20):
                digest.update(piece.encode())
    except FileNotFoundError as error:
        raise AirflowFailException(
            f"no file at {path}: is [kinde] storage_path a place that all workers reach?"
        ) from error
    if digest.hexdigest() != written["sha256"]:
        raise AirflowFailException(f"{path} was changed since it was written: nothing of it is carried out")
    return lambda: run_files.opened(path)
