"""Requests: what a sync sends, counted by Kinde, beside the least that its lists and changes ask for."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from airflow_provider_kinde.sources import make_source
from airflow_provider_kinde.sync import apply_plan, make_plan
from benchmarks.hr import TEAMS, Company, Person, tenant
from benchmarks.kinde import Kinde, local_kinde
from benchmarks.peers import ensure, run_peer
from benchmarks.result import Result


@dataclass(frozen=True)
class Day:
    """What a day asks for, beside what follows from the HR files.

    :param accounts: how many accounts Kinde has when it begins.
    :param names, links, properties, leavers, renames, adoptions: how many people each concerns.
    :param api_keys: how many API keys the leavers hold.
    """

    accounts: int
    names: int = 0
    properties: int = 0
    leavers: int = 0
    api_keys: int = 0
    renames: int = 0
    adoptions: int = 0


def least(
    day: Day, before: Mapping[int, Person], after: Mapping[int, Person], adopted: frozenset[int], titles: bool
) -> int:
    """The least number of requests for a day, from the HR files alone.

    :param before: the people of the day before, who are in Kinde; leavers keep their memberships.
    :param adopted: numbers of people whose accounts exist without a link.
    :param titles: whether the spec has properties.
    """
    new = {number for number in after if number not in before and number not in adopted}
    members, changed, patched = Counter[str](), Counter[str](), Counter[str]()
    for number, person in after.items():
        was = before.get(number)
        if person.status != "Active":
            members[was.team if was else ""] += 1
            continue
        members[person.team] += 1
        if was and (was.team, was.lead) == (person.team, person.lead):
            continue
        for team in {person.team, was.team if was else person.team}:
            changed[team] += 1
            patched[team] += not (number in new and not person.lead)
    earlier = Counter(person.team for person in before.values())
    lists = pages(day.accounts, 500) + sum(pages(earlier[team], 500) for team in TEAMS) + 2
    searches = ceil(day.accounts / 100) if titles else 0
    creations = len(new) * (2 if titles else 1)
    people = day.names + day.properties + 4 * day.leavers + day.api_keys + 6 * day.renames + 2 * day.adoptions
    bulk = sum(ceil(patched[team] / 100) for team in changed)
    verification = sum(pages(members[team], 500) for team in changed)
    return lists + searches + creations + people + bulk + verification


def pages(items: int, size: int) -> int:
    """Pages of a list; an empty one takes a request, too."""
    return max(1, ceil(items / size))


def run(quick: bool) -> Result:
    """Run the days of a company, each against what it takes at least."""
    result = Result(
        "Requests",
        "Sent, as Kinde's log counts them, beside the least that the lists and the changes of the day ask for "
        "(the formula stands in `benchmarks/formula.py`). Beside them a loop over Kinde's own SDK: for each person a "
        "look-up, a creation where there is none, and an addition to the team.",
        ["day", "people", "changes", "least", "sent", "ratio", "tokens", "SDK loop"],
    )
    sizes = [30] if quick else [207, 1200]
    for size in () if quick else sizes:
        _company(result, size, properties=False, peer=size == sizes[0])
    _company(result, sizes[0], properties=True, peer=False)
    return result


def _company(result: Result, size: int, *, properties: bool, peer: bool) -> None:
    with (
        tempfile.TemporaryDirectory() as name,
        local_kinde(tenant(properties)) as kinde,
    ):
        company = Company(Path(name), properties)
        spec = company.spec()

        def day(title: str, facts: Day, adopted: frozenset[int] = frozenset(), peer: str = "") -> None:
            after = {person.number: person for person in company.people}
            company.write()
            kinde.forget()
            with kinde.client() as client:
                report = apply_plan(plan := make_plan(spec, make_source(spec), client), client)
            assert report.outcome in ("changes", "no changes"), (report.outcome, plan.blocked)
            assert not plan.held, plan.held
            assert not plan.rejected, plan.rejected
            sent = kinde.counts()
            total, floor = sent["read"] + sent["write"], least(facts, before, after, adopted, properties)
            ratio = total / floor
            done = len(plan.operations)
            label = f"{title}{', with a property' if properties else ''}"
            people = len(after)
            result.rows.append([label, people, done, floor, total, f"{ratio:.2f}", sent["token"], peer])
            result.goals.append((f"{label}, {people} people: sent to least", 1.0, ratio))
            result.goals.append((f"{label}, {people} people: tokens", 1, sent["token"]))
            before.update(after)

        before: dict[int, Person] = {}
        company.hire(size, leads=size // 11)
        company.write()
        first, again = _sdk_loop(company) if peer else ("", "")
        day("first sync", Day(accounts=0), peer=first)
        day("nothing changed", Day(accounts=size), peer=again)
        day("mixed day", *_mixed(company, kinde))
        day("the day after", Day(accounts=len(company.people)))


def _mixed(company: Company, kinde: Kinde) -> tuple[Day, frozenset[int]]:
    """Movers, promotions, names, addresses, leavers, adoptions and joiners, none of them twice."""
    accounts = len(company.people)
    step = max(1, accounts // 30)
    places = iter(range(accounts))

    def some(number: int, change: Callable[[Person], Person]) -> int:
        for place in [next(places) for _ in range(number)]:
            company.people[place] = change(company.people[place])
        return number

    def moved(person: Person) -> Person:
        return person.changed(team=TEAMS[(TEAMS.index(person.team) + 1) % len(TEAMS)])

    some(2 * step, moved)
    some(step, lambda person: person.changed(lead=not person.lead))
    facts = {
        "names": some(step, lambda person: person.changed(given="Another")),
        "renames": some(step, lambda person: person.changed(address=f"new.{person.email}")),
        "leavers": some(step, lambda person: person.changed(status="Left")),
        "properties": some(step, lambda person: person.changed(title="Another")) if company.properties else 0,
    }
    leaver = next(person for person in company.people if person.status != "Active")
    facts["api_keys"] = 2
    kinde.seed({"users": [{"email": leaver.email, "api_keys": ["build", "laptop"]}]})
    company.hire(step)
    adopted = company.people[accounts:]
    names = [(person.email, f"Given{person.number}", f"Family{person.number}") for person in adopted]
    kinde.seed({"users": [{"email": e, "first_name": given, "last_name": family} for e, given, family in names]})
    if company.properties:
        facts["properties"] += step
    company.hire(step)
    day = Day(accounts=accounts + step, adoptions=step, **facts)
    return day, frozenset(person.number for person in adopted)


def _sdk_loop(company: Company) -> tuple[str, str]:
    """Requests of the SDK loop over the same people, and again when nothing has changed."""
    ensure("sdk")
    people = company.folder / "people.json"
    people.write_text(json.dumps([person.row() for person in company.people]))
    counts = []
    with local_kinde(tenant()) as kinde:
        for _ in range(2):
            kinde.forget()
            run_peer("sdk", "sdk_loop", kinde.url, str(people))
            sent = kinde.counts()
            counts.append(str(sent["read"] + sent["write"]))
    return counts[0], counts[1]
