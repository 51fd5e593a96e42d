"""A tenant as tables: users, memberships, roles. Columns have the names of Kinde's own fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    :param columns: name -> ``str``, ``int``, ``bool`` or ``list`` (of texts).
    :param rows: reads the rows with a ``KindeClient``, page by page.
    """

    columns: Mapping[str, type]
    rows: Callable[[Any], Iterator[Row]]


USER_COLUMNS: Mapping[str, type] = {
    "id": str,
    "provided_id": str,
    "email": str,
    "username": str,
    "phone": str,
    "first_name": str,
    "last_name": str,
    "is_suspended": bool,
    "total_sign_ins": int,
    "failed_sign_ins": int,
    "last_signed_in": str,
    "created_on": str,
}
MEMBERSHIP_COLUMNS: Mapping[str, type] = {
    "org_code": str,
    "org_name": str,
    "user_id": str,
    "email": str,
    "roles": list,
    "is_suspended": bool,
    "joined_on": str,
    "last_accessed_on": str,
}
ROLE_COLUMNS: Mapping[str, type] = {"id": str, "key": str, "name": str, "description": str, "is_default_role": bool}


def _users(client: Any) -> Iterator[Row]:
    for user in client.iter_users():
        yield _row(user, USER_COLUMNS)


def _memberships(client: Any) -> Iterator[Row]:
    """One row for each member of each organization, with the keys of the roles there."""
    for organization in client.iter_organizations():
        place = {"org_code": organization.get("code"), "org_name": organization.get("name")}
        for member in client.iter_organization_users(str(place["org_code"])):
            yield _row({**member, **place, "user_id": member.get("id")}, MEMBERSHIP_COLUMNS)


def _roles(client: Any) -> Iterator[Row]:
    for role in client.iter_roles():
        yield _row(role, ROLE_COLUMNS)


TABLES: Mapping[str, Table] = {
    "users": Table(USER_COLUMNS, _users),
    "memberships": Table(MEMBERSHIP_COLUMNS, _memberships),
    "roles": Table(ROLE_COLUMNS, _roles),
}


def _row(item: Mapping[str, Any], columns: Mapping[str, type]) -> Row:
    return {name: _value(item.get(name), kind) for name, kind in columns.items()}


def _value(value: Any, kind: type) -> Any:
    """A value in the type of its column; ``None`` where Kinde sends another one."""
    if kind is list:
        return [str(one) for one in value if one is not None] if isinstance(value, list) else []
    if kind is str:
        return str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else None
    return value if type(value) is kind else None
