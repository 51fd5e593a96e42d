"""Every kind of trouble, every kind of request: the two lists, and a run on which all of them occur."""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.client.transport import Transport
from kinde_emulator import Emulator, Settings
from tests.laws.test_sync_laws import OPEN
from tests.support.world import SPEC, World, _nap, person

TIMEOUT = 0.5
"""Seconds that a client waits here; "slow" answers take longer."""


@dataclass(frozen=True)
class Kind:
    """One kind of request that a sync sends: first match counts.

    :param name: as tests are called.
    :param body: regular expression searched in the body.
    """

    name: str
    method: str
    path: str
    body: str | None = None

    def fits(self, entry: dict[str, Any]) -> bool:
        query = "&".join(f"{name}={value}" for name, value in entry["query"].items())
        text = f"{entry['path']}?{query}" if query else entry["path"]
        return (
            entry["method"] == self.method
            and re.search(self.path, text) is not None
            and (self.body is None or re.search(self.body, str(entry["body"]).replace("'", '"')) is not None)
        )


KINDS = (
    Kind("token", "POST", "^/oauth2/token$"),
    Kind("users", "GET", r"^/api/v1/users\?.*expand="),
    Kind("users-by-address", "GET", r"^/api/v1/users\?.*email="),
    Kind("roles", "GET", r"^/api/v1/roles"),
    Kind("organizations", "GET", r"^/api/v1/organizations(\?|$)"),
    Kind("members", "GET", r"^/api/v1/organizations/[^/]+/users"),
    Kind("search", "GET", "^/api/v1/search/users"),
    Kind("identities", "GET", "^/api/v1/users/[^/]+/identities"),
    Kind("create-user", "POST", "^/api/v1/user$"),
    Kind("add-identity", "POST", "^/api/v1/users/[^/]+/identities"),
    Kind("make-primary", "PATCH", "^/api/v1/identities/"),
    Kind("drop-identity", "DELETE", "^/api/v1/identities/"),
    Kind("mark-renaming", "PATCH", r"^/api/v1/user\?", "~renaming"),
    Kind("mark-left", "PATCH", r"^/api/v1/user\?", "~left"),
    Kind("suspend", "PATCH", r"^/api/v1/user\?", '"is_suspended": ?[tT]rue'),
    Kind("enable", "PATCH", r"^/api/v1/user\?", '"is_suspended": ?[fF]alse'),
    Kind("adopt", "PATCH", r"^/api/v1/user\?", '"provided_id": ?"hr:11"'),
    Kind("unmark", "PATCH", r"^/api/v1/user\?", '"provided_id": ?"hr:4"'),
    Kind("rename", "PATCH", r"^/api/v1/user\?", "family_name"),
    Kind("set-properties", "PATCH", "^/api/v1/users/[^/]+/properties"),
    Kind("remove-members", "PATCH", "^/api/v1/organizations/[^/]+/users", '"delete"'),
    Kind("add-members", "PATCH", "^/api/v1/organizations/[^/]+/users"),
    Kind("take-role", "DELETE", "^/api/v1/organizations/[^/]+/users/[^/]+/roles/"),
    Kind("end-sessions", "DELETE", "^/api/v1/users/[^/]+/sessions"),
    Kind("api-keys", "GET", "^/api/v1/api_keys"),
    Kind("delete-api-key", "DELETE", "^/api/v1/api_keys/"),
    Kind("delete-user", "DELETE", r"^/api/v1/user\?"),
    Kind("create-organization", "POST", "^/api/v1/organization$"),
)

CUT = {"content-length": "5000"}

TROUBLES: dict[str, dict[str, Any]] = {
    "429": {"status": 429},
    "429-reset": {"status": 429, "headers": {"RateLimit-Reset": "0"}},
    "429-for-hours": {"status": 429, "headers": {"Retry-After": "9999"}},
    "500": {"status": 500},
    "500-after-work": {"status": 500, "after_work": True},
    "502-html": {"status": 502, "body": "<html><title>Bad gateway</title></html>"},
    "503": {"status": 503, "headers": {"Retry-After": "1"}},
    "504-after-work": {"status": 504, "after_work": True},
    "dropped": {"drop": True},
    "answer-lost": {"after_work": True},
    "slow": {"delay": TIMEOUT + 0.1},
    "cut": {"status": 200, "headers": CUT},
    "cut-after-work": {"status": 200, "headers": CUT, "after_work": True},
    "wrong-json": {"status": 200, "body": {"unexpected": [1]}},
    "wrong-json-after-work": {"status": 200, "body": {"unexpected": [1]}, "after_work": True},
    "no-json": {"status": 200, "body": "<html>Welcome to the Wi-Fi</html>"},
    "redirect": {"status": 302, "headers": {"Location": "http://127.0.0.1:9/elsewhere"}},
    "token-expired": {"status": 401, "body": {"errors": [{"code": "TOKEN_EXPIRED", "message": "expired"}]}},
    "token-revoked": {"revoke_token": True},
    "secret-rotated": {},
    "dns": {},
    "tls": {},
}


