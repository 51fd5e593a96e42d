"""Peer: creations by kinde-python-sdk. Runs in the environment ``sdk``.

``sdk_creations.py URL NUMBER THREADS`` prints seconds and how many failed.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kinde_sdk.management import models
from kinde_sdk.management.exceptions import ApiException

sys.path.insert(0, str(Path(__file__).parent.parent.parent))
from benchmarks.peers.sdk_loop import connect


def main() -> None:
    """Entry point."""
    url, number, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    client = connect(url)
    client.organizations_api.get_organizations()

    def create(place: int) -> bool:
        identity = models.CreateUserRequestIdentitiesInner(
            type="email", details=models.CreateUserRequestIdentitiesInnerDetails(email=f"person{place}@bench.example")
        )
        profile = models.CreateUserRequestProfile(given_name=f"Given{place}", family_name=f"Family{place}")
        request = models.CreateUserRequest(profile=profile, identities=[identity], provided_id=f"bench:{place}")
        try:
            client.users_api.create_user(request)
        except ApiException:
            return False
        return True

    began = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        failed = list(pool.map(create, range(number))).count(False)
    print(json.dumps({"seconds": time.perf_counter() - began, "failed": failed}))


if __name__ == "__main__":
    main()
