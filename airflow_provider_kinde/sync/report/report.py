"""The report of a run: what became of a plan."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.sync.plan.plan import Plan
from airflow_provider_kinde.sync.signature import whole

MISSING_SCOPE = re.compile(
    r"enable the scope ([a-z]+:[a-z_]+) for this application in Kinde(?!.*keeps this organization)"
)
"""What the error of a request says that Kinde refused with 403, unless a directory refused it."""


class ChangedSince(NamedTuple):
    """What differs between a plan and the moment at which it is applied.

    :param text: what, with the HR id.
    :param who: the person's name and address, for people who read the report.
    """

    text: str
    who: str = ""

    def to_json(self) -> dict[str, str]:
        return {"text": self.text, **({"who": self.who} if self.who else {})}


@dataclass(slots=True)
class Report:
    """The plan that was applied, each operation with its outcome, and the requests that were sent.

    :param plan: the plan; its operations hold their outcomes.
    :param blocked: why nothing was written; empty if the plan was applied.
    :param changed_since_plan: what another run did meanwhile, and with a plan file, what no longer stands and what is
        new since.
    :param interrupted: whether the run was ended before its end.
    :param interruption: what ended it, if that was an exception: raise it again once the report is kept.
    :param requests: how many requests were sent: ``read``, ``write`` and ``total``.
    """

    plan: Plan
    blocked: list[dict[str, object]] = field(default_factory=list)
    changed_since_plan: list[ChangedSince] = field(default_factory=list)
    interrupted: bool = False
    interruption: BaseException | None = None
    requests: dict[str, int] = field(default_factory=lambda: {"read": 0, "write": 0, "total": 0})

    def finish(self, counts: Any) -> None:
        """Close the report: count the requests, and mark operations without an outcome as skipped.

        :param counts: the client's request counts (``read`` and ``write``).
        """
        read, write = counts.read - self.plan.counts_before[0], counts.write - self.plan.counts_before[1]
        self.requests = {"read": read, "write": write, "total": read + write}
        if not self.blocked:
            self.plan.operations.finish("skipped", "not reached")

    @property
    def outcome(self) -> str:
        """``no changes``, ``changes``, ``blocked``, or ``failed``: something failed, or a protected leaver waits."""
        if self.blocked:
            return "blocked"
        if self.failed or any(held.protected for held in self.plan.held):
            return "failed"
        return "changes" if self.plan.operations else "no changes"

    @property
    def failed(self) -> int:
        """How many operations failed or were skipped."""
        found = self.plan.operations.outcomes()
        return found["failed"] + found["skipped"]

    @property
    def missing_scopes(self) -> list[str]:
        """The scopes for want of which Kinde refused changes; the same changes fail again until they are enabled."""
        if not self.plan.operations.outcomes()["failed"]:
            return []
        return sorted({scope for change in self.plan.operations for scope in MISSING_SCOPE.findall(change.error)})

    @property
    def outcomes(self) -> dict[str, int]:
        """How many operations were done, failed and skipped."""
        counted = self.plan.operations.outcomes()
        return {outcome: counted[outcome] for outcome in ("done", "failed", "skipped")}

    @property
    def notes(self) -> list[str]:
        """What the run could not take away, in words; empty where no account was suspended."""
        ended = sum(o.outcome == "done" for o in self.plan.operations.of("suspend"))
        if self.blocked or not ended:
            return []
        people = counted(ended, "person", "people")  # of an undo, these are the joiners of a run
        note = f"access tokens of {people} stay valid until they expire; an application that checks the token "
        return [f"{note}alone lets them in until then"]

    def to_json(self) -> dict[str, Any]:
        """The content of ``report.json``: the plan with outcomes and request counts."""
        return whole(self.document())

    def document(self) -> dict[str, Any]:
        """The same as :meth:`to_json`, with the operations as an iterator."""
        return self.plan.signed(self.content())

    def content(self) -> dict[str, Any]:
        """The report without its signature."""
        return {
            **self.plan.content(),
            "outcome": self.outcome,
            "blocked": self.blocked,
            "outcomes": self.outcomes,
            "notes": self.notes,
            "requests": self.requests,
            "changed_since_plan": [one.to_json() for one in self.changed_since_plan],
            **({"interrupted": True} if self.interrupted else {}),
        }
