"""An HR file, a spec for it, and the days of a company."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from airflow_provider_kinde.sync import SyncSpec

TEAMS = ("engineering", "sales", "support", "operations", "finance", "people")
SPEC = """
version: 1
name: bench
source: {type: file, path: people.csv}
person:
  id: "{{ row.id }}"
  email: "{{ row.email }}"
  given_name: "{{ row.given }}"
  family_name: "{{ row.family }}"
PROPERTIES
employment: {status: "{{ row.status }}", active: [Active], inactive: [Left]}
organizations: {ORGANIZATIONS}
memberships:
  - {organization: "{{ row.team }}"}
  - {organization: "{{ row.team }}", when: "{{ row.lead }}", roles: [lead]}
absent: suspend
guards:
  {max_email_changes: 50%, max_leavers: 50%, max_membership_removals: 90%, max_role_grants: 90%, max_role_removals: 90%,
   max_joiners: 100%, max_membership_grants: 90%}
"""


@dataclass(frozen=True)
class Person:
    """One row of the HR file."""

    number: int
    team: str
    given: str = ""
    status: str = "Active"
    lead: bool = False
    address: str = ""
    title: str = ""

    @property
    def email(self) -> str:
        """The address of the row."""
        return self.address or f"person{self.number}@bench.example"

    def row(self) -> dict[str, Any]:
        """The row itself."""
        return {
            "id": self.number,
            "email": self.email,
            "given": self.given or f"Given{self.number}",
            "family": f"Family{self.number}",
            "status": self.status,
            "team": self.team,
            "lead": "yes" if self.lead else "no",
            "title": self.title,
        }

    def changed(self, **changes: Any) -> Person:
        """The same person another day."""
        return replace(self, **changes)


@dataclass
class Company:
    """A folder with an HR file and its spec."""

    folder: Path
    properties: bool = False
    people: list[Person] = field(default_factory=list)

    def hire(self, number: int, leads: int = 0) -> None:
        """More people, spread over the teams; the first of them are leads."""
        first = len(self.people)
        for place in range(first, first + number):
            person = Person(place, TEAMS[place % len(TEAMS)], lead=place - first < leads)
            self.people.append(person.changed(title=f"Title {place}") if self.properties else person)

    def spec(self) -> SyncSpec:
        """The spec, read from the folder."""
        organizations = ", ".join(f"{team}: {{name: {team}}}" for team in TEAMS)
        properties = '  properties: {kp_usr_job_title: "{{ row.title }}"}' if self.properties else ""
        text = SPEC.replace("ORGANIZATIONS", organizations).replace("PROPERTIES", properties)
        (self.folder / "spec.yaml").write_text(text)
        return SyncSpec.load(self.folder / "spec.yaml")

    def write(self) -> None:
        """Write the HR file of the day."""
        with (self.folder / "people.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(Person(0, "").row()))
            writer.writeheader()
            writer.writerows(person.row() for person in self.people)


def tenant(properties: bool = False) -> dict[str, Any]:
    """What Kinde holds before the first day."""
    data: dict[str, Any] = {"organizations": [{"name": team} for team in TEAMS]}
    data["roles"] = [{"key": "lead", "name": "Lead"}]
    if properties:
        data["properties"] = [{"key": "kp_usr_job_title", "name": "Job title"}]
    return data
