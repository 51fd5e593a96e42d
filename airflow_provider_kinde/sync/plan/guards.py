"""The guards: what a plan may do at most before a person has to look at it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from airflow_provider_kinde.counted import singular
from airflow_provider_kinde.sync.changes import Change
from airflow_provider_kinde.sync.model import Access
from airflow_provider_kinde.sync.spec.fields import Limit
from airflow_provider_kinde.sync.spec.models import SyncSpec


@dataclass(frozen=True, slots=True)
class Block:
    """Why a plan is not applied.

    :param approvable: whether approving the plan's hash lets it pass.
    """

    reason: str
    approvable: bool

    def to_json(self) -> dict[str, object]:
        return {"reason": self.reason, "approvable": self.approvable}


class AccountState(NamedTuple):
    """What the guards want to know of a managed account, as it is before the plan.

    :param access: whether the person has access.
    :param settled: whether the person has access, is in a managed organization, and the account is not young.
    :param placed: the same for any organization but the default one: the members of one that was renamed, and that
        the spec no longer finds.
    :param young: whether the account is younger than a day. Grants to it belong to a joiner.
    """

    access: bool
    settled: bool = False
    placed: bool = False
    young: bool = False


_JOINERS_JUDGED_FROM = 20
"""The managed accounts older than a day from which ``max_joiners`` is judged: a first run is nothing but joiners."""


@dataclass(frozen=True, slots=True)
class GuardCheck:
    """One guard, measured on a plan.

    :param guard: the guard's key in the spec.
    :param subject: the organization's alias or the role key that it was measured for; empty for the whole plan.
    :param limit: the limit in the spec.
    :param count: how many there are.
    :param base: how many there could be.
    :param allowed: how many pass without approval.
    :param what: what is counted, in words.
    """

    guard: str
    subject: str
    limit: Limit
    count: int
    base: int
    allowed: float
    what: str

    @property
    def exceeded(self) -> bool:
        """Whether the guard stops the plan."""
        return self.count > self.allowed

    @property
    def share(self) -> float:
        """The count as a share of what passes without approval."""
        return self.count / self.allowed if self.allowed else float(self.count)

    @property
    def reason(self) -> str:
        """Count and limit in words."""
        limit = _limit_text(self.limit, self.base, self.allowed)
        return f"{self.guard} ({self.limit}): {self.count:,} {self.what}. The limit without approval is {limit}"

    def to_json(self) -> dict[str, object]:
        return {
            "guard": self.guard,
            **({"subject": self.subject} if self.subject else {}),
            "limit": str(self.limit),
            "count": self.count,
            "base": self.base,
            "allowed": int(self.allowed),
            "exceeded": self.exceeded,
            "what": self.what,
        }


@dataclass(slots=True)
class RunCounts:
    """What the guards count, and what they measure it against.

    :param managed: how many accounts carry this sync's link.
    :param old: how many of them are older than a day.
    :param with_access: how many managed accounts have access now.
    :param settled: how many of those that are older than a day are in a managed organization already.
    :param placed: the same, in any organization but the default one.
    :param members: alias -> how many managed members.
    :param holders: role key -> how many managed people hold it.
    :param recent: Kinde ids of accounts marked as left today or yesterday, and whether they have access.
    :param accounts: Kinde id -> state, of the managed accounts that the plan touches.
    :param dropped: how many people with access no row holds; ``None`` where absence is not judged.
    :param held: how many people are held, without those held only because ``absent`` is ``hold``.
    :param rejected: how many rows are rejected.
    :param rows: how many rows were read.
    :param removed_lately: alias -> how many people lost their membership in runs of the last day.
    :param renamed_lately: HR ids of the people whose address was changed in runs of the last day.
    :param undo: whether the plan undoes a run. A membership that it removes is that of a mover, and whom it enables
        lost access by mistake.
    """

    managed: int = 0
    old: int = 0
    with_access: int = 0
    settled: int = 0
    placed: int = 0
    members: Counter[str] = field(default_factory=Counter)
    holders: Counter[str] = field(default_factory=Counter)
    recent: dict[str, bool] = field(default_factory=dict)
    accounts: dict[str, AccountState] = field(default_factory=dict)
    dropped: int | None = None
    held: int = 0
    rejected: int = 0
    rows: int = 0
    removed_lately: Mapping[str, int] = field(default_factory=dict)
    renamed_lately: frozenset[str] = frozenset()
    undo: bool = False


@dataclass(slots=True)
class _ChangeCounts:
    """What a plan would do, counted. People count once, in however many organizations it happens to them."""

    counts: RunCounts
    kinds: Counter[str] = field(default_factory=Counter)
    joiners: int = 0
    created: set[str] = field(default_factory=set)
    joined: Counter[str] = field(default_factory=Counter)
    taken: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    enabled: set[str] = field(default_factory=set)
    renamed: set[str] = field(default_factory=set)
    removed: Counter[str] = field(default_factory=Counter)
    losers: dict[str, set[str]] = field(default_factory=dict)
    takers: dict[str, set[str]] = field(default_factory=dict)

    def take(self, operation: Change) -> None:
        """Count one operation; of a person who is managed only now (created, adopted), only the kind."""
        self.kinds[operation.kind] += 1
        account = operation.account
        if operation.kind == "create_organization":
            self.created.add(operation.alias or "")
        self.joiners += operation.kind in ("create", "adopt")
        if account is None or (account.link is None and account.id not in self.counts.accounts):
            return
        before = self.counts.accounts[account.id]
        self.joiners += operation.kind == "enable" and not before.access
        if _takes_access(operation, undo=self.counts.undo):
            self.taken.add(account.id)
        if operation.kind == "delete":
            self.deleted.add(account.id)
        elif operation.kind == "enable":
            self.enabled.add(account.id)
        elif operation.kind == "rename":
            self.renamed.add(operation.id)
        elif operation.kind == "remove_membership":
            self.removed[operation.alias or ""] += 1
        elif operation.kind == "remove_role":
            self.losers.setdefault(operation.role or "", set()).add(account.id)
        elif operation.kind == "add_role" and before.settled:
            self.takers.setdefault(operation.role or "", set()).add(account.id)
        elif operation.kind == "add_membership":
            self.joined[operation.alias or ""] += before.placed if operation.alias in self.created else before.settled


def blocks_of(checks: Iterable[GuardCheck]) -> list[Block]:
    """Return the blocks of the guards that were exceeded.

    :param checks: the guards, measured.
    """
    return [Block(check.reason, True) for check in checks if check.exceeded]


def told_checks(checks: Iterable[GuardCheck]) -> list[GuardCheck]:
    """Choose the measured guards that plan and report list: those exceeded, and of the others the nearest of each.

    :param checks: the guards, measured; one that counts by organization may be there for each of them.
    """
    found: list[GuardCheck] = []
    nearest: dict[str, GuardCheck] = {}
    for check in checks:
        if check.exceeded:
            found.append(check)
        elif check.guard not in nearest or check.share > nearest[check.guard].share:
            nearest[check.guard] = check
    exceeded = {check.guard for check in found}
    return [*found, *(check for guard, check in nearest.items() if guard not in exceeded)]


def measure_guards(spec: SyncSpec, operations: Iterable[Change], counts: RunCounts) -> list[GuardCheck]:
    """Measure the guards of the spec on what a plan does, whether they are exceeded or not.

    A guard trips when a count exceeds ``max(share x base, min(floor, base / 2))``; a plain number is the limit itself.

    :param spec: the spec.
    :param operations: the operations, in the order in which they are carried out.
    :param counts: what they are measured against.
    """
    guards = spec.guards
    checks: list[GuardCheck] = []
    done = _ChangeCounts(counts)
    for operation in operations:
        done.take(operation)

    def check(name: str, limit: Limit, count: int, base: int, what: str, subject: str = "") -> None:
        words = singular(what) if count == 1 else what
        checks.append(GuardCheck(name, subject, limit, count, base, allowance(limit, base, guards.floor), words))

    _check_leavers(spec, done, counts, check)
    if counts.old >= _JOINERS_JUDGED_FROM:
        what = "people would be given access (created, adopted or enabled)"
        check("max_joiners", guards.max_joiners, done.joiners, counts.old, what)
    if counts.dropped is not None:
        what = "people with access have no HR row"
        check("max_row_drop", guards.max_row_drop, counts.dropped, counts.with_access, what)
    for alias, count in sorted(done.removed.items()):
        earlier = counts.removed_lately.get(alias, 0)
        what = f"memberships of {alias!r} would be removed{_earlier(earlier)}"
        base = counts.members[alias] + earlier
        check("max_membership_removals", guards.max_membership_removals, count + earlier, base, what, alias)
    for alias, count in sorted(done.joined.items()):
        what, base = f"people who were in a managed organization already would join {alias!r}", counts.settled
        if alias in done.created:
            what, base = f"people who were in an organization already would join {alias!r}", counts.placed
            what += ", which this plan creates (was it deleted or renamed in Kinde?)"
        check("max_membership_grants", guards.max_membership_grants, count, base, what, alias)
    for role, losers in sorted(done.losers.items()):
        what = f"people would lose role {role!r}"
        check("max_role_removals", guards.max_role_removals, len(losers), counts.holders[role], what, role)
    for role, takers in sorted(done.takers.items()):
        what = f"people who had access already would be given role {role!r}"
        check("max_role_grants", guards.max_role_grants, len(takers), counts.settled, what, role)
    if done.renamed:
        earlier = len(counts.renamed_lately - done.renamed)
        what = f"e-mail addresses would change{_earlier(earlier)}"
        count = len(done.renamed) + earlier
        check("max_email_changes", guards.max_email_changes, count, counts.with_access, what)
    check("max_deletes", guards.max_deletes, done.kinds["delete"], counts.managed, "accounts would be deleted")
    check("max_rejected_rows", guards.max_rejected_rows, counts.rejected, counts.rows, "rows are rejected")
    check("max_held", guards.max_held, counts.held, counts.rows, "people are held")
    return checks


def _earlier(count: int) -> str:
    return f" ({count:,} of them in earlier runs, since yesterday)" if count else ""


def allowance(limit: Limit, base: int, floor: int) -> float:
    """How many pass: a plain number as it is, a share with the floor that keeps small tenants usable.

    :param limit: a number, or a share of ``base``.
    :param base: what the share is of.
    :param floor: the least that a share allows.
    """
    if limit.number is not None:
        return limit.number
    # Rounded, because 29 % of 100 is a little less than 29 in binary.
    return max(round((limit.share or 0.0) * base, 6), min(float(floor), base / 2))


def _limit_text(limit: Limit, base: int, allowed: float) -> str:
    """The limit as a whole number, and how it comes about."""
    if limit.number is not None:
        return f"{limit.number:,}"
    share = 100 * (limit.share or 0.0)
    part = round(share * base / 100, 6)
    floor = f" is {int(part):,}; guards.floor lets {int(allowed):,} pass in any case" if allowed > part else ""
    return f"{int(allowed):,} ({share:g} % of {base:,}{floor})"


def _check_leavers(
    spec: SyncSpec,
    done: _ChangeCounts,
    counts: RunCounts,
    check: Callable[[str, Limit, int, int, str], None],
) -> None:
    """Leavers of this plan, the unfinished ones and those of the last two days count together.

    Otherwise a feed that loses a few people every hour would stay below the guard for ever.
    """
    now = {account_id for account_id in done.taken if counts.accounts[account_id].access}
    if not now:
        check("max_leavers", spec.guards.max_leavers, 0, counts.with_access, "people would lose access")
        return
    unfinished = done.taken - now - done.deleted
    recent = counts.recent.keys() - done.enabled if counts.undo else counts.recent.keys()
    counted = now | unfinished | recent
    without = unfinished | {account_id for account_id in recent if not counts.recent[account_id]}
    earlier = len(counted - now)
    what = "people would lose access"
    if earlier:
        what += f" ({earlier:,} of them in an earlier run: unfinished, or since yesterday)"
    check("max_leavers", spec.guards.max_leavers, len(counted), counts.with_access + len(without), what)


def _takes_access(operation: Change, *, undo: bool) -> bool:
    """Whether an operation suspends, deletes or strips a leaver."""
    leaver = not undo if operation.person is None else operation.person.access is Access.NONE
    return operation.kind in ("suspend", "delete") or (operation.kind == "remove_membership" and leaver)
