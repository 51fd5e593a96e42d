"""List every account of a tenant from a DAG: which are managed, which can be adopted, and which are orphans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_kinde.operators.base import airflow_errors
from airflow_provider_kinde.operators.metrics import send_account_metrics
from airflow_provider_kinde.operators.spec_base import KindeSpecOperator
from airflow_provider_kinde.storage import run_files

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class KindeAccountsOperator(KindeSpecOperator):
    """Write a list of every account of the tenant in one of six classes. Reads only.

    The classes are *orphan* (not in HR, and managed by no source), *held*, *adoptable*, *other source*, *service or
    test* (``ignore`` in the spec) and *managed*; orphans come first. Each account has its last sign-in, its age, its
    organizations and roles. The list holds names and addresses, whatever ``redact`` says: keep ``storage_path``
    private.

    :param spec: path of the spec file; a relative one starts at the folder of the DAG file (templated).
    :param kinde_conn_id: Airflow connection; the spec's ``kinde_conn_id`` when left out (templated).
    :param file_name: name of the file in the folder of the run: it ends in ``.csv``, ``.json`` or ``.html``
        (templated).
    :param storage_path: folder for the list, local or ``ObjectStoragePath``; ``[kinde] storage_path`` when left out
        (templated).
    :param kwargs: of Airflow's ``BaseOperator``, and what operators with a spec share.
    :returns: ``{"path", "accounts", "classes", "summary"}``: counts only, no names and addresses.
    """

    template_fields: Sequence[str] = (*KindeSpecOperator.template_fields, "file_name")

    def __init__(self, *, file_name: str = "accounts.csv", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.file_name = file_name

    def execute(self, context: Context) -> dict[str, Any]:
        """Read HR and Kinde, and write the list.

        :param context: Airflow's context of the task.
        """
        from airflow_provider_kinde.sync.accounts.files import check_suffix, inventory_lines
        from airflow_provider_kinde.sync.accounts.inventory import take_inventory
        from airflow_provider_kinde.sync.plan.run_request import RunRequest

        with airflow_errors():
            check_suffix(self.file_name)
            spec, source = self._load(context)
            with self._client(spec) as client:
                inventory = take_inventory(spec, source, client, RunRequest.of())
            path = f"{self._folder(spec, context)}/{self.file_name}"
            counts: Counter[str] = Counter()
            run_files.write(path, inventory_lines(inventory, path, counts))
        send_account_metrics(spec.name, counts)
        summary = inventory.summary(counts)
        for line in summary:
            self.log.info("%s", line)
        self.log.info("accounts: %s", path)
        return {"path": path, "accounts": sum(counts.values()), "classes": dict(counts), "summary": summary}
