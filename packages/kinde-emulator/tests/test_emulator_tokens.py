from __future__ import annotations

import re
import time

import jwt
import pytest
import requests
from emulator_api import Api

from kinde_emulator import Emulator, Settings

PATHS = """
GET /identities/{identity_id} read:identities
PATCH /identities/{identity_id} update:identities
DELETE /identities/{identity_id} delete:identities
GET /organization/{org_code}/invites read:organization_invites
POST /organization/{org_code}/invites create:organization_invites
GET /organization/{org_code}/invites/{invite_code} read:organization_invites
DELETE /organization/{org_code}/invites/{invite_code} delete:organization_invites
GET /api_keys read:api_keys
GET /api_keys/{key_id} read:api_keys
DELETE /api_keys/{key_id} delete:api_keys
GET /connections read:connections
GET /connections/{connection_id} read:connections
GET /environment read:environments
GET /organization read:organizations
POST /organization create:organizations
GET /organizations read:organizations
PATCH /organization/{org_code} update:organizations
DELETE /organization/{org_code} delete:organizations
GET /organizations/{org_code}/users read:organization_users
POST /organizations/{org_code}/users create:organization_users
PATCH /organizations/{org_code}/users update:organization_users
GET /organizations/{org_code}/users/{user_id}/roles read:organization_user_roles
POST /organizations/{org_code}/users/{user_id}/roles create:organization_user_roles
DELETE /organizations/{org_code}/users/{user_id}/roles/{role_id} delete:organization_user_roles
GET /organizations/{org_code}/roles/{role_id}/users read:organization_user_roles
GET /organizations/{org_code}/roles/{role_id}/users/count read:organization_user_roles
GET /organizations/{org_code}/users/{user_id}/permissions read:organization_user_permissions
POST /organizations/{org_code}/users/{user_id}/permissions create:organization_user_permissions
DELETE /organizations/{org_code}/users/{user_id}/permissions/{permission_id} delete:organization_user_permissions
DELETE /organizations/{org_code}/users/{user_id} delete:organization_users
POST /organizations/{org_code}/users/{user_id}/apis/{api_id}/scopes/{scope_id} create:organization_user_api_scopes
DELETE /organizations/{org_code}/users/{user_id}/apis/{api_id}/scopes/{scope_id} delete:organization_user_api_scopes
GET /organizations/{org_code}/users/{user_id}/mfa read:organization_user_mfa
DELETE /organizations/{org_code}/users/{user_id}/mfa delete:organization_user_mfa
DELETE /organizations/{org_code}/users/{user_id}/mfa/{factor_id} delete:organization_user_mfa
GET /applications read:applications
POST /applications create:applications
GET /applications/{application_id} read:applications
PATCH /applications/{application_id} update:applications
DELETE /applications/{application_id} delete:applications
POST /connections create:connections
PUT /connections/{connection_id} update:connections
PATCH /connections/{connection_id} update:connections
DELETE /connections/{connection_id} delete:connections
POST /directories create:scim_directories
PATCH /directories/{directory_id} update:scim_directories
DELETE /directories/{directory_id} delete:scim_directories
GET /environment_variables read:environment_variables
POST /environment_variables create:environment_variables
GET /environment_variables/{variable_id} read:environment_variables
PATCH /environment_variables/{variable_id} update:environment_variables
DELETE /environment_variables/{variable_id} delete:environment_variables
GET /webhooks read:webhooks
POST /webhooks create:webhooks
PATCH /webhooks/{webhook_id} update:webhooks
DELETE /webhooks/{webhook_id} delete:webhooks
GET /environment/feature_flags read:environment_feature_flags
DELETE /environment/feature_flags delete:environment_feature_flags
DELETE /environment/feature_flags/{feature_flag_key} delete:environment_feature_flags
PATCH /environment/feature_flags/{feature_flag_key} update:environment_feature_flags
POST /feature_flags create:feature_flags
PUT /feature_flags/{feature_flag_key} update:feature_flags
DELETE /feature_flags/{feature_flag_key} delete:feature_flags
GET /organizations/{org_code}/feature_flags read:organization_feature_flags
DELETE /organizations/{org_code}/feature_flags delete:organization_feature_flags
DELETE /organizations/{org_code}/feature_flags/{feature_flag_key} delete:organization_feature_flags
PATCH /organizations/{org_code}/feature_flags/{feature_flag_key} update:organization_feature_flags
PUT /organizations/{org_code}/properties/{property_key} update:organization_properties
GET /organizations/{org_code}/properties read:organization_properties
PATCH /organizations/{org_code}/properties update:organization_properties
PUT /organizations/{org_code}/mfa update:organization_mfa
DELETE /organization/{org_code}/handle delete:organization_handles
GET /organizations/{org_code}/logos read:organizations
POST /organizations/{org_code}/logos/{type} update:organizations
DELETE /organizations/{org_code}/logos/{type} update:organizations
GET /organizations/{organization_code}/connections read:organization_connections
POST /organizations/{organization_code}/connections/{connection_id} create:organization_connections
DELETE /organizations/{organization_code}/connections/{connection_id} delete:organization_connections
PATCH /organizations/{org_code}/sessions update:organizations
GET /permissions read:permissions
POST /permissions create:permissions
PATCH /permissions/{permission_id} update:permissions
DELETE /permissions/{permission_id} delete:permissions
GET /properties read:properties
POST /properties create:properties
PUT /properties/{property_id} update:properties
DELETE /properties/{property_id} delete:properties
GET /property_categories read:property_categories
POST /property_categories create:property_categories
PUT /property_categories/{category_id} update:property_categories
GET /roles read:roles
POST /roles create:roles
GET /roles/{role_id} read:roles
PATCH /roles/{role_id} update:roles
DELETE /roles/{role_id} delete:roles
GET /roles/{role_id}/permissions read:role_permissions
PATCH /roles/{role_id}/permissions update:role_permissions
GET /roles/{role_id}/users read:organization_user_roles
DELETE /roles/{role_id}/permissions/{permission_id} delete:role_permissions
GET /search/users read:users
GET /users read:users
POST /users/{user_id}/refresh_claims update:user_refresh_claims
GET /user read:users
POST /user create:users
PATCH /user update:users
DELETE /user delete:users
PATCH /users/{user_id}/feature_flags/{feature_flag_key} update:user_feature_flags
PUT /users/{user_id}/properties/{property_key} update:user_properties
GET /users/{user_id}/properties read:user_properties
PATCH /users/{user_id}/properties update:user_properties
PUT /users/{user_id}/password update:user_passwords
GET /users/{user_id}/identities read:user_identities
POST /users/{user_id}/identities create:user_identities
GET /users/{user_id}/sessions read:user_sessions
DELETE /users/{user_id}/sessions delete:user_sessions
GET /users/{user_id}/mfa read:user_mfa
DELETE /users/{user_id}/mfa delete:user_mfa
DELETE /users/{user_id}/mfa/{factor_id} delete:user_mfa
"""
OPERATIONS = [tuple(line.split()) for line in PATHS.strip().splitlines()]


