"""A plan: what a run would do, whether it may, and what stands in its way."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pendulum

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.sync.kinds import COUNTED, MEMBERSHIP
from airflow_provider_kinde.sync.model import RejectedRow
from airflow_provider_kinde.sync.people.coverage import Coverage
from airflow_provider_kinde.sync.plan.guards import Block, GuardCheck
from airflow_provider_kinde.sync.plan.held_people import HeldPerson
from airflow_provider_kinde.sync.plan.starting_later import StartingLater
from airflow_provider_kinde.sync.plan.unmanaged_leavers import UnmanagedLeaver
from airflow_provider_kinde.sync.signature import Sign, signed, whole
from airflow_provider_kinde.sync.snapshot.reader import Snapshot
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.changes import ChangeList
from airflow_provider_kinde.sync.store.people import People


@dataclass(slots=True)
class Plan:
    """What a run would do, and whether it may.

    :param operations: in the order in which they are carried out.
    :param held: protected people first.
    :param unchanged: managed accounts for which nothing is to be done.
    :param managed: managed accounts before the plan.
    :param guards: the guards that were exceeded, and the nearest one of each other kind.
    :param shift: seconds by which the moment of the run is ahead of the clock (``--now``); 0 for the current time.
    :param run: which run made this, and how long it took, for readers of plan and report.
    """

    spec: SyncSpec
    host: str
    now: pendulum.DateTime
    operations: ChangeList = field(default_factory=ChangeList)
    held: list[HeldPerson] = field(default_factory=list)
    rejected: list[RejectedRow] = field(default_factory=list)
    blocked: list[Block] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unchanged: int = 0
    managed: int = 0
    guards: list[GuardCheck] = field(default_factory=list)
    shift: float = 0.0
    run: dict[str, Any] = field(default_factory=dict)
    snapshot: Snapshot | None = None
    people: People | None = None
    counts_before: tuple[int, int] = (0, 0)
    """The client's (read, write) counts when planning began: a report counts from here."""
    redacted: bool = False
    limits: str = ""
    """The people and kinds of changes that the run is limited to, in words; empty for a whole run."""
    absence_unknown: str = ""
    """Why no person was treated as absent; empty where absence was judged."""
    coverage: Coverage | None = None
    """What the rules of the spec do not cover; ``None`` for a run that is limited to some people."""
    unmapped: list[str] = field(default_factory=list)
    """Values that no rule names: a line for each column, in counts."""
    unknown_ids: list[str] = field(default_factory=list)
    """Of a run for some people: a line for each id that neither HR nor an account of this sync has."""
    left_out: int = 0
    """How many changes were dropped because the plan file that is carried out does not hold them."""
    unmanaged_leavers: list[UnmanagedLeaver] = field(default_factory=list)
    """People without access in HR who can still sign in by an account that this sync does not manage."""
    starting_later: StartingLater | None = None
    """People whose first day is ahead, and who get access then; ``None`` where there are none."""
    recreated: dict[str, int] = field(default_factory=dict)
    """Alias of an organization that the plan creates -> how many people who have access already would join it."""
    sign: Sign | None = None
    """Signs the plan and its report: the client's. Without it they cannot be written."""

    def clock(self) -> float:
        """The time on the clock of the run, in seconds since 1970: with ``--now``, the run goes on from that moment."""
        return time.time() + self.shift

    @property
    def hash(self) -> str:
        """What an approver approves: SHA-256 over host, spec name and operations."""
        return self.operations.hash(self.host, self.spec.name)

    @property
    def outcome(self) -> str:
        """``no changes``, ``changes`` or ``blocked``."""
        return "blocked" if self.blocked else "changes" if self.operations else "no changes"

    @property
    def unsettled(self) -> str:
        """Why a plan without changes does not mean that Kinde agrees with HR, in words; empty where it does."""
        protected = sum(held.protected for held in self.held)
        counts = (
            (protected, "protected person waits for a decision", "protected people wait for a decision"),
            (len(self.held) - protected, "person is held", "people are held"),
            (len(self.rejected), "row is rejected", "rows are rejected"),
            (
                len(self.unmanaged_leavers),
                "account of a person who left is not managed",
                "accounts of people who left are not managed",
            ),
        )
        found = list(self.unknown_ids)
        if self.left_out:
            what = ("change is new since the plan and was", "changes are new since the plan and were")
            found.append(f"{counted(self.left_out, *what)} not made: plan again")
        found += [f"no person is treated as absent: {self.absence_unknown}"] if self.absence_unknown else []
        found += [counted(count, one, many) for count, one, many in counts if count]
        return ", ".join(found)

    @property
    def summary(self) -> dict[str, int]:
        """How many operations of each kind, people held and unchanged, rows rejected."""
        kinds = self.operations.kinds()
        return {
            **{kind: kinds[kind] for kind in COUNTED},
            "held": len(self.held),
            "rejected": len(self.rejected),
            "unchanged": self.unchanged,
        }

    def to_json(self) -> dict[str, Any]:
        """The plan as ``plan.json`` holds it."""
        return whole(self.document())

    def document(self) -> dict[str, Any]:
        """The same, the operations one after the other, so that a large plan need not be in memory to be written."""
        return self.signed(self.content())

    def signed(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Sign the content of a plan or a report, as :func:`..signature.signed` does.

        :param content: the content.
        """
        assert self.sign is not None
        return signed(content, self.sign)

    def content(self) -> dict[str, Any]:
        """The plan without its signature."""
        unmanaged = [one.to_json() for one in self.unmanaged_leavers]
        return {
            "spec": self.spec.name,
            "host": self.host,
            "hash": self.hash,
            "created_at": self.now.to_iso8601_string(),
            "outcome": self.outcome,
            **({"redacted": True} if self.redacted else {}),
            "summary": self.summary,
            "managed": self.managed,
            "blocked": [block.to_json() for block in self.blocked],
            "guards": [check.to_json() for check in self.guards],
            **({"run": self.run} if self.run else {}),
            "operations": (operation.to_json() for operation in self.operations),
            "rejected": [
                {"row": r.row, "id": r.id, **({"who": r.who} if r.who else {}), "reason": r.reason}
                for r in self.rejected
            ],
            "held": [held.to_json() for held in self.held],
            **({"unmanaged_leavers": unmanaged} if unmanaged else {}),
            **({"recreated": self.recreated} if self.recreated else {}),
            **({"starting_later": self.starting_later.to_json()} if self.starting_later else {}),
            "warnings": self.warnings,
            **({"limits": self.limits} if self.limits else {}),
            **({"absence_unknown": self.absence_unknown} if self.absence_unknown else {}),
            **({"left_out": self.left_out} if self.left_out else {}),
            "unmapped": self.unmapped,
            **({"coverage": self.coverage.to_json()} if self.coverage else {}),
            "organizations": self._codes(),
        }

    def _codes(self) -> dict[str, str]:
        """Alias -> code of the organizations that the plan concerns: an alias may lead elsewhere later."""
        named = self.snapshot.organizations if self.snapshot else {}
        aliases = self.operations.aliases("create_organization", *MEMBERSHIP)
        return {alias: named[alias].code for alias in aliases if alias in named}
