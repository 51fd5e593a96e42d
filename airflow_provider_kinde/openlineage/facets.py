"""The facet of a run of the sync. Needs OpenLineage's client: imported when lineage is made."""

from __future__ import annotations

from attr import Factory, define
from openlineage.client.facet_v2 import RunFacet


@define
class KindeSyncRunFacet(RunFacet):
    """How a sync ended, in numbers.

    :param outcome: ``no changes``, ``changes``, ``blocked`` or ``failed``.
    :param planHash: the hash that an approver approves.
    :param summary: planned operations by kind, and people held, rejected and unchanged.
    :param outcomes: how many operations were done, failed and skipped; empty when nothing was applied.
    :param requests: requests to Kinde, read and write; empty when nothing was applied.
    :param held: people for whom nothing is done until a person decides.
    :param rejected: HR rows that could not be understood.
    :param blocked: how many guards stopped the run.
    """

    outcome: str
    planHash: str
    held: int = 0
    rejected: int = 0
    blocked: int = 0
    summary: dict[str, int] = Factory(dict)
    outcomes: dict[str, int] = Factory(dict)
    requests: dict[str, int] = Factory(dict)
