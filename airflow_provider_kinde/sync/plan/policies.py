"""Policies: functions of the user's own that look at a plan before it is applied, and may block it with a reason."""

from __future__ import annotations

import importlib
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any

from airflow_provider_kinde.sync.changes import Change
from airflow_provider_kinde.sync.plan.guards import Block
from airflow_provider_kinde.sync.plan.plan import Plan
from airflow_provider_kinde.sync.spec.models import SyncSpec

GROUP = "airflow_provider_kinde.policies"
"""The group of entry points in which packages register policies."""
SECONDS = 30.0
"""How long one policy may take."""
_MOST_BLOCKS = 20
_PATH = re.compile(r"(?P<module>[A-Za-z_]\w*(?:\.\w+)*)[.:](?P<name>[A-Za-z_]\w*)")


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """One change of a plan, as a policy sees it.

    :param id: the HR id; empty for ``create_organization``.
    :param kind: such as ``create``, ``suspend`` or ``add_role``.
    :param organization: the organization's alias, for memberships, roles and organizations.
    :param role: the role key, for roles.
    :param email: the person's address: HR's, or the account's where HR has no row.
    :param given_name: the first name, in the same way.
    :param family_name: the last name, in the same way.
    :param user_id: Kinde's id of the account; empty where there is none yet.
    :param before: what is there now, only what changes.
    :param after: what will be there.
    :param reason: why, in words.
    """

    id: str
    kind: str
    organization: str | None
    role: str | None
    email: str
    given_name: str
    family_name: str
    user_id: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    reason: str


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """A plan, as a policy sees it. Nothing of it can be changed.

    :param spec: the name of the spec.
    :param host: Kinde's host.
    :param now: the moment of the plan, in ISO 8601.
    :param summary: how many changes of each kind, people held and unchanged, rows rejected.
    :param changes: all changes, in the order in which they are carried out; can be gone through more than once.
    :param held: HR id and reason of the people who are held.
    :param rejected: row number, HR id (or ``None``) and reason of the rejected rows.
    :param blocked: the reasons for which guards stop the plan.
    """

    spec: str
    host: str
    now: str
    summary: Mapping[str, int]
    changes: Iterable[PlannedChange]
    held: tuple[tuple[str, str], ...]
    rejected: tuple[tuple[int, str | None, str], ...]
    blocked: tuple[str, ...]


Policy = Callable[[PlannedRun], Any]
"""Returns nothing, a reason, a :class:`Block`, or several of these."""


def load_policies(spec: SyncSpec) -> list[tuple[str, Policy]]:
    """Find the policies that a spec names.

    :param spec: the spec.
    :returns: name and function of each.
    :raises SpecError: there is no such module, function or entry point, or it cannot be imported.
    """
    return [(name, _load(spec, index, name)) for index, name in enumerate(spec.policies)]


def _load(spec: SyncSpec, index: int, name: str) -> Policy:
    key = f"policies[{index}]"
    try:
        if path := _PATH.fullmatch(name):
            found = getattr(importlib.import_module(path["module"]), path["name"], None)
        else:
            named = [point for point in entry_points(group=GROUP) if point.name == name]
            found = named[0].load() if named else None
    except Exception as error:  # whatever a module does when it is imported
        raise spec.error(key, f"{name} cannot be imported: {type(error).__name__}: {error}") from error
    if found is None:
        where = f"the entry points {GROUP}" if not _PATH.fullmatch(name) else "its module"
        raise spec.error(key, f"there is no {name} in {where}; a path such as acme.policies.no_admins is expected")
    if not callable(found):
        raise spec.error(key, f"{name} is no function, but {type(found).__name__}")
    policy: Policy = found
    return policy


def check_policies(policies: Iterable[tuple[str, Policy]], plan: Plan, *, seconds: float = SECONDS) -> list[Block]:
    """Ask each policy about a plan. One that fails, or takes too long, blocks the plan.

    :param policies: name and function of each.
    :param plan: the plan, with its operations and the blocks of the guards.
    :param seconds: how long one policy may take.
    :returns: the blocks.
    """
    blocks: list[Block] = []
    for name, policy in policies:
        blocks += _Asked(name, policy, plan).answer(seconds)
    return blocks


class _Asked:
    """One policy, asked in a thread of its own, which is left behind where it does not end."""

    def __init__(self, name: str, policy: Policy, plan: Plan) -> None:
        self._name, self._policy = name, policy
        self._late = threading.Event()
        self._blocks: list[Block] = []
        self._run = PlannedRun(
            spec=plan.spec.name,
            host=plan.host,
            now=plan.now.to_iso8601_string(),
            summary=MappingProxyType(dict(plan.summary)),
            changes=_Changes(plan.operations, self._late),
            held=tuple((held.id, held.reason) for held in plan.held),
            rejected=tuple((each.row, each.id, each.reason) for each in plan.rejected),
            blocked=tuple(block.reason for block in plan.blocked),
        )

    def answer(self, seconds: float) -> list[Block]:
        thread = threading.Thread(target=self._ask, name=f"policy {self._name}", daemon=True)
        thread.start()
        thread.join(seconds)
        if thread.is_alive():
            self._late.set()
            return [self._block(f"did not answer within {seconds:g} seconds")]
        return self._blocks

    def _ask(self) -> None:
        try:
            self._blocks = [self._understood(found) for found in _several(self._policy(self._run))][:_MOST_BLOCKS]
        except BaseException as error:  # a policy may do anything, and must not let a plan pass by it
            self._blocks = [self._block(f"failed: {type(error).__name__}: {str(error)[:300]}")]

    def _understood(self, found: Any) -> Block:
        if isinstance(found, Block):
            return self._block(str(found.reason), found.approvable is True)
        if isinstance(found, str) and found.strip():
            return self._block(found)
        raise TypeError(f"it returned {type(found).__name__}; a reason, a Block, several of them, or None is expected")

    def _block(self, reason: str, approvable: bool = False) -> Block:
        return Block(f"policy {self._name}: {reason.strip()}", approvable)


def _several(found: Any) -> Iterator[Any]:
    if found is None:
        return
    if isinstance(found, (str, Block)) or not isinstance(found, Iterable):
        yield found
    else:
        yield from found


class _Changes:
    """The changes of a plan, made for the policy as it goes through them."""

    def __init__(self, changes: Iterable[Change], late: threading.Event) -> None:
        self._changes, self._late = changes, late

    def __iter__(self) -> Iterator[PlannedChange]:
        for change in self._changes:
            if self._late.is_set():
                raise TimeoutError("the plan no longer waits for this policy")
            yield _planned(change)


def _planned(change: Change) -> PlannedChange:
    person, account = change.person, change.account
    return PlannedChange(
        id=change.id,
        kind=change.kind,
        organization=change.alias,
        role=change.role,
        email=(person and person.email) or (account.email if account else ""),
        given_name=(person and person.given_name) or (account.first_name if account else ""),
        family_name=(person and person.family_name) or (account.last_name if account else ""),
        user_id=account.id if account else "",
        before=_frozen(change.before or {}),
        after=_frozen(change.after or {}),
        reason=change.reason,
    )


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return MappingProxyType({key: _frozen(item) for key, item in value.items()})
    return tuple(map(_frozen, value)) if isinstance(value, (list, tuple)) else value
