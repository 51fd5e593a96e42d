"""How the emulator behaves where Kinde is not documented, and its limits. All of it can change while it runs."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal


class SettingsError(ValueError):
    """An unknown setting, or a value that it cannot have."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings. The defaults are what documents and reports make most likely."""

    # who may call
    client_id: str = "emulator-client"
    client_secret: str = "emulator-secret"
    scopes: tuple[str, ...] | None = None
    """Scopes of the client; ``None`` for all of them."""
    expires_in: int = 86_400
    """Life of an access token in seconds."""
    expires_in_sent: bool = True
    token_type: str = "bearer"
    expired_token: Literal[401, 403] = 401
    basic_auth: bool = True
    """Whether the token endpoint also takes the client's credentials as HTTP Basic."""

    # limits
    rate_limit: int | None = None
    """API requests in a window; ``None`` for no limit. Token calls do not count."""
    rate_window: float = 60.0
    """Length of that window in seconds."""
    rate_limit_header: Literal["RateLimit-Reset", "Retry-After", "none"] = "RateLimit-Reset"
    concurrency: int | None = None
    """API requests under way at once; ``None`` for no limit."""
    latency: float = 0.0
    """Milliseconds that every API request takes at least."""
    page_size: int = 10
    """Items on a page when ``page_size`` is not sent."""
    max_page_size: int = 500
    """For lists with ``next_token``."""
    max_cursor_page_size: int = 100
    """For lists with ``starting_after``."""
    max_bulk: int = 100
    """Users in one POST or PATCH of an organization's users."""

    # answers
    missing_user_status: Literal[404, 400] = 404
    missing_organization_status: Literal[404, 400] = 404
    not_found_shape: Literal["object", "array", "bare"] = "object"
    """``errors`` of a 404 is one object, a list, or the body itself is ``{code, message}``."""
    next_token_end: Literal["null", "absent", "empty"] = "null"
    last_page: Literal["null", "empty_repeats_token", "empty_new_tokens"] = "null"
    """The end of a list with ``next_token``. ``null``: the page with the last items, marked as ``next_token_end`` says.
    The others: an empty page after it, with the token that was sent, or with a new token each time."""
    page_token: Literal["base64", "opaque"] = "base64"
    extra_fields: bool = False
    """Adds unknown fields, one of them null, to every object of every answer."""
    empty_lists: Literal["list", "null"] = "list"
    """Empty lists inside the items of an answer: ``[]`` or ``null``."""
    expand_organizations: Literal["strings", "objects"] = "strings"
    connections_shape: Literal["wrapped", "flat"] = "wrapped"

    # users
    email_case: Literal["insensitive", "sensitive", "lower"] = "insensitive"
    """Kept as sent and compared without case; compared exactly; or stored in lower case."""
    sso_email: Literal["shown", "null"] = "shown"
    """Whether ``email`` of a user who has social or enterprise identities only is the address of one, or null."""
    enterprise_identity: Literal["replace", "refuse", "beside"] = "replace"
    """An enterprise identity for a user with identities of other types: it replaces them, is refused, or joins them."""
    profile_sync: bool = True
    """Whether a sign-in by a connection overwrites first name, last name and picture."""
    email_filter: Literal["identity", "primary"] = "identity"
    """Whether ``GET /users?email=`` looks at every e-mail identity or at the primary one only."""
    default_org_policy: bool = True
    """Whether a user created without ``organization_code`` joins the default organization."""
    profile_email: Literal["ignore", "reject"] = "ignore"
    identity_confirmed: bool = True
    """``is_confirmed`` of an identity created without ``is_verified``."""
    identity_conflict_status: Literal[400, 409] = 400
    clear_name: Literal["ignore", "reject"] = "ignore"
    """What happens to an empty given or family name: Kinde never clears one."""
    clear_provided_id: Literal["allow", "ignore"] = "allow"
    provided_id_unique: bool = False
    provided_id_max_length: int | None = None
    max_name_length: int | None = None
    search_lag: float = 0.0
    """Seconds until a new user is found by ``GET /search/users``."""
    no_sessions_status: Literal[200, 404] = 200
    """Answer to DELETE /users/{id}/sessions where there are none."""
    recreate_deleted: Literal["new", "conflict"] = "new"
    """Creating a user whose profile was kept by a plain delete: a new user, or USER_ALREADY_EXISTS."""
    kinde_properties: bool = False
    """Whether Kinde's own property definitions (``kp_usr_job_title``, ...) exist from the start."""

    # members
    add_existing_member: Literal["200", "204", "409"] = "200"
    """POST of a user who is a member already: 200 and not in ``users_added``, 204 when no user is added, or 409."""
    patch_roles: Literal["replace", "merge"] = "replace"
    patch_without_permissions: Literal["keep", "clear"] = "keep"
    bulk_failure: Literal["atomic", "partial", "silent"] = "atomic"
    """One bad user in a chunk: 400 and nothing done; 400 and the others done; 200 and left out."""
    role_twice_status: Literal[200, 400] = 200
    directory_changes: Literal["400", "403", "409", "allow"] = "400"
    """Status of changes of members where a SCIM directory manages the organization; invitations are always refused."""

    # the environment
    environment_live: bool = False
    """``is_live`` of ``GET /environment``."""

    # this program
    log_size: int = 100_000
    """Requests kept in the log."""

    def __post_init__(self) -> None:
        for name, hint in _hints().items():
            value = getattr(self, name)
            if not _fits(value, hint):
                raise SettingsError(f"{name}: {value!r} is not {_words(hint)}")
        for name in ("page_size", "max_page_size", "max_cursor_page_size", "max_bulk", "log_size", "rate_limit"):
            if (number := getattr(self, name)) is not None and number < 1:
                raise SettingsError(f"{name}: must be 1 or more, not {number}")
        for name in ("latency", "search_lag"):
            if getattr(self, name) < 0:
                raise SettingsError(f"{name}: must not be negative")
        if self.rate_window <= 0:
            raise SettingsError("rate_window: must be more than 0 seconds")
        if self.concurrency is not None and self.concurrency < 1:
            raise SettingsError(f"concurrency: must be 1 or more, not {self.concurrency}")

    def changed(self, changes: Mapping[str, Any]) -> Settings:
        """These settings with some of them changed.

        :param changes: new values by name, in the types of JSON: an integer for a float, a list for a tuple.
        :returns: new settings.
        :raises SettingsError: for an unknown name or a value of the wrong kind.
        """
        hints = _hints()
        fitting = {}
        for name, value in changes.items():
            if name not in hints:
                raise SettingsError(f"{name}: no such setting; there are {', '.join(sorted(hints))}")
            fitting[name] = _converted(value, hints[name])
        return replace(self, **fitting)

    def parsed(self, assignments: typing.Iterable[str]) -> Settings:
        """These settings changed by ``name=value`` texts, as on a command line.

        :param assignments: for example ``["patch_roles=merge", "rate_limit=none"]``.
        :returns: new settings.
        :raises SettingsError: for a text without ``=``, an unknown name or a value of the wrong kind.
        """
        hints = _hints()
        changes: dict[str, Any] = {}
        for text in assignments:
            name, equals, value = text.partition("=")
            name = name.strip().replace("-", "_")
            if not equals:
                raise SettingsError(f"{text!r}: expected name=value")
            if name not in hints:
                raise SettingsError(f"{name}: no such setting; there are {', '.join(sorted(hints))}")
            changes[name] = _read(name, value.strip(), hints[name])
        return self.changed(changes)

    def to_dict(self) -> dict[str, Any]:
        """The settings as a JSON object, the secret masked.

        :returns: values by name.
        """
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**plain, "client_secret": "***", "scopes": None if self.scopes is None else list(self.scopes)}


