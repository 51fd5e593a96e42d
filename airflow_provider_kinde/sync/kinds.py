"""The kinds of changes: their order, how texts show them, and the scopes that they need."""

from __future__ import annotations

KINDS = (
    "create_organization",
    "suspend",
    "create",
    "adopt",
    "rename",
    "update",
    "add_membership",
    "remove_membership",
    "add_role",
    "remove_role",
    "enable",
    "delete",
)
"""Every kind of operation, in the order in which they are carried out."""

COUNTED = (
    "create",
    "adopt",
    "update",
    "rename",
    "enable",
    "suspend",
    "delete",
    "add_membership",
    "remove_membership",
    "add_role",
    "remove_role",
    "create_organization",
)
"""The kinds as a summary lists them."""

MEMBERSHIP = ("add_membership", "remove_membership", "add_role", "remove_role")
"""The kinds that change who is in an organization, and as what."""

SIGNS = {
    "create_organization": "+", "create": "+", "adopt": "+", "enable": "+", "add_membership": "+", "add_role": "+",
    "rename": "~", "update": "~", "suspend": "-", "delete": "-", "remove_membership": "-", "remove_role": "-",
}  # fmt: skip
"""How a plan shows the kind: given, changed, taken."""

SCOPES = {
    "create_organization": {"create:organizations"},
    "suspend": {"update:users"},
    "create": {"create:users"},
    "adopt": {"update:users", "read:user_identities"},
    "rename": {
        "update:users", "read:user_identities", "create:user_identities", "update:identities", "delete:identities",
    },
    "update": {"update:users"},
    "add_membership": {"update:organization_users"},
    "remove_membership": {"update:organization_users"},
    "add_role": {"update:organization_users"},
    "remove_role": {"update:organization_users"},
    "enable": {"update:users"},
    "delete": {"delete:users"},
}  # fmt: skip
"""The scopes that carrying out a change of the kind needs, beside those for reading."""
