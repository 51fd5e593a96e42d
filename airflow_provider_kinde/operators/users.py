"""Create, change, suspend and delete Kinde users. Each operator may run again.

Users are named by ``user_id`` or by ``email``. All operators return ``{user_id, outcome, changed}``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_kinde.operators.base import (
    EmailParameterMixin,
    IfExists,
    IfMissing,
    KindeOperator,
    airflow_errors,
    check_texts,
    one_of,
    optional_list,
    set_address,
)
from airflow_provider_kinde.operators.earlier_tries import EarlierTries
from airflow_provider_kinde.operators.properties import check_property_keys, property_texts
from airflow_provider_kinde.operators.user_base import FIELDS, PROFILE, ExistingUserOperator, Result, given, result

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_kinde.resources.queries import OrganizationName


class KindeCreateUserOperator(EmailParameterMixin, KindeOperator):
    """Create a user with an e-mail address, unless a user has it already.

    A lost answer leads to no second account: the address is looked up before the request is sent again. Keys of
    properties and roles are looked up before the account is made. If a later request fails, the retry finishes the
    account: its id is kept under ``[kinde] storage_path``.

    :param email: the address (templated).
    :param given_name: given name (templated).
    :param family_name: family name (templated).
    :param picture: URL of a picture (templated).
    :param provided_id: an id of your own (templated).
    :param is_verified: whether the address counts as verified; Kinde decides when left out.
    :param properties: property key to value (templated).
    :param org_code: the code of the organization to join (templated); Kinde's default organization when no organization
        is named.
    :param org_handle: its handle instead (templated).
    :param org_external_id: the id that you gave it instead (templated).
    :param org_name: its name instead (templated).
    :param roles: role keys for that organization (templated).
    :param if_exists: when a user has the address whom this task did not make: ``skip`` leaves the user alone;
        ``update`` writes the names, properties, organization and roles that differ, and takes nothing away; ``fail``
        fails the task.
    :param kinde_conn_id: Airflow connection (templated).
    :returns: ``{user_id, outcome, changed}`` with the outcome ``created``, ``updated``, ``unchanged`` or ``skipped``.
    """

    template_fields: Sequence[str] = (
        "kinde_conn_id",
        "user_email",
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

    @airflow_errors()
    def execute(self, context: Context) -> Result:
        """``POST /user``, after a look whether the address is taken.

        :param context: Airflow's context of the task.
        :raises KindeInputError: the address is none or belongs to two users, or an organization or role is unknown.
        :raises KindeConflictError: the address is taken, with ``if_exists="fail"``.
        """
        from airflow_provider_kinde.resources.queries import UserName, find_user, run_query, text
        from airflow_provider_kinde.resources.users import create_user, write_changes, write_properties

        name, organization = UserName.of(email=self.user_email), self._organization()
        check_texts(self, *FIELDS)
        roles = optional_list(self.roles, "roles") or []
        properties = property_texts(self.properties)
        begun = EarlierTries(context)
        with self._client(context) as client:
            code = self._code(client, organization, roles)
            check_property_keys(client, properties)
            user = run_query(find_user(name), client)
            if user is not None and (begun.is_own(user) or self._began(context, user)):
                changed = write_changes(client, user, {}, properties)
                return self._completed(client, str(user["id"]), code, roles, changed, begun)
            if user is not None:
                return self._existing(client, user, code, roles, properties)
            more = bool(properties or (code and roles))
            if more:
                begun.begin()
            creation = create_user(
                client,
                name.email,
                lambda: run_query(find_user(name), client),
                is_verified=self.is_verified,
                profile={key: text(getattr(self, key)) for key in PROFILE},
                provided_id=text(self.provided_id),
                organization_code=code,
            )
            user_id = str(creation.item["id"])
            if not (creation.answered or creation.lost):
                return self._existing(client, creation.item, code, roles, properties)
            if more:
                begun.made(user_id)
            write_properties(client, user_id, properties)
            return self._completed(client, user_id, code, roles, sorted(properties), begun if more else None)

    def _completed(
        self, client: Any, user_id: str, code: str, roles: Sequence[str], changed: list[str], begun: EarlierTries | None
    ) -> Result:
        from airflow_provider_kinde.resources.desired_members import add_member

        if code and roles:
            changed = changed + add_member(client, code, user_id, roles)
        if begun is not None:
            begun.finish()
        return result(user_id, "created", changed)

    def _began(self, context: Context, user: Mapping[str, Any]) -> bool:
        """Whether a retry finds the account under the id of your own that this task gives: it is the one meant."""
        from airflow_provider_kinde.resources.queries import text

        tries = getattr(context.get("ti"), "try_number", None)
        wanted = text(self.provided_id)
        return isinstance(tries, int) and tries > 1 and bool(wanted) and user.get("provided_id") == wanted

    def _organization(self) -> OrganizationName | None:
        from airflow_provider_kinde.exceptions import KindeInputError
        from airflow_provider_kinde.resources.queries import OrganizationName, text

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

    def _existing(
        self, client: Any, user: Mapping[str, Any], code: str, roles: Sequence[str], properties: Mapping[str, Any]
    ) -> Result:
        from airflow_provider_kinde.exceptions import KindeConflictError
        from airflow_provider_kinde.resources.desired_members import add_member
        from airflow_provider_kinde.resources.users import write_changes

        user_id = str(user["id"])
        if self.if_exists == "fail":
            raise KindeConflictError(f"the address belongs to the user {user_id} already", code="USER_ALREADY_EXISTS")
        if self.if_exists == "skip":
            return result(user_id, "skipped")
        changed = write_changes(client, user, given(self, *FIELDS), properties)
        if code:
            changed += add_member(client, code, user_id, roles)
        return result(user_id, "updated" if changed else "unchanged", changed)


class KindeUpdateUserOperator(ExistingUserOperator):
    """Change a user; what is left out stays, and what is so already is not written.

    Kinde never clears a name, and an address is an identity of its own: neither is changed here.

    :param user_id: the user's id (templated), or
    :param email: one of the user's addresses (templated).
    :param given_name: given name (templated).
    :param family_name: family name (templated).
    :param picture: URL of a picture (templated).
    :param provided_id: an id of your own (templated).
    :param is_password_reset_requested: ask for a new password at the next sign-in.
    :param properties: property key to value (templated).
    :param if_missing: ``fail`` or ``skip`` when there is no such user.
    :param kinde_conn_id: Airflow connection (templated).
    :returns: ``{user_id, outcome, changed}`` with the outcome ``updated``, ``unchanged`` or ``missing``.
    """

    template_fields: Sequence[str] = (
        *ExistingUserOperator.template_fields,
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
        property_texts(self.properties)

    def _act(self, client: Any, user: Mapping[str, Any]) -> Result:
        from airflow_provider_kinde.resources.users import write_changes

        wanted, properties = given(self, *FIELDS, "is_password_reset_requested"), property_texts(self.properties)
        check_property_keys(client, properties)
        changed = write_changes(client, user, wanted, properties)
        return result(user["id"], "updated" if changed else "unchanged", changed)


class KindeDeleteUserOperator(ExistingUserOperator):
    """Delete a user for good. Suspend the user instead if access may be given again.

    :param user_id: the user's id (templated), or
    :param email: one of the user's addresses (templated).
    :param is_delete_profile: drop the profile and its subscriptions as well, not the access alone.
    :param if_missing: when there is no such user: ``skip`` or ``fail``.
    :param kinde_conn_id: Airflow connection (templated).
    :returns: ``{user_id, outcome, changed}`` with the outcome ``deleted`` or ``missing``.
    """

    def __init__(self, *, is_delete_profile: bool = False, if_missing: IfMissing = "skip", **kwargs: Any) -> None:
        super().__init__(if_missing=if_missing, **kwargs)
        self.is_delete_profile = is_delete_profile

    def _act(self, client: Any, user: Mapping[str, Any]) -> Result:
        from airflow_provider_kinde.resources.users import delete_user

        delete_user(client, user["id"], is_delete_profile=self.is_delete_profile or None)
        return result(user["id"], "deleted")


class KindeSuspendUserOperator(ExistingUserOperator):
    """Suspend a user, who then cannot sign in anywhere, and end the sessions that are open.

    :param user_id: the user's id (templated), or
    :param email: one of the user's addresses (templated).
    :param end_sessions: sign the user out everywhere as well (scope ``delete:user_sessions``).
    :param delete_api_keys: delete the user's API keys as well (scopes ``read:api_keys`` and ``delete:api_keys``).
    :param if_missing: ``fail`` or ``skip`` when there is no such user.
    :param kinde_conn_id: Airflow connection (templated).
    :returns: ``{user_id, outcome, changed}`` with the outcome ``suspended``, ``unchanged`` or ``missing``.
    """

    def __init__(self, *, end_sessions: bool = True, delete_api_keys: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.end_sessions, self.delete_api_keys = end_sessions, delete_api_keys

    def _act(self, client: Any, user: Mapping[str, Any]) -> Result:
        from airflow_provider_kinde.resources.fields import is_suspended
        from airflow_provider_kinde.resources.users import delete_api_keys, end_sessions

        suspended = is_suspended(user)
        if not suspended:
            client.update_user(user["id"], is_suspended=True)
        if self.end_sessions:
            # A user who is suspended already may have open sessions: an earlier try may have ended in between.
            end_sessions(client, user["id"])
        if self.delete_api_keys:
            delete_api_keys(client, user["id"])
        return result(user["id"], "unchanged") if suspended else result(user["id"], "suspended", ["is_suspended"])


class KindeUnsuspendUserOperator(ExistingUserOperator):
    """Let a suspended user sign in again.

    :param user_id: the user's id (templated), or
    :param email: one of the user's addresses (templated).
    :param if_missing: ``fail`` or ``skip`` when there is no such user.
    :param kinde_conn_id: Airflow connection (templated).
    :returns: ``{user_id, outcome, changed}`` with the outcome ``unsuspended``, ``unchanged`` or ``missing``.
    """

    def _act(self, client: Any, user: Mapping[str, Any]) -> Result:
        from airflow_provider_kinde.resources.fields import is_suspended

        if not is_suspended(user):
            return result(user["id"], "unchanged")
        client.update_user(user["id"], is_suspended=False)
        return result(user["id"], "unsuspended", ["is_suspended"])
