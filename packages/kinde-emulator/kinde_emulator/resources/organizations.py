"""``/organizations`` and ``/organization``: list, read, create, update and delete organizations."""

from __future__ import annotations

import colorsys
import json
import re
import sqlite3
from typing import Any, Literal

from kinde_emulator.data.organizations import find_organization
from kinde_emulator.data.store import insert, new_id, now, one, update
from kinde_emulator.errors import ApiError, bad
from kinde_emulator.server.http import Response
from kinde_emulator.server.operations import Body, Call, Query, delete, expand_of, get, patch, post
from kinde_emulator.server.pagination import SortedQuery, token_page

COLORS = ("link_color", "background_color", "button_color", "button_text_color")
COLUMNS = frozenset({"name", "handle", "external_id"})
"""Fields with a column of their own; all others are in the column ``details``, as JSON."""


SORTS = {
    "name_asc": "name COLLATE NOCASE, code",
    "name_desc": "name COLLATE NOCASE DESC, code DESC",
    "email_asc": "json_extract(details, '$.sender_email'), code",
    "email_desc": "json_extract(details, '$.sender_email') DESC, code DESC",
}


def _brief(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "code": row["code"],
        "name": row["name"],
        "handle": row["handle"],
        "is_default": bool(row["is_default"]),
        "external_id": row["external_id"],
        "is_auto_membership_enabled": json.loads(row["details"]).get("is_auto_membership_enabled", False),
    }


@get("/organizations", scope="read:organizations")
def get_organizations(call: Call[SortedQuery]) -> Response:
    """Lists organizations.

    :param call: the checked request, with its query parameters.
    """
    rows, following = token_page(call, "SELECT * FROM organizations", sorts=SORTS, default="name_asc")
    return call.success(organizations=[_brief(row) for row in rows], **following)


class OneOrganization(Query):
    """Query parameters of one organization."""

    code: str
    expand: str | None = None


@get("/organization", scope="read:organizations")
def get_organization(call: Call[OneOrganization]) -> Response:
    """Reads an organization; ``code`` in the response is its own, not the envelope's.

    :param call: the checked request, with its query parameters.
    :raises ApiError: 404 if there is no such organization; 400 if something that was sent is wrong.
    """
    expand = expand_of(call.query.expand, "billing")
    row = find_organization(call.db, call.query.code, call.settings)
    details = json.loads(row["details"])
    colors = {name: _color(details.get(name)) for color in COLORS for name in (color, f"{color}_dark")}
    organization = {
        **_brief(row),
        "logo": None,
        "logo_dark": None,
        "favicon_svg": None,
        "favicon_fallback": None,
        "allowed_domains": details.get("allowed_domains", []),
        **colors,
        "button_border_radius": None,
        "card_border_radius": None,
        "input_border_radius": None,
        "theme_code": details.get("theme_code", "light"),
        "color_scheme": details.get("theme_code", "light").replace("user_preference", "light dark"),
        "created_on": row["created_on"],
        "is_allow_registrations": details.get("is_allow_registrations"),
        "sender_name": details.get("sender_name"),
        "sender_email": details.get("sender_email"),
        "is_suspended": bool(row["is_suspended"]),
        "suspended_on": row["suspended_on"],
    }
    if "billing" in expand:
        organization["billing"] = {"billing_customer_id": details.get("billing_customer_id"), "agreements": []}
    return call.answer(organization)


def _color(raw: str | None) -> dict[str, str] | None:
    if raw is None:
        return None
    red, green, blue = (int(raw[at : at + 2], 16) / 255 for at in (1, 3, 5))
    hue, light, saturation = colorsys.rgb_to_hls(red, green, blue)
    return {"raw": raw, "hex": raw.lower(), "hsl": f"hsl({hue * 360:.0f}, {saturation * 100:.0f}%, {light * 100:.0f}%)"}


class OrganizationFields(Body):
    """Fields that an organization can be created and updated with."""

    external_id: str | None = None
    background_color: str | None = None
    button_color: str | None = None
    button_text_color: str | None = None
    link_color: str | None = None
    background_color_dark: str | None = None
    button_color_dark: str | None = None
    button_text_color_dark: str | None = None
    link_color_dark: str | None = None
    theme_code: Literal["light", "dark", "user_preference"] | None = None
    handle: str | None = None
    is_allow_registrations: bool | None = None
    is_auto_membership_enabled: bool | None = None
    sender_name: str | None = None
    sender_email: str | None = None


class CreateOrganization(OrganizationFields):
    """An organization to create."""

    name: str
    feature_flags: dict[str, str] | None = None
    is_create_billing_customer: bool | None = None
    billing_email: str | None = None
    billing_plan_code: str | None = None


