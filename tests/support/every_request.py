"""Arguments for every operation, such as somebody would send: shared by those who check requests."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from airflow_provider_kinde.client.endpoints.catalog import ENDPOINTS

UUID = "01929904-316d-bb2c-069f-99dfea4ac394"
USER = "kp_" + 32 * "a"
ORG = "org_" + 11 * "b"
COLOUR = "#1a2b3c"

BY_NAME: dict[str, Any] = {
    "active_since": datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc),
    "allowed_domains": ["acme.com", "acme.org"],
    "api_id": "a" * 32,
    "api_scopes": "read:things",
    "assignment_permission_id": UUID,
    "authenticated_session_lifetime": 86_400,
    "billing_email": "billing@acme.com",
    "billing_plan_code": "pro",
    "category_id": "category_" + 32 * "c",
    "code": ORG,
    "connection_id": "conn_" + 32 * "d",
    "context": "usr",
    "description": "What it is for, in words: ü",
    "email": "ada+hr@acme.com",
    "enabled_factors": ["mfa:email", "mfa:sms", "mfa:authenticator_app"],
    "ending_before": USER,
    "external_id": "7",
    "factor_id": "mfa_" + 32 * "e",
    "family_name": "Lovelace",
    "feature_flag_key": "dark_mode",
    "feature_flags": {"dark_mode": "str"},  # Kinde's document lists types where it means values
    "first_name": "Ada",
    "given_name": "Ada",
    "handle": "acme",
    "hashed_password": "$2b$10$" + 53 * "x",
    "hashing_method": "bcrypt",
    "id": USER,
    "identities": [
        {"type": "email", "is_verified": True, "details": {"email": "ada@acme.com"}},
        {"type": "phone", "details": {"phone": "20 7946 0000", "phone_country_id": "gb"}},
        {"type": "username", "details": {"username": "ada"}},
    ],
    "identity_id": "identity_" + 32 * "f",
    "invite_code": "inv_1",
    "iterations": 1000,
    "key": "the_key",
    "last_name": "Lovelace",
    "logo": b"\x89PNG\r\n\x1a\n" + 20 * b"\0",
    "mem_cost": 14,
    "name": "Acme",
    "next_token": "Mjo6OmlkX2FzYw==",
    "org_code": ORG,
    "organization_code": ORG,
    "page_size": 100,
    "permission_id": UUID,
    "phone": "+442079460000",
    "phone_country_id": "gb",
    "picture": "https://acme.com/ada.png",
    "profile": {"given_name": "Ada", "family_name": "Lovelace", "picture": "https://acme.com/ada.png"},
    "properties": {"kp_usr_job_title": "Countess", "level": "3"},
    "property_id": "prop_" + 32 * "0",
    "property_key": "kp_usr_job_title",
    "provided_id": "hr:10026",
    "query": "ada",
    "role_id": UUID,
    "roles": ["engineer", "lead"],
    "rounds": 8,
    "salt": "pepper",
    "salt_position": "prefix",
    "salt_separator": "Bw==",
    "scope_id": "api_scope_" + 32 * "1",
    "sender_email": "hello@acme.com",
    "sender_name": "Acme",
    "signer_key": "key",
    "sort": "name_asc",
    "sso_session_persistence_mode": "non_persistent",
    "starting_after": USER,
    "theme_code": "user_preference",
    "user_id": USER,
    "username": "ada",
    "value": "value & more",
    "variant": "scrypt",
}  # fmt: skip
BY_OPERATION: dict[str, dict[str, Any]] = {
    "add_organization_logo": {"type": "light"},
    "add_organization_users": {
        "users": [{"id": USER, "roles": ["engineer"], "permissions": ["read:all"]}, {"id": USER}]
    },
    "create_property": {"type": "single_line_text"},
    "create_user_identity": {"type": "email", "value": "ada@acme.com"},
    "delete_organization_logo": {"type": "dark"},
    "get_organization": {"expand": "billing"},
    "get_organization_user_permissions": {"expand": ["roles"]},
    "get_organization_users": {"roles": ["engineer", "lead"], "permissions": "read:all", "sort": "email_desc"},
    "get_user_data": {"expand": "identities"},
    "get_users": {
        "user_id": [USER, USER],
        "email": ["a+b@acme.com", "c@acme.com"],
        "expand": ["organizations", "identities"],
    },
    "remove_organization_users": {"users": [USER]},
    "search_users": {"expand": "properties", "properties": {"kp_usr_job_title": ["Countess", "Duke"]}},
    "update_organization": {"expand": "billing"},
    "update_organization_users": {
        "users": [{"id": USER, "roles": ["engineer"], "permissions": []}, {"id": USER, "operation": "delete"}]
    },
    "update_role_permissions": {"permissions": [{"id": UUID}, {"id": UUID, "operation": "delete"}]},
}


def everything(name: str) -> dict[str, Any]:
    """Every argument that an operation takes."""
    found = {}
    for parameter in ENDPOINTS[name].parameters:
        if parameter in BY_OPERATION.get(name, ()):
            found[parameter] = BY_OPERATION[name][parameter]
        elif parameter.startswith(("is_", "has_", "include_", "send_")):
            found[parameter] = True
        elif parameter.removesuffix("_dark").endswith("_color"):
            found[parameter] = COLOUR
        else:
            found[parameter] = BY_NAME[parameter]
    return found


def required(name: str) -> dict[str, Any]:
    """What an operation cannot do without."""
    return {key: value for key, value in everything(name).items() if key in ENDPOINTS[name].required}
