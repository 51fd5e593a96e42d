"""What sensors wait for: checked once, looked up in one way, whether a sensor asks or a trigger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airflow_provider_kinde.resources import fields
from airflow_provider_kinde.resources.queries import (
    KindeInputError,
    Lookup,
    OrganizationName,
    UserName,
    find_organization,
    find_user,
    held_roles,
    text,
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look brought.

    :param met: whether the wait is over.
    :param value: what goes to XCom then.
    """

    met: bool
    value: dict[str, Any]


@dataclass(frozen=True, slots=True)
class UserWait:
    """A user who is something, or has an identity.

    :raises KindeInputError: what makes no sense.
    """

    name: UserName
    condition: str = "exists"
    identity: str | None = None
    identity_type: str | None = None

    def __post_init__(self) -> None:
        _condition(self.condition, fields.USER_CONDITIONS)
        if self.condition == "missing" and (self.identity or self.identity_type):
            raise KindeInputError("a user who is missing has no identity: leave identity and identity_type out")

    def look(self) -> Lookup[Seen]:
        """Look once."""
        user = yield from find_user(self.name)
        met = fields.user_is(user, self.condition)
        if met and (self.identity or self.identity_type):
            met = fields.has_identity(user, self.identity or None, self.identity_type or None)
        user_id = str(user["id"]) if user else self.name.user_id or None
        return Seen(met, {"user_id": user_id, "state": fields.state_of(user)})


@dataclass(frozen=True, slots=True)
class MemberWait:
    """A user who is in an organization, with some roles; or is not (or no longer) in it.

    :raises KindeInputError: what makes no sense.
    """

    organization: OrganizationName
    name: UserName
    roles: tuple[str, ...] = ()
    condition: str = "member"

    def __post_init__(self) -> None:
        _condition(self.condition, ("member", "missing"))
        if self.condition == "missing" and self.roles:
            raise KindeInputError("somebody who is no member has no roles: leave roles out")

    def look(self) -> Lookup[Seen]:
        """Look once. An organization that is not there has no members."""
        user = yield from find_user(self.name)
        code: str | None = self.organization.value
        if self.organization.key != "code":
            found = yield from find_organization(self.organization)
            code = str(found["code"]) if found else None
        held: frozenset[str] = frozenset()
        member = code is not None and fields.is_member(user, code)
        if user and code and member and self.roles:
            held = (yield from held_roles(code, str(user["id"]))) or held
        met = code is not None and fields.is_member(user, code, self.roles, held)
        return Seen(
            met if self.condition == "member" else not member,
            {
                "user_id": str(user["id"]) if user else self.name.user_id or None,
                "org_code": code,
                "roles": sorted(set(self.roles) & held),
            },
        )


@dataclass(frozen=True, slots=True)
class OrganizationWait:
    """An organization that is there, or no longer.

    :raises KindeInputError: what makes no sense.
    """

    organization: OrganizationName
    condition: str = "exists"

    def __post_init__(self) -> None:
        _condition(self.condition, ("exists", "missing"))

    def look(self) -> Lookup[Seen]:
        """Look once."""
        found = yield from find_organization(self.organization)
        code = str(found["code"]) if found else None
        if code is None and self.organization.key == "code":
            code = self.organization.value
        return Seen((found is not None) == (self.condition == "exists"), {"org_code": code})


Wait = UserWait | MemberWait | OrganizationWait


def _condition(value: Any, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise KindeInputError(f"condition={text(value)!r}: expected one of {', '.join(map(repr, allowed))}")