class Detour:
    """Before a request of one kind is sent, something happens that only this side sees.

    :param way: ``dns`` or ``tls``: this request goes to a host of no name, or to one that nobody vouches for;
        ``secret-rotated``: the secret changes and every token ends.
    """

    def __init__(self, world: World, kind: Kind, way: str, times: int | None, distrusted: str) -> None:
        self.kind, self.way, self.left, self.kinde = kind, way, times, world.kinde
        self.straight: Transport = world.client._transport
        settings = world.client._settings
        elsewhere = {"dns": "https://kinde.invalid", "tls": distrusted}.get(way, settings.domain)
        self.detour = Transport(dataclasses.replace(settings, domain=elsewhere))

    def send(self, request: Any, token: Any) -> Any:
        if self.left != 0 and self._fits(request):
            self.left = self.left - 1 if self.left else None
            if self.way != "secret-rotated":
                return self.detour.send(request, token)
            self.left = 0
            self.kinde.set(client_secret="another")
            self.kinde.revoke_tokens()
        return self.straight.send(request, token)

    def _fits(self, request: Any) -> bool:
        body = (request.body or b"").decode()
        return self.kind.fits(
            {"method": request.method, "path": request.target, "query": {}, "body": body.replace("'", "")}
        )

    def close(self) -> None:
        self.straight.close()
        self.detour.close()


MATRIX = (
    SPEC.replace(
        'family_name: "{{ row.last }}"',
        'family_name: "{{ row.last }}"\n  properties: {kp_usr_job_title: "{{ row.job }}"}',
    )
    .replace("may_be_empty: [start, end]", "may_be_empty: [start, end, job]")
    .replace("organizations:\n", "organizations:\n  field: {name: Field, create: true}\n")
    + "  - {organization: eng, when: \"{{ row.job == 'Lead' }}\", roles: [lead]}\n"
    + "  - {organization: field, when: \"{{ row.dept == 'Field' }}\", roles: [engineer]}\n"
    + OPEN
    + "leaver: {delete_after_days: 5}\njoiner: {leave_default_organization: true}\n"
)
THEN, NOW = "2026-03-01T12:00:00Z", "2026-03-12T12:00:00Z"
TENANT = {
    "organizations": [{"name": "Engineering"}, {"name": "Sales"}],
    "roles": ["engineer", "lead", "auditor", "owner", "admin"],
    "properties": ["kp_usr_job_title"],
}
BY_HAND = {
    "users": [
        {"email": "p11@example.com", "is_confirmed": True, "first_name": "Elf", "last_name": "Doe"},
        {"email": "hand@example.com", "provided_id": None, "memberships": {"Engineering": ["auditor", "engineer"]}},
        {"email": "other@example.com", "provided_id": "other:5", "memberships": {"Sales": []}},
    ]
}


def _row(number: int, **columns: Any) -> dict[str, Any]:
    return person(number, **{"job": "", "dept": "Eng", **columns})


BEFORE = [
    _row(1), _row(4), _row(5), _row(6), _row(7), _row(8, job="Lead"), _row(9), _row(10),
    *(_row(number, dept="Sales") for number in (14, 15, 16)),
]  # fmt: skip
GONE = [dict(row, status="Terminated") if row["id"] in ("6", "10") else row for row in BEFORE]
AFTER = [
    _row(1), _row(2, job="Lead"), _row(3, dept="None"), _row(4, email="new4@example.com"),
    _row(5, status="Terminated"), _row(6, last="Roe"), _row(7, dept="Sales"), _row(8),
    _row(9, last="Roe", job="Chef"), _row(10, status="Terminated"), _row(11), _row(12, dept="Field"),
    _row(13, dept="Sales"), *(_row(number, dept="Sales") for number in (14, 15, 16)),
]  # fmt: skip
BEHAVIOUR = Settings(patch_roles="merge")


