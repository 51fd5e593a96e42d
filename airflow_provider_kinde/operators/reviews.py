"""Access reviews from a DAG: lists for the owners of organizations, and the removals that they decide on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_kinde.operators.base import airflow_errors
from airflow_provider_kinde.operators.spec_base import KindeSpecOperator, is_true, items, summary_of, text
from airflow_provider_kinde.storage import run_files

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_kinde.client import KindeClient
    from airflow_provider_kinde.sync.model import Source
    from airflow_provider_kinde.sync.plan.run_request import RunRequest
    from airflow_provider_kinde.sync.spec.models import SyncSpec


class KindeAccessReviewOperator(KindeSpecOperator):
    """Write who has access to which organization, for its owner to decide; with ``decisions``, remove what was decided.

    Without ``decisions`` it only reads. It writes one table for each managed organization (``access-it.csv``: person,
    HR id, roles, the rule that gives them, since when, last sign-in), with the columns ``decision`` and ``comment`` to
    fill in, and ``review.json``, the signed list of all of them. Since when comes from the history of the sync.

    With ``decisions`` it reads the tables that came back. A decision is ``keep``, ``remove``, or ``remove`` and role
    keys. What a rule of the spec gives is not removed, since the next sync would give it back: the result names the
    rule to change. All else goes through the guards of the spec, like a sync. ``decisions.csv`` has the result of each
    decision. If a row is missing, unknown or edited, nothing is done, and the message names each.

    The lists hold names and addresses, whatever ``redact`` says: keep ``storage_path`` private.

    :param spec: path of the spec file; a relative one starts at the folder of the DAG file (templated).
    :param decisions: paths of the tables that came back (CSV or JSON), a list or a text with commas (templated).
    :param review_path: with ``decisions``, the path of their ``review.json`` (templated).
    :param plan_only: with ``decisions``, when true (or a text that says so), the task writes the plan and changes
        nothing (templated).
    :param approve: hash of a plan that was blocked by a volume guard, to let it pass (templated).
    :param approve_protected: HR ids of people whose protected role may be taken (templated).
    :param kwargs: of Airflow's ``BaseOperator``, and what operators with a spec share.
    :returns: without ``decisions`` ``{path, lists, memberships}``: the paths of ``review.json`` and of each table, by
        organization. With ``decisions`` what a sync returns, ``decisions`` (counts by result) and ``decisions_path``.
    """

    template_fields: Sequence[str] = (
        *KindeSpecOperator.template_fields,
        "decisions",
        "review_path",
        "plan_only",
        "approve",
        "approve_protected",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"decisions": "json", "approve_protected": "json"}

    _command = "review"

    def __init__(
        self,
        *,
        decisions: Iterable[str] | str | None = None,
        review_path: str | None = None,
        plan_only: bool | str = False,
        approve: str | None = None,
        approve_protected: Iterable[str] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.decisions = decisions
        self.review_path = review_path
        self.plan_only = plan_only
        self.approve = approve
        self.approve_protected = approve_protected

    def execute(self, context: Context) -> dict[str, Any]:
        """Write the lists, or carry out the decisions.

        :param context: Airflow's context of the task.
        :raises AirflowFailException: HR, the list or the decisions cannot be used, or the plan is blocked.
        :raises AirflowException: some removals failed: a retry does only what is left.
        """
        paths = items(self.decisions)
        # Lists alone change nothing, so they have no entry.
        with self._recorded(context) if paths else airflow_errors():
            spec, source = self._load(context)
            with self._client(spec) as client:
                if paths is None:
                    return self._list(spec, source, client, context)
                return self._carry_out(paths, spec, source, client, context)

    def _list(self, spec: SyncSpec, source: Source, client: KindeClient, context: Context) -> dict[str, Any]:
        from airflow_provider_kinde.storage.reviews import access_in_history, write_lists
        from airflow_provider_kinde.sync.reviews import list_access

        known, unknown = access_in_history(spec.name, self.storage_path)
        if unknown:
            self.log.warning("%s", unknown)
        found = list_access(spec, source, client, self._request(spec, client), known=known)
        path, lists = write_lists(found, self._folder(spec, context))
        for alias, place in lists.items():
            self.log.info("access list of %s: %s", alias, place)
        for block in found.plan.blocked:
            self.log.warning("the sync is blocked now: %s", block.reason)
        self.log.info("the signed list: %s", path)
        return {"path": path, "lists": lists, "memberships": sum(1 for _ in found.entries())}

    def _carry_out(
        self, paths: Sequence[str], spec: SyncSpec, source: Source, client: KindeClient, context: Context
    ) -> dict[str, Any]:
        from airflow_provider_kinde.storage.reviews import read_review, read_tables, write_results
        from airflow_provider_kinde.sync.apply.stages import apply_plan
        from airflow_provider_kinde.sync.report.plan_file import lines
        from airflow_provider_kinde.sync.reviews import plan_removals

        if not self.review_path:
            raise AirflowFailException("review_path is missing: the path of the review.json beside the lists")
        review = read_review(self.review_path)
        request = self._request(spec, client)
        found = plan_removals(spec, source, client, request, review=review, files=read_tables(paths))
        folder = self._folder(spec, context)
        decisions: dict[str, Any] = {"decisions": found.counts, "decisions_path": write_results(found, folder)}
        self.log.info("decisions: %s", ", ".join(f"{count} {name}" for name, count in found.counts.items() if count))
        self._log_reasons(
            "decisions that change nothing",
            ((result.reason, result.decision.entry["id"]) for result in found.results if result.reason),
        )
        if is_true(self.plan_only):
            path = f"{folder}/plan.json"
            found.plan.run = self._run_facts()
            run_files.write(path, lines(found.plan.document()))
            return {
                **summary_of(found.plan.outcome, found.plan, [b.to_json() for b in found.plan.blocked], path),
                **decisions,
            }
        report = apply_plan(found.plan, client, approve=text(self.approve))
        return {**self._finish_report(spec, report, context), **decisions}

    def _request(self, spec: SyncSpec, client: KindeClient) -> RunRequest:
        from airflow_provider_kinde.storage.recent import recent_in_storage
        from airflow_provider_kinde.sync.plan.run_request import RunRequest

        return RunRequest.of(
            approve=text(self.approve),
            approve_protected=items(self.approve_protected),
            recent=recent_in_storage(self.storage_path or run_files.default_path(), spec, client),
        )
