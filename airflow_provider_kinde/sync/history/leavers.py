"""How late each leaver lost access, rebuilt from the entries of a history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from airflow_provider_kinde.sync.history.accounts import AccountStates
from airflow_provider_kinde.sync.history.table import approval_text, who_ran

_WAITS = ("; the spec holds", "; the source does not prove that it is whole")
"""In the reason of a leaver who is held because the spec says so, or because the source proves no absence."""


@dataclass(slots=True)
class Leaver:
    """One person who left.

    :param id: HR id.
    :param user: Kinde's user id.
    :param known: the moment of the first run that read in HR that the person left.
    :param data_time: when the data of that run was written.
    :param due: when access was to end by HR's dates; empty where no date says so.
    :param done: when access was gone; empty while it is not.
    :param how: how it was taken.
    :param sessions: when sessions were ended.
    :param api_keys: when API keys were deleted.
    :param memberships: the organizations that the person was in.
    :param entry: number of the entry that took the access.
    :param run: who or what ran it.
    :param approval: who approved it.
    :param reason: why, in words.
    :param delays: what delayed it, in order: what is equal in entries that follow one another, and the words of the
        first of them.
    :param remark: what else explains the moments.
    :param finished: number of the entry after which nothing was left to do; 0 where something is left.
    :param late_from: what says when access was due to end.
    """

    id: str
    user: str
    known: str
    data_time: str = ""
    due: str = ""
    done: str = ""
    how: str = ""
    sessions: str = ""
    api_keys: str = ""
    memberships: str = ""
    entry: int = 0
    run: str = ""
    approval: str = ""
    reason: str = ""
    delays: tuple[tuple[str, str], ...] = ()
    remark: str = ""
    finished: int = 0
    late_from: str = "HR's date"

    def delayed(self, cause: str, text: str) -> None:
        """Note what an entry says of a delay, unless the entry before said the same.

        :param cause: what is equal in both.
        :param text: the words.
        """
        if not self.delays or self.delays[-1][0] != cause:
            self.delays = (*self.delays, (cause, text))

    @property
    def note(self) -> str:
        """What delayed it at first and at last, and whether it was finished."""
        said = list(dict.fromkeys([text for _, text in (*self.delays[:1], *self.delays[-1:])]))
        if said and self.finished:
            said.append(f"finished in entry {self.finished}")
        return "; ".join(filter(None, [*said, self.remark]))

    def row(self) -> tuple[Any, ...]:
        """The leaver as a row of the table."""
        return (
            self.id, self.due, self.known, self.done,
            seconds_between(self.due or self.known, self.done),
            self.late_from if self.due else "first run that read it",
            seconds_between(self.known, self.done), self.how, self.user, self.data_time, self.sessions, self.api_keys,
            self.memberships, self.entry or "", self.run, self.approval, self.reason, self.note,
        )  # fmt: skip


COLUMNS = (
    "id", "due", "known", "done", "late_seconds", "late_from", "seconds_after_known", "how", "user", "data_time",
    "sessions_ended", "api_keys_deleted", "organizations", "entry", "run", "approval", "reason", "note",
)  # fmt: skip


def seconds_between(begin: str, end: str) -> float | str:
    """The seconds between two moments; empty where one of them is missing.

    :param begin: a moment in ISO 8601.
    :param end: a later moment.
    """
    if not begin or not end:
        return ""
    first, last = (datetime.fromisoformat(text.replace("Z", "+00:00")) for text in (begin, end))
    return round((last - first).total_seconds(), 3)


class _Users:
    """Kinde's user ids by HR id, read when the first one is asked for."""

    def __init__(self, states: AccountStates) -> None:
        self._states = states
        self._found: dict[str, str] | None = None

    def of(self, id: str) -> str:
        if self._found is None:
            self._found = {account.line[1]: user for user, account in self._states.accounts.items()}
        return self._found.get(id, "")


