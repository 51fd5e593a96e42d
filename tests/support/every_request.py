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
    "access_token_lifetime": 3600,
    "active_since": datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc),
    "allow_override_level": "org",
    "allowed_domains": ["acme.com", "acme.org"],
    "api_id": "a" * 32,
    "api_key": "sk_1234",
    "api_scopes": "read:things",
    "app_id": "a" * 32,
    "application_id": "a" * 32,
    "applications": [{"id": "a" * 32}, {"id": "b" * 32, "operation": "delete"}],
    "assignment_permission_id": UUID,
    "audience": "https://api.acme.com",
    "authenticated_session_lifetime": 86_400,
    "billing_email": "billing@acme.com",
    "billing_feature_code": "seats",
    "billing_plan_code": "pro",
    "business_name": "Acme",
    "category_id": "category_" + 32 * "c",
    "code": ORG,
    "connection_id": "conn_" + 32 * "d",
    "context": "usr",
    "customer_agreement_id": "agreement_1",
    "customer_id": "customer_1",
    "date_time_from": datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc),
    "date_time_to": datetime(2026, 2, 2, 3, 4, 5, tzinfo=timezone.utc),
    "default_value": "off",
    "description": "What it is for, in words: ü",
    "directory_id": "dir_1",
    "directory_name": "Entra",
    "display_name": "Acme SSO",
    "email": "ada+hr@acme.com",
    "enabled_applications": ["a" * 32],
    "enabled_factors": ["mfa:email", "mfa:sms", "mfa:authenticator_app"],
    "ending_before": USER,
    "endpoint": "https://acme.com/hook",
    "enterprise_connection_id": "conn_" + 32 * "d",
    "event_id": "event_1",
    "event_types": ["user.updated"],
    "external_id": "7",
    "factor_id": "mfa_" + 32 * "e",
    "family_name": "Lovelace",
    "feature_code": "seats",
    "feature_flag_key": "dark_mode",
    "feature_flags": {"dark_mode": "str"},  # Kinde's document lists types where it means values
    "first_name": "Ada",
    "given_name": "Ada",
    "handle": "acme",
    "hashed_password": "$2b$10$" + 53 * "x",
    "hashing_method": "bcrypt",
    "homepage_uri": "https://acme.com",
    "home_realm_domain": "acme.com",
    "id": USER,
    "id_token_lifetime": 3600,
    "identities": [
        {"type": "email", "is_verified": True, "details": {"email": "ada@acme.com"}},
        {"type": "phone", "details": {"phone": "20 7946 0000", "phone_country_id": "gb"}},
        {"type": "username", "details": {"username": "ada"}},
    ],
    "identity_id": "identity_" + 32 * "f",
    "industry_key": "tech",
    "invite_code": "inv_1",
    "iterations": 1000,
    "key": "the_key",
    "key_code_ref": "google",
    "key_id": "api_key_" + 32 * "2",
    "kinde_perk_code": "perk",
    "key_type": "user",
    "language_key": "en",
    "last_name": "Lovelace",
    "login_uri": "https://acme.com/login",
    "logo": b"\x89PNG\r\n\x1a\n" + 20 * b"\0",
    "logout_uris": ["https://acme.com/out"],
    "max_value": "10",
    "mem_cost": 14,
    "meter_type_code": "delta",
    "meter_usage_timestamp": "2026-01-01T00:00:00Z",
    "meter_value": "3",
    "name": "Acme",
    "next_token": "Mjo6OmlkX2FzYw==",
    "options": {"home_realm_domains": ["@acme.com"], "entra_id_domain": "acme.com"},
    "org_code": ORG,
    "organization_code": ORG,
    "override_callback_url": "https://acme.com/back",
    "page_size": 100,
    "permission_id": UUID,
    "phone": "+442079460000",
    "phone_country_id": "gb",
    "picture": "https://acme.com/ada.png",
    "plan_code": "pro",
    "policy": "optional",
    "privacy_url": "https://acme.com/privacy",
    "profile": {"given_name": "Ada", "family_name": "Lovelace", "picture": "https://acme.com/ada.png"},
    "properties": {"kp_usr_job_title": "Countess", "level": "3"},
    "property_id": "prop_" + 32 * "0",
    "property_key": "kp_usr_job_title",
    "provided_id": "hr:10026",
    "provider_code": "okta",
    "query": "ada",
    "redirect_uris": ["https://acme.com/in"],
    "refresh_token_lifetime": 86_400,
    "role_id": UUID,
    "roles": ["engineer", "lead"],
    "rounds": 8,
    "salt": "pepper",
    "salt_position": "prefix",
    "salt_separator": "Bw==",
    "scope_id": "api_scope_" + 32 * "1",
    "scope_ids": ["api_scope_" + 32 * "1"],
    "sender_email": "hello@acme.com",
    "sender_name": "Acme",
    "session_id": "session_1",
    "signer_key": "key",
    "sort": "name_asc",
    "sso_session_persistence_mode": "non_persistent",
    "starting_after": USER,
    "status": "active",
    "strategy": "saml:okta",
    "subscriber_id": "subscriber_1",
    "system_permissions": [{"id": UUID}],
    "terms_url": "https://acme.com/terms",
    "theme_code": "user_preference",
    "timezone_key": "london",
    "urls": ["https://acme.com/in", "https://acme.com/too"],
    "use_gravatar_fallback": True,
    "user_id": USER,
    "username": "ada",
    "value": "value & more",
    "variable_id": "env_var_1",
    "variant": "scrypt",
    "webhook_id": "webhook_1",
}  # fmt: skip
BY_OPERATION: dict[str, dict[str, Any]] = {
    "add_logo": {"type": "light"},
    "add_organization_logo": {"type": "light"},
    "add_organization_users": {
        "users": [{"id": USER, "roles": ["engineer"], "permissions": ["read:all"]}, {"id": USER}]
    },
    "create_api_key": {"type": "user"},
    "create_application": {"type": "m2m"},
    "create_feature_flag": {"type": "bool"},
    "create_property": {"type": "single_line_text"},
    "create_user_identity": {"type": "email", "value": "ada@acme.com"},
    "delete_logo": {"type": "dark"},
    "delete_organization_logo": {"type": "dark"},
    "get_apis": {"expand": "scopes"},
    "get_billing_entitlements": {"expand": "plans"},
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
    "update_feature_flag": {"type": "bool"},
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
