"""Logs who joined or left an organization, and which organizations were created, changed or deleted.

Airflow 3 only: the triggerer reads all organizations, and the members of one of them, every 15 minutes. Set
``KINDE_WATCHED_ORGANIZATION=org_...`` in the environment of Airflow's DAG processor, triggerer and workers; until then,
and on Airflow 2, this DAG has no schedule. It uses the connection ``kinde_default``.
"""

from __future__ import annotations

import logging
import os
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_kinde.triggers.events import KindeMembershipEventTrigger, KindeOrganizationEventTrigger
from airflow_provider_kinde.version_compat import has_asset_watchers

org_code = os.environ.get("KINDE_WATCHED_ORGANIZATION")
schedule: Any = None
if org_code and has_asset_watchers():
    from airflow.sdk import Asset, AssetWatcher

    members = AssetWatcher(name="kinde_members", trigger=KindeMembershipEventTrigger(org_code=org_code))
    organizations = AssetWatcher(name="kinde_organizations", trigger=KindeOrganizationEventTrigger())
    schedule = Asset("kinde_organizations", watchers=[members, organizations])

with DAG(
    "kinde_example_organization_events",
    schedule=schedule,
    catchup=False,
    is_paused_upon_creation=True,
    tags=["kinde", "example"],
    doc_md=__doc__,
) as dag:

    @task
    def log_events(triggering_asset_events: Any = None) -> None:
        """Log what each event counts."""
        for events in (triggering_asset_events or {}).values():
            for event in events:
                logging.getLogger(__name__).info("%s", event.extra)

    log_events()
