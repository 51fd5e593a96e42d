"""Create, change, suspend and delete Kinde users. Each operator may run again: what is there already is not done twice.

Users are named by ``user_id`` or by ``email``. All operators return ``{user_id, outcome, changed}``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_kinde.operators.base import (
    IfExists,
    IfMissing,
    KindeOperator,
    TakesAddress,
    check_texts,
    mapping,
    one_of,
    optional_list,
    set_address,
)

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_kinde.resources.queries import OrganizationName, UserName

Result = dict[str, Any]
FIELDS = ("given_name", "family_name", "picture", "provided_id")
"""Texts that a user has."""


class KindeCreateUserOperator(TakesAddress, KindeOperator):
    """Create a user with an e-mail address, unless somebody has it already.

    An answer that gets lost on its way leads to no second account: the address is looked up before it is sent again.

    :param email: the address (templated).
    :param given_name: given name (templated). ``family_name``, ``picture`` (a URL) and ``provided_id`` (an id of your
        own) likewise.
    :param is_verified: whether the address counts as verified; Kinde decides when left out.
    :param properties: property key to value (templated).
    :param org_code: the organization to join (templated), or one of ``org_handle``, ``org_external_id``, ``org_name``;
        Kinde's default organization when all are left out.
    :param roles: role keys for that organization (templated).
    :param if_exists: when somebody has the address: ``skip`` leaves the user alone; ``update`` brings names,
        properties, organization and roles to what is asked for, taking nothing away; ``fail`` fails the task.
    :param kinde_conn_id: Airflow connection (templated).
    :returns: ``{user_id, outcome, changed}`` with the outcome ``created``, ``updated``, ``unchanged`` or ``skipped``.
    """

    template_fields: Sequence[str] = (
        "kinde_conn_id",
        "email",
        "given_name",
        "family_name",
        "picture",
        "provided_id",
        "properties",
        "org_code",
        "org_handle",
        "org_external_id",
        "org_name",
        "roles",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"properties": "json", "roles": "json"}

    def __init__(
        self,
        *,
        email: str,
        given_name: str | None = None,
        family_name: str | None = None,
        picture: str | None = None,
        provided_id: str | None = None,
        is_verified: bool | None = None,
        properties: Mapping[str, Any] | str | None = None,
        org_code: str | None = None,
        org_handle: str | None = None,
        org_external_id: str | None = None,
        org_name: str | None = None,
        roles: Sequence[str] | str | None = None,
        if_exists: IfExists = "skip",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        set_address(self, email, kwargs)
        self.given_name = given_name
        self.family_name = family_name
        self.picture = picture
        self.provided_id = provided_id
        self.is_verified = is_verified
        self.properties = properties
        self.org_code = org_code
        self.org_handle = org_handle
        self.org_external_id = org_external_id
        self.org_name = org_name
        self.roles = roles
        self.if_exists = one_of("if_exists", if_exists, "skip", "update", "fail")

    def execute(self, context: Context) -> Result:
        """``POST /user``, after a look whether the address is taken.

        :raises KindeInputError: the address is none or belongs to two users, or an organization or role is unknown.
        :raises KindeConflictError: the address is taken, with ``if_exists="fail"``.
        """
        from airflow_provider_kinde.resources.fields import id_in
        from airflow_provider_kinde.resources.queries import UserName, find_user, run_query

        name, organization = UserName.of(email=self.email), self._organization()
        check_texts(self, *FIELDS)
        roles = optional_list(self.roles, "roles") or []
        properties = mapping(self.properties, "properties")
        with self._client(context) as client:
            code = self._code(client, organization, roles)
            user, outcome = run_query(find_user(name), client), "found"
            if user is None:
                user, outcome = self._create(client, name, code)
            if outcome != "created":
                return self._existing(client, user, code, roles, properties)
            user_id, changed = id_in(user), []
            if properties:
                client.update_user_properties(user_id, properties)
                changed += sorted(properties)
            if code and roles:
                changed += self._join(client, user_id, code, roles)
            return result(user_id, "created", changed)

    def _organization(self) -> OrganizationName | None:
        from airflow_provider_kinde.resources.queries import KindeInputError, OrganizationName, text

        given = (self.org_code, self.org_handle, self.org_external_id, self.org_name)
        if any(text(value) for value in given):
            return OrganizationName.of(*given)
        if optional_list(self.roles, "roles"):
            raise KindeInputError("roles are held in an organization: name it, for example by org_code")
        return None

    def _code(self, client: Any, organization: OrganizationName | None, roles: Sequence[str]) -> str:
        from airflow_provider_kinde.resources.queries import check_keys, need_organization, run_query

        run_query(check_keys("role", roles), client)
        return str(run_query(need_organization(organization), client)["code"]) if organization else ""

    def _create(self, client: Any, name: UserName, code: str) -> tuple[Mapping[str, Any], str]:
        """The user, and whether it was ``created`` here or ``found`` after all."""
        from airflow_provider_kinde.client.create_once import create_once
        from airflow_provider_kinde.exceptions import KindeError, KindeResponseError
        from airflow_provider_kinde.resources.fields import fields_of, list_in
        from airflow_provider_kinde.resources.queries import find_user, run_query, text

        fields = {"given_name": self.given_name, "family_name": self.family_name, "picture": self.picture}
        identity: dict[str, Any] = {"type": "email", "details": {"email": name.email}}
        if self.is_verified is not None:
            identity["is_verified"] = self.is_verified
        lost = False

        def send() -> Mapping[str, Any]:
            nonlocal lost
            try:
                answer = client.create_user(
                    profile={key: text(value) for key, value in fields.items() if text(value)},
                    organization_code=code or None,
                    provided_id=text(self.provided_id) or None,
                    identities=[identity],
                )
            except KindeError as error:
                lost = lost or error.fate_unknown
                raise
            made = fields_of(answer)
            results = [fields_of(fields_of(item).get("result")) for item in list_in(answer, "identities")]
            if any(result.get("created") is False for result in results):
                raise KindeResponseError(
                    f"Kinde made the user {made.get('id')}, but not the address: somebody has it by another identity"
                )
            found = made if made.get("id") else look()
            if not found:
                raise KindeResponseError("Kinde answered without an id, and nobody has the address")
            return found

        def look() -> Mapping[str, Any] | None:
            return run_query(find_user(name), client)

        user, sent = create_once(send, look)
        return user, "created" if sent or lost else "found"

    def _existing(
        self, client: Any, user: Mapping[str, Any], code: str, roles: Sequence[str], properties: Mapping[str, Any]
    ) -> Result:
        from airflow_provider_kinde.exceptions import KindeConflictError

        user_id = str(user["id"])
        if self.if_exists == "fail":
            raise KindeConflictError(f"the address belongs to the user {user_id} already", code="USER_ALREADY_EXISTS")
        if self.if_exists == "skip":
            return result(user_id, "skipped")
        changed = write_changes(client, user, {name: getattr(self, name) for name in FIELDS}, properties)
        if code:
            changed += self._join(client, user_id, code, roles)
        return result(user_id, "updated" if changed else "unchanged", changed)

    def _join(self, client: Any, user_id: str, code: str, roles: Sequence[str]) -> list[str]:
        from airflow_provider_kinde.resources.members import DesiredMember, Members
        from airflow_provider_kinde.resources.queries import UserName

        members = Members(client, code, [DesiredMember(UserName(user_id=user_id), tuple(roles) or None, None)])
        members.need_all()
        entry = members.entries[0]
        if not entry.member:
            members.add([entry])
            return ["organization", *(["roles"] if roles else [])]
        if roles:
            members.read_roles([entry])
            if not set(roles) <= entry.held:
                members.set_roles([entry], {entry.id: entry.held | set(roles)})
                return ["roles"]
        return []


class _ExistingUserOperator(TakesAddress, KindeOperator):
    """What operators on a user who is there share.

    :param user_id: the user's id (templated), or
    :param email: one of the user's addresses (templated).
    :param if_missing: when there is no such user: ``fail`` the task, or ``skip``, with the outcome ``missing``.
    """

    template_fields: Sequence[str] = ("kinde_conn_id", "user_id", "email")

    def __init__(
        self, *, user_id: str | None = None, email: str | None = None, if_missing: IfMissing = "fail", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.user_id = user_id
        set_address(self, email, kwargs, named=user_id is not None)
        self.if_missing = one_of("if_missing", if_missing, "skip", "fail")
        if user_id is None and email is None:
            raise ValueError("name the user by user_id or by email")

    def execute(self, context: Context) -> Result:
        """Find the user, and do what is due.

        :raises KindeInputError: the id or address cannot be one, or the address belongs to two users.
        :raises KindeNotFoundError: there is no such user, with ``if_missing="fail"``.
        """
        from airflow_provider_kinde.resources.queries import UserName, find_user, missing_user, run_query

        name = UserName.of(self.user_id, self.email)
        self._check()
        with self._client(context) as client:
            user = run_query(find_user(name), client)
            if user is not None:
                return self._act(client, user)
            if self.if_missing == "fail":
                raise missing_user([name])
            self.log.info("there is no such user: nothing to do")
            return result(name.user_id or None, "missing")

    def _check(self) -> None:
        """Refuse bad input before anything is sent."""

    def _act(self, client: Any, user: Mapping[str, Any]) -> Result:
        raise NotImplementedError


class KindeUpdateUserOperator(_ExistingUserOperator):
    """Change a user; what is left out stays, and what is so already is not written.

    Kinde never clears a name, and an address is an identity of its own: neither is changed here.

    :param user_id: the user's id (templated), or
    :param email: one of the user's addresses (templated).
    :param given_name: given name (templated). ``family_name``, ``picture`` and ``provided_id`` likewise.
    :param is_password_reset_requested: ask for a new password at the next sign-in.
    :param properties: property key to value (templated).
    :param if_missing: ``fail`` or ``skip`` when there is no such user.
    :param kinde_conn_id: Airflow connection (templated).
    :returns: ``{user_id, outcome, changed}`` with the outcome ``updated``, ``unchanged`` or ``missing``.
    """

    template_fields: Sequence[str] = (
        *_ExistingUserOperator.template_fields,
        "given_name",
        "family_name",
        "picture",
        "provided_id",
        "properties",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"properties": "json"}

    def __init__(
        self,
        *,
        given_name: str | None = None,
        family_name: str | None = None,
        picture: str | None = None,
        provided_id: str | None = None,
        is_password_reset_requested: bool | None = None,
        properties: Mapping[str, Any] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.given_name = given_name
        self.family_name = family_name
        self.picture = picture
        self.provided_id = provided_id
        self.is_password_reset_requested = is_password_reset_requested
        self.properties = properties

    def _check(self) -> None:
        check_texts(self, *FIELDS)
        mapping(self.properties, "properties")

    def _act(self, client: Any, user: Mapping[str, Any]) -> Result:
        wanted = {name: getattr(self, name) for name in (*FIELDS, "is_password_reset_requested")}
        changed = write_changes(client, user, wanted, mapping(self.properties, "properties"))
        return result(user["id"], "updated" if changed else "unchanged", changed)


class KindeDeleteUserOperator(_ExistingUserOperator):
    """Delete a user for good. To suspend is the way that leads back.

    :param user_id: the user's id (templated), or
    :param email: one of the user's addresses (templated).
    :param is_delete_profile: drop the profile and its subscriptions as well, not the access alone.
    :param if_missing: ``skip`` (as wanted: nobody is there) or ``fail``.
    :param kinde_conn_id: Airflow connection (templated).
    :returns: ``{user_id, outcome, changed}`` with the outcome ``deleted`` or ``missing``.
    """

    def __init__(self, *, is_delete_profile: bool = False, if_missing: IfMissing = "skip", **kwargs: Any) -> None:
        super().__init__(if_missing=if_missing, **kwargs)
        self.is_delete_profile = is_delete_profile

    def _act(self, client: Any, user: Mapping[str, Any]) -> Result:
        from airflow_provider_kinde.exceptions import KindeNotFoundError

        # Gone between the look and the deletion, or by a first try whose answer got lost: as wanted.
        with suppress(KindeNotFoundError):
            client.delete_user(user["id"], is_delete_profile=self.is_delete_profile or None)
        return result(user["id"], "deleted")


class KindeSuspendUserOperator(_ExistingUserOperator):
    """Suspend a user, who then cannot sign in anywhere, and end the sessions that are open.

    :param user_id: the user's id (templated), or
    :param email: one of the user's addresses (templated).
    :param end_sessions: sign the user out everywhere as well (scope ``delete:user_sessions``).
    :param if_missing: ``fail`` or ``skip`` when there is no such user.
    :param kinde_conn_id: Airflow connection (templated).
    :returns: ``{user_id, outcome, changed}`` with the outcome ``suspended``, ``unchanged`` or ``missing``.
    """

    def __init__(self, *, end_sessions: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.end_sessions = end_sessions

    def _act(self, client: Any, user: Mapping[str, Any]) -> Result:
        from airflow_provider_kinde.exceptions import KindeNotFoundError
        from airflow_provider_kinde.resources import fields

        suspended = fields.user_is(user, "suspended")
        if not suspended:
            client.update_user(user["id"], is_suspended=True)
        if self.end_sessions:
            # Also of somebody suspended before: the task may have ended between the two.
            with suppress(KindeNotFoundError):
                client.delete_user_sessions(user["id"])
        return result(user["id"], "unchanged") if suspended else result(user["id"], "suspended", ["is_suspended"])


class KindeUnsuspendUserOperator(_ExistingUserOperator):
    """Let a suspended user sign in again.

    :param user_id: the user's id (templated), or
    :param email: one of the user's addresses (templated).
    :param if_missing: ``fail`` or ``skip`` when there is no such user.
    :param kinde_conn_id: Airflow connection (templated).
    :returns: ``{user_id, outcome, changed}`` with the outcome ``unsuspended``, ``unchanged`` or ``missing``.
    """

    def _act(self, client: Any, user: Mapping[str, Any]) -> Result:
        from airflow_provider_kinde.resources import fields

        if fields.user_is(user, "active"):
            return result(user["id"], "unchanged")
        client.update_user(user["id"], is_suspended=False)
        return result(user["id"], "unsuspended", ["is_suspended"])


def result(user_id: Any, outcome: str, changed: Sequence[str] = ()) -> Result:
    """What goes to XCom: the id, and what was done; no names and no addresses."""
    return {"user_id": user_id, "outcome": outcome, "changed": list(changed)}


def write_changes(
    client: Any, user: Mapping[str, Any], wanted: Mapping[str, Any], properties: Mapping[str, Any]
) -> list[str]:
    """Write what differs.

    :returns: names of the fields and keys of the properties written.
    """
    from airflow_provider_kinde.resources import fields
    from airflow_provider_kinde.resources.queries import text

    given = {name: text(value) or None if isinstance(value, str) else value for name, value in wanted.items()}
    changes = fields.user_changes(user, given)
    if changes:
        client.update_user(user["id"], **changes)
    changed = sorted(changes)
    if properties:
        listed = map(fields.fields_of, fields.list_in(client.get_user_property_values(user["id"]), "properties"))
        now = {str(item.get("key")): item.get("value") for item in listed}
        due = {key: value for key, value in properties.items() if str(now.get(key) or "") != str(value)}
        if due:
            client.update_user_properties(user["id"], due)
            changed += sorted(due)
    return changed
