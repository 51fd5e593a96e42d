"""Peer: the straightforward loop over kinde-python-sdk. Runs in the environment ``sdk``.

``sdk_loop.py URL PEOPLE.json`` brings everybody into Kinde and prints seconds and failures.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from kinde_sdk.management import ManagementClient, models
from kinde_sdk.management.exceptions import ApiException

CLIENT_ID, CLIENT_SECRET = "emulator-client", "emulator-secret"


def connect(url: str) -> Any:
    """The SDK's client. It insists on https, so its two addresses are set afterwards."""
    client = ManagementClient(domain=url.partition("://")[2], client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
    client.configuration.host = url
    client.token_manager.token_url = f"{url}/oauth2/token"
    return client


def provision(client: Any, codes: dict[str, str], person: dict[str, Any]) -> None:
    """Look one person up, create whom there is not, and add to the team."""
    found = client.users_api.get_users(email=person["email"]).users
    if found:
        user_id = found[0].id
    else:
        identity = models.CreateUserRequestIdentitiesInner(
            type="email", details=models.CreateUserRequestIdentitiesInnerDetails(email=person["email"])
        )
        profile = models.CreateUserRequestProfile(given_name=person["given"], family_name=person["family"])
        request = models.CreateUserRequest(profile=profile, identities=[identity], provided_id=str(person["id"]))
        user_id = client.users_api.create_user(request).id
    roles = ["lead"] if person["lead"] == "yes" else []
    member = models.AddOrganizationUsersRequestUsersInner(id=user_id, roles=roles)
    client.organizations_api.add_organization_users(
        codes[person["team"]], models.AddOrganizationUsersRequest(users=[member])
    )


def main() -> None:
    """Entry point."""
    url, people = sys.argv[1], json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    client = connect(url)
    listed = client.organizations_api.get_organizations(page_size=100).organizations
    codes = {organization.name: organization.code for organization in listed}
    failed, began = 0, time.perf_counter()
    for person in people:
        try:
            provision(client, codes, person)
        except ApiException:
            failed += 1
    print(json.dumps({"seconds": time.perf_counter() - began, "failed": failed, "people": len(people)}))


if __name__ == "__main__":
    main()