def test_a_token_is_signed_and_the_published_key_proves_it(api):
    answer = api.token()
    assert answer.json()["token_type"] == "bearer"
    assert answer.headers["cache-control"] == "no-store"
    discovery = requests.get(f"{api.kinde.url}/.well-known/openid-configuration", timeout=10).json()
    keys = [requests.get(url, timeout=10).json() for url in (discovery["jwks_uri"], f"{discovery['jwks_uri']}.json")]
    assert keys[0] == keys[1]
    assert discovery["token_endpoint"] == f"{api.kinde.url}/oauth2/token"
    token = answer.json()["access_token"]
    key = jwt.PyJWKSet.from_dict(keys[0])[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key.key, algorithms=["RS256"], audience=f"{api.kinde.url}/api", issuer=api.kinde.url)
    assert claims["exp"] - claims["iat"] == answer.json()["expires_in"] == 86_400
    assert (claims["azp"], claims["gty"], claims["v"]) == (api.kinde.client_id, ["client_credentials"], "2")
    assert claims["scp"] == claims["scope"].split() == answer.json()["scope"].split()
    assert "read:users" in claims["scp"]


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"client_id": ""}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"audience": ""}, 400, "invalid_request"),
        ({"audience": "https://other.kinde.com/api"}, 400, "unauthorized_client"),
        ({"scope": "read:users fly:moon"}, 400, "invalid_scope"),
    ],
)
def test_the_token_endpoint_refuses(api, form, status, error):
    answer = api.token(**form)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"]


def test_the_token_endpoint_wants_a_form(api):
    answer = requests.post(f"{api.kinde.url}/oauth2/token", json={"grant_type": "client_credentials"}, timeout=10)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_the_audience_may_be_written_with_https(api):
    assert api.token(audience=f"https://{api.kinde.host}/api").status_code == 200


