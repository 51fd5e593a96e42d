"""Rules: what `init --conn` finds in companies that once had rules, beside `init` alone and decision trees."""

from __future__ import annotations

import csv
import hashlib
import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from airflow_provider_kinde.sources import make_source
from airflow_provider_kinde.sync import SyncSpec
from airflow_provider_kinde.sync.accounts.inventory import take_inventory
from airflow_provider_kinde.sync.draft.draft import draft
from airflow_provider_kinde.sync.model import Access
from airflow_provider_kinde.sync.plan.run_request import RunRequest
from airflow_provider_kinde.sync.store.people import roles_by_organization
from benchmarks.companies import Company, make_company
from benchmarks.peers import ensure, run_peer
from benchmarks.result import Result

SIZES = [50] * 25 + [100] * 20 + [200] * 20 + [500] * 15 + [1_000] * 10 + [2_000] * 6 + [5_000] * 2
SIZES += [10_000, 20_000]
NOISE = (0.0, 0.05, 0.1)
_TAKES = ("remove_membership", "remove_role", "suspend", "delete", "rename")
_TREE_COLUMNS = ("department", "team", "country", "site", "level", "type", "title", "shift", "floor", "shirt")


class Tenant:
    """Kinde's lists, without HTTP.

    :param company: who is in it.
    """

    host = "acme.kinde.com"
    max_concurrency = 8

    def __init__(self, company: Company) -> None:
        self.company = company
        self.addresses = {f"kp_{row['id']}": row["email"] for row in company.rows}
        self.counts = SimpleNamespace(read=0, write=0, total=0, token=0)
        self.codes = {name: f"org_{n}" for n, name in enumerate(sorted({o for _, o in company.right}))}
        self.members: dict[str, list[dict[str, Any]]] = {code: [] for code in self.codes.values()}
        for (id, organization), roles in company.present.items():
            self.members[self.codes[organization]].append({"id": f"kp_{id}", "roles": sorted(roles)})

    def granted_scopes(self, renew: bool = False) -> frozenset[str]:
        return frozenset()

    def sign(self, content: bytes) -> str:
        return hashlib.sha256(content).hexdigest()

    def iter_users(self, **query: Any) -> Iterator[dict[str, Any]]:
        inside: dict[str, list[str]] = {}
        for id, organization in self.company.present:
            inside.setdefault(id, []).append(self.codes[organization])
        for row in self.company.rows:
            if row["status"] == "Active":
                names = {"first_name": row["given"], "last_name": row["family"]}
                yield _user(row["id"], row["email"], organizations=inside.get(row["id"], []), **names)
        for address in sorted(self.company.orphans | self.company.services):
            yield _user(address, address)

    def iter_user_identities(self, user_id: str) -> Iterator[dict[str, Any]]:
        yield {"id": "identity_1", "type": "email", "name": self.addresses[user_id], "is_confirmed": True}

    def iter_roles(self) -> list[dict[str, str]]:
        return [{"id": f"role_{n}", "key": f"role-{n}"} for n in range(6)]

    def iter_organizations(self) -> list[dict[str, str]]:
        return [{"code": code, "name": name} for name, code in self.codes.items()]

    def iter_organization_users(self, code: str, **query: Any) -> list[dict[str, Any]]:
        return self.members.get(code, [])

    def iter_connections(self, **query: Any) -> list[dict[str, Any]]:
        return []

    def iter_directories(self, **query: Any) -> list[dict[str, Any]]:
        return []


def _user(id: str, email: str, **more: Any) -> dict[str, Any]:
    identities = [{"type": "email", "identity": email}]
    return {"id": f"kp_{id}", "email": email, "is_suspended": False, "identities": identities, **more}


