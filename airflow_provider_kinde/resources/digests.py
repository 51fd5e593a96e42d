"""What happened to users, organizations and members between two listings: digests of them, compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from airflow_provider_kinde.resources.fields import Json, codes_of, identities_of, is_suspended, roles_in

_OF_USERS = ("id", "provided_id", "email", "phone", "username", "first_name", "last_name", "picture")
_OF_ORGANIZATIONS = ("code", "name", "handle", "external_id", "is_default", "is_auto_membership_enabled")


def of_user(user: Json) -> str:
    """Return eight bytes in hex that change with a user. The last bit says whether the user is suspended.

    Counters and times, which every sign-in changes, are left out. The order of lists makes no difference.

    :param user: a user with identities and organizations.
    """
    content = {name: user.get(name) for name in _OF_USERS}
    content["identities"] = sorted(identities_of(user))
    content["organizations"] = sorted(codes_of(user))
    return ((_hashed(content) & ~1) | is_suspended(user)).to_bytes(8, "big").hex()


def of_organization(organization: Json) -> str:
    """Return eight bytes in hex that change with an organization: its names and ids, and who joins it by itself.

    :param organization: an organization as ``GET /organizations`` lists it.
    """
    return _hashed({name: organization.get(name) for name in _OF_ORGANIZATIONS}).to_bytes(8, "big").hex()


def of_member(member: Json) -> str:
    """Return eight bytes in hex that change with the roles of a member.

    :param member: a member as ``GET /organizations/{code}/users`` lists it.
    """
    return _hashed(sorted(roles_in(member))).to_bytes(8, "big").hex()


def _hashed(content: Any) -> int:
    return int.from_bytes(hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest()[:8], "big")


def compare(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, list[str]]:
    """Return what happened between two listings.

    :param before: id to digest.
    :param after: the same, of the later listing.
    :returns: sorted ids of what was ``created``, ``changed`` and ``deleted``.
    """
    return {
        "created": sorted(after.keys() - before.keys()),
        "changed": sorted(key for key in before.keys() & after.keys() if after[key] != before[key]),
        "deleted": sorted(before.keys() - after.keys()),
    }


def compare_users(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, list[str]]:
    """Return what happened to users between two listings.

    :param before: user id to :func:`of_user`.
    :param after: the same, of the later listing.
    :returns: sorted ids of ``created``, ``changed``, ``suspended`` and ``deleted`` users; a user is in one of them.
    """
    found = compare(before, after)
    suspended = [key for key in found["changed"] if _suspended(after[key]) and not _suspended(before[key])]
    changed = [key for key in found["changed"] if key not in set(suspended)]
    return {**found, "changed": changed, "suspended": suspended}


def _suspended(value: str) -> bool:
    return bool(int(value, 16) & 1)
