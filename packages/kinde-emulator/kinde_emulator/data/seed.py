"""The form of a seed: plain data that is put into a tenant."""

from __future__ import annotations

from typing import Any, Literal

from kinde_emulator.model import Model


class SeedDirectory(Model):
    """The SCIM directory that manages an organization."""

    name: str
    status: Literal["Pending", "Validating", "Active", "Inactive", "Error"] = "Active"


class SeedOrganization(Model):
    """An organization, found by ``code`` or else by ``name``, and created if it is missing."""

    plain_field = "name"

    name: str | None = None
    code: str | None = None
    handle: str | None = None
    external_id: str | None = None
    is_default: bool | None = None
    is_suspended: bool | None = None
    properties: dict[str, str] = {}
    directory: SeedDirectory | None = None


class SeedRole(Model):
    """A role."""

    plain_field = "key"

    key: str
    id: str | None = None
    name: str | None = None
    description: str | None = None
    is_default_role: bool = False
    permissions: list[str] = []


class SeedPermission(Model):
    """A permission."""

    plain_field = "key"

    key: str
    id: str | None = None
    name: str | None = None
    description: str | None = None


class SeedProperty(Model):
    """A property definition."""

    plain_field = "key"

    key: str
    id: str | None = None
    name: str | None = None
    description: str | None = None
    context: Literal["usr", "org", "app"] = "usr"
    type: Literal["single_line_text", "multi_line_text"] = "single_line_text"
    is_private: bool = False
    is_kinde_property: bool = False


class SeedClient(Model):
    """A further client of the Management API; ``scopes`` null for all."""

    id: str
    secret: str
    scopes: list[str] | None = None


class SeedIdentity(Model):
    """An identity of a user. ``is_confirmed`` of a social or enterprise identity is null unless it is given."""

    plain_field = "value"

    value: str
    type: str = "email"
    id: str | None = None
    is_confirmed: bool | None = True
    is_primary: bool | None = None
    connection_id: str | None = None


class SeedFlag(Model):
    """A feature flag of the environment."""

    key: str
    name: str | None = None
    type: Literal["str", "int", "bool"] = "bool"
    value: str = "false"


class SeedConnection(Model):
    """A connection to an identity provider; ``domains`` are its home realm domains."""

    id: str | None = None
    name: str
    strategy: str = "saml:custom"
    domains: list[str] = []


class SeedScope(Model):
    """A scope of one of the customer's own APIs."""

    api_id: str
    id: str
    key: str


class SeedUser(Model):
    """A user, found by ``id`` or else by ``email``, and created if missing.

    ``memberships`` is role keys by organization, or a list of organizations; an organization is named by code, name or
    handle. A user joins the default organization only if it is named. ``permissions`` are those given by hand,
    ``identities`` those beside ``email`` (a plain text is an e-mail address), ``sessions`` is a number, ``api_keys``
    are names of API keys, ``factors`` are second factors.
    """

    id: str | None = None
    email: str | None = None
    is_confirmed: bool | None = True
    identities: list[SeedIdentity] = []
    first_name: str | None = None
    last_name: str | None = None
    picture: str | None = None
    provided_id: str | None = None
    is_suspended: bool = False
    created_on: str | None = None
    last_signed_in: str | None = None
    total_sign_ins: int = 0
    memberships: dict[str, list[str]] = {}
    permissions: dict[str, list[str]] = {}
    properties: dict[str, str] = {}
    sessions: int = 0
    api_keys: list[str] = []
    factors: list[Literal["mfa:email", "mfa:sms", "mfa:authenticator_app"]] = []

    @classmethod
    def parse(cls, data: Any) -> SeedUser:
        """Reads a user.

        :param data: the fields; ``memberships`` may be a list of organizations, without roles.
        :raises ModelError: for the first field that is unknown, missing or wrong.
        """
        listed = data.get("memberships") if isinstance(data, dict) else None
        if isinstance(listed, list) and all(isinstance(name, str) for name in listed):
            data = {**data, "memberships": {name: [] for name in listed}}
        return super().parse(data)


class Seed(Model):
    """Everything that a seed may hold. Roles, permissions and properties may be plain keys, organizations names."""

    organizations: list[SeedOrganization] = []
    permissions: list[SeedPermission] = []
    roles: list[SeedRole] = []
    properties: list[SeedProperty] = []
    clients: list[SeedClient] = []
    feature_flags: list[SeedFlag] = []
    connections: list[SeedConnection] = []
    api_scopes: list[SeedScope] = []
    users: list[SeedUser] = []