def measure(company: Company, folder: Path, *, conn: bool) -> Counter[str]:
    """Draft a spec, and compare what it gives with what the company's rules gave."""
    with (folder / "people.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(company.rows[0]))
        writer.writeheader()
        writer.writerows(company.rows)
    tenant = Tenant(company)
    began = time.process_time()
    out = folder / "hr.yaml"
    text = draft(str(folder / "people.csv"), str(out), make_source=make_source, client=tenant if conn else None)
    found = Counter({"milliseconds": round(1000 * (time.process_time() - began))})
    out.write_text(text, encoding="utf-8")
    spec = SyncSpec.load(out)
    rules = [rule for rule in spec.memberships if rule.when is None or "id" not in rule.when.columns]
    found["rules"], found["true rules"] = len(rules), len(company.rules)
    if not conn:
        return found + _compared(company, spec, {o.alias: o.name or "" for o in spec.organizations})
    names = {code: name for name, code in tenant.codes.items()}
    found += _compared(company, spec, {o.alias: names[o.code or ""] for o in spec.organizations})
    inventory = take_inventory(spec, make_source(spec), tenant, RunRequest.of())
    plan = inventory.plan
    for change in plan.operations.of(*_TAKES):
        found["taken"] += 1
        found["taken from others"] += change.id not in company.noisy
    found["blocked"] = len(plan.blocked)
    orphans = {account.email for account in inventory if account.kind == "orphan"}
    found["wrong orphans"] = len(orphans ^ company.orphans)
    return found


def _compared(company: Company, spec: SyncSpec, names: dict[str, str]) -> Counter[str]:
    """Memberships that the rules of the draft give, without exceptions by id, and those of the company's own rules."""
    import pendulum

    from airflow_provider_kinde.sync.people.reader import read_people

    people = read_people(spec, make_source(spec), pendulum.now("UTC"))
    given = {
        (person.id, names[alias])
        for person in people.persons.values()
        if person.access is not Access.NONE
        for alias in roles_by_organization(person.memberships)
    }
    right = set(company.right)
    return Counter({"right": len(given & right), "wrong": len(given - right), "missed": len(right - given)})


def write_groups(company: Company, path: Path) -> None:
    """Write for decision trees who is and who should be in each organization."""
    rows = [row for row in company.rows if row["status"] == "Active"]
    places = {row["id"]: place for place, row in enumerate(rows)}
    groups = [
        {
            "present": [places[id] for id, organization in company.present if organization == name],
            "right": [places[id] for id, organization in company.right if organization == name],
        }
        for name in sorted({organization for _, organization in company.right})
    ]
    columns = {name: [row[name] for row in rows] for name in _TREE_COLUMNS}
    path.write_text(json.dumps({"columns": columns, "groups": groups}), encoding="utf-8")


def _noise(seed: int) -> float:
    return NOISE[(seed + 1) % len(NOISE)]  # the largest company has 5%


def run(quick: bool) -> Result:
    """Draft the specs of a hundred companies."""
    result = Result(
        "Rules",
        "100 companies of 50 to 20,000 people, whose memberships and roles once followed rules on one to three columns "
        "of HR. With 5% noise, 2.5% of the memberships are missing, 2.5% more were given to others by hand, and 2.5% "
        "lack their role; shared and service accounts and accounts of former employees stand beside. `init --conn` "
        "drafts a spec of each. Precision and recall: the memberships that the drafted rules give, without exceptions "
        "by id, beside those of the company's own rules. Rules: entries of the draft for each entry of the company; "
        "of a tree, leaves. Taken: what the first plan removes from people whom the noise did not touch, and in all.",
        ["how", "noise", "precision", "recall", "rules per true rule", "taken (others / all)", "wrong orphans",
         "seconds, largest company"],
    )  # fmt: skip
    ensure("bench")
    sums: dict[tuple[str, float], Counter[str]] = {}
    largest: Counter[str] = Counter()
    sizes = [50, 100, 200] if quick else SIZES

    def add(how: str, seed: int, found: Counter[str]) -> None:
        key = how, _noise(seed)
        sums[key] = sums.get(key, Counter()) + found
        if seed == len(sizes) - 1:
            largest[how] = found["milliseconds"]

    with tempfile.TemporaryDirectory() as name:
        files, rules = [], []
        for seed, size in enumerate(sizes):
            company = make_company(seed, size, _noise(seed))
            rules.append(len(company.rules))
            files.append(Path(name) / f"{seed}.json")
            write_groups(company, files[-1])
            add("`init --conn`", seed, measure(company, Path(name), conn=True))
            add("`init`", seed, measure(company, Path(name), conn=False))
        for seed, found in enumerate(run_peer("bench", "decision_tree", *map(str, files))):
            milliseconds = round(1000 * found.pop("seconds"))
            add("decision trees", seed, Counter({**found, "true rules": rules[seed], "milliseconds": milliseconds}))
    for (how, noise), found in sorted(sums.items(), key=lambda item: ("conn" not in item[0][0], item[0])):
        _show(result, how, noise, found, largest[how] / 1000)
    return result


def _show(result: Result, how: str, noise: float, found: Counter[str], seconds: float) -> None:
    ratio = found["rules"] / found["true rules"]
    precision = found["right"] / max(1, found["right"] + found["wrong"])
    recall = found["right"] / (found["right"] + found["missed"])
    own, taken = "conn" in how, found["taken from others"]
    result.rows.append(
        [how, f"{noise:.0%}", f"{precision:.3f}", f"{recall:.3f}", f"{ratio:.2f}",
         f"{taken} / {found['taken']}" if own else "", found["wrong orphans"] if own else "", f"{seconds:.1f}"]
    )  # fmt: skip
    if not own:
        return
    at = f"at {noise:.0%} noise"
    if noise == 0.05:
        result.goals.append((f"share of memberships that the rules give wrongly {at}", 0.02, 1 - precision))
        result.goals.append((f"share of memberships that the rules miss {at}", 0.02, 1 - recall))
    result.goals.append((f"rules per true rule {at}", 1.2, ratio))
    result.goals.append((f"memberships and roles taken from people without noise {at}", 0, taken))
    result.goals.append((f"orphans too many or too few {at}", 0, found["wrong orphans"]))
