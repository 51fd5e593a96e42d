"""Onboard or offboard one person, as an IT team asks for it in a form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_kinde.operators.spec_base import KindeSpecOperator, items, refuse_backfill, text
from airflow_provider_kinde.storage import run_files
from airflow_provider_kinde.version_compat import date_time_trigger

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_kinde.sync.report.report import Report
    from airflow_provider_kinde.sync.spec.models import SyncSpec


class _FormOperator(KindeSpecOperator):
    """What the two have in common: the explanation, the report, and what becomes of a held person."""

    def _tell(self, spec: SyncSpec, context: Context) -> Callable[[str, str], None]:
        def tell(for_log: str, for_file: str) -> None:
            self.log.info("%s", for_file if self._may_name_people() else for_log)
            if not self._redacts():
                path = f"{self._folder(spec, context)}/explain.txt"
                run_files.write(path, for_file)
                self.log.info("explained in full: %s", path)

        return tell

    def _finish(self, spec: SyncSpec, report: Report, context: Context) -> dict[str, Any]:
        result = self._finish_report(spec, report, context)
        accounts = {o.account.id for o in report.plan.operations if o.account}
        if report.plan.held:
            # A sync goes on with other people. Here there are none, and the form's user waits for the result.
            context["ti"].xcom_push(key="return_value", value=result)
            from airflow_provider_kinde.sync.report.redaction import without_addresses

            reason = report.plan.held[0].reason
            reason = reason if self._may_name_people() else without_addresses(reason)
            raise AirflowFailException(f"nothing was done, the person is held: {reason}")
        return {**result, "user_ids": sorted(accounts)}


class KindeOnboardUserOperator(_FormOperator):
    """Give one person access to Kinde, now, in agreement with the sync.

    Where HR has the row, HR decides: the person is planned and applied as the sync does it, and organization and roles
    of the form are not used. Where HR has none yet, an account is made and marked ``<name>~onboarded:<day>``; the sync
    adopts it by its address when the row appears. Running it again is harmless. With a start ahead (and no row),
    the task waits for that day without holding a worker.

    :param spec: path of the sync's spec file (templated).
    :param address: the person's e-mail address (templated).
    :param given_name: given name (templated).
    :param family_name: family name (templated).
    :param organization: alias of an organization of the spec (templated).
    :param roles: role keys, a list or a text with commas; only those that the spec's rules give (templated).
    :param start: first day, ISO 8601; today when left out (templated).
    :param hr_id: the HR id, where it is known already (templated).
    :param approve: hash of the person's plan, where a volume guard stopped it (templated).
    :param kinde_conn_id: Airflow connection; the spec's when left out (templated).
    :param storage_path: folder for explanation and report (templated).
    :param log_personal_data: whether the task log may name the person.
    :param redact: whether the report is kept without name and address; then no explanation is kept.
    :returns: as the sync's apply operator, and ``user_ids``.
    """

    template_fields: Sequence[str] = (
        *KindeSpecOperator.template_fields,
        "address",
        "given_name",
        "family_name",
        "organization",
        "roles",
        "start",
        "hr_id",
        "approve",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"roles": "json"}

    def __init__(
        self,
        *,
        address: str,
        given_name: str,
        family_name: str,
        organization: str,
        roles: Iterable[str] | str | None = None,
        start: str | None = None,
        hr_id: str | None = None,
        approve: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        # Not `email`: that is whom Airflow tells of failures.
        self.address = address
        self.given_name = given_name
        self.family_name = family_name
        self.organization = organization
        self.roles = roles
        self.start = start
        self.hr_id = hr_id
        self.approve = approve

    _command = "onboard"

    def execute(self, context: Context) -> dict[str, Any]:
        """Explain, then plan and apply for this one person.

        :param context: Airflow's context of the task.
        :raises AirflowFailException: when this must not be done; the message says what to do instead.
        :raises AirflowException: when something failed that a retry may mend.
        """
        return self._onboard(context)

    def execute_complete(self, context: Context, event: Any = None) -> dict[str, Any]:
        """Explain, plan and apply once the first day has come: HR may have the row by now.

        :param context: Airflow's context of the task.
        :param event: the trigger's event.
        """
        return self._onboard(context)

    def _onboard(self, context: Context) -> dict[str, Any]:
        from airflow_provider_kinde.sync.person.onboard import Joiner, StartsLater, onboard

        refuse_backfill(context)
        with self._recorded(context):
            spec, source = self._load(context)
            joiner = Joiner(
                email=text(self.address) or "",
                given_name=text(self.given_name) or "",
                family_name=text(self.family_name) or "",
                organization=text(self.organization) or "",
                roles=tuple(items(self.roles) or ()),
                start=_day(text(self.start)),
                id=text(self.hr_id) or "",
            )
            tell = self._tell(spec, context)
            with self._client(spec) as client:
                try:
                    report = onboard(spec, source, client, joiner, approve=text(self.approve), tell=tell)
                except StartsLater as wait:
                    begin = wait.begin
                else:
                    return self._finish(spec, report, context)
        self.log.info("the person starts later: waiting until %s", begin.isoformat())
        self.defer(trigger=date_time_trigger(begin.in_timezone("UTC")), method_name="execute_complete")
        raise AssertionError("unreachable")


class KindeOffboardUserOperator(_FormOperator):
    """Take one person's access to Kinde, now, and end the sessions.

    Where HR says that the person left, the leaver is planned and applied as the sync does it. Everywhere else, also
    when HR cannot be read or a guard would stop the plan, the account is suspended without the mark of a leaver: the
    sync then holds it until HR agrees, and never re-enables it. Only accounts of this sync, and those that were
    onboarded by its form, are touched.

    :param spec: path of the sync's spec file (templated).
    :param address: one of the person's e-mail addresses (templated), or
    :param hr_id: the HR id (templated).
    :param confirm_protected: the HR id again (the address, where there is none), for a person whom the spec protects
        (templated).
    :param kinde_conn_id: Airflow connection; the spec's when left out (templated).
    :param storage_path: folder for explanation and report (templated).
    :param log_personal_data: whether the task log may name the person.
    :param redact: whether the report is kept without name and address; then no explanation is kept.
    :returns: as the sync's apply operator, and ``user_ids``.
    """

    template_fields: Sequence[str] = (*KindeSpecOperator.template_fields, "address", "hr_id", "confirm_protected")

    def __init__(
        self,
        *,
        address: str | None = None,
        hr_id: str | None = None,
        confirm_protected: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        # Not `email`: that is whom Airflow tells of failures.
        self.address = address
        self.hr_id = hr_id
        self.confirm_protected = confirm_protected

    _command = "offboard"

    def execute(self, context: Context) -> dict[str, Any]:
        """Explain, then take the access.

        :param context: Airflow's context of the task.
        :raises AirflowFailException: when this must not be done; the message says what to do instead.
        :raises AirflowException: when something failed that a retry may mend.
        """
        from airflow_provider_kinde.sync.person.offboard import Leaver, offboard

        refuse_backfill(context)
        with self._recorded(context):
            spec, source = self._load(context)
            leaver = Leaver(text(self.address) or "", text(self.hr_id) or "", text(self.confirm_protected) or "")
            tell = self._tell(spec, context)
            with self._client(spec) as client:
                return self._finish(spec, offboard(spec, source, client, leaver, tell=tell), context)


def _day(value: str | None) -> date | None:
    if value is None:
        return None
    try:
        if len(value) == 10:
            return date.fromisoformat(value)
        return datetime.fromisoformat(value.replace("Z", "+00:00")).date()
    except ValueError:
        raise AirflowFailException(f"start {value!r} is not a day such as 2026-11-30") from None
