"""Write overrides of feature flags: for the environment, an organization or a user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_kinde.exceptions import KindeInputError
from airflow_provider_kinde.resources import fields


def flag_values(flags: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the values of flags as Kinde takes them: text; ``true`` and ``false`` for truth values.

    :param flags: flag key to value; ``None`` removes the override.
    :raises KindeInputError: there are none, or a value is neither text, number nor truth value.
    """
    if not flags:
        raise KindeInputError("flags is empty")
    found: dict[str, str | None] = {}
    for key, value in flags.items():
        if value is not None and not isinstance(value, (str, int, float)):
            raise KindeInputError(f"the value of the flag {key!r} must be text, a number, true or false, or null")
        found[key] = None if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return found


def write_environment_flags(client: Any, flags: Mapping[str, str | None]) -> list[str]:
    """Override flags for the environment, where they differ (``PATCH /environment/feature_flags/{key}``).

    :param client: a ``KindeClient``.
    :param flags: flag key to value; ``None`` removes the override (``DELETE``).
    :returns: keys of the flags that were written.
    """
    due = _due(client.get_environement_feature_flags(), flags)
    for key, value in due.items():
        if value is None:
            client.delete_environement_feature_flag_override(key)
        else:
            client.update_environement_feature_flag_override(key, value)
    return sorted(due)


def write_organization_flags(client: Any, code: str, flags: Mapping[str, str | None]) -> list[str]:
    """Override flags for an organization, where they differ (``PATCH /organizations/{code}/feature_flags/{key}``).

    :param client: a ``KindeClient``.
    :param code: the organization's code.
    :param flags: flag key to value; ``None`` removes the override (``DELETE``).
    :returns: keys of the flags that were written.
    """
    due = _due(client.get_organization_feature_flags(code), flags)
    for key, value in due.items():
        if value is None:
            client.delete_organization_feature_flag_override(code, key)
        else:
            client.update_organization_feature_flag_override(code, key, value)
    return sorted(due)


def write_user_flags(client: Any, user_id: str, flags: Mapping[str, str | None]) -> list[str]:
    """Override flags for a user (``PATCH /users/{id}/feature_flags/{key}``). Kinde does not show a user's overrides.

    :param client: a ``KindeClient``.
    :param user_id: Kinde's id of the user.
    :param flags: flag key to value.
    :returns: keys of the flags that were written: all of them.
    """
    for key, value in flags.items():
        client.update_user_feature_flag_override(user_id, key, value)
    return sorted(flags)


def _due(answer: Any, flags: Mapping[str, str | None]) -> dict[str, str | None]:
    """The flags whose override differs from what Kinde shows, a mapping of key to ``{type, value}``."""
    shown = fields.fields_of(fields.fields_of(answer).get("feature_flags"))
    now = {key: _text(fields.fields_of(shown[key]).get("value")) for key in flags if key in shown}
    return {key: value for key, value in flags.items() if now.get(key) != value}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
