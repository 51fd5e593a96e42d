"""Take the address off a leaver's account, so that somebody else may have it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_kinde.client.create_once import create_once
from airflow_provider_kinde.exceptions import KindeNotFoundError, SyncError
from airflow_provider_kinde.resources.normalization import email_key
from airflow_provider_kinde.sync.link import Link
from airflow_provider_kinde.sync.plan.scopes import lacking
from airflow_provider_kinde.sync.report.text import clean
from airflow_provider_kinde.sync.snapshot.reader import Progress, Snapshot, address_of, read_snapshot
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.accounts import Account

DOMAIN = "released.invalid"
"""``.invalid`` is reserved: no mail server and no company will ever have it."""
SCOPES = frozenset(
    {"update:users", "read:user_identities", "create:user_identities", "update:identities", "delete:identities"}
)


@dataclass(slots=True)
class Released:
    """What a release did.

    :param before: the address that was taken off; empty when it was released already.
    :param after: the primary address now.
    :param steps: what was written (or, in a dry run, would be), in order.
    :param others: further e-mail addresses that stay on the account.
    """

    account: Account
    before: str
    after: str
    steps: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    dry_run: bool = False

    def text(self) -> str:
        """For a terminal."""
        link = self.account.link
        lines = [f"account {clean(self.account.id)} of {clean(link.id if link else '')}"]
        if not self.steps:
            lines.append(f"  already released: its address is {clean(self.after)}; nothing was written")
        else:
            lines += [f"  - {clean(step)}" for step in self.steps]
            if self.before:
                lines.append(f"  {clean(self.before)} {'would be' if self.dry_run else 'is'} free for somebody else")
            if self.dry_run:
                lines.append("  dry run: nothing was written")
        lines += [f"  note: the account has {clean(other)} as well: --email {clean(other)}" for other in self.others]
        return "\n".join(lines) + "\n"


def release(
    spec: SyncSpec,
    client: Any,
    id: str,
    *,
    email: str | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Released:
    """Put a placeholder in the place of a leaver's address, which Kinde does not allow to be deleted as such.

    It goes the way of every address change, under the mark of one: mark, new identity, make it primary, delete the
    former one, unmark. Killed anywhere, it goes on from there when it is run again; a return of the leaver finishes it,
    too, since the next run then renames the account to the address that HR has.

    :param id: HR id of a leaver whom this sync finished: suspended, or taken out of its organizations, and marked.
    :param email: a secondary address to take off instead of the primary one.
    :param dry_run: check and show, but do not write.
    :raises SyncError: for anybody else, and for an address that is an enterprise or social sign-in.
    """
    client = client.get_conn() if hasattr(client, "get_conn") else client
    _check_tenant(spec, client.host)
    snapshot = read_snapshot(spec, client, progress)
    account = _leaver(spec, snapshot, id.strip())
    identities = [item for item in client.iter_user_identities(account.id) if item.get("id")]
    work = _Release(spec, client, account, identities, dry_run)
    if error := lacking(SCOPES, client, "release"):
        raise error
    return work.secondary(email_key(email)) if email else work.primary()


class _Release:
    """One account under way. Everything is judged by what Kinde shows, so that a second run finds its place."""

    def __init__(
        self, spec: SyncSpec, client: Any, account: Account, identities: Sequence[Mapping[str, Any]], dry_run: bool
    ) -> None:
        assert account.link is not None
        self.spec, self.client, self.account, self.dry_run = spec, client, account, dry_run
        self.link: Link = account.link
        self.kinds = {str(item["id"]): str(item.get("type") or "") for item in identities}
        self.addresses = {str(item["id"]): address_of(item) for item in identities if address_of(item)}
        self.placeholder = email_key(f"{account.id}@{DOMAIN}")
        self.steps: list[str] = []

    def primary(self) -> Released:
        """Take the primary address off, or finish doing so."""
        now = email_key(self.account.email)
        marked = self.addresses.get(self.link.renaming, "")
        address = marked if now == self.placeholder else now
        if not now:
            raise SyncError("the account has no address: there is nothing to release")
        self._check(address)
        if self.link.renaming and now != self.placeholder and marked not in ("", now):
            # The leave came in the middle of an address change: its own former address goes first.
            self._delete(self.link.renaming)
        former = self._email_ids(address)
        if now != self.placeholder:
            if not former:
                raise SyncError(f"Kinde lists no e-mail identity with the primary address {address}: not released")
            if self.link.renaming != former[0]:
                self._mark(self.link.with_renaming(former[0]))
            self._make_primary(self._placeholder_id())
        for identity_id in reversed(former):  # the marked one last: until then the mark says which address it was
            self._delete(identity_id)
        if self.link.renaming:
            self._mark(self.link.with_renaming(""))
        return self._released(address)

    def secondary(self, address: str) -> Released:
        """Take a secondary address off: its identity is deleted."""
        if address == email_key(self.account.email):
            return self.primary()
        self._check(address)
        found = self._email_ids(address)
        if not found:
            raise SyncError(f"the account has no e-mail identity {address}")
        for identity_id in found:
            self._delete(identity_id)
        return self._released(address)

    def _released(self, address: str) -> Released:
        own = {email_key(self.account.email), self.placeholder, address}
        others = {value for key, value in self.addresses.items() if self.kinds[key] == "email"} - own
        after = self.placeholder if address == email_key(self.account.email) else self.account.email
        return Released(self.account, address, after, self.steps, sorted(others), self.dry_run)

    def _check(self, address: str) -> None:
        for identity_id, value in self.addresses.items():
            if address and value == address and self.kinds[identity_id] != "email":
                raise SyncError(
                    f"{address} is a sign-in of type {self.kinds[identity_id]} on this account as well: "
                    "remove it where it comes from (the enterprise or social connection), then run again"
                )
        named = [("protect.emails", self.spec.protect.emails), ("keep", {entry.email for entry in self.spec.keep})]
        for key, emails in named:
            if address in emails:
                raise SyncError(
                    f"{address} stands in {key} of the spec, which would then mean somebody else: remove it"
                )

    def _email_ids(self, address: str) -> list[str]:
        found = [key for key, value in self.addresses.items() if value == address and self.kinds[key] == "email"]
        return sorted(found, key=lambda key: (key != self.link.renaming, key))

    # -- the writes ---------------------------------------------------------------------------------------------

    def _mark(self, link: Link) -> None:
        self.steps.append(f"mark the account: {link}" if link.renaming else f"drop the mark: {link}")
        self.link = link
        if not self.dry_run:
            self.client.update_user(self.account.id, provided_id=str(link))

    def _placeholder_id(self) -> str:
        """Identity id of the placeholder, which is added unless an earlier run did."""
        if known := self._email_ids(self.placeholder):
            return known[0]
        self.steps.append(f"add the address {self.placeholder}")
        if self.dry_run:
            return ""

        def look() -> str | None:
            for item in self.client.iter_user_identities(self.account.id):
                if item.get("id") and address_of(item) == self.placeholder:
                    return str(item["id"])
            return None

        def send() -> str:
            answer = self.client.create_user_identity(self.account.id, type="email", value=self.placeholder) or {}
            found = (answer.get("identity") or {}).get("id") or look()
            if not found:
                raise SyncError("Kinde answered the placeholder without an id, and the account does not show it")
            return str(found)

        return create_once(send, look)[0]

    def _make_primary(self, identity_id: str) -> None:
        self.steps.append(f"make {self.placeholder} the primary address")
        if not self.dry_run:
            self.client.update_identity(identity_id, is_primary=True)

    def _delete(self, identity_id: str) -> None:
        self.steps.append(f"delete the address {self.addresses.get(identity_id, identity_id)}")
        if not self.dry_run:
            with contextlib.suppress(KindeNotFoundError):  # an earlier try did it, and its answer was lost
                self.client.delete_identity(identity_id)


def _leaver(spec: SyncSpec, snapshot: Snapshot, id: str) -> Account:
    """The one account of a leaver whom the sync finished."""
    accounts = snapshot.linked.get(id, [])
    if len(accounts) != 1:
        found = f"{len(accounts)} Kinde accounts carry" if accounts else "no Kinde account carries"
        raise SyncError(f"{found} the link {Link(spec.name, id)}")
    account, link = accounts[0], accounts[0].link
    assert link is not None
    if link.unknown:
        raise SyncError(f"the account's provided_id has {link.unknown!r}, which this version does not know")
    if link.left is None:
        state = "is suspended, but not finished as a leaver" if account.suspended else "has access"
        raise SyncError(f"{id} {state}: release is for leavers whom an apply has finished ({link})")
    if not account.suspended:
        inside = sorted(snapshot.memberships(account.id))
        if "remove" not in (spec.leaver.action, spec.absent) or inside:
            where = f", in {', '.join(inside)}" if inside else ""
            raise SyncError(f"{id} left, but the account was enabled again since{where}: apply first, or settle it")
    return account


def _check_tenant(spec: SyncSpec, host: str) -> None:
    if spec.tenant and spec.tenant.casefold() != host.casefold():
        raise SyncError(f"wrong tenant: the spec is for {spec.tenant}, the connection is for {host}")
