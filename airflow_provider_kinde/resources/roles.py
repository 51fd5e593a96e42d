"""Write what a role gives, and refresh the claims of its holders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from airflow_provider_kinde.client.endpoints.memberships import BULK
from airflow_provider_kinde.exceptions import KindeNotFoundError
from airflow_provider_kinde.resources import fields
from airflow_provider_kinde.resources.members import iter_members
from airflow_provider_kinde.resources.queries import check_keys, run_query
from airflow_provider_kinde.thread_pool import ThreadPool

Mode = Literal["replace", "add", "remove"]


def target_of(mode: Mode, held: frozenset[str], named: Iterable[str]) -> frozenset[str]:
    """Return which keys are to be held in the end.

    :param mode: ``replace``: exactly those named; ``add``: these as well; ``remove``: without these.
    :param held: keys held now.
    :param named: the keys that are named.
    """
    if mode == "replace":
        return frozenset(named)
    return held | frozenset(named) if mode == "add" else held - frozenset(named)


def role_id(client: Any, key: str) -> str:
    """Return the id of a role (``GET /roles``).

    :param client: a ``KindeClient``.
    :param key: the role's key.
    :raises KindeInputError: Kinde does not have the role.
    """
    return run_query(check_keys("role", [key]), client)[key]


def write_role_permissions(client: Any, role: str, permissions: Sequence[str], mode: Mode) -> tuple[str, list[str]]:
    """Give permissions to a role, or take them (``PATCH /roles/{id}/permissions``), where they differ.

    :param client: a ``KindeClient``.
    :param role: the role's key.
    :param permissions: permission keys.
    :param mode: what the keys mean, see :func:`target_of`.
    :returns: the role's id, and the keys of the permissions that were given or taken.
    :raises KindeInputError: Kinde does not have the role or a permission.
    """
    found = role_id(client, role)
    ids = run_query(check_keys("permission", permissions), client)
    held_ids = {str(item.get("key")): fields.id_in(item) for item in client.iter_role_permissions(found)}
    held = frozenset(held_ids)
    target = target_of(mode, held, permissions)
    changes = [{"id": ids[key]} for key in sorted(target - held)]
    changes += [{"id": held_ids[key], "operation": "delete"} for key in sorted(held - target)]
    for start in range(0, len(changes), BULK):
        client.update_role_permissions(found, permissions=changes[start : start + BULK])
    return found, sorted(target ^ held)


def holders(client: Any, role: str, code: str | None = None) -> list[str]:
    """Return the ids of the users who hold a role (``GET /roles/{id}/users``, ``GET /organizations/{code}/users``).

    :param client: a ``KindeClient``.
    :param role: the role's key.
    :param code: the organization in which they hold it; any when left out.
    :raises KindeInputError: Kinde does not have the role.
    """
    found = role_id(client, role)
    if code is not None:
        return [user_id for user_id, roles in iter_members(client, code, role=role) if role in roles]
    # All pages are read before anything is sent: a holder may be listed once for each organization.
    return list(dict.fromkeys(fields.id_in(user) for user in client.iter_role_users(found)))


def refresh_claims(client: Any, user_ids: Sequence[str]) -> list[str]:
    """Have the next tokens of users carry what Kinde knows now (``POST /users/{id}/refresh_claims``).

    :param client: a ``KindeClient``.
    :param user_ids: Kinde's ids of the users.
    :returns: ids of users who are gone.
    """

    def refresh(user_id: str) -> bool:
        try:
            client.refresh_user_claims(user_id)
        except KindeNotFoundError:
            return False
        return True

    if not user_ids:
        return []
    with ThreadPool(min(client.max_concurrency, len(user_ids))) as pool:
        done = list(pool.map(refresh, user_ids))
    return [user_id for user_id, there in zip(user_ids, done, strict=True) if not there]
