"""Read Kinde's answers: pure functions over decoded JSON.

Operators, sensors, triggers and the sync read users, members and organizations through these functions only. A list of
a million users passes through them, so they do no more than they must.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from airflow_provider_kinde.exceptions import KindeResponseError
from airflow_provider_kinde.resources.normalization import clean_name, email_key

Json = Mapping[str, Any]

NO_ID = re.compile(r"[^\w.:@=+~-]|\.\.", re.ASCII)
"""Characters that are in no id and in no code of Kinde."""
USER_CONDITIONS = ("exists", "active", "suspended", "missing")
"""The states of a user that a sensor can wait for."""
ORGANIZATION_KEYS = ("code", "external_id", "handle", "name")
"""The fields that name an organization."""

_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]+")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_NO_KEYS: frozenset[str] = frozenset()
_NOT_ADDRESSES = frozenset({"phone", "username"})
_FIELDS = {"given_name": "first_name", "family_name": "last_name"}


# -- parts of an answer ---------------------------------------------------------------------------------------------


def fields_of(answer: Any) -> Json:
    """Return an answer, or a part of one, as an object.

    :param answer: decoded JSON.
    :returns: the object; an empty one for ``None``.
    :raises KindeResponseError: it is not an object.
    """
    if type(answer) is dict:
        return answer
    if answer is None:
        return {}
    if not isinstance(answer, Mapping):
        raise KindeResponseError(f"Kinde answered with {type(answer).__name__} where an object is expected")
    return answer


def list_in(answer: Any, name: str) -> list[Any]:
    """Return the list under a name in an answer.

    :param answer: decoded JSON.
    :param name: the field.
    :returns: the list; an empty one where the field is missing or ``None``.
    :raises KindeResponseError: the field is not a list.
    """
    return _list(fields_of(answer).get(name), name)


def _list(value: Any, name: str) -> list[Any]:
    if type(value) is list:
        return value
    if value is None:
        return []
    if not isinstance(value, (list, tuple)):
        raise KindeResponseError(f"Kinde answered with {type(value).__name__} as {name!r} where a list is expected")
    return list(value)


def seconds_of(value: Any) -> int | None:
    """Return a moment, such as ``created_on``, in seconds since 1970.

    :param value: ISO 8601; UTC where it names no offset.
    :returns: the seconds; ``None`` where the value is no moment.
    """
    if not isinstance(value, str):
        return None
    try:
        # The fraction is cut off: Python 3.10 reads three or six digits only.
        whole = datetime.fromisoformat(value[:19])
        offset = value[19:].lstrip(".0123456789")
        if offset not in ("", "Z"):
            whole = datetime.fromisoformat(f"{value[:19]}{offset}")
        since = whole - (_EPOCH.replace(tzinfo=None) if whole.tzinfo is None else _EPOCH)
        return since.days * 86_400 + since.seconds
    except (ValueError, OverflowError):
        return None


def id_in(answer: Any, name: str = "id") -> str:
    """Return the id or code under a name in an answer. It is safe in the path of a request.

    :param answer: decoded JSON.
    :param name: the field.
    :raises KindeResponseError: the field is missing, or its value cannot be an id.
    """
    value = fields_of(answer).get(name)
    if type(value) is str and _PLAIN_ID.fullmatch(value):
        return value
    if not isinstance(value, str) or not value.strip(".") or NO_ID.search(value):
        raise KindeResponseError(f"Kinde answered with {str(value)[:100]!r} as {name!r}, which is no valid id")
    return value


def text_in(answer: Json, name: str) -> str:
    """Return the text under a name in an answer; empty where there is none.

    :param answer: an object.
    :param name: the field.
    """
    return str(answer.get(name) or "")


def _names(value: Any, name: str, key: str) -> frozenset[str]:
    """Names that Kinde lists as texts or as objects with the name under ``key``."""
    if not value:
        if value is None or isinstance(value, (list, tuple)):
            return _NO_KEYS
    elif type(value) is list and set(map(type, value)) == {str} and "" not in value:
        return frozenset(value)
    found = (item.get(key) if isinstance(item, Mapping) else item for item in _list(value, name))
    return frozenset(str(item) for item in found if item)


def roles_in(answer: Any) -> frozenset[str]:
    """Return the keys of the roles in an answer, which Kinde lists as keys or as objects.

    :param answer: decoded JSON.
    :raises KindeResponseError: ``roles`` is not a list.
    """
    return _names(fields_of(answer).get("roles"), "roles", "key")


# -- users ----------------------------------------------------------------------------------------------------------


def is_suspended(user: Json) -> bool:
    """Tell whether a user is suspended.

    :param user: a user as Kinde lists it.
    """
    return user.get("is_suspended") is True


def state_of(user: Json | None) -> str:
    """Tell the state of a user: ``missing``, ``suspended`` or ``active``.

    :param user: a user as Kinde lists it, or ``None`` where there is none.
    """
    if user is None:
        return "missing"
    return "suspended" if is_suspended(user) else "active"


def user_is(user: Json | None, condition: str) -> bool:
    """Tell whether a user is in a state.

    :param user: a user as Kinde lists it, or ``None`` where there is none.
    :param condition: one of :data:`USER_CONDITIONS`.
    """
    state = state_of(user)
    return state != "missing" if condition == "exists" else state == condition


def identities_of(user: Json) -> list[tuple[str, str]]:
    """Return a user's identities as (type, value).

    :param user: a user of ``GET /users``, or an answer of ``GET /users/{id}/identities``.
    :raises KindeResponseError: the identities are not a list.
    """
    return [
        (str(item.get("type") or ""), str(item.get("identity") or item.get("name") or ""))
        for item in _list(user.get("identities"), "identities")
        if type(item) is dict or isinstance(item, Mapping)
    ]


def address_of(identity: Json) -> str:
    """Return the address of an identity in the form in which addresses are compared.

    :param identity: one of ``GET /users/{id}/identities``.
    """
    name, email = str(identity.get("name") or ""), str(identity.get("email") or "")
    return email_key(name if "@" in name or not email else email)


def is_own_sign_in(kind: str) -> bool:
    """Tell whether Kinde itself checks a sign-in, and no other identity provider.

    :param kind: the type of an identity.
    """
    return kind == "email" or kind in _NOT_ADDRESSES


def is_enterprise(kind: str) -> bool:
    """Tell whether an identity or a connection is an enterprise one; others of identity providers are social.

    :param kind: the type of an identity (``enterprise``), or the strategy of a connection (``saml:okta``).
    """
    return kind == "enterprise" or kind.startswith(("saml:", "wsfed:")) or kind == "oauth2:azure_ad"


def is_trusted(identity: Json, connections: Collection[str]) -> bool:
    """Tell whether an identity is a sign-in by a trusted connection, whose provider vouches for the address.

    :param identity: one of ``GET /users/{id}/identities``.
    :param connections: ids of connections; ``enterprise`` stands for all enterprise connections.
    """
    kind = str(identity.get("type") or "")
    if is_own_sign_in(kind):
        return False
    return identity.get("connection_id") in connections or ("enterprise" in connections and is_enterprise(kind))


def has_identity(user: Json | None, value: str | None, kind: str | None = None) -> bool:
    """Tell whether a user signs in with an identity.

    :param user: a user as Kinde lists it, or ``None`` where there is none.
    :param value: an address, number or name, compared without case; any when ``None``.
    :param kind: ``email``, ``phone``, ``username``, ``oauth2:google``, ...; any when ``None``.
    """
    return any(
        (kind is None or kind == its_kind) and (value is None or email_key(value) == email_key(its_value))
        for its_kind, its_value in identities_of(user or {})
    )


def email_of(user: Json) -> str:
    """Return a user's primary address as Kinde writes it; empty where it is not known.

    Some answers leave the primary address out. It is then the address of the one e-mail identity, or else
    of the one identity of another provider.

    :param user: a user as Kinde lists it.
    """
    if email := user.get("email") or user.get("preferred_email"):
        return str(email)
    identities = identities_of(user)
    emails = {value for kind, value in identities if kind == "email"}
    # Users who sign in elsewhere have no e-mail identity.
    emails = emails or {value for kind, value in identities if kind not in _NOT_ADDRESSES and "@" in value}
    return emails.pop() if len(emails) == 1 else ""


def addresses_of(user: Json) -> frozenset[str]:
    """Return all addresses of a user, in the form in which addresses are compared.

    :param user: a user as Kinde lists it.
    """
    found = [str(user.get("email") or user.get("preferred_email") or "")]
    found += [value for kind, value in identities_of(user) if kind not in _NOT_ADDRESSES]
    return frozenset(email_key(value) for value in found if "@" in value)


def codes_of(user: Json) -> frozenset[str]:
    """Return the codes of a user's organizations, which Kinde lists as codes or as objects.

    :param user: a user as Kinde lists it.
    :raises KindeResponseError: the organizations are not a list.
    """
    return _names(user.get("organizations"), "organizations", "code")


def properties_of(value: Any) -> dict[str, str]:
    """Return properties by key. Kinde lists them as a mapping in a search and as ``{key, value}`` elsewhere.

    :param value: what stands under ``properties``.
    :raises KindeResponseError: it is neither.
    """
    if isinstance(value, Mapping):
        return {str(key): str(text) for key, text in value.items() if text is not None}
    items = map(fields_of, _list(value, "properties"))
    return {str(item.get("key")): str(item["value"]) for item in items if item.get("value") is not None}


def with_id(users: Iterable[Json], user_id: str) -> list[Json]:
    """Return the users with an id: one or none.

    :param users: users as Kinde lists them.
    :param user_id: the id.
    """
    return [user for user in users if user.get("id") == user_id][:1]


def with_email(users: Iterable[Json], email: str) -> list[Json]:
    """Return the users with an address, primary or not; each once.

    :param users: users as Kinde lists them.
    :param email: the address, compared without case.
    """
    key = email_key(email)
    return list({str(user.get("id")): user for user in users if key in addresses_of(user)}.values())


def is_member(user: Json | None, code: str, roles: Iterable[str] = (), held: frozenset[str] = frozenset()) -> bool:
    """Tell whether a user is in an organization and holds all of some roles there.

    :param user: a user with the organizations, or ``None`` where there is none.
    :param code: the organization's code.
    :param roles: role keys.
    :param held: keys of the roles that the user holds there.
    """
    return user is not None and code in codes_of(user) and set(roles) <= held


def user_changes(user: Json, wanted: Json) -> dict[str, Any]:
    """Return the fields of a user that have to be written. A field that Kinde does not show is always written.

    :param user: a user as Kinde lists it.
    :param wanted: ``given_name``, ``family_name``, ``picture``, ``provided_id``, ...; ``None`` leaves a field alone.
    """
    changes = {}
    for name, value in wanted.items():
        field = _FIELDS.get(name, name)
        if value is not None and (field not in user or (user[field] or "") != value):
            changes[name] = value
    return changes


# -- organizations --------------------------------------------------------------------------------------------------


def organizations_with(organizations: Iterable[Json], key: str, value: str) -> list[Json]:
    """Return the organizations that a field names.

    :param organizations: organizations as Kinde lists them.
    :param key: one of :data:`ORGANIZATION_KEYS`.
    :param value: its value; blanks around it, and the form of a name, make no difference.
    """
    form = clean_name if key == "name" else str.strip
    wanted = form(value)
    return [found for found in organizations if form(str(found.get(key) or "")) == wanted]


def organization_changes(organization: Json, wanted: Json) -> dict[str, Any]:
    """Return the fields of an organization that have to be written. Kinde shows colors as objects.

    :param organization: an organization as ``GET /organization`` shows it.
    :param wanted: fields under Kinde's own names; ``None`` leaves a field alone.
    """
    changes = {}
    for name, value in wanted.items():
        shown = organization.get(name)
        if isinstance(shown, Mapping):
            shown = shown.get("raw")
        if value is not None and (name not in organization or (shown if shown is not None else "") != value):
            changes[name] = value
    return changes


def some(items: Sequence[str], most: int = 10) -> str:
    """Return the first items as text, and how many more there are.

    :param items: texts.
    :param most: how many to name.
    """
    more = len(items) - most
    return ", ".join(items[:most]) + (f" and {more} more" if more > 0 else "")
