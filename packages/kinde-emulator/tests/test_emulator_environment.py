"""What belongs to the environment: variables, webhooks, applications, connections, directories."""

from __future__ import annotations


def test_environment_variables(api):
    path = "/environment_variables"
    api.ok("POST", path, 201, json={"key": "URL", "value": "https://x.org"})
    secret = api.ok("POST", path, 201, json={"key": "TOKEN", "value": "t", "is_secret": True})["environment_variable"]
    api.fails(400, "ENVIRONMENT_VARIABLE_ALREADY_EXISTS", "POST", path, json={"key": "URL", "value": "x"})
    listed = api.ok("GET", path)["environment_variables"]
    assert [(item["key"], item["value"]) for item in listed] == [("URL", "https://x.org"), ("TOKEN", None)]
    one = f"{path}/{secret['id']}"
    api.fails(400, "ENVIRONMENT_VARIABLE_ALREADY_EXISTS", "PATCH", one, json={"key": "URL"})
    api.ok("PATCH", one, json={"is_secret": False})
    assert api.ok("GET", one)["environment_variable"]["value"] == "t"
    api.ok("DELETE", one)
    api.fails(404, "ENVIRONMENT_VARIABLE_NOT_FOUND", "GET", one)


def test_webhooks(api):
    body = {"endpoint": "https://x.org/hook", "event_types": ["user.created"], "name": "Hook"}
    api.fails(400, "INVALID_ENDPOINT", "POST", "/webhooks", json={**body, "endpoint": "http://x.org"})
    made = api.ok("POST", "/webhooks", json=body)["webhook"]
    api.ok("PATCH", f"/webhooks/{made['id']}", json={"name": "Other", "event_types": []})
    api.fails(400, "UNKNOWN_FIELD", "PATCH", f"/webhooks/{made['id']}", json={"endpoint": "https://y.org"})
    [kept] = api.ok("GET", "/webhooks")["webhooks"]
    assert (kept["name"], kept["endpoint"], kept["event_types"]) == ("Other", "https://x.org/hook", [])
    api.ok("DELETE", f"/webhooks/{made['id']}")
    api.fails(404, "WEBHOOK_NOT_FOUND", "DELETE", f"/webhooks/{made['id']}")


def test_applications(api):
    made = [api.ok("POST", "/applications", 201, json={"name": name, "type": "m2m"})["application"] for name in "cab"]
    first = api.ok("GET", "/applications", params={"page_size": 2})
    assert [item["name"] for item in first["applications"]] == ["a", "b"]
    rest = api.ok("GET", "/applications", params={"page_size": 2, "next_token": first["next_token"]})
    assert [item["name"] for item in rest["applications"]] == ["c"]
    path = f"/applications/{made[0]['id']}"
    assert api.ok("PATCH", path, json={"name": "d", "login_uri": "https://x.org"}) is None
    kept = api.ok("GET", path)["application"]
    assert (kept["name"], kept["type"], kept["client_id"]) == ("d", "m2m", made[0]["client_id"])
    api.ok("DELETE", path)
    api.fails(404, "APPLICATION_NOT_FOUND", "PATCH", path, json={"name": "e"})


def test_connections_are_created_found_by_domain_changed_and_deleted(api):
    body = {
        "name": "Okta",
        "strategy": "saml:okta",
        "options": {"home_realm_domains": ["x.org"], "saml_entity_id": "e"},
    }
    api.fails(400, "INVALID_FIELD", "POST", "/connections", json={"name": "Okta", "strategy": "okta"})
    connection_id = api.ok("POST", "/connections", 201, json=body)["connection"]["id"]

    def found(domain):
        return api.ok("GET", "/connections", params={"home_realm_domain": domain})["connections"]

    assert [item["connection"]["id"] for item in found("x.org")] == [connection_id]
    for method in ("PATCH", "PUT"):
        api.ok(method, f"/connections/{connection_id}", json={"options": {"home_realm_domains": [f"{method}.org"]}})
        assert (found("x.org"), len(found(f"{method}.org"))) == ([], 1)
    api.ok("DELETE", f"/connections/{connection_id}")
    api.fails(400, "CONNECTION_NOT_FOUND", "DELETE", f"/connections/{connection_id}")


def test_directories_are_created_renamed_and_deleted(api, org):
    body = {"org_code": org, "directory_name": "Okta", "provider_code": "okta"}
    api.fails(400, "ORGANIZATION_NOT_FOUND", "POST", "/directories", json={**body, "org_code": "org_0"})
    made = api.ok("POST", "/directories", 201, json=body)["directory"]
    assert (made["status"], made["organization_code"]) == ("Pending", org)
    api.fails(409, "DIRECTORY_EXISTS", "POST", "/directories", json=body)
    renamed = api.ok("PATCH", f"/directories/{made['id']}", json={"directory_name": "Entra"})["directory"]
    assert renamed == {**made, "directory_name": "Entra"}
    invitation = {"email": "d@x.org", "roles": []}
    api.fails(400, "ORGANIZATION_MANAGED_BY_DIRECTORY", "POST", f"/organization/{org}/invites", json=invitation)
    assert api.ok("DELETE", f"/directories/{made['id']}")["directory_id"] == made["id"]
    api.fails(404, "DIRECTORY_NOT_FOUND", "DELETE", f"/directories/{made['id']}")
    api.ok("POST", f"/organization/{org}/invites", 201, json=invitation)
