"""Who had access to what at the end of an entry, rebuilt from the entries before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from airflow_provider_kinde.sync.history.access import Line, changed_line
from airflow_provider_kinde.sync.history.table import noticed_text

UNKNOWN = "there before the first list of accounts that the history has"
BY_HAND = "given without a run of this sync"
ACCOUNT = "", ""
"""The key of the grant of the account itself: since when it is enabled."""


@dataclass(slots=True)
class Grant:
    """Since when, by which rule and by which run access is there.

    :param since: the moment; empty where it began before the history.
    :param rule: the rule, or why there is none.
    :param entry: number of the entry.
    """

    since: str
    rule: str
    entry: int


@dataclass(slots=True)
class AccountHistory:
    """One account of the sync.

    :param line: its line, as :mod:`.access` describes it.
    :param grants: organization code and role (empty for the membership itself) -> since when and why; :data:`ACCOUNT`
        for the account itself.
    :param suspended_at: when it was suspended; empty for an enabled one.
    :param suspended_by: who suspended it.
    :param enabled_at: when another party than the sync enabled it last; empty for never.
    :param signed_in: the last sign-in; empty for never.
    :param signed_in_read: when the last sign-in was read.
    """

    line: Line
    grants: dict[tuple[str, str], Grant] = field(default_factory=dict)
    suspended_at: str = ""
    suspended_by: str = ""
    enabled_at: str = ""
    signed_in: str = ""
    signed_in_read: str = ""


@dataclass(slots=True)
class Noticed:
    """Something that changed without a run of the sync.

    :param at: when a run noticed it.
    :param after: the end of the run before, at which it was not so; empty where that run was for a later moment.
    :param user: Kinde's user id.
    :param id: HR id.
    :param what: what changed, in words.
    :param entry: number of the entry that noticed it.
    :param note: what explains it, if something does.
    """

    at: str
    after: str
    user: str
    id: str
    what: str
    entry: int
    note: str = ""


class AccountStates:
    """The accounts of a sync, entry by entry. Give it each entry in order."""

    def __init__(self) -> None:
        self.accounts: dict[str, AccountHistory] = {}
        self.gone: dict[str, tuple[str, str]] = {}
        """Accounts that are the sync's no more -> since when, and by whom."""
        self.codes: dict[str, str] = {}
        """Organization code -> alias."""
        self.known = False
        """Whether an entry listed all accounts."""
        self.since = ""
        """When the first entry listed all accounts."""
        self.read = ""
        """When a run read the accounts last."""
        self._managed: frozenset[str] = frozenset()
        self._before = ""
        self._failed: set[str] = set()

    def begin(self, head: Mapping[str, Any]) -> None:
        """Begin an entry.

        :param head: its first line.
        """
        for alias, code in (head.get("organizations") or {}).items():
            self.codes[code] = alias

    def end(self, head: Mapping[str, Any], failed: set[str]) -> None:
        """End an entry.

        :param head: its first line.
        :param failed: Kinde ids of accounts of which an operation was not done.
        """
        self._before, self._failed = str(head.get("ended") or head.get("written") or ""), failed
        if head.get("access") in ("full", "changes"):
            self.read = str(head.get("began"))
        if head.get("organizations"):
            self._managed = frozenset(head["organizations"].values())

    def listed(self, head: Mapping[str, Any], lines: Iterator[Line]) -> Iterator[Noticed]:
        """Take the whole list of accounts of an entry.

        :param head: the first line of the entry.
        :param lines: the lines of the list.
        :returns: what differs from what the entries before say.
        """
        managed = frozenset((head.get("organizations") or {}).values())
        both = managed & self._managed
        left = set(self.accounts)
        for line in lines:
            user = line[0]
            left.discard(user)
            yield from self._observe(head, user, line[:4], both, "")
            account = self.accounts[user]
            account.signed_in, account.signed_in_read = line[4], str(head.get("began"))
        for user in sorted(left):
            yield from self._observe(head, user, None, both, "")
        if not self.known:
            self.known, self.since = True, str(head.get("began"))

    def noticed(self, head: Mapping[str, Any], change: Mapping[str, Any]) -> Iterator[Noticed]:
        """Take one thing that a run noticed.

        :param head: the first line of the entry.
        :param change: the line of the entry.
        """
        after = change["after"]
        yield from self._observe(head, change["noticed"], after, None, str(change.get("mark") or ""))

    def _observe(
        self, head: Mapping[str, Any], user: str, after: Line | None, codes: frozenset[str] | None, mark: str
    ) -> Iterator[Noticed]:
        account = self.accounts.get(user)
        before = account.line if account else None
        if before == after:
            return
        shown_before, shown_after = (
            line if line is None or codes is None else [*line[:3], {c: r for c, r in line[3].items() if c in codes}]
            for line in (before, after)
        )
        at = str(head.get("began"))
        if self.known and shown_before != shown_after:
            id = str((after or before or ["", ""])[1])
            text = noticed_text({"before": shown_before, "after": shown_after}, self.codes)
            after_that = self._before if self._before <= at else ""  # the run before was for a later moment
            yield Noticed(at, after_that, user, id, text, int(head["number"]), self._note(user, mark))
        rule, since = (BY_HAND, at) if self.known else (UNKNOWN, "")
        self._set(user, after, Grant(since, rule, int(head["number"])), by="" if self.known else UNKNOWN)

    def _note(self, user: str, mark: str) -> str:
        if user in self._failed:
            return "after an operation of the run before that was not done"
        if "~leaving" in mark:
            return "by a run of this sync that was ended before it wrote its entry"
        return ""

    def apply(self, head: Mapping[str, Any], change: Mapping[str, Any]) -> None:
        """Take an operation of an entry.

        :param head: the first line of the entry.
        :param change: the operation.
        """
        user = change.get("user")
        if not user:
            return
        account = self.accounts.get(user)
        after = changed_line(account.line if account else None, change)
        steps = change.get("steps") or {}
        at = steps.get("suspended") or steps.get("created") or change.get("done") or str(head.get("ended"))
        grant = Grant(str(at), str(change.get("reason") or ""), int(head["number"]))
        if account is None and after is None:
            return
        self._set(user, after, grant, by=f"entry {head['number']}")

    def _set(self, user: str, after: Line | None, grant: Grant, *, by: str) -> None:
        """Put a line in place of the one before, and note since when each part of it is so."""
        account = self.accounts.get(user)
        if after is None:
            if self.accounts.pop(user, None):
                self.gone[user] = grant.since, by or "someone else"
            return
        if account is None:
            account = self.accounts[user] = AccountHistory([user, after[1], 0, {}])
        if after[2] and not account.line[2]:
            account.suspended_at, account.suspended_by = grant.since, by or "someone else"
        elif account.line[2] and not after[2]:
            account.suspended_at = account.suspended_by = ""
            if not by:
                account.enabled_at = grant.since
            # Access begins anew: what the account kept while it was suspended was no access.
            since = {key: replace(old, since=grant.since, entry=grant.entry) for key, old in account.grants.items()}
            account.grants = {**since, ACCOUNT: grant}
        held = {ACCOUNT, *((code, role) for code, roles in after[3].items() for role in ("", *roles))}
        for key in held - account.grants.keys():
            account.grants[key] = grant
        for key in account.grants.keys() - held:
            del account.grants[key]
        account.line = after

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield who has access: one row a role, a membership without roles, or an account without membership."""
        for user, account in sorted(self.accounts.items(), key=lambda item: (item[1].line[1], item[0])):
            if account.line[2]:
                continue
            seen = (account.signed_in or "never", account.signed_in_read) if account.signed_in_read else ("", "")
            places: dict[str, list[str]] = account.line[3]
            if not places:
                grant = account.grants[ACCOUNT]
                yield (account.line[1], user, "", "", "", *self._why(grant), *seen)
            for code in sorted(places, key=lambda code: self.codes.get(code, code)):
                for role in sorted(places[code]) or [""]:
                    grant = account.grants[code, role]
                    where = self.codes.get(code, "")
                    yield (account.line[1], user, where, code, role, *self._why(grant), *seen)

    def _why(self, grant: Grant) -> tuple[str, str, int]:
        """Since when, by which rule and by which entry. Of access in the first list, only that is known: before it."""
        return grant.since or f"before {self.since}", grant.rule, grant.entry
