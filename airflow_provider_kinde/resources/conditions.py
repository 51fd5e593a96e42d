"""What sensors and triggers wait for. Each condition is written once: its parameters, and how to check it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from airflow_provider_kinde.exceptions import KindeInputError, KindeNotFoundError
from airflow_provider_kinde.resources import fields
from airflow_provider_kinde.resources.normalization import email_key
from airflow_provider_kinde.resources.queries import (
    Lookup,
    OrganizationName,
    UserName,
    api_call,
    check_keys,
    find_organization,
    find_user,
    held_roles,
    text,
)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check found.

    :param met: whether the condition is met.
    :param value: what goes to XCom when it is met.
    """

    met: bool
    value: dict[str, Any]


class Condition:
    """Something about a user or an organization that may become true. A sensor or a trigger runs its queries.

    :raises KindeInputError: a parameter can never be right.
    """

    __slots__ = ()

    def prepare(self) -> Lookup[None]:
        """Check once, before the first :meth:`check`, what only Kinde knows.

        :raises KindeInputError: Kinde does not have something that a parameter names.
        """
        yield from ()

    def check(self) -> Lookup[CheckResult]:
        """Check the condition once.

        :raises KindeInputError: several users or organizations have the address or name.
        """
        raise NotImplementedError

    def parameters(self) -> dict[str, Any]:
        """The parameters by name, as JSON can hold them."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]


@dataclass(frozen=True, slots=True, kw_only=True)
class UserCondition(Condition):
    """A user exists, is active, suspended or missing, or has an identity.

    :param user_id: the user's id, or
    :param email: one of the user's addresses.
    :param condition: ``exists``, ``active``, ``suspended`` or ``missing``.
    :param identity: an address, number or name that the user signs in with.
    :param identity_type: the type of that identity; without ``identity``, any of that type.
    """

    user_id: str | None = None
    email: str | None = None
    condition: str = "exists"
    identity: str | None = None
    identity_type: str | None = None

    def __post_init__(self) -> None:
        UserName.of(self.user_id, self.email)
        _one_of(self.condition, fields.USER_CONDITIONS)
        if self.condition == "missing" and (text(self.identity) or text(self.identity_type)):
            raise KindeInputError("a user who is missing has no identity: leave identity and identity_type out")

    def check(self) -> Lookup[CheckResult]:
        """Look up the user with all identities (``GET /users``)."""
        name = UserName.of(self.user_id, self.email)
        identity, identity_type = text(self.identity) or None, text(self.identity_type) or None
        user = yield from find_user(name)
        met = fields.user_is(user, self.condition)
        if met and (identity or identity_type):
            met = fields.has_identity(user, identity, identity_type)
        user_id = str(user["id"]) if user else name.user_id or None
        return CheckResult(met, {"user_id": user_id, "state": fields.state_of(user)})


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationCondition(Condition):
    """An organization exists, or no longer exists.

    :param org_code: its code, or one of ``handle``, ``external_id`` and ``name``.
    :param condition: ``exists`` or ``missing``.
    """

    org_code: str | None = None
    handle: str | None = None
    external_id: str | None = None
    name: str | None = None
    condition: str = "exists"

    def __post_init__(self) -> None:
        self.organization()
        _one_of(self.condition, ("exists", "missing"))

    def organization(self) -> OrganizationName:
        """The name of the organization."""
        return OrganizationName.of(self.org_code, self.handle, self.external_id, self.name)

    def check(self) -> Lookup[CheckResult]:
        """Look up the organization (``GET /organization`` by code, otherwise ``GET /organizations``)."""
        name = self.organization()
        found = yield from find_organization(name)
        code = str(found["code"]) if found else name.value if name.key == "code" else None
        return CheckResult((found is not None) == (self.condition == "exists"), {"org_code": code})


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberCondition(OrganizationCondition):
    """A user is a member of an organization, with some roles; or is not a member.

    An organization that does not exist has no members.

    :param org_code: the organization's code, or one of ``handle``, ``external_id`` and ``name``.
    :param user_id: the user's id, or
    :param email: one of the user's addresses.
    :param roles: role keys that the member must have, all of them.
    :param condition: ``member`` or ``missing``.
    """

    user_id: str | None = None
    email: str | None = None
    roles: tuple[str, ...] | list[str] = ()
    condition: str = "member"

    def __post_init__(self) -> None:
        self.organization()
        UserName.of(self.user_id, self.email)
        _one_of(self.condition, ("member", "missing"))
        if self.condition == "missing" and self.roles:
            raise KindeInputError("a user who is not a member has no roles: leave roles out")

    def prepare(self) -> Lookup[None]:
        """Check that Kinde has the roles (``GET /roles``)."""
        yield from check_keys("role", self.roles)

    def check(self) -> Lookup[CheckResult]:
        """Look up the user, the organization and the member's roles."""
        name = UserName.of(self.user_id, self.email)
        organization = self.organization()
        user = yield from find_user(name)
        code: str | None = organization.value
        if organization.key != "code":
            found = yield from find_organization(organization)
            code = str(found["code"]) if found else None
        held: frozenset[str] = frozenset()
        member = code is not None and fields.is_member(user, code)
        if user and code and member and self.roles:
            held = (yield from held_roles(code, str(user["id"]))) or held
        met = code is not None and fields.is_member(user, code, self.roles, held)
        return CheckResult(
            met if self.condition == "member" else not member,
            {
                "user_id": str(user["id"]) if user else name.user_id or None,
                "org_code": code,
                "roles": sorted(set(self.roles) & held),
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationCondition(OrganizationCondition):
    """An invitation to an organization was accepted.

    :param org_code: the organization's code, or one of ``handle``, ``external_id`` and ``name``.
    :param email: the invited address. If it is a member's, the condition is met, invited or not.
    :param invite_code: the invitation's code instead.
    """

    email: str | None = None
    invite_code: str | None = None
    condition: str = "accepted"

    def __post_init__(self) -> None:
        self.organization()
        _one_of(self.condition, ("accepted",))
        if bool(text(self.email)) == bool(text(self.invite_code)):
            raise KindeInputError("name the invitation by email or by invite_code, one of them")
        if text(self.email):
            UserName.of(email=self.email)

    def check(self) -> Lookup[CheckResult]:
        """Look up the organization, its invitations (``GET /organization/{code}/invites``) and the user.

        :raises KindeNotFoundError: no invitation has the code.
        :raises KindeInputError: the invitation was revoked.
        """
        found = yield from find_organization(self.organization())
        if found is None:
            return CheckResult(False, {})
        code = str(found["code"])
        asked = api_call("iter_organization_invites", org_code=code, include_accepted=True, include_revoked=True)
        invitations = self._named((yield asked))
        if text(self.invite_code) and not invitations:
            raise KindeNotFoundError(f"{code} has no invitation with the code {text(self.invite_code)!r}")
        accepted = next((each for each in invitations if each.get("accepted_on")), None)
        # One that was accepted earlier says nothing where the address was invited anew.
        pending = any(not each.get("accepted_on") and each.get("is_revoked") is not True for each in invitations)
        email = text(self.email) or (fields.text_in(invitations[0], "email") if invitations else "")
        user = (yield from find_user(UserName.of(email=email))) if email else None
        member = fields.is_member(user, code)
        if invitations and not (accepted or member or pending):
            raise KindeInputError(f"the invitation to {code} was revoked: invite again")
        return CheckResult(
            member or (accepted is not None and not pending),
            {
                "org_code": code,
                "invite_code": (accepted or {}).get("code"),
                "user_id": str(user["id"]) if user and member else None,
            },
        )

    def _named(self, invitations: Iterable[fields.Json]) -> list[fields.Json]:
        if text(self.invite_code):
            return [each for each in invitations if each.get("code") == text(self.invite_code)]
        key = email_key(text(self.email))
        return [each for each in invitations if email_key(str(each.get("email") or "")) == key]


CONDITIONS: dict[str, type[Condition]] = {
    kind.__name__: kind for kind in (UserCondition, OrganizationCondition, MemberCondition, InvitationCondition)
}
"""The conditions by name, as a trigger keeps them."""


def _one_of(value: Any, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise KindeInputError(f"condition={text(value)!r}: expected one of {', '.join(map(repr, allowed))}")
