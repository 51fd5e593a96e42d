"""What Kinde's answers say: pure functions over decoded JSON, the same for operators, sensors and triggers."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from airflow_provider_kinde.exceptions import KindeResponseError
from airflow_provider_kinde.resources.normalization import clean_name, email_key

Json = Mapping[str, Any]

NO_ID = re.compile(r"[^\w.:@=+~-]|\.\.", re.ASCII)
"""What no id and no code of Kinde holds."""
USER_CONDITIONS = ("exists", "active", "suspended", "missing")
"""What may be asked of a user."""

_NOT_ADDRESSES = frozenset({"phone", "username"})
_FIELDS = {"given_name": "first_name", "family_name": "last_name"}
_DIGESTED = ("id", "provided_id", "email", "phone", "username", "first_name", "last_name", "picture")


def fields_of(answer: Any) -> Json:
    """The object that an answer, or a part of one, has to be; empty where there is none.

    :raises KindeResponseError: it is something else.
    """
    if answer is None:
        return {}
    if not isinstance(answer, Mapping):
        raise KindeResponseError(f"Kinde answered with {type(answer).__name__} where an object is expected")
    return answer


def list_in(answer: Any, name: str) -> list[Any]:
    """The list that stands under a name in an answer; empty where there is none.

    :raises KindeResponseError: it is something else.
    """
    found = fields_of(answer).get(name)
    if found is None:
        return []
    if not isinstance(found, (list, tuple)):
        raise KindeResponseError(f"Kinde answered with {type(found).__name__} as {name!r} where a list is expected")
    return list(found)


def id_in(answer: Any, name: str = "id") -> str:
    """The id or code that stands under a name in an answer, safe in an address of Kinde's API.

    :raises KindeResponseError: there is none, or what can be none.
    """
    found = fields_of(answer).get(name)
    if not isinstance(found, str) or not found.strip(".") or NO_ID.search(found):
        raise KindeResponseError(f"Kinde answered with {str(found)[:100]!r} as {name!r}: that cannot be one")
    return found


def state_of(user: Json | None) -> str:
    """Tell what a user is: ``missing``, ``suspended`` or ``active``."""
    if user is None:
        return "missing"
    return "suspended" if user.get("is_suspended") is True else "active"


def user_is(user: Json | None, condition: str) -> bool:
    """Whether a user is what was asked for.

    :param condition: one of :data:`USER_CONDITIONS`.
    """
    state = state_of(user)
    return state != "missing" if condition == "exists" else state == condition


def identities_of(user: Json) -> list[tuple[str, str]]:
    """A user's identities as (type, value), from a list of users or of identities."""
    found = [item for item in list_in(user, "identities") if isinstance(item, Mapping)]
    return [(str(item.get("type") or ""), str(item.get("identity") or item.get("name") or "")) for item in found]


def has_identity(user: Json | None, value: str | None, kind: str | None = None) -> bool:
    """Whether a user signs in with an identity.

    :param value: an address, number or name, compared without case; any when ``None``.
    :param kind: ``email``, ``phone``, ``username``, ``oauth2:google``, ...; any when ``None``.
    """
    return any(
        (kind is None or kind == its_kind) and (value is None or email_key(value) == email_key(its_value))
        for its_kind, its_value in identities_of(user or {})
    )


def addresses_of(user: Json) -> frozenset[str]:
    """All addresses of a user, in the form for comparing."""
    found = [str(user.get("email") or user.get("preferred_email") or "")]
    found += [value for kind, value in identities_of(user) if kind not in _NOT_ADDRESSES]
    return frozenset(email_key(value) for value in found if "@" in value)


def with_id(users: Iterable[Json], user_id: str) -> list[Json]:
    """The users with an id: one or none."""
    return [user for user in users if user.get("id") == user_id][:1]


def with_email(users: Iterable[Json], email: str) -> list[Json]:
    """The users with an address, primary or not; each once."""
    key = email_key(email)
    return list({str(user.get("id")): user for user in users if key in addresses_of(user)}.values())


def codes_of(user: Json) -> frozenset[str]:
    """Codes of a user's organizations, which Kinde lists as codes or as objects."""
    found = [item.get("code") if isinstance(item, Mapping) else item for item in list_in(user, "organizations")]
    return frozenset(str(code) for code in found if code)


def keys_in(answer: Any, name: str) -> frozenset[str]:
    """Keys of roles or permissions, which Kinde lists as keys or as objects."""
    found = [item.get("key") if isinstance(item, Mapping) else item for item in list_in(answer, name)]
    return frozenset(str(key) for key in found if key)


def is_member(user: Json | None, code: str, roles: Iterable[str] = (), held: frozenset[str] = frozenset()) -> bool:
    """Whether a user is in an organization, with all of some roles.

    :param held: keys of the roles held there.
    """
    return user is not None and code in codes_of(user) and set(roles) <= held


def organizations_with(organizations: Iterable[Json], key: str, value: str) -> list[Json]:
    """The organizations whose ``handle``, ``external_id`` or ``name`` is this."""
    form = clean_name if key == "name" else str.strip
    return [found for found in organizations if form(str(found.get(key) or "")) == form(value)]


def user_changes(user: Json, wanted: Json) -> dict[str, Any]:
    """What of a user has to be written; what Kinde does not show is always written.

    :param wanted: ``given_name``, ``family_name``, ``picture``, ``provided_id``, ...; ``None`` leaves a field alone.
    """
    changes = {}
    for name, value in wanted.items():
        field = _FIELDS.get(name, name)
        if value is not None and (field not in user or (user[field] or "") != value):
            changes[name] = value
    return changes


def organization_changes(organization: Json, wanted: Json) -> dict[str, Any]:
    """What of an organization has to be written; colors are shown as objects."""
    changes = {}
    for name, value in wanted.items():
        shown = organization.get(name)
        if isinstance(shown, Mapping):
            shown = shown.get("raw")
        if value is not None and (name not in organization or (shown if shown is not None else "") != value):
            changes[name] = value
    return changes


def digest(user: Json) -> str:
    """Eight bytes in hex that change with a user; the last bit says whether the user is suspended.

    What every sign-in changes (counters, times) is left out, and so is the order of lists.
    """
    content = {name: user.get(name) for name in _DIGESTED}
    content["identities"] = sorted(identities_of(user))
    content["organizations"] = sorted(codes_of(user))
    hashed = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest()[:8]
    return ((int.from_bytes(hashed, "big") & ~1) | (state_of(user) == "suspended")).to_bytes(8, "big").hex()


def compare(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, list[str]]:
    """What happened to users between two listings.

    :param before: user id to :func:`digest`.
    :returns: sorted ids of ``created``, ``changed``, ``suspended`` and ``deleted`` users; a user is in one of them.
    """
    common = before.keys() & after.keys()
    suspended = {user_id for user_id in common if _suspended(after[user_id]) and not _suspended(before[user_id])}
    changed = {user_id for user_id in common if after[user_id] != before[user_id]} - suspended
    return {
        "created": sorted(after.keys() - before.keys()),
        "changed": sorted(changed),
        "suspended": sorted(suspended),
        "deleted": sorted(before.keys() - after.keys()),
    }


def _suspended(value: str) -> bool:
    return bool(int(value, 16) & 1)


def some(items: Sequence[str], most: int = 10) -> str:
    """The first items, and how many more there are."""
    more = len(items) - most
    return ", ".join(items[:most]) + (f" and {more} more" if more > 0 else "")