def test_basic_authentication_is_a_switch(api):
    def ask() -> requests.Response:
        form = {"grant_type": "client_credentials", "audience": f"{api.kinde.url}/api"}
        auth = (api.kinde.client_id, api.kinde.client_secret)
        return requests.post(f"{api.kinde.url}/oauth2/token", data=form, auth=auth, timeout=10)

    assert ask().status_code == 200
    api.kinde.set(basic_auth=False)
    assert ask().json()["error"] == "invalid_client"


def test_a_subset_of_scopes_is_all_that_the_token_has(api):
    limited = Api(api.kinde, scope="read:users")
    limited.ok("GET", "/users")
    message = limited.fails(403, "INSUFFICIENT_SCOPE", "POST", "/user", json={})
    assert "create:users" in message


def test_clients_have_their_scopes(start):
    api = start(scopes=("read:users", "read:roles"))
    assert api.token().json()["scope"] == "read:roles read:users"
    api.kinde.seed(
        {"clients": [{"id": "hr", "secret": "s3", "scopes": ["read:organizations"]}, {"id": "all", "secret": "s4"}]}
    )
    other = Api(api.kinde, client_id="hr", client_secret="s3")
    other.ok("GET", "/organizations")
    other.fails(403, "INSUFFICIENT_SCOPE", "GET", "/users")
    assert "delete:users" in api.token(client_id="all", client_secret="s4").json()["scope"].split()
    assert api.token(client_id="hr", client_secret="s4").status_code == 401


@pytest.fixture(scope="module")
def shared():
    with Emulator() as kinde:
        yield kinde


@pytest.mark.parametrize(("method", "path", "scope"), OPERATIONS)
def test_every_operation_asks_for_its_scope(shared, method, path, scope):
    everything = set(Api(shared).token().json()["scope"].split())
    api = Api(shared, scope=" ".join(sorted(everything - {scope})))
    message = api.fails(403, "INSUFFICIENT_SCOPE", method, re.sub(r"\{.*?\}", "light", path), json={}, files=None)
    assert message.endswith(scope)


@pytest.mark.parametrize("status", [401, 403])
def test_an_expired_token_is_refused(start, status):
    api = start(expires_in=0, expired_token=status)
    assert "expired" in api.fails(status, "TOKEN_INVALID", "GET", "/users")


@pytest.mark.parametrize("header", ["", "Bearer", "Basic abc", "Bearer abc", "Bearer a.b.c"])
def test_an_invalid_token_is_refused(api, header):
    api.http.headers["authorization"] = header
    assert api("GET", "/users").status_code == 401


def test_a_token_of_another_tenant_is_refused(api, start):
    other = start()
    other.http.headers["authorization"] = api.http.headers["authorization"]
    assert "another host" in other.fails(401, "TOKEN_INVALID", "GET", "/users")


def test_revoking_all_tokens_spares_the_next_one(api):
    api.ok("GET", "/users")
    fresh = Api(api.kinde)
    api.kinde.revoke_tokens()
    api.fails(401, "TOKEN_INVALID", "GET", "/users")
    fresh.fails(401, "TOKEN_INVALID", "GET", "/users")
    Api(api.kinde).ok("GET", "/users")


def test_answers_of_the_token_endpoint_are_switches(start):
    answer = start(token_type="Bearer", expires_in_sent=False).token().json()
    assert answer["token_type"] == "Bearer"
    assert "expires_in" not in answer


def test_tokens_outlive_a_restart_with_the_data(tmp_path):
    with Emulator(data=tmp_path / "kinde.db") as first:
        port = first.port
        header = Api(first).http.headers["authorization"]
    with Emulator(data=tmp_path / "kinde.db", port=port) as second:
        api = Api(second)
        api.http.headers["authorization"] = header
        api.ok("GET", "/users")
        time.sleep(1.1)  # Age is all that is known of tokens from before, in whole seconds.
        second.revoke_tokens()
        api.fails(401, "TOKEN_INVALID", "GET", "/users")


def test_tokens_of_another_key_are_refused(tmp_path):
    with Emulator(Settings()) as one:
        header = Api(one).http.headers["authorization"]
        claims = jwt.decode(header.removeprefix("Bearer "), options={"verify_signature": False})
        from cryptography.hazmat.primitives.asymmetric import rsa

        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        forged = [jwt.encode(claims, key, algorithm="RS256"), jwt.encode(claims, None, algorithm="none")]
        api = Api(one)
        for token in forged:
            api.http.headers["authorization"] = f"Bearer {token}"
            api.fails(401, "TOKEN_INVALID", "GET", "/users")
