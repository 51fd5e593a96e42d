"""Take the address off a leaver's account, so that another account can have it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.resources import users
from airflow_provider_kinde.resources.fields import address_of
from airflow_provider_kinde.resources.normalization import email_key
from airflow_provider_kinde.sync.link import Link, address_digest
from airflow_provider_kinde.sync.model import Account
from airflow_provider_kinde.sync.plan.account_rights import AccountRights
from airflow_provider_kinde.sync.plan.kept import utc_today
from airflow_provider_kinde.sync.plan.run_request import check_approved_only, typed_id
from airflow_provider_kinde.sync.plan.scopes import lacking
from airflow_provider_kinde.sync.progress import Progress
from airflow_provider_kinde.sync.report.text import clean
from airflow_provider_kinde.sync.snapshot.other_organizations import OtherOrganizations
from airflow_provider_kinde.sync.snapshot.reader import Snapshot, read_snapshot
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.near_ids import near_ids, suggestion
from airflow_provider_kinde.sync.tenant import client_of, wrong_tenant

DOMAIN = "released.invalid"
"""Domain of placeholders. ``.invalid`` is reserved, so that it never receives mail."""
SCOPES = frozenset(
    {"update:users", "read:user_identities", "create:user_identities", "update:identities", "delete:identities"}
)


@dataclass(slots=True)
class ReleaseResult:
    """The result of a release.

    :param account: the leaver's account.
    :param before: the address that was taken off; empty if it was released already.
    :param after: the primary address now.
    :param steps: what was written (or would be, in a dry run), in order.
    :param others: further e-mail addresses that stay on the account.
    :param dry_run: whether nothing was written.
    """

    account: Account
    before: str
    after: str
    steps: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    dry_run: bool = False

    def text(self) -> str:
        """Write the result for a terminal.

        :returns: the text.
        """
        link = self.account.link
        lines = [f"account {clean(self.account.id)} of {clean(link.id if link else '')}"]
        if not self.steps:
            lines.append(f"  already released: its address is {clean(self.after)}; nothing was written")
        else:
            lines += [f"  - {clean(step)}" for step in self.steps]
            if self.before:
                lines.append(f"  {clean(self.before)} {'would be' if self.dry_run else 'is'} free for another account")
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
    approve_protected: Collection[str] = (),
    progress: Progress | None = None,
) -> ReleaseResult:
    """Replace a leaver's address with a placeholder. Kinde does not allow to delete a primary address.

    The steps are those of every address change, with its mark: mark, add the placeholder, make it primary, delete the
    former address, unmark. If it is interrupted, run it again: it continues. If the leaver returns in between, the next
    sync finishes it by giving the account the address that HR has.

    :param spec: the spec.
    :param client: a Kinde client, or a hook that has one.
    :param id: HR id of a leaver whom this sync finished: suspended, or removed from its organizations, and marked.
    :param email: a secondary address to take off instead of the primary one.
    :param dry_run: check and show what would be written, but do not write.
    :param approve_protected: the HR id, if the account is protected and may lose its address.
    :param progress: called with stage, count and total during long work.
    :returns: what was written.
    :raises UnknownIdsError: ``approve_protected`` names another id.
    :raises SyncError: the person is no finished leaver, or the address is an enterprise or social sign-in, or the spec
        names it in ``protect.emails`` or ``keep``. Nothing was written.
    """
    client = client_of(client)
    if reason := wrong_tenant(spec.tenant, client.host):
        raise SyncError(reason)
    id = typed_id(id)
    check_approved_only("release", id, approve_protected)
    snapshot = read_snapshot(spec, client, progress)
    account = _leaver(spec, snapshot, id)
    rights = AccountRights(
        spec=spec,
        snapshot=snapshot,
        protected_elsewhere=OtherOrganizations(spec, snapshot, client).holds_protected_role,
    )
    protected = id not in map(typed_id, approve_protected) and rights.has_rights(account)
    identities = users.read_identities(client, account.id)
    work = _Release(spec, client, account, identities, dry_run, protected)
    if error := lacking(SCOPES, client, "release"):
        raise error
    return work.secondary(email_key(email)) if email else work.primary()


class _Release:
    """The release of one account. Each step first reads what Kinde has, so that a second run continues."""

    def __init__(
        self,
        spec: SyncSpec,
        client: Any,
        account: Account,
        identities: Sequence[Mapping[str, Any]],
        dry_run: bool,
        protected: bool,
    ) -> None:
        assert account.link is not None
        self.spec, self.client, self.account, self.dry_run = spec, client, account, dry_run
        self.protected = protected
        self.link: Link = account.link
        self.kinds = {str(item["id"]): str(item.get("type") or "") for item in identities}
        self.addresses = {str(item["id"]): address_of(item) for item in identities if address_of(item)}
        self.placeholder = email_key(f"{account.id}@{DOMAIN}")
        self.steps: list[str] = []

    def primary(self) -> ReleaseResult:
        """Take the primary address off, or finish doing so."""
        now = email_key(self.account.email)
        marked = self.addresses.get(self.link.renaming, "")
        address = marked if now == self.placeholder else now
        if not now:
            raise SyncError("the account has no address. There is nothing to release")
        self._check(address)
        if self.link.renaming and now != self.placeholder and marked not in ("", now):
            # The person left during an address change: delete the former address of that change first.
            self._delete(self.link.renaming)
        for identity_id, value in self.addresses.items():
            added = self.kinds[identity_id] == "email" and address_digest(value) == self.link.adding
            if added and value not in (now, self.placeholder):
                self._delete(identity_id)
        former = self._email_ids(address)
        if now != self.placeholder:
            if not former:
                raise SyncError(
                    f"Kinde lists no e-mail identity with the primary address {address}. Nothing was written"
                )
            if self.link.renaming != former[0]:
                self._mark(self.link.with_renaming(former[0], self.placeholder))
            self._make_primary(self._placeholder_id())
        for identity_id in reversed(former):  # the marked one last: until then the mark names the address
            self._delete(identity_id)
        if self.link.renaming:
            self._mark(self.link.with_renaming(""))
        return self._released(address)

    def secondary(self, address: str) -> ReleaseResult:
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

    def _released(self, address: str) -> ReleaseResult:
        own = {email_key(self.account.email), self.placeholder, address}
        others = {value for key, value in self.addresses.items() if self.kinds[key] == "email"} - own
        after = self.placeholder if address == email_key(self.account.email) else self.account.email
        return ReleaseResult(self.account, address, after, self.steps, sorted(others), self.dry_run)

    def _check(self, address: str) -> None:
        for identity_id, value in self.addresses.items():
            if address and value == address and self.kinds[identity_id] != "email":
                raise SyncError(
                    f"{address} is also a sign-in of type {self.kinds[identity_id]} on this account: "
                    "remove it in the enterprise or social connection that it comes from, then run release again"
                )
        named = [
            ("protect.emails", self.spec.protect.emails),
            ("keep", {entry.email for entry in self.spec.keep if entry.email and not entry.ended(utc_today())}),
        ]
        for key, emails in named:
            if address in emails:
                raise SyncError(
                    f"{key} of the spec names {address}, which would then be another person: remove it there first"
                )
        if self.protected:
            raise SyncError(
                f"the account of {self.link.id} is protected, and would lose its address: approve with "
                f"--approve-protected {self.link.id}"
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
        """Identity id of the placeholder. It is added if the account does not have it yet."""
        if known := self._email_ids(self.placeholder):
            return known[0]
        self.steps.append(f"add the address {self.placeholder}")
        return "" if self.dry_run else users.add_email(self.client, self.account.id, self.placeholder)

    def _make_primary(self, identity_id: str) -> None:
        self.steps.append(f"make {self.placeholder} the primary address")
        if not self.dry_run:
            users.make_primary(self.client, identity_id)

    def _delete(self, identity_id: str) -> None:
        self.steps.append(f"delete the address {self.addresses.get(identity_id, identity_id)}")
        if not self.dry_run:
            users.delete_identity(self.client, identity_id)


def _leaver(spec: SyncSpec, snapshot: Snapshot, id: str) -> Account:
    """Find the account of a leaver whom the sync finished."""
    accounts = snapshot.linked.get(id, [])
    if len(accounts) != 1:
        found = f"{len(accounts)} Kinde accounts carry" if accounts else "no Kinde account carries"
        near = "" if accounts else suggestion(near_ids(snapshot.database, id))
        raise SyncError(f"{found} the link {Link(spec.name, id)}{near}")
    account, link = accounts[0], accounts[0].link
    assert link is not None
    if link.problem:
        raise SyncError(link.problem)
    if link.left is None:
        state = "is suspended, but not finished as a leaver" if account.suspended else "has access"
        raise SyncError(f"{id} {state}: release is for leavers whom an apply has finished ({link}). Run apply first")
    if not account.suspended:
        inside = sorted(snapshot.memberships(account.id))
        if "remove" not in (spec.leaver.action, spec.absent) or inside:
            where = f" and is a member of {', '.join(inside)}" if inside else ""
            raise SyncError(
                f"{id} left, but the account was enabled since{where}: run apply first, or suspend it in Kinde"
            )
    return account
