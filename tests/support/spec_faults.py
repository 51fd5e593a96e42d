"""Faults and harmless refactorings of a spec, from a seed, and the company on which they are tried."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

DAY = date(2026, 3, 2)

SPEC = """
version: 1
name: rules
source: {type: file, path: hr.csv, expect: {min_rows: 1}}
person:
  id: "{{ row.EmpID }}"
  email: "{{ row.Login }}@{{ row.Domain }}"
  given_name: "{{ row.First }}"
  family_name: "{{ row.Last }}"
scope: "{{ row.Type != 'Contractor' and row.Country in ['DE', 'US', 'AU'] }}"
may_be_empty: [Hired, Left, ProjectEnd, Project, Lead]
employment:
  status: "{{ row.Status }}"
  active: [Active, Leave of Absence]
  inactive: [Terminated, Retired]
  start_date: "{{ row.Hired }}"
  end_date: "{{ row.Left }}"
  date_format: D/M/YYYY
  timezone: "{{ {'DE': 'Europe/Berlin', 'US': 'America/New_York', 'AU': 'Australia/Melbourne'}[row.Country] }}"
organizations:
  it: {name: IT}
  sales: {name: Sales}
  finance: {name: Finance}
  projects: {name: Projects}
  all: {name: Everybody}
memberships:
  - organization: it
    when: "{{ row.Department == 'IT' }}"
    roles: [engineer]
  - organization: it
    when: "{{ row.Department == 'IT' and row.Grade | int >= 7 }}"
    roles: [lead, deployer]
  - organization: sales
    when: "{{ row.Department in ['Sales', 'Presales'] }}"
    roles: [seller]
  - organization: sales
    when: "{{ row.Department == 'Sales' and row.Country == 'US' }}"
    roles: [us-seller]
  - organization: finance
    when: "{{ row.Department == 'Finance' or row.Lead == 'yes' }}"
    roles: [viewer]
  - organization: projects
    when: "{{ row.Project != '' }}"
    until: "{{ row.ProjectEnd }}"
    roles: [member]
  - organization: all
    when: "{{ row.Status == 'Active' }}"
joiner: {days_before_start: 3}
leaver: {grace_days: 5}
absent: suspend
guards: {max_held: 20%}
tests:
  - given: {Department: IT, Grade: 7, Status: Active, Country: DE, Type: Staff}
    expect: {access: true, memberships: {it: [deployer, engineer, lead], all: []}}
  - given: {Department: Presales, Grade: 6, Status: Active, Country: US, Type: Staff}
    expect: {memberships: {sales: [seller], all: []}}
  - given: {Department: Sales, Grade: 3, Status: Leave of Absence, Country: US, Type: Staff}
    expect: {memberships: {sales: [seller, us-seller]}}
  - today: 2026-03-10
    given: {Department: IT, Grade: 3, Status: Terminated, Left: 5/3/2026, Country: DE, Type: Staff}
    expect: {access: grace}
  - given: {Department: Finance, Status: Active, Country: AU, Type: Contractor, Grade: 1}
    expect: {access: false, why: out of scope}
