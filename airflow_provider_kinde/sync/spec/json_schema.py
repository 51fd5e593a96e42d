"""The JSON schema of a spec, for editors: completion, hover texts, and mistakes underlined while typing.

Made from the same names and defaults as the reader of specs. What a schema cannot say (aliases that exist, expressions
that compile, dates that can be read) only ``validate`` knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from airflow_provider_kinde.sync.spec.models import Guards, JoinerSpec, LeaverSpec, ProtectSpec
from airflow_provider_kinde.sync.spec.reader import _ACTIONS, _GUARDS, _KEYS, _LOOKUPS, _REQUIRED

Schema = dict[str, Any]

_EXPRESSION = 'Jinja over `row`, such as "{{ row.Column }}", or a constant.'
_GUARDED = {
    "max_leavers": "People whose access one run takes away, of the managed people with access.",
    "max_row_drop": "Managed people with access whom no row holds.",
    "max_membership_removals": "Memberships removed, each organization on its own, of its managed members.",
    "max_role_removals": "People losing a role, each role on its own, of its managed holders.",
    "max_role_grants": "People who had access already and are given a role, each role on its own.",
    "max_email_changes": "Addresses changed, of the managed people with access.",
    "max_deletes": "Accounts deleted, of the managed accounts.",
    "max_rejected_rows": "Rows rejected, of the rows read.",
    "max_held": "People held, of the rows read.",
}


def spec_schema() -> Schema:
    """The schema, as JSON schema 2020-12."""
    properties = _top()
    assert tuple(properties) == _KEYS
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Kinde sync",
        "description": "How the rows of an HR system become accounts, memberships and roles in Kinde.",
        **_section(properties, _REQUIRED),
        "$defs": {
            "expression": {"type": "string", "description": _EXPRESSION},
            "truth": {
                "type": ["string", "boolean"],
                "description": "An expression that yields yes or no, such as \"{{ row.Department == 'IT' }}\".",
            },
            "texts": {"type": "array", "items": _text()},
            "limit": {
                "description": "A share from 0% to 100%, or a whole number.",
                "oneOf": [{"type": "string", "pattern": r"^\s*\d{1,3}(\.\d+)?\s*%\s*$"}, _number(0)],
            },
            "organization": _organization(),
        },
    }


def _top() -> dict[str, Schema]:
    return {
        "version": {"const": 1, "description": "The version of this language."},
        "name": _text(
            "The first half of every link (`<name>:<id>`) in Kinde: changing it makes all managed accounts strangers.",
            pattern="^[a-z0-9][a-z0-9-]{0,30}$",
        ),
        "kinde_conn_id": _text("Id of the Airflow connection.", default="kinde_default"),
        "tenant": _text(
            "The Kinde domain; a connection to any other host blocks the run.", examples=["acme.kinde.com"]
        ),
        "source": _source(),
        "person": _person(),
        "scope": _ref(
            "truth", "Whom this sync is about: out of scope is a leaver, if managed. Everybody when left out."
        ),
        "may_be_empty": _ref("texts", "Columns whose blank is an answer, not missing data."),
        "employment": _employment(),
        "organizations": _organizations(),
        "memberships": {
            "type": "array",
            "description": "Who belongs where, with which roles. Every rule that holds adds up.",
            "items": _section(
                {
                    "organization": _ref("expression", "An alias, or an expression that yields one."),
                    "when": _ref("truth", "For whom; always when left out."),
                    "roles": _roles("Role keys of Kinde: constants. Only keys named in this file are given or taken."),
                },
                ("organization",),
            ),
        },
        "keep": {
            "type": "array",
            "description": "Memberships to leave in place.",
            "items": _section(
                {"email": _text("An address of the account."), "organization": _text("An alias.")},
                ("email", "organization"),
            ),
        },
        "retired": _section(
            {
                "roles": _roles("Role keys."),
                "organizations": {
                    "type": "array",
                    "description": "Aliases, codes or look-ups.",
                    "items": {"$ref": "#/$defs/organization"},
                },
            },
            description="No longer given, still taken away.",
        ),
        "joiner": _joiner(),
        "leaver": _leaver(),
        "absent": {
            "enum": list(_ACTIONS),
            "description": "What to do with managed people whom no row holds. When left out: suspend if the source "
            "proves that it is complete, else hold.",
        },
        "guards": _guards(),
        "protect": _section(
            {
                "roles": _roles("Holders of these roles; none of them can be granted.", sorted(ProtectSpec().roles)),
                "emails": _ref("texts", "Addresses of accounts."),
            },
            description="People who do not lose their access unseen.",
        ),
        "check_directories": _flag(
            "Look first whether a SCIM directory keeps one of the organizations, and stop if so: one more read a run.",
            False,
        ),
    }


def _source() -> Schema:
    from airflow_provider_kinde.sources import SOURCES
    from airflow_provider_kinde.sources.schema import option_schemas

    kinds = {"enum": sorted(SOURCES), "description": "What kind of source; each has options of its own beside this."}
    return {
        "type": "object",
        "description": "Where the rows come from.",
        "required": ["type"],
        "properties": {"type": kinds},
        "allOf": [
            {"if": {"properties": {"type": {"const": kind}}, "required": ["type"]}, "then": options}
            for kind, options in sorted(option_schemas().items())
        ],
        "if": {"properties": {"type": {"const": "file"}}},
        "then": {
            "required": ["path"],
            "properties": {
                "path": _text("The file: relative to this one, or a URL of an object storage."),
                "conn_id": _optional(_text("Airflow connection of the storage.")),
                "format": _optional(
                    {"enum": ["csv", "json", "jsonl", "parquet"], "description": "By suffix if left out."}
                ),
                "encoding": _optional(_text("UTF-8 when left out.")),
                "delimiter": _optional({"type": "string", "description": "Of CSV: `,` `;` `|` or `tab`."}),
                "rows": _optional(_text("For a JSON object: the key of the list of rows in it.")),
                "expect": _optional(
                    _section(
                        {
                            "min_rows": _number(1, "At least so many rows."),
                            "trailer": _text("The last line, with {rows} for their number and {any} for anything."),
                            "manifest": _text("A file that states rows or checksum."),
                        },
                        description="Proofs that the file is whole.",
                    )
                ),
            },
        },
    }


def _person() -> Schema:
    required = ("id", "email", "given_name", "family_name")
    return _section(
        {
            "id": _ref("expression", "The HR id: stable, and never used again for somebody else."),
            "email": _ref("expression", "The address to sign in with."),
            "given_name": _ref("expression", "The first name."),
            "family_name": _ref("expression", "The last name."),
            "properties": {
                "type": "object",
                "description": "Kinde user properties by key, such as kp_usr_job_title.",
                "additionalProperties": {"$ref": "#/$defs/expression"},
            },
        },
        required,
        "Who somebody is.",
    )


def _employment() -> Schema:
    return _section(
        {
            "status": _ref("expression", "The status; compared trimmed, without regard to case."),
            "active": {**_ref("texts", "Statuses that give access."), "minItems": 1},
            "inactive": _ref("texts", "Statuses that take it. In neither list: the row is rejected."),
            "start_date": _ref("expression", "The first day; blank is no date."),
            "end_date": _ref("expression", "The last day: access lasts to its end."),
            "date_format": {
                "description": "Pendulum tokens, one format or several, such as M/D/YYYY. ISO 8601 when left out.",
                "anyOf": [_text(), {"$ref": "#/$defs/texts"}],
            },
            "timezone": {**_ref("expression", 'Where "today" is, such as Europe/Berlin.'), "default": "UTC"},
        },
        ("status", "active"),
        "Whether and when somebody works here.",
    )


def _organization() -> Schema:
    looked: dict[str, Schema] = {name: _text(f"Looked up by its {name}.") for name in _LOOKUPS}
    create = {"type": "boolean", "default": False, "description": "Made by the first run that needs it; needs name."}
    lookup = _section({**looked, "create": create})
    one = [{"required": [name], "properties": {name: {"type": "string"}}} for name in _LOOKUPS]
    return {
        "description": "A code such as org_1ccfb819462, or one way to look it up.",
        "anyOf": [_text(pattern=r"^\S+$"), {**lookup, "oneOf": one}],
    }


def _organizations() -> Schema:
    match = _section(
        {"match": {"const": "external_id"}, "prefix": _text("How the external_id begins; the alias is all of it.")},
        ("match", "prefix"),
    )
    aliases = {"not": {"required": ["match"]}, "additionalProperties": {"$ref": "#/$defs/organization"}}
    return {
        "type": "object",
        "description": "The closed set that this sync manages: alias -> organization, or match and prefix for many.",
        "anyOf": [match, aliases],
    }


def _joiner() -> Schema:
    default = JoinerSpec()
    return _section(
        {
            "days_before_start": _days("Days before the start from which access is given.", default.days_before_start),
            "adopt": _flag("Take over an unmanaged account with the same, confirmed, primary address.", default.adopt),
            "adopt_provided_id": _ref("expression", "Also take over an account with this provided_id and address."),
            "leave_default_organization": _flag(
                "Take new people out of the default organization.", default.leave_default_organization
            ),
        },
        description="How somebody comes in.",
    )


def _leaver() -> Schema:
    default = LeaverSpec()
    return _section(
        {
            "action": {"enum": list(_ACTIONS), "default": default.action, "description": "What happens to a leaver."},
            "end_sessions": _flag("End their sessions as well.", default.end_sessions),
            "grace_days": _days("Days after the end date during which everything stays.", default.grace_days),
            "delete_after_days": _number(1, "Days after which the account is deleted; never when left out.", 36500),
        },
        description="How somebody goes.",
    )


def _guards() -> Schema:
    default = Guards()
    limits: dict[str, Schema] = {
        name: {**_ref("limit", _GUARDED[name]), "default": str(default[name])} for name in _GUARDS
    }
    limits["floor"] = {
        **_number(0, "So many pass, whatever the shares say (or half the base)."),
        "default": default.floor,
    }
    assert set(limits) == {entry.name for entry in fields(Guards)}
    return _section(limits, description="How much one run may do before somebody approves it.")


# -- building blocks --------------------------------------------------------------------------------------------


def _section(properties: Mapping[str, Schema], required: tuple[str, ...] = (), description: str = "") -> Schema:
    """An object with known keys; one that is left empty counts as left out."""
    found: Schema = {"type": "object", "additionalProperties": False}
    if description:
        found["description"] = description
    if required:
        found["required"] = list(required)
    found["properties"] = {name: part if name in required else _optional(part) for name, part in properties.items()}
    return found


def _optional(part: Schema) -> Schema:
    """The same, or nothing."""
    if isinstance(part.get("type"), str) and "enum" not in part:
        return {**part, "type": [part["type"], "null"]}
    outer: Schema = {key: value for key, value in part.items() if key in ("description", "default")}
    return {**outer, "anyOf": [{key: value for key, value in part.items() if key not in outer}, {"type": "null"}]}


def _ref(name: str, description: str) -> Schema:
    return {"$ref": f"#/$defs/{name}", "description": description}


def _text(description: str = "", **more: Any) -> Schema:
    return {"type": "string", "minLength": 1, **({"description": description} if description else {}), **more}


def _number(least: int, description: str = "", most: int = 10**9) -> Schema:
    found: Schema = {"type": "integer", "minimum": least, "maximum": most}
    return {**found, "description": description} if description else found


def _days(description: str, default: int) -> Schema:
    return {**_number(0, description, 3650), "default": default}


def _flag(description: str, default: bool) -> Schema:
    return {"type": "boolean", "description": description, "default": default}


def _roles(description: str, default: list[str] | None = None) -> Schema:
    found: Schema = {"type": "array", "description": description, "items": _text(pattern=r"^\s*\S+\s*$")}
    return {**found, "default": default} if default else found
