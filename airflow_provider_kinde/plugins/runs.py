"""The syncs and their runs, as Airflow's metadata database knows them: what tasks handed on, never a name."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_kinde.operators.metrics import drift, read_kinde

PLANS = ("KindeSyncPlanOperator",)
WRITES = ("KindeSyncApplyOperator", "KindeSyncOperator")
APPROVALS = ("KindeSyncApprovalOperator",)
JOINS = ("create", "adopt", "enable")
LEAVES = ("suspend", "delete")
RUNS = 30
"""How many runs of a sync are shown."""
SYNCS = 200
"""How many syncs are shown."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a task of a sync handed on.

    :param task_id: the task.
    :param map_index: the index of a mapped task, else -1.
    :param values: its XCom value: outcome, counts, and where the file is.
    """

    task_id: str
    map_index: int
    values: Mapping[str, Any]

    def count(self, *kinds: str) -> int:
        """How many changes of some kinds there are, or how many people are ``held`` or rows ``rejected``.

        :param kinds: keys of the summary.
        """
        summary = self.values.get("summary") or {}
        return sum(int(summary.get(kind) or 0) for kind in kinds)

    @property
    def read_kinde(self) -> bool:
        """Whether Kinde was read: where the source stops a run, no person is counted, and 0 would be misread."""
        return read_kinde(self.values)

    @property
    def outcome(self) -> str:
        """The outcome in words: whether changes were made, or are planned only."""
        outcome = str(self.values["outcome"])
        if outcome != "changes":
            return outcome
        return "changes made" if "outcomes" in self.values else "changes planned"

    @property
    def drift(self) -> int:
        """How many changes were still to be made when the task ended."""
        return drift(self.values)


@dataclass(slots=True)
class SyncRun:
    """One DAG run of a sync.

    :param run_id: the run.
    :param state: Airflow's state of the run.
    :param started: when it started.
    :param results: what its tasks handed on, by task; that of the task that writes is last.
    """

    run_id: str
    state: str
    started: Any
    results: list[Result] = field(default_factory=list)

    @property
    def last(self) -> Result | None:
        """The most telling result: the report, or else the plan."""
        return self.results[-1] if self.results else None


@dataclass(slots=True)
class Question:
    """An approval that waits for an answer.

    :param run_id: the run.
    :param task_id: the task that asks.
    :param map_index: the index of a mapped task, else -1.
    :param subject: what is asked.
    :param assignees: user ids of those who may answer; empty for each user who may edit the DAG.
    """

    run_id: str
    task_id: str
    map_index: int
    subject: str
    assignees: frozenset[str]


@dataclass(slots=True)
class Sync:
    """One DAG that syncs.

    :param dag_id: the DAG.
    :param paused: whether it is paused.
    :param next_run: when it runs next; ``None`` where it is not scheduled.
    :param runs: its last runs, newest first.
    :param questions: approvals that wait.
    """

    dag_id: str
    paused: bool
    next_run: Any
    runs: list[SyncRun] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)

    @property
    def last_run(self) -> SyncRun | None:
        """The newest run with a result."""
        return next((run for run in self.runs if run.last), None)

    @property
    def last(self) -> Result | None:
        """The newest result."""
        return self.last_run.last if self.last_run else None

    @property
    def broken(self) -> SyncRun | None:
        """The newest run that has ended, if Airflow says that it failed, and no plan or report of it says why."""
        ended = next((run for run in self.runs if run.state in ("success", "failed")), None)
        if ended is None or ended.state == "success":
            return None
        return None if ended.last and ended.last.values["outcome"] in ("blocked", "failed") else ended


def find_syncs(session: Any, permitted: Collection[str]) -> list[Sync]:
    """Find the syncs among the DAGs that a user may read, with their last runs.

    :param session: a session of Airflow's metadata database.
    :param permitted: ids of the DAGs that the user may read.
    """
    from airflow.models.dag import DagModel
    from airflow.models.taskinstance import TaskInstance
    from sqlalchemy import select

    ours = select(TaskInstance.dag_id).where(TaskInstance.operator.in_((*PLANS, *WRITES))).distinct()
    dags = select(DagModel).where(DagModel.dag_id.in_(ours)).order_by(DagModel.dag_id)
    found = [
        Sync(dag.dag_id, bool(dag.is_paused), dag.next_dagrun_create_after)
        for dag in session.scalars(dags)
        if dag.dag_id in permitted
    ][:SYNCS]
    for sync in found:
        sync.runs = list(_runs(session, sync.dag_id))
        sync.questions = list(find_questions(session, sync.dag_id))
    return found


def result_of(session: Any, dag_id: str, run_id: str, task_id: str, map_index: int) -> Result | None:
    """What one task of a sync handed on; ``None`` where it did not come that far, or is no task of a sync.

    :param session: a session of Airflow's metadata database.
    :param dag_id: the DAG.
    :param run_id: the run.
    :param task_id: the task.
    :param map_index: the index of a mapped task, else -1.
    """
    from airflow.models.xcom import XComModel
    from sqlalchemy import select

    values = select(XComModel.value).where(
        XComModel.dag_id == dag_id,
        XComModel.run_id == run_id,
        XComModel.task_id == task_id,
        XComModel.map_index == map_index,
        XComModel.key == "return_value",
    )
    return _result(task_id, map_index, session.scalars(values).first())


def _runs(session: Any, dag_id: str) -> Iterator[SyncRun]:
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.xcom import XComModel
    from sqlalchemy import and_, select

    newest = select(DagRun.run_id, DagRun.state, DagRun.start_date).where(DagRun.dag_id == dag_id)
    runs = {
        run_id: SyncRun(run_id, str(getattr(state, "value", state)), started)
        for run_id, state, started in session.execute(newest.order_by(DagRun.id.desc()).limit(RUNS))
    }
    same = and_(
        XComModel.dag_id == TaskInstance.dag_id,
        XComModel.run_id == TaskInstance.run_id,
        XComModel.task_id == TaskInstance.task_id,
        XComModel.map_index == TaskInstance.map_index,
        XComModel.key == "return_value",
    )
    values = (
        select(
            TaskInstance.run_id, TaskInstance.operator, TaskInstance.task_id, TaskInstance.map_index, XComModel.value
        )
        .join(XComModel, same)
        .where(
            TaskInstance.dag_id == dag_id,
            TaskInstance.run_id.in_(list(runs)),
            TaskInstance.operator.in_((*PLANS, *WRITES)),
        )
    )
    found = sorted(session.execute(values), key=lambda row: (row[1] in WRITES, row[2], row[3]))
    for run_id, _, task_id, map_index, value in found:
        if result := _result(task_id, map_index, value):
            runs[run_id].results.append(result)
    yield from runs.values()


def find_questions(session: Any, dag_id: str) -> Iterator[Question]:
    """Find the approvals of a DAG that wait for an answer, oldest first.

    :param session: a session of Airflow's metadata database.
    :param dag_id: the DAG.
    """
    from airflow.models.hitl import HITLDetail
    from airflow.models.taskinstance import TaskInstance
    from sqlalchemy import select

    received: Any = HITLDetail.response_received
    asked = (
        select(TaskInstance.run_id, TaskInstance.task_id, TaskInstance.map_index, HITLDetail)
        .join(HITLDetail, HITLDetail.ti_id == TaskInstance.id)
        .where(
            TaskInstance.dag_id == dag_id,
            TaskInstance.operator.in_(APPROVALS),
            TaskInstance.state.in_(("awaiting_input", "deferred")),
            ~received,
        )
        .order_by(HITLDetail.created_at)
    )
    for run_id, task_id, map_index, detail in session.execute(asked):
        assignees = frozenset(str(user["id"]) for user in detail.assignees or ())
        yield Question(run_id, task_id, map_index, str(detail.subject), assignees)


def _result(task_id: str, map_index: int, value: Any) -> Result | None:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    if not isinstance(value, Mapping) or "outcome" not in value or "path" not in value:
        return None
    return Result(task_id, map_index, value)