class UpdateOrganization(OrganizationFields):
    """Changes of an organization. A field that is left out keeps its value."""

    name: str | None = None
    is_auto_join_domain_list: bool | None = None
    allowed_domains: list[str] | None = None
    is_enable_advanced_orgs: bool | None = None
    is_enforce_mfa: bool | None = None
    is_suspended: bool | None = None


def _check_fields(db: sqlite3.Connection, sent: dict[str, Any], code: str | None) -> None:
    for name, value in sent.items():
        if value is None and name not in ("sender_name", "sender_email"):
            raise bad("INVALID_FIELD", f"Invalid field {name}: must not be null", name)
        if name.removesuffix("_dark") in COLORS and not re.fullmatch(r"#[0-9A-Fa-f]{6}", value):
            raise bad("INVALID_FIELD", f"Invalid field {name}: expected a color such as #1a2b3c", name)
    if "name" in sent and not sent["name"].strip():
        raise bad("ORGANIZATION_NAME_REQUIRED", "The organization needs a name", "name")
    others = "SELECT 1 FROM organizations WHERE handle = ? AND code IS NOT ?"
    if sent.get("handle") and one(db, others, sent["handle"], code) is not None:
        raise bad("HANDLE_ALREADY_EXISTS", "Another organization has this handle", "handle")


@post("/organization", scope="create:organizations")
def create_organization(call: Call[Query], body: CreateOrganization) -> Response:
    """Creates an organization.

    :param call: the checked request, with its query parameters.
    :param body: the checked JSON body.
    :raises ApiError: 400 if something that was sent is wrong.
    """
    sent = body.to_dict(given=True)
    details = {name: value for name, value in sent.items() if name not in COLUMNS}
    customer = new_id("customer") if details.pop("is_create_billing_customer", False) else None
    if customer:
        details["billing_customer_id"] = customer
    code = new_id("org", 11)
    _check_fields(call.db, sent, None)
    insert(
        call.db,
        "organizations",
        code=code,
        name=body.name,
        handle=body.handle or None,
        external_id=body.external_id or None,
        created_on=now(),
        details=json.dumps(details),
    )
    return call.success(organization={"code": code} | ({"billing_customer_id": customer} if customer else {}))


class ExpandBilling(Query):
    """Query parameters of an update."""

    expand: str | None = None


@patch("/organization/{org_code}", scope="update:organizations")
def update_organization(call: Call[ExpandBilling], org_code: str, body: UpdateOrganization) -> Response:
    """Changes an organization.

    :param call: the checked request, with its query parameters.
    :param org_code: code of the organization.
    :param body: the checked JSON body.
    :raises ApiError: 404 if there is no such organization; 400 if something that was sent is wrong.
    """
    expand_of(call.query.expand, "billing")
    sent = body.to_dict(given=True)
    row = find_organization(call.db, org_code, call.settings)
    _check_fields(call.db, sent, org_code)
    changes: dict[str, Any] = {name: sent.pop(name) or None for name in sorted(COLUMNS & sent.keys())}
    if (suspend := sent.pop("is_suspended", None)) is not None:
        if suspend and row["is_default"]:
            raise bad("DEFAULT_ORGANIZATION_CANNOT_BE_SUSPENDED", "The default organization cannot be suspended")
        changes.update(is_suspended=suspend, suspended_on=now() if suspend else None)
    changes["details"] = json.dumps({**json.loads(row["details"]), **sent})
    update(call.db, "organizations", "code", org_code, **changes)
    return call.success()


@delete("/organization/{org_code}", scope="delete:organizations")
def delete_organization(call: Call[Query], org_code: str) -> Response:
    """Deletes an organization; its members remain users.

    :param call: the checked request, with its query parameters.
    :param org_code: code of the organization.
    :raises ApiError: 400 if something that was sent is wrong; 404 if it does not exist.
    """
    row = one(call.db, "SELECT is_default FROM organizations WHERE code = ?", org_code)
    if row is None:
        raise ApiError(404, "ORGANIZATION_NOT_FOUND", "Organization not found")
    if row["is_default"]:
        raise bad("DEFAULT_ORGANIZATION_CANNOT_BE_DELETED", "The default organization cannot be deleted")
    call.db.execute("DELETE FROM organizations WHERE code = ?", (org_code,))
    return call.success()


@delete("/organization/{org_code}/handle", scope="delete:organization_handles")
def delete_organization_handle(call: Call[Query], org_code: str) -> Response:
    """Deletes the handle of an organization.

    :param call: the checked request, with its query parameters.
    :param org_code: code of the organization.
    :raises ApiError: 404 if there is no such organization.
    """
    find_organization(call.db, org_code, call.settings)
    update(call.db, "organizations", "code", org_code, handle=None)
    return call.success()
