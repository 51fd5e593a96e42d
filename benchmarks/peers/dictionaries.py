"""The straightforward way: both sides in dictionaries, each expression rendered by itself."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from typing import Any

import yaml
from jinja2.sandbox import SandboxedEnvironment


def compare(tenant: Any, folder: Path) -> int:
    """How many people differ."""
    spec = yaml.safe_load((folder / "hr.yaml").read_text())
    environment = SandboxedEnvironment()

    def template(text: str) -> Any:
        return environment.from_string(text)

    person = {field: template(text) for field, text in spec["person"].items()}
    others = [template(text) for text in (spec["scope"], spec["employment"]["status"])]
    others += [template(spec["employment"][field]) for field in ("start_date", "end_date")]
    rules = [(rule["organization"], template(rule.get("when", "True")), rule["roles"]) for rule in spec["memberships"]]
    people = {}
    with (folder / "people.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            mapped = {field: found.render(row=row) for field, found in person.items()}
            for found in others:
                found.render(row=row)
            due = {alias: roles for alias, when, roles in rules if when.render(row=row) == "True"}
            people[mapped["id"]] = (mapped, due)
    codes: dict[str, str] = spec["organizations"]
    members: dict[str, dict[str, list[str]]] = defaultdict(dict)
    accounts = {user["provided_id"].partition(":")[2]: user for user in tenant.iter_users()}
    for alias, code in codes.items():
        for member in tenant.iter_organization_users(code):
            members[member["id"]][alias] = member["roles"]
    differing = 0
    for id, (mapped, due) in people.items():
        account = accounts.get(id)
        same = account is not None and (account["email"], account["first_name"], account["last_name"]) == (
            mapped["email"],
            mapped["given_name"],
            mapped["family_name"],
        )
        differing += not (same and account is not None and members[account["id"]] == due)
    return differing
