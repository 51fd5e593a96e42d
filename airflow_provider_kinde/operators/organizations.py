"""Create, change and delete Kinde organizations, and say who is in them. Each operator may run again.

Organizations are named by ``org_code`` or by one of ``handle``, ``external_id`` and ``name``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow_provider_kinde.operators.base import (
    IfExists,
    IfMissing,
    KindeOperator,
    TakesAddress,
    listed,
    mapping,
    one_of,
    optional_list,
    set_address,
)

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_kinde.lookup import OrganizationName
    from airflow_provider_kinde.member_changes import Entry, Members

Result = dict[str, Any]


class KindeCreateOrganizationOperator(KindeOperator):
    """Create an organization, unless it is there.

    Kinde allows two of the same name. Whether one is there is judged by ``external_id`` if given, else by ``handle``
    if given, else by ``name``.

    :param name: its name (templated).
    :param handle: a short unique name for URLs (templated).
    :param external_id: an id of your own (templated).
    :param settings: further fields under Kinde's own names, such as ``is_allow_registrations`` (templated).
    :param if_exists: ``skip`` leaves it alone, ``update`` brings it to what is asked for, ``fail`` fails the task.
    :param kinde_conn_id: Airflow connection (templated).
    :returns: ``{org_code, outcome, changed}`` with the outcome ``created``, ``updated``, ``unchanged``, ``skipped``.
    """

    template_fields: Sequence[str] = ("kinde_conn_id", "name", "handle", "external_id", "settings")
    template_fields_renderers: ClassVar[dict[str, str]] = {"settings": "json"}

    def __init__(
        self,
        *,
        name: str,
        handle: str | None = None,
        external_id: str | None = None,
        settings: Mapping[str, Any] | str | None = None,
        if_exists: IfExists = "skip",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.handle = handle
        self.external_id = external_id
        self.settings = settings
        self.if_exists = one_of("if_exists", if_exists, "skip", "update", "fail")

    def execute(self, context: Context) -> Result:
        """``POST /organization``, after a look whether it is there.

        :raises KindeInputError: no name, an unknown setting, or two organizations fit.
        :raises KindeConflictError: it is there, with ``if_exists="fail"``, or another one has the handle.
        """
        from airflow_provider_kinde.api.once import once
        from airflow_provider_kinde.exceptions import KindeConflictError, KindeError, KindeResponseError
        from airflow_provider_kinde.lookup import KindeInputError, OrganizationName, ask, find_organization, text

        given = {key: text(getattr(self, key)) for key in ("name", "handle", "external_id")}
        if not given["name"]:
            raise KindeInputError("name is empty")
        settings = fields("create_organization", self.settings)
        body = {**{key: value for key, value in given.items() if value}, **settings}
        key = next(key for key in ("external_id", "handle", "name") if given[key])
        name, lost = OrganizationName(key, given[key]), False
        with self._client(context) as client:

            def look() -> str | None:
                found = ask(find_organization(name), client)
                return str(found["code"]) if found else None

            def send() -> str:
                nonlocal lost
                try:
                    answer = client.create_organization(**body)
                except KindeError as error:
                    lost = lost or error.fate_unknown
                    raise
                code = ((answer or {}).get("organization") or {}).get("code") or look()
                if not code:
                    raise KindeResponseError("Kinde answered without a code, and lists no such organization")
                return str(code)

            found = look()
            code, sent = (found, False) if found else once(send, look)
            if sent or lost:
                return outcome(code, "created")
            if self.if_exists == "fail":
                raise KindeConflictError(f"the organization {code} has the {name} already")
            if self.if_exists == "skip":
                return outcome(code, "skipped")
            wanted = {field: value for field, value in body.items() if field in updatable()}
            changed = write_organization(client, code, wanted)
            return outcome(code, "updated" if changed else "unchanged", changed)


class _OrganizationOperator(KindeOperator):
    """What operators on an organization that is there share."""

    template_fields: Sequence[str] = ("kinde_conn_id", "org_code", "handle", "external_id", "name")

    def __init__(
        self,
        *,
        org_code: str | None = None,
        handle: str | None = None,
        external_id: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.org_code = org_code
        self.handle = handle
        self.external_id = external_id
        self.name = name
        if org_code is None and handle is None and external_id is None and name is None:
            raise ValueError("name the organization by one of org_code, handle, external_id, name")

    def _name(self) -> OrganizationName:
        from airflow_provider_kinde.lookup import OrganizationName

        return OrganizationName.of(self.org_code, self.handle, self.external_id, self.name)

    def _code(self, client: Any, name: OrganizationName) -> str:
        from airflow_provider_kinde.lookup import ask, need_organization

        return str(ask(need_organization(name), client)["code"])


class KindeUpdateOrganizationOperator(_OrganizationOperator):
    """Change an organization; what is left out stays, and what is so already is not written.

    :param org_code: its code (templated). With it, ``name``, ``handle`` and ``external_id`` are new values.
    :param handle: without ``org_code``: what to find it by (templated). ``external_id`` and ``name`` likewise.
    :param changes: new values under Kinde's own names: ``name``, ``handle``, ``is_suspended``, ... (templated).
    :param if_missing: ``fail`` or ``skip`` when there is no such organization.
    :param kinde_conn_id: Airflow connection (templated).
    :returns: ``{org_code, outcome, changed}`` with the outcome ``updated``, ``unchanged`` or ``missing``.
    """

    template_fields: Sequence[str] = (*_OrganizationOperator.template_fields, "changes")
    template_fields_renderers: ClassVar[dict[str, str]] = {"changes": "json"}

    def __init__(
        self, *, changes: Mapping[str, Any] | str | None = None, if_missing: IfMissing = "fail", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.changes = changes
        self.if_missing = one_of("if_missing", if_missing, "skip", "fail")

    def execute(self, context: Context) -> Result:
        """``PATCH /organization/{code}`` with what differs.

        :raises KindeInputError: nothing to change, an unknown field, or two organizations fit.
        :raises KindeNotFoundError: no such organization, with ``if_missing="fail"``.
        """
        from airflow_provider_kinde.exceptions import KindeNotFoundError
        from airflow_provider_kinde.lookup import KindeInputError, OrganizationName, text

        changes = fields("update_organization", self.changes)
        if text(self.org_code):
            target = OrganizationName.of(self.org_code)
            new = {key: text(getattr(self, key)) for key in ("name", "handle", "external_id")}
            changes = {**{key: value for key, value in new.items() if value}, **changes}
        else:
            target = self._name()
        if not changes:
            raise KindeInputError("there is nothing to change: put new values into changes")
        with self._client(context) as client:
            try:
                code = self._code(client, target)
            except KindeNotFoundError:
                if self.if_missing == "fail":
                    raise
                return outcome(target.value if target.key == "code" else None, "missing")
            changed = write_organization(client, code, changes)
            return outcome(code, "updated" if changed else "unchanged", changed)


class KindeDeleteOrganizationOperator(_OrganizationOperator):
    """Delete an organization. Its members leave it; their accounts stay.

    :param org_code: its code (templated), or one of ``handle``, ``external_id`` and ``name``.
    :param if_missing: ``skip`` (as wanted: it is not there) or ``fail``.
    :param kinde_conn_id: Airflow connection (templated).
    :returns: ``{org_code, outcome, changed}`` with the outcome ``deleted`` or ``missing``.
    """

    def __init__(self, *, if_missing: IfMissing = "skip", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.if_missing = one_of("if_missing", if_missing, "skip", "fail")

    def execute(self, context: Context) -> Result:
        """``DELETE /organization/{code}``.

        :raises KindeInputError: two organizations fit.
        :raises KindeNotFoundError: no such organization, with ``if_missing="fail"``.
        """
        from airflow_provider_kinde.exceptions import KindeNotFoundError

        name = self._name()
        with self._client(context) as client:
            try:
                code = self._code(client, name)
            except KindeNotFoundError:
                if self.if_missing == "fail":
                    raise
                return outcome(name.value if name.key == "code" else None, "missing")
            # Gone by a first try whose answer got lost: as wanted.
            with suppress(KindeNotFoundError):
                client.delete_organization(code)
            return outcome(code, "deleted")


class _MembersOperator(_OrganizationOperator):
    """What operators on an organization's members share."""

    template_fields: Sequence[str] = (*_OrganizationOperator.template_fields, "users", "roles", "permissions")
    template_fields_renderers: ClassVar[dict[str, str]] = {"users": "json", "roles": "json", "permissions": "json"}

    def __init__(
        self,
        *,
        users: Sequence[Any] | str,
        roles: Sequence[str] | str | None = None,
        permissions: Sequence[str] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.users = users
        self.roles = roles
        self.permissions = permissions

    def execute(self, context: Context) -> Result:
        """Read who is a member, and write what is due, 100 users to a request.

        :raises KindeInputError: an empty list, an id that cannot be one, an unknown role, an address that two have.
        :raises KindeNotFoundError: no such organization or user.
        """
        from airflow_provider_kinde.member_changes import Members, wishes

        name = self._name()
        roles, permissions = optional_list(self.roles, "roles"), optional_list(self.permissions, "permissions")
        wanted = wishes(listed(self.users, "users"), roles, permissions)
        with self._client(context) as client:
            code = self._code(client, name)
            found = self._act(Members(client, code, wanted))
        self.log.info("%s: %s", code, ", ".join(f"{len(ids)} {what}" for what, ids in found.items()))
        return {"org_code": code, **found}

    def _act(self, members: Members) -> dict[str, list[str]]:
        raise NotImplementedError


class KindeAddOrganizationUsersOperator(_MembersOperator):
    """Make users members of an organization, however many.

    :param org_code: the organization's code (templated), or one of ``handle``, ``external_id`` and ``name``.
    :param users: ids, addresses, or mappings with ``id`` or ``email`` and their own ``roles`` and ``permissions``
        (templated): a list, or a text with commas.
    :param roles: role keys for users without roles of their own (templated). ``permissions`` likewise.
    :param if_exists: for those who are members already: ``skip`` leaves them alone, ``update`` gives them the roles
        that they lack (and takes none), ``fail`` fails the task before anything is written.
    :param kinde_conn_id: Airflow connection (templated).
    :returns: ``{org_code, added, updated, unchanged}``, the last three lists of user ids.
    """

    def __init__(self, *, if_exists: IfExists = "skip", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.if_exists = one_of("if_exists", if_exists, "skip", "update", "fail")

    def _act(self, members: Members) -> dict[str, list[str]]:
        from airflow_provider_kinde.exceptions import KindeConflictError
        from airflow_provider_kinde.judge import some

        members.need_all()
        there = [entry for entry in members.entries if entry.member]
        if there and self.if_exists == "fail":
            ids = some([entry.id for entry in there])
            raise KindeConflictError(f"already members of {members.code}: {ids}", code="USER_ALREADY_IN_ORGANIZATION")
        added = members.add([entry for entry in members.entries if not entry.member])
        due: list[Entry] = []
        if self.if_exists == "update":
            asked = [entry for entry in there if entry.wish.roles or entry.wish.permissions is not None]
            members.read_roles([entry for entry in asked if entry.wish.roles])
            due = [e for e in asked if e.wish.permissions is not None or set(e.wish.roles or ()) - e.held]
            members.set_roles(due, {entry.id: entry.held | set(entry.wish.roles or ()) for entry in due})
        updated = [entry.id for entry in due]
        return {
            "added": added,
            "updated": updated,
            "unchanged": [entry.id for entry in there if entry.id not in updated],
        }


class KindeUpdateOrganizationUsersOperator(_MembersOperator):
    """Say which roles members of an organization have.

    :param org_code: the organization's code (templated), or one of ``handle``, ``external_id`` and ``name``.
    :param users: ids, addresses, or mappings with ``id`` or ``email`` and their own ``roles`` and ``permissions``
        (templated).
    :param roles: role keys for users without roles of their own (templated). ``permissions`` likewise.
    :param mode: ``replace``: exactly these roles; ``add``: these as well; ``remove``: without these.
    :param if_missing: for those who are no members: ``fail`` before anything is written, or ``skip``.
    :param kinde_conn_id: Airflow connection (templated).
    :returns: ``{org_code, updated, unchanged, missing}``, the last three lists of user ids.
    """

    def __init__(
        self,
        *,
        mode: Literal["replace", "add", "remove"] = "replace",
        if_missing: IfMissing = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.mode = one_of("mode", mode, "replace", "add", "remove")
        self.if_missing = one_of("if_missing", if_missing, "skip", "fail")

    def _act(self, members: Members) -> dict[str, list[str]]:
        from airflow_provider_kinde.exceptions import KindeNotFoundError
        from airflow_provider_kinde.judge import some
        from airflow_provider_kinde.lookup import KindeInputError

        if any(entry.wish.roles is None for entry in members.entries):
            raise KindeInputError("roles are missing: name them for all users, or with each of them")
        outside = [entry.id for entry in members.entries if not entry.member]
        if self.if_missing == "fail":
            members.need_all()
            if outside:
                raise KindeNotFoundError(f"not in {members.code}: {some(outside)}", code="USER_NOT_IN_ORGANIZATION")
        inside = [entry for entry in members.entries if entry.member]
        members.read_roles(inside)
        targets = {entry.id: self._target(entry) for entry in inside}
        due = [e for e in inside if e.wish.permissions is not None or targets[e.id] != e.held]
        members.set_roles(due, targets)
        updated = [entry.id for entry in due]
        return {
            "updated": updated,
            "unchanged": [entry.id for entry in inside if entry.id not in updated],
            "missing": outside + [str(name) for name in members.missing if name.user_id],
        }

    def _target(self, entry: Entry) -> frozenset[str]:
        roles = frozenset(entry.wish.roles or ())
        if self.mode == "replace":
            return roles
        return entry.held | roles if self.mode == "add" else entry.held - roles


class KindeRemoveOrganizationUsersOperator(_MembersOperator):
    """Take users out of an organization, however many. Their accounts stay.

    :param org_code: the organization's code (templated), or one of ``handle``, ``external_id`` and ``name``.
    :param users: ids, addresses, or mappings with ``id`` or ``email`` (templated).
    :param if_missing: for those who are no members: ``skip`` (as wanted) or ``fail`` before anything is written.
    :param kinde_conn_id: Airflow connection (templated).
    :returns: ``{org_code, removed, missing}``, the last two lists of user ids.
    """

    template_fields: Sequence[str] = (*_OrganizationOperator.template_fields, "users")
    template_fields_renderers: ClassVar[dict[str, str]] = {"users": "json"}

    def __init__(self, *, users: Sequence[Any] | str, if_missing: IfMissing = "skip", **kwargs: Any) -> None:
        super().__init__(users=users, **kwargs)
        self.if_missing = one_of("if_missing", if_missing, "skip", "fail")

    def _act(self, members: Members) -> dict[str, list[str]]:
        from airflow_provider_kinde.exceptions import KindeNotFoundError
        from airflow_provider_kinde.judge import some

        outside = [entry.id for entry in members.entries if not entry.member]
        outside += [str(name) for name in members.missing if name.user_id]
        if self.if_missing == "fail":
            members.need_all()
            if outside:
                raise KindeNotFoundError(f"not in {members.code}: {some(outside)}", code="USER_NOT_IN_ORGANIZATION")
        return {"removed": members.remove([entry for entry in members.entries if entry.member]), "missing": outside}


class KindeInviteUserOperator(TakesAddress, _OrganizationOperator):
    """Invite somebody to an organization, unless an invitation is open or they are in it.

    :param org_code: the organization's code (templated), or one of ``handle``, ``external_id`` and ``name``.
    :param email: the address to invite (templated).
    :param roles: role keys (templated).
    :param first_name: for the invitation (templated). ``last_name`` likewise.
    :param send_email: have Kinde send the invitation.
    :param if_exists: when an invitation is open or they are a member: ``skip``, or ``fail`` the task.
    :param kinde_conn_id: Airflow connection (templated).
    :returns: ``{org_code, outcome, invite_code, user_id}`` with the outcome ``invited``, ``pending`` or ``member``.
    """

    template_fields: Sequence[str] = (
        *_OrganizationOperator.template_fields,
        "email",
        "roles",
        "first_name",
        "last_name",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"roles": "json"}

    def __init__(
        self,
        *,
        email: str,
        roles: Sequence[str] | str | None = None,
        first_name: str | None = None,
        last_name: str | None = None,
        send_email: bool = True,
        if_exists: IfMissing = "skip",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        set_address(self, email, kwargs)
        self.roles = roles
        self.first_name = first_name
        self.last_name = last_name
        self.send_email = send_email
        self.if_exists = one_of("if_exists", if_exists, "skip", "fail")

    def execute(self, context: Context) -> Result:
        """``POST /organization/{code}/invites``, after a look whether one is open.

        :raises KindeInputError: the address is none, or a role is unknown.
        :raises KindeConflictError: invited or a member already, with ``if_exists="fail"``.
        """
        from airflow_provider_kinde import judge
        from airflow_provider_kinde.api.once import once
        from airflow_provider_kinde.exceptions import KindeConflictError, KindeResponseError
        from airflow_provider_kinde.lookup import UserName, ask, check_keys, find_user, text
        from airflow_provider_kinde.sync.normal import email_key

        name, who = self._name(), UserName.of(email=self.email)
        roles = optional_list(self.roles, "roles") or []
        with self._client(context) as client:
            code = self._code(client, name)
            ask(check_keys("role", roles), client)
            user = ask(find_user(who), client)

            def look() -> Mapping[str, Any] | None:
                found = client.iter_organization_invites(code)
                return next((i for i in found if email_key(str(i.get("email") or "")) == email_key(who.email)), None)

            def send() -> Mapping[str, Any]:
                answer = client.create_organization_invite(
                    code,
                    who.email,
                    roles,
                    first_name=text(self.first_name) or None,
                    last_name=text(self.last_name) or None,
                    send_email=self.send_email,
                )
                made = (answer or {}).get("invite") or look()
                if not made:
                    raise KindeResponseError("Kinde answered without an invitation, and lists none for the address")
                return dict(made)

            user_id = str(user["id"]) if user else None
            member, invite = judge.is_member(user, code), None
            if not member:
                invite = look()
            what = "member" if member else "pending" if invite else "invited"
            if what != "invited" and self.if_exists == "fail":
                raise KindeConflictError(f"{'a member' if member else 'invited'} already in {code}")
            if what == "invited":
                invite, _ = once(send, look)
            return {
                "org_code": code,
                "outcome": what,
                "invite_code": (invite or {}).get("code"),
                "user_id": user_id,
            }


def outcome(code: str | None, what: str, changed: Sequence[str] = ()) -> Result:
    """What goes to XCom."""
    return {"org_code": code, "outcome": what, "changed": list(changed)}


def updatable() -> frozenset[str]:
    """Fields that an organization can be given after it was made."""
    from airflow_provider_kinde.api.operations import OPERATIONS

    return frozenset(OPERATIONS["update_organization"].body)


def fields(operation: str, value: Any) -> dict[str, Any]:
    """Check fields against what an operation takes.

    :raises KindeInputError: it does not take one; the message lists those it takes.
    """
    from airflow_provider_kinde.api.operations import OPERATIONS
    from airflow_provider_kinde.lookup import KindeInputError

    given, known = (
        mapping(value, "settings" if operation.startswith("create") else "changes"),
        OPERATIONS[operation].body,
    )
    unknown = sorted(given.keys() - set(known))
    if unknown:
        raise KindeInputError(f"{operation} takes no {', '.join(unknown)}; it takes {', '.join(known)}")
    return given


def write_organization(client: Any, code: str, wanted: Mapping[str, Any]) -> list[str]:
    """Write what differs; returns the names of the fields written."""
    from airflow_provider_kinde import judge

    changes = judge.organization_changes(client.get_organization(code=code) or {}, wanted)
    if changes:
        client.update_organization(code, **changes)
    return sorted(changes)
