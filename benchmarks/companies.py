"""Companies with a past: an HR export, and a Kinde whose memberships once followed rules."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

_DEPARTMENTS = (
    "Engineering", "Sales", "Support", "Finance", "People", "Legal", "Marketing", "Operations", "Research", "Security",
    "Facilities", "Design",
)  # fmt: skip
_COUNTRIES = ("DE", "FR", "US", "NZ", "BR", "JP", "PL")
_LEVELS = ("Junior", "Professional", "Senior", "Lead", "Director")
_TYPES = ("Employee", "Employee", "Employee", "Contractor", "Intern")
_GIVEN = ("Ann", "Bob", "Cem", "Dana", "Eve", "Finn", "Gita", "Hugo", "Ines", "Jan", "Kim", "Lena", "Mo", "Nora")
_FAMILY = ("Adler", "Baker", "Costa", "Dietz", "Evans", "Fuchs", "Garcia", "Hansen", "Ito", "Jones", "Klein", "Lopez")
_SERVICE = ("svc-backup", "noreply", "jenkins", "monitoring", "api-bot", "testuser", "service.desk", "info")
_RULE_COLUMNS = ("department", "country", "level", "type", "team", "site")


@dataclass(frozen=True)
class TrueRule:
    """A rule that the company once had: column -> accepted values."""

    organization: str
    roles: tuple[str, ...]
    tests: Mapping[str, frozenset[str]]

    def holds(self, row: Mapping[str, str]) -> bool:
        """Whether a row passes all tests."""
        return all(row[column] in values for column, values in self.tests.items())


@dataclass
class Company:
    """What HR and Kinde hold.

    :param rows: the HR export.
    :param rules: the rules.
    :param right: (id, organization) -> roles, as the rules give them to people with access.
    :param present: the same, as Kinde holds it.
    :param noisy: people whom the noise touched.
    :param orphans: addresses of accounts that belong to former employees, without a row.
    :param services: addresses of shared and service accounts.
    """

    rows: list[dict[str, str]]
    rules: list[TrueRule]
    right: dict[tuple[str, str], frozenset[str]]
    present: dict[tuple[str, str], frozenset[str]]
    noisy: set[str]
    orphans: set[str] = field(default_factory=set)
    services: set[str] = field(default_factory=set)


def make_company(seed: int, people: int, noise: float) -> Company:
    """Make a company.

    :param seed: the same number makes the same company.
    :param people: rows of the HR export.
    :param noise: the share of memberships that is wrong: half of it is missing, half was given to others by hand. The
        same share of roles is missing from members.
    """
    dice = random.Random(seed)
    rows = [_row(dice, number, people) for number in range(1, people + 1)]
    working = [row for row in rows if row["status"] == "Active"]
    rules = _rules(dice, working, people)
    right: dict[tuple[str, str], frozenset[str]] = {}
    for row in working:
        for rule in rules:
            if rule.holds(row):
                key = row["id"], rule.organization
                right[key] = right.get(key, frozenset()) | set(rule.roles)
    present, noisy = dict(right), set()
    ids = [row["id"] for row in working]
    for key, roles in right.items():
        if dice.random() < noise / 2:
            del present[key]
            noisy.add(key[0])
        elif roles and dice.random() < noise / 2:
            present[key] = frozenset()
            noisy.add(key[0])
        if dice.random() < noise / 2:
            other = dice.choice(ids), key[1]
            if other not in right:
                present[other] = frozenset()
                noisy.add(other[0])
    orphans = {
        f"{dice.choice(_GIVEN)}.{dice.choice(_FAMILY)}.x{n}@acme.example".lower() for n in range(people // 20 + 2)
    }
    services = {f"{name}@acme.example" for name in _SERVICE[: 2 + people // 100]}
    return Company(rows, rules, right, present, noisy, orphans, services)


def _row(dice: random.Random, number: int, people: int) -> dict[str, str]:
    department = dice.choice(_DEPARTMENTS[: 4 + min(8, people // 50)])
    team = f"{department[:3].upper()}-{dice.randrange(1, 2 + min(6, people // 150))}"
    given, family = dice.choice(_GIVEN), dice.choice(_FAMILY)
    country = dice.choice(_COUNTRIES[: 3 + min(4, people // 100)])
    return {
        "id": str(10_000 + number),
        "email": f"{given}.{family}.{number}@acme.example".lower(),
        "given": given,
        "family": family,
        "status": "Left" if dice.random() < 0.06 else "Active",
        "hired": f"20{dice.randrange(10, 26)}-{dice.randrange(1, 13):02}-{dice.randrange(1, 29):02}",
        "department": department,
        "department_code": str(4000 + _DEPARTMENTS.index(department)),
        "team": team,
        "country": country,
        "site": f"{country}-{dice.randrange(1, 2 + min(3, people // 200))}",
        "level": dice.choices(_LEVELS, (25, 35, 25, 10, 5))[0],
        "type": dice.choice(_TYPES),
        "manager": f"{dice.choice(_GIVEN)} {dice.choice(_FAMILY)}",
        "title": f"{dice.choice(_LEVELS)} {department} {dice.randrange(max(2, people // 20))}",
        "salary": str(dice.randrange(30_000, 150_000, 100)),
        "shift": dice.choice("ABC"),
        "badge": f"{dice.randrange(16**8):08x}",
        "floor": str(dice.randrange(1, 9)),
        "shirt": dice.choice(("S", "M", "L", "XL")),
    }


def _rules(dice: random.Random, rows: list[dict[str, str]], people: int) -> list[TrueRule]:
    """Rules on one to three columns, each with enough people, in some organizations; a third of them with a role."""
    found: list[TrueRule] = []
    for number in range(4 + min(46, people // 150)):
        organization = f"Organization {number}"
        for _ in range(dice.choice((1, 1, 1, 2))):
            if rule := _rule(dice, rows, organization, [r for r in found if r.organization == organization]):
                found.append(rule)
    return found


def _rule(
    dice: random.Random, rows: list[dict[str, str]], organization: str, others: list[TrueRule]
) -> TrueRule | None:
    least = max(4, len(rows) // 400)
    for _ in range(50):
        tests: dict[str, frozenset[str]] = {}
        for column in dice.sample(_RULE_COLUMNS, dice.choices((1, 2, 3), (50, 35, 15))[0]):
            values = sorted({row[column] for row in rows})
            tests[column] = frozenset(dice.sample(values, min(len(values) - 1, dice.choice((1, 1, 1, 2, 3)))))
        roles = (f"role-{dice.randrange(6)}",) if dice.random() < 0.35 else ()
        rule = TrueRule(organization, roles, tests)
        covered = [row for row in rows if rule.holds(row)]
        alone = [row for row in covered if not any(other.holds(row) for other in others)]
        if len(alone) >= least and len(covered) <= len(rows) * 0.6:
            return rule
    return None
