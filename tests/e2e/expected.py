"""What ought to be in Kinde, worked out from the HR file itself by other means than the sync's, and what is there."""

from __future__ import annotations

import csv
import unicodedata
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

ORGANIZATION = {
    "Engineering": ("Engineering", "engineer"),
    "Sales": ("Sales", "seller"),
    "Customer Support": ("Customer Support", "agent"),
    "Operations": ("Operations", "planner"),
    "Finance": ("Finance", "accountant"),
    "People": ("People", "recruiter"),
}
LEADS = {"Engineering", "Customer Support"}

Expected = dict[str, tuple[str, str, dict[str, list[str]]]]


def day(text: str) -> date | None:
    if not text:
        return None
    month, of_month, year = (int(part) for part in text.split("/"))
    return date(year, month, of_month)


def due(path: Path) -> Expected:
    """Address -> given name, family name, organizations with roles, of everybody who ought to have access."""
    today = datetime.now(timezone.utc).date()
    found: Expected = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            value = {key: unicodedata.normalize("NFC", text).strip() for key, text in row.items()}
            email, status = value["Work email"].lower(), value["Status"].lower()
            if value["Type"] == "Contractor" or "@" not in email or not (value["First name"] and value["Last name"]):
                continue
            hired, left = day(value["Hired"]), day(value["Left"])
            if status not in ("active", "leave of absence") or (hired and hired > today) or (left and left < today):
                continue
            name, role = ORGANIZATION[value["Department"]]
            roles = [role, "lead"] if value["Manager"] == "yes" and value["Department"] in LEADS else [role]
            found[email] = (value["First name"], value["Last name"], {name: sorted(roles)})
    return found


def managed(state: dict[str, Any]) -> Expected:
    """The same of Kinde: everybody whom the sync has made, and who can sign in."""
    names = {item["code"]: item["name"] for item in state["organizations"]}
    return {
        user["email"].lower(): (
            user["first_name"],
            user["last_name"],
            {names[code]: sorted(roles) for code, roles in user["memberships"].items()},
        )
        for user in state["users"]
        if (user["provided_id"] or "").startswith("harborlane-hr:") and not user["is_suspended"]
    }


def unmanaged(state: dict[str, Any]) -> list[dict[str, Any]]:
    return [user for user in state["users"] if not user["provided_id"]]