_HINTS: dict[str, Any] = {}


def _hints() -> dict[str, Any]:
    if not _HINTS:
        _HINTS.update(typing.get_type_hints(Settings))
    return _HINTS


def _parts(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)


def _fits(value: Any, hint: Any) -> bool:
    for part in _parts(hint):
        if typing.get_origin(part) is Literal:
            if any(value == choice and type(value) is type(choice) for choice in typing.get_args(part)):
                return True
        elif typing.get_origin(part) is tuple:
            if isinstance(value, tuple) and all(isinstance(item, str) for item in value):
                return True
        elif part is float:
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                return True
        elif type(value) is part:
            return True
    return False


def _converted(value: Any, hint: Any) -> Any:
    if isinstance(value, list) and any(typing.get_origin(part) is tuple for part in _parts(hint)):
        return tuple(value)
    if type(value) is int and float in _parts(hint):
        return float(value)
    if typing.get_origin(hint) is Literal and not _fits(value, hint):
        same = [choice for choice in typing.get_args(hint) if str(choice) == str(value)]
        return same[0] if same else value
    return value


def _words(hint: Any) -> str:
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a text", type(None): "none"}
    words = []
    for part in _parts(hint):
        if typing.get_origin(part) is Literal:
            words += [str(choice) for choice in typing.get_args(part)]
        else:
            words.append("a list of texts" if typing.get_origin(part) is tuple else names[part])
    return "one of " + ", ".join(words) if len(words) > 1 else words[0]


def _read(name: str, text: str, hint: Any) -> Any:
    parts = _parts(hint)
    if type(None) in parts and text.lower() in ("none", "null", ""):
        return None
    if any(typing.get_origin(part) is tuple for part in parts):
        return tuple(text.replace(",", " ").split())
    if bool in parts:
        answers = {
            "true": True,
            "yes": True,
            "on": True,
            "1": True,
            "false": False,
            "no": False,
            "off": False,
            "0": False,
        }
        if text.lower() not in answers:
            raise SettingsError(f"{name}: {text!r} is not true or false")
        return answers[text.lower()]
    for kind in (int, float):
        if kind in parts:
            try:
                return kind(text)
            except ValueError:
                raise SettingsError(f"{name}: {text!r} is not {_words(hint)}") from None
    return text