def prepare(path: Path) -> None:
    """Put the tenant as it is before HR changes into a file."""
    with Emulator(settings=BEHAVIOUR, data=path) as kinde:
        kinde.seed(TENANT)
        world = World(kinde)
        with world.client:
            assert world.apply(BEFORE, MATRIX, now=THEN).outcome == "changes"
            assert world.apply(GONE, MATRIX, now=THEN).outcome == "changes"
        kinde.seed(BY_HAND)
        engineers = {user["email"]: user for user in kinde.state()["users"]}
        code = next(code for code in engineers["p1@example.com"]["memberships"])
        by_hand = {"email": "p8@example.com", "memberships": {code: ["auditor", "engineer", "lead"]}}
        kinde.seed({"users": [by_hand, {"email": "p5@example.com", "api_keys": ["laptop"]}]})


@contextmanager
def tenant(prepared: Path, copy: Path, **settings: Any) -> Iterator[World]:
    """A fresh copy of the prepared tenant, with a client of little patience."""
    shutil.copy(prepared, copy)
    with Emulator(settings=BEHAVIOUR.changed(settings), data=copy) as kinde:
        world = World(kinde)
        world.client = client(kinde)
        with world.client:
            yield world


def client(kinde: Emulator, secret: str = "", **options: Any) -> KindeClient:
    given: dict[str, Any] = {"timeout": TIMEOUT, "max_tries": 3, "sleep": _nap, **options}
    return KindeClient(kinde.url, kinde.client_id, secret or kinde.client_secret, **given)


def plain(state: dict[str, Any]) -> dict[str, Any]:
    """What matters of a tenant's state, without the ids that differ from run to run."""
    names = {organization["code"]: organization["name"] for organization in state["organizations"]}
    users = [
        {
            **{key: user[key] for key in ("email", "first_name", "last_name", "provided_id", "is_suspended")},
            "identities": sorted((i["type"], i["value"], i["is_primary"]) for i in user["identities"]),
            "memberships": {names[code]: sorted(roles) for code, roles in sorted(user["memberships"].items())},
            "properties": user["properties"],
            "api_keys": user["api_keys"],
        }
        for user in state["users"]
    ]
    return {
        "organizations": sorted(names.values()),
        "users": sorted(users, key=lambda user: (str(user["email"]), str(user["provided_id"]))),
    }


def grants(state: dict[str, Any]) -> set[tuple[str, str, str]]:
    """(user id, organization, role or nothing) of everything that somebody has; those made since have no part."""
    return {
        (user["id"], code, role)
        for user in state["users"]
        for code, roles in user["memberships"].items()
        for role in ("", *roles)
    }


@dataclass
class Case:
    """One kind of trouble at one kind of request.

    :param times: how many requests it befalls; ``None`` for all until it is over.
    :param skip: how many pass first.
    """

    trouble: str
    kind: Kind
    times: int | None = 1
    skip: int = 0

    def __str__(self) -> str:
        return f"{self.trouble}-{self.kind.name}-{self.times or 'always'}" + (f"-skip{self.skip}" if self.skip else "")

    def befall(self, world: World, distrusted: str) -> None:
        if self.trouble in ("secret-rotated", "dns", "tls"):
            detour = Detour(world, self.kind, self.trouble, self.times, distrusted)
            world.client._transport = detour  # type: ignore[assignment]
            return
        if self.kind.name == "users-by-address":
            # Asked only where the fate of a creation is unknown.
            world.kinde.fault("POST", "/api/v1/user$", after_work=True)
        fault = dict(TROUBLES[self.trouble], times=self.times, skip=self.skip)
        world.kinde.fault(self.kind.method, self.kind.path, match=self.kind.body, **fault)


LIES = ("wrong-json", "drop-identity")
"""Kinde says that the former address is gone, and it is not: no later run can tell it from one that is wanted."""


def every_case(skips: int = 1) -> list[tuple[Case, ...]]:
    return [
        (Case(trouble, kind, times, skip),)
        for trouble in TROUBLES
        for kind in KINDS
        for times in (1, None)
        for skip in range(skips if times == 1 and trouble not in ("secret-rotated", "dns", "tls") else 1)
    ]


def sample() -> list[tuple[Case, ...]]:
    """A slice that holds every trouble and every kind of request, three in each run, once and lasting by turns."""
    troubles = list(TROUBLES)
    cases = [Case(troubles[n % len(troubles)], kind, None if n % 3 else 1) for n, kind in enumerate(KINDS)]
    return [tuple(cases[n::9]) for n in range(9)]