"""

ROLES = ("engineer", "lead", "deployer", "seller", "us-seller", "viewer", "member", "auditor")


def company(seed: int, size: int, day: date = DAY) -> list[dict[str, Any]]:
    """The rows of one day: all departments, grades, countries and dates that the rules look at."""
    rng, rows = random.Random(seed), []
    for number in range(1, size + 1):
        person = random.Random(seed * 100_003 + number)
        left = person.random() < 0.12
        rows.append({
            "EmpID": str(number),
            "First": f"Given{number}",
            "Last": person.choice(["Roe", "Müller", "O'Neil"]),
            "Login": f"p{number}",
            "Domain": person.choice(["acme.com", "acme.de"]),
            "Department": person.choice(["IT", "IT", "Sales", "Presales", "Finance", "Stock"]),
            "Grade": str(person.randint(1, 9)),
            "Country": person.choice(["DE", "US", "AU", "FR"] if person.random() < 0.2 else ["DE", "US", "AU"]),
            "Type": "Contractor" if person.random() < 0.1 else "Staff",
            "Lead": person.choice(["yes", "no", ""]),
            "Status": person.choice(["Terminated", "Retired"] if left else ["Active"] * 5 + ["Leave of Absence"]),
            "Hired": _day(DAY + timedelta(days=person.randint(-40, 25))) if number % 5 == 0 else "3/4/2020",
            "Left": _day(DAY + timedelta(days=person.randint(-30, 30))) if left or number % 11 == 0 else "",
            "Project": person.choice(["", "apollo", "gemini"]),
            "ProjectEnd": _day(DAY + timedelta(days=person.randint(-60, 60))) if person.random() < 0.5 else "",
        })  # fmt: skip
        if (day - DAY).days and person.random() < 0.1:  # another day, another department
            rows[-1]["Department"] = random.Random(f"{seed} {number} {day}").choice(["IT", "Sales", "Finance"])
    rng.shuffle(rows)
    return rows


def _day(day: date) -> str:
    return f"{day.day}/{day.month}/{day.year}"


# -- faults ------------------------------------------------------------------------------------------------------------


def _sub(text: str, found: list[tuple[int, int, str]], rng: random.Random) -> str:
    """The text with one of some replacements."""
    begin, end, new = rng.choice(found)
    return text[:begin] + new + text[end:]


def _flip(text: str, rng: random.Random) -> str:
    pairs = {
        " == ": " != ", " != ": " == ", " in [": " not in [", " and ": " or ", " or ": " and ", " >= ": " < ",
    }  # fmt: skip
    body = text.partition("tests:")[0]
    found = [(m.start(), m.end(), new) for old, new in pairs.items() for m in re.finditer(re.escape(old), body)]
    return _sub(text, found, rng)


def _misspell(text: str, rng: random.Random) -> str:
    body = text.partition("tests:")[0]
    words = list(re.finditer(r"'([A-Za-z]\w+)'|(?<=[\[ ])(Active|Terminated|Retired)(?=[\],])", body))
    words = [m for m in words if "/" not in body[m.start() : m.end() + 8]]
    match = rng.choice(words)
    word = match[0]
    place = rng.randrange(1, len(word) - 2)
    swapped = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    if swapped == word:
        swapped = word[:place] + word[place + 1 :]
    return text[: match.start()] + swapped + text[match.end() :]


def _roles(text: str, rng: random.Random) -> str:
    found = []
    for match in re.finditer(r"    roles: \[([^\]]+)\]\n", text):
        roles = match[1].split(", ")
        lost = rng.choice(roles)
        rest = ", ".join(role for role in roles if role != lost)
        other = rng.choice([role for role in ROLES if role not in roles])
        found.append((match.start(), match.end(), f"    roles: [{rest}]\n"))
        found.append((match.start(1), match.end(1), ", ".join([other if role == lost else role for role in roles])))
        found.append((match.start(1), match.end(1), f"{match[1]}, {other}"))
    return _sub(text, found, rng)


def _dates(text: str, rng: random.Random) -> str:
    changes = [
        ("D/M/YYYY", "M/D/YYYY"), ("D/M/YYYY", "[M/D/YYYY, D/M/YYYY]"), ("row.Hired }}", "row.Left }}"),
        ("row.Left }}", "row.Hired }}"), ("until:", "from:"), ("row.ProjectEnd }}", "row.Left }}"),
        ("row.ProjectEnd }}", "row.Hired }}"), ("days_before_start: 3", "days_before_start: 30"),
        ("days_before_start: 3", "days_before_start: 0"), ("grace_days: 5", "grace_days: 50"),
        ("grace_days: 5", "grace_days: 0"), ('  end_date: "{{ row.Left }}"\n', ""),
        ('  start_date: "{{ row.Hired }}"\n', ""), ('    until: "{{ row.ProjectEnd }}"\n', ""),
    ]  # fmt: skip
    old, new = rng.choice(changes)
    return text.replace(old, new, 1)


def _rules(text: str) -> list[str]:
    body = text.partition("memberships:\n")[2].partition("joiner:")[0]
    return ["  - " + part for part in body.split("  - ")[1:]]


def _shadow(text: str, rng: random.Random) -> str:
    """A rule without its condition, twice, or behind one that covers it."""
    rules = _rules(text)
    rule = rng.choice([each for each in rules if "when:" in each])
    without = re.sub(r"    when: .*\n", "", rule)
    return rng.choice(
        [
            text.replace(rule, without, 1),
            text.replace(rule, rule + without, 1),
            text.replace(rule, rule + rule.replace('when: "{{ ', 'when: "{{ row.Grade | int > 99 and '), 1),
            text.replace(rule, rule + re.sub(r"    roles: .*\n", "", rule), 1),
        ]
    )


def _wrong(text: str, rng: random.Random) -> str:
    """A rule lost, for another organization, or about another column; other keys mixed up."""
    rules = _rules(text)
    rule = rng.choice(rules)
    other = rng.choice(["it", "sales", "finance", "projects"])
    changes: list[Callable[[], str]] = [
        lambda: text.replace(rule, "", 1),
        lambda: text.replace(rule, re.sub(r"organization: \w+", f"organization: {other}", rule), 1),
        lambda: text.replace("row.Department", rng.choice(["row.Departmnt", "row.Country"]), 1),
        lambda: text.replace("active: [Active, Leave of Absence]", "active: [Active]", 1),
        lambda: text.replace("inactive: [Terminated, Retired]", "inactive: [Terminated]", 1),
        lambda: re.sub(r"scope: .*\n", "", text, count=1),
        lambda: text.replace("{{ row.Login }}@{{ row.Domain }}", "{{ row.Login }}@acme.com", 1),
        lambda: text.replace("{{ row.Login }}@", "{{ row.First }}@", 1),
        lambda: text.replace("row.Last }}", "row.First }}", 1),
        lambda: text.replace(">= 7", rng.choice([">= 8", "> 7", ">= 6", ">= 70"]), 1),
    ]
    return rng.choice(changes)()


KINDS: dict[str, Callable[[str, random.Random], str]] = {
    "flipped operator": _flip,
    "misspelt value": _misspell,
    "roles": _roles,
    "dates": _dates,
    "shadowed rule": _shadow,
    "wrong key": _wrong,
}


def faults(count: int, seed: int = 1) -> Iterator[tuple[str, str]]:
    """Kind and text of specs with one fault each, all different from the right one."""
    rng, kinds = random.Random(seed), list(KINDS)
    number = 0
    while number < count:
        kind = kinds[number % len(kinds)]
        text = KINDS[kind](SPEC, rng)
        if text != SPEC:
            number += 1
            yield kind, text


# -- refactorings ------------------------------------------------------------------------------------------------------


def _shuffled_rules(text: str, rng: random.Random) -> str:
    rules = _rules(text)
    body = "".join(rules)
    rng.shuffle(rules)
    return text.replace(body, "".join(rules), 1)


def _other_form(text: str, rng: random.Random) -> str:
    changes = [
        (r"row\.(Department|Country|Lead|Type) ==", r"row['\1'] =="),
        (r"row\.(\w+) == '(\w+)'", r"row.\1 in ['\2']"),
        (r"row\.(\w+) == '(\w+)'", r"'\2' == row.\1"),
        (r"row\.(\w+) == '(\w+)'", r"not (row.\1 != '\2')"),
        (r"row\.(\w+) == '(\w+)'", r"row.\1 | trim == '\2'"),
        (r"\['Sales', 'Presales'\]", "['Presales', 'Sales', 'Sales']"),
        (r"\{\{ (row\.\w+) \}\}", r"{{ \1 | trim }}"),
        (r"Grade \| int >= 7", "Grade | int > 6"),
        (r"row\.Project != ''", "row.Project | length > 0"),
    ]
    old, new = rng.choice(changes)
    body, key, tests = text.partition("tests:")
    return re.sub(old, new, body, count=rng.choice([0, 1])) + key + tests


def _split(text: str, rng: random.Random) -> str:
    """One rule becomes two, or one of two roles moves into a rule of its own."""
    when, either = '    when: "{{ row.%s }}"\n    roles: [%s]\n', "Department == 'Finance' or row.Lead == 'yes'"
    sales, two = "Department in ['Sales', 'Presales']", ("Department == 'Sales'", "Department == 'Presales'")
    changes = [
        (when % (sales, "seller"), "  - organization: sales\n".join(when % (each, "seller") for each in two)),
        (
            when % (either, "viewer"),
            "  - organization: finance\n".join(when % (each, "viewer") for each in either.split(" or row.")),
        ),
        ("row.Department == 'Sales' and row.Country == 'US'", "row.Country == 'US' and row.Department == 'Sales'"),
    ]
    return text.replace(*rng.choice(changes), 1)


def _written_otherwise(text: str, rng: random.Random) -> str:
    changes = [
        ("active: [Active, Leave of Absence]", "active: [leave of absence, ACTIVE, Active]"),
        ("inactive: [Terminated, Retired]", "inactive:\n    - Retired\n    - terminated"),
        ("roles: [lead, deployer]", "roles: [deployer, lead, deployer]"),
        ("guards: {max_held: 20%}", "guards: {max_held: 20 %, max_leavers: 10%}"),
        ("memberships:\n", "# who belongs where\nmemberships:\n"),
        ("date_format: D/M/YYYY", "date_format: [D/M/YYYY, YYYY-MM-DD]"),
        ("joiner: {days_before_start: 3}", "joiner:\n  adopt: true\n  days_before_start: 3"),
        ("  it: {name: IT}", "  technology: {name: IT}"),
    ]
    old, new = rng.choice(changes)
    text = text.replace(old, new, 1)
    if "technology" in text:
        text = text.replace("organization: it\n", "organization: technology\n").replace("{it: [", "{technology: [")
    return text


REFACTORINGS = (_shuffled_rules, _other_form, _split, _written_otherwise)


def refactorings(count: int, seed: int = 1) -> Iterator[str]:
    """Specs that say the same in other words, each with one to three changes."""
    rng = random.Random(seed)
    number = 0
    while number < count:
        text = SPEC
        for _ in range(rng.randint(1, 3)):
            text = rng.choice(REFACTORINGS)(text, rng)
        if text != SPEC:
            number += 1
            yield text
