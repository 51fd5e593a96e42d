"""People whose first day is ahead: nothing is done for them yet, so that no list of changes names them."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_kinde.sync.people.access import STARTS_ON
from airflow_provider_kinde.sync.plan.run_request import RunRequest
from airflow_provider_kinde.sync.store.people import People


@dataclass(frozen=True, slots=True)
class StartingLater:
    """How many people start later.

    :param people: how many.
    :param first: the earliest of their first days.
    """

    people: int
    first: str

    def __str__(self) -> str:
        if self.people == 1:
            return f"1 person starts later, on {self.first}: access is given then"
        return f"{self.people:,} people start later, the first on {self.first}: access is given then"

    def to_json(self) -> dict[str, object]:
        """What ``plan.json`` holds."""
        return {"people": self.people, "first": self.first}


def find_starting_later(people: People, request: RunRequest) -> StartingLater | None:
    """Count the people who have no access yet, and whose first day by HR is ahead.

    :param people: what HR says, after the accounts were read.
    :param request: what the run is to do; other people do not count.
    """
    days = [day for id, day in people.persons.starting_later(STARTS_ON) if request.includes(id)]
    return StartingLater(len(days), min(days)) if days else None