class Leavers:
    """Everyone who left. Give it each entry in order, before its operations are applied to the accounts.

    :param states: the accounts.
    """

    def __init__(self, states: AccountStates) -> None:
        self._states = states
        self._open: dict[str, Leaver] = {}
        self.closed: list[Leaver] = []
        self._gone: dict[str, str] = {}
        """Accounts of people who left and did not come back -> when their access was gone."""
        self._back: set[str] = set()
        """Accounts that were enabled again after their people had left."""

    def __iter__(self) -> Iterator[Leaver]:
        yield from self.closed
        for user, one in self._open.items():
            yield one if one.done else self._as_it_is(user, one)

    def _as_it_is(self, user: str, one: Leaver) -> Leaver:
        """The leaver with what someone else did to the account while the runs were stopped."""
        account = self._states.accounts.get(user)
        if account and account.line[2]:
            by = f"by {account.suspended_by}" if account.suspended_at else "before the history began"
            at, how = account.suspended_at or self._states.since, f"suspended {by}, not yet finished by a run"
        elif account is None and user in self._states.gone:
            at, by = self._states.gone[user]
            how = f"account deleted, or its link removed, by {by}"
        else:
            return one
        return replace(one, done=at, how=how, remark="done is when a run noticed it")

    def entry(self, head: Mapping[str, Any], changes: list[Mapping[str, Any]]) -> None:
        """Take an entry.

        :param head: its first line.
        :param changes: its operations.
        """
        seen = set()
        users = _Users(self._states)
        for change in changes:
            if change["op"] == "suspend" and (user := change.get("user") or users.of(change["id"])):
                if head.get("command") == "undo" and user not in self._open and user not in self._back:
                    continue  # what a run gave by mistake is taken back: nobody left
                seen.add(user)
                if not self._is_known(user):
                    self._suspend(head, user, change)
            elif change["op"] == "enable" and change["outcome"] == "done":
                user = str(change.get("user"))
                if user in self._open and self._open[user].done:
                    self._close(user)
                self._open.pop(user, None)
                self._gone.pop(user, None)
                self._back.add(user)
        held = [
            one
            for one in head.get("held") or ()
            if one.get("protected") or any(text in one["reason"] for text in _WAITS)
        ]
        for one in held:
            if user := users.of(one["id"]):
                seen.add(user)
                found = self._one(head, user, one["id"])
                found.delayed(one["reason"], f"held in entry {head['number']}: {one['reason']}")
        whole = head.get("access") in ("full", "changes", "concurrent") and not head.get("limits")
        if whole and head.get("command") in ("apply", "plan") and not head.get("absence_unknown"):
            self._corrected(seen, {one["id"] for name in ("held", "rejected") for one in head.get(name) or ()})

    def _is_known(self, user: str) -> bool:
        """Whether another run that ran at the same time suspended the account already: that is one leaving, not two."""
        account = self._states.accounts.get(user)
        return user in self._gone and user not in self._open and account is not None and bool(account.line[2])

    def _corrected(self, seen: set[str], unclear: set[str]) -> None:
        """Forget people whom a whole run does not take for leavers: HR has corrected itself, or they came back."""
        for user in {*self._open, *self._gone} - seen:
            account = self._states.accounts.get(user)
            if account is not None and account.line[1] in unclear:
                continue
            if user in self._open and not self._open[user].done:
                one = self._open.pop(user)
                if account is None and (one := self._as_it_is(user, one)).done:
                    self.closed.append(one)
            if account is None or not account.line[2]:
                self._gone.pop(user, None)

    def _one(self, head: Mapping[str, Any], user: str, id: str) -> Leaver:
        found = self._open.get(user)
        if found is None:
            known, data = (
                str(head.get("planned_at") or head.get("at")),
                (head.get("input") or {}).get("data_time") or "",
            )
            found = self._open[user] = Leaver(id, user, known, data)
        found.id = id
        return found

    def _close(self, user: str) -> None:
        """End the line of a person whose access is gone: what comes now is another leaving."""
        self._gone[user] = self._open[user].done
        self.closed.append(self._open.pop(user))

    def _suspend(self, head: Mapping[str, Any], user: str, change: Mapping[str, Any]) -> None:
        steps = change.get("steps") or {}
        account = self._states.accounts.get(user)
        if account and not account.line[2] and user in self._open and self._open[user].done:
            self._close(user)  # something was left to do, and meanwhile someone else enabled the account
        found = self._one(head, user, str(change["id"]))
        found.due = str(change.get("due") or found.due)
        left = found.due or found.known
        left = min(left, self._gone.get(user, left))
        if account and account.enabled_at and account.enabled_at > left:
            found.due, found.late_from = account.enabled_at, "when it was enabled"
            found.remark = "enabled by someone else after the person had left"
        found.reason = str(change.get("reason") or "")
        found.memberships = " ".join(change.get("organizations") or ()) or found.memberships
        if account and not found.memberships:  # the entry of an offboarding form does not name them
            found.memberships = " ".join(sorted(self._states.codes.get(code, code) for code in account.line[3]))
        done = change["outcome"] == "done"
        if not done:
            outcome = str(head.get("outcome") if change["outcome"] == "planned" else change["outcome"])
            error = f": {change['error']}" if change.get("error") else ""
            found.delayed(outcome + error, f"{outcome} in entry {head['number']}{error}")
        if not found.done and (done or "suspended" in steps):
            found.how = "taken out of the organizations" if change.get("taken_out") else "suspended"
            found.done = str(steps.get("suspended") or change.get("done") or "")
            if account and account.line[2] and "suspended" not in steps:
                # Of an account that the first list has as suspended, only that is known: then at the latest.
                found.done = account.suspended_at or self._states.since
                by = f"by {account.suspended_by}" if account.suspended_at else "before the history began"
                found.how = f"suspended {by}, finished by this run"
            found.entry, found.run, found.approval = int(head["number"]), who_ran(head), approval_text(head)
        found.sessions = str(steps.get("sessions") or found.sessions)
        found.api_keys = str(steps.get("api_keys") or found.api_keys)
        if done:
            found.finished = int(head["number"])
            self._close(user)
