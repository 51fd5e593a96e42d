"""From YAML to a spec: what every key expects, and what must agree with what."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

import pendulum

from airflow_provider_kinde.resources.normalization import clean_email, email_key, name_key
from airflow_provider_kinde.sync.spec.dates import check_format
from airflow_provider_kinde.sync.spec.expressions import Template
from airflow_provider_kinde.sync.spec.models import (
    EmploymentSpec,
    Guards,
    JoinerSpec,
    KeepSpec,
    LeaverSpec,
    Limit,
    MatchSpec,
    MembershipSpec,
    OrganizationSpec,
    PersonSpec,
    ProtectSpec,
    RetiredSpec,
    SourceSpec,
    SyncSpec,
)
from airflow_provider_kinde.sync.spec.yaml_document import Document, Section, Value, cut

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?")
_ACTIONS = ("suspend", "remove", "hold")
_LOOKUPS = ("external_id", "handle", "name")
_GUARDS = tuple(entry.name for entry in fields(Guards) if entry.name != "floor")
_REQUIRED = ("version", "name", "source", "person", "employment")
_KEYS = (
    "version", "name", "kinde_conn_id", "tenant", "source", "person", "scope", "may_be_empty", "employment",
    "organizations", "memberships", "keep", "retired", "joiner", "leaver", "absent", "guards", "protect",
    "check_directories",
)  # fmt: skip


def read_spec(text: str, file: str) -> SyncSpec:
    """Read and check a whole spec.

    :raises SpecError: with everything that was found wrong.
    """
    doc = Document(text, file)
    root = doc.root.section(_KEYS, _REQUIRED)
    if "version" in root and (root["version"].kind != "int" or root["version"].raw != "1"):
        root["version"].fail(f"1 is expected, found {cut(root['version'].raw) or root['version'].kind}")
    organizations, match = _organizations(root.get("organizations"))
    memberships = _memberships(root.items_of("memberships"), organizations, match)
    spec = SyncSpec(
        version=1,
        name=_name(root.get("name")),
        kinde_conn_id=root.text("kinde_conn_id", "the id of an Airflow connection", "kinde_default"),
        tenant=_tenant(root.get("tenant")),
        source=_source(root.get("source")),
        person=_person(root.get("person"), doc),
        scope=root.template("scope", truth=True),
        may_be_empty=frozenset(root.texts("may_be_empty", "text: the name of a column")),
        employment=_employment(root.get("employment"), doc),
        organizations=organizations,
        organizations_match=match,
        memberships=memberships,
        keep=_keep(root.items_of("keep"), organizations, match),
        retired=_retired(root.get("retired"), organizations, match),
        joiner=_joiner(root.get("joiner")),
        leaver=_leaver(root.get("leaver")),
        absent=root["absent"].choice(_ACTIONS) if "absent" in root else None,
        guards=_guards(root.get("guards")),
        protect=_protect(root.get("protect")),
        check_directories=root.boolean("check_directories", False),
        file=file,
    )
    for rule in memberships:
        for role in sorted(spec.protect.roles & set(rule.roles)):
            key = f"memberships[{rule.index}].roles"
            doc.fail(key, f"{role} is a protected role (protect.roles): a spec may not grant it", doc.lines.get(key))
    doc.finish()
    return replace(spec, lines=doc.lines, templates=tuple(doc.templates))


def _name(value: Value | None) -> str:
    name = value.text() if value else ""
    if value and name and not _NAME.fullmatch(name):
        value.fail(f"{cut(name)!r} is not a spec's name: up to 31 of a-z, 0-9 and -, not beginning with -")
    return name


def _tenant(value: Value | None) -> str | None:
    if value is None:
        return None
    text = value.text("the Kinde domain, such as acme.kinde.com")
    host = re.sub(r"^https?://", "", text.lower()).rstrip("/")
    if text and not _HOST.fullmatch(host):
        value.fail(f"{cut(text)!r} is not a domain such as acme.kinde.com")
    return host


def _source(value: Value | None) -> SourceSpec:
    if value is None:
        return SourceSpec("")
    entries = dict(value.entries())
    kind = entries.pop("type", None)
    if kind is None and value.kind == "mapping":
        value.doc.fail("source.type", "is missing", value.line)
    options = {name: entry.plain() for name, entry in entries.items()}
    lines = {key: line for key, line in value.doc.lines.items() if key.startswith("source")}
    return SourceSpec(kind.text() if kind else "", options, value.line, lines)


def _person(value: Value | None, doc: Document) -> PersonSpec:
    required = ("id", "email", "given_name", "family_name")
    if value is None:
        return PersonSpec(Template(""), Template(""), Template(""), Template(""))
    section = value.section((*required, "properties"), required)
    properties = dict(section["properties"].entries()) if "properties" in section else {}
    person = PersonSpec(
        id=section.required_template("id"),
        email=section.required_template("email"),
        given_name=section.required_template("given_name", blank=True),
        family_name=section.required_template("family_name", blank=True),
        properties={name: entry.template(blank=True) for name, entry in properties.items()},
    )
    for name in ("id", "email"):
        template = getattr(person, name)
        if name in section and template.constant and template.text:
            section[name].fail(f'{cut(template.text)!r} is the same for every row; write "{{{{ row.Column }}}}"')
    return person


def _employment(value: Value | None, doc: Document) -> EmploymentSpec:
    utc = Template("UTC")
    if value is None:
        return EmploymentSpec(Template(""), frozenset(), frozenset(), None, None, (), utc)
    allowed = ("status", "active", "inactive", "start_date", "end_date", "date_format", "timezone")
    section = value.section(allowed, ("status", "active"))
    active = {name_key(text) for text in section.texts("active", "text: a status")}
    inactive = {name_key(text) for text in section.texts("inactive", "text: a status")}
    if "active" in section and section["active"].kind == "list" and not active:
        section["active"].fail("names no status: nobody would ever have access")
    for both in sorted(active & inactive):
        section["inactive"].fail(f"{both!r} stands in active as well (case does not count)")
    formats: list[str] = []
    if "date_format" in section:
        entry = section["date_format"]
        for item in entry.items() if entry.kind == "list" else [entry]:
            formats.append(item.text("text: how dates are written, such as M/D/YYYY"))
            try:
                if len(formats[-1]) > 100:
                    raise ValueError("longer than any date: 100 characters at most")
                if formats[-1]:
                    check_format(formats[-1])
            except ValueError as error:
                item.fail(f"{cut(formats[-1])!r}: {error}")
    timezone = section.template("timezone") or utc
    if timezone.constant and "timezone" in section and timezone.text:
        try:
            pendulum.timezone(timezone.text.strip())
        except (ValueError, KeyError, OSError):
            section["timezone"].fail(f"{cut(timezone.text)!r} is not a time zone such as Europe/Berlin")
    return EmploymentSpec(
        status=section.required_template("status"),
        active=frozenset(active),
        inactive=frozenset(inactive),
        start_date=section.template("start_date"),
        end_date=section.template("end_date"),
        date_format=tuple(formats),
        timezone=timezone,
    )


def _organizations(value: Value | None) -> tuple[tuple[OrganizationSpec, ...], MatchSpec | None]:
    if value is None or value.kind == "null":
        return (), None
    entries = dict(value.entries())
    if "match" in entries:
        others = sorted(set(entries) - {"match", "prefix"})
        if others:
            value.fail(f"either match and prefix, or aliases: {', '.join(others)} cannot stand beside match")
            return (), None
        section = value.section(("match", "prefix"), ("match", "prefix"))
        if "match" in section:
            section["match"].choice(("external_id",))
        return (), MatchSpec("external_id", section.text("prefix", "text: how the external_id begins"))
    found: list[OrganizationSpec] = []
    targets: dict[tuple[Any, ...], str] = {}
    for alias, entry in entries.items():
        organization = _organization(alias.strip(), entry)
        target = (organization.code, organization.external_id, organization.handle, organization.name)
        if target in targets and any(target):
            entry.fail(f"is the same organization as {targets[target]}")
        targets[target] = alias
        found.append(organization)
    return tuple(found), None


def _organization(alias: str, value: Value) -> OrganizationSpec:
    code: str | None = None
    looked: dict[str, str] = {}
    create = False
    if value.kind == "mapping":
        section = value.section((*_LOOKUPS, "create"))
        looked = {name: section.text(name) for name in _LOOKUPS if name in section}
        create = section.boolean("create", False)
        if len(looked) != 1:
            value.fail(f"exactly one of {', '.join(_LOOKUPS)} is expected, found {len(looked)}")
        if create and "name" not in looked:
            value.fail("create: true needs name: the name that the organization is given")
    elif value.kind == "null":
        value.fail("an organization code such as org_1ccfb819462, or {external_id: …}, {handle: …} or {name: …}")
    else:
        code = value.text("text: an organization code such as org_1ccfb819462")
        if re.search(r"\s", code):
            value.fail(f"{cut(code)!r} is not an organization code; by name it is {{name: {cut(code)}}}")
    return OrganizationSpec(
        alias, code, looked.get("external_id"), looked.get("handle"), looked.get("name"), create, value.key, value.line
    )


def _memberships(
    values: Iterable[Value], organizations: tuple[OrganizationSpec, ...], match: MatchSpec | None
) -> tuple[MembershipSpec, ...]:
    rules = []
    for index, value in enumerate(values):
        section = value.section(("organization", "when", "roles"), ("organization",))
        organization = section.required_template("organization")
        if "organization" in section and organization.constant and organization.text:
            _check_alias(section["organization"], organization.text.strip(), organizations, match)
        roles = _roles(section, "roles")
        when = section.template("when", truth=True)
        rules.append(MembershipSpec(index, organization, when, tuple(dict.fromkeys(roles)), value.line))
    return tuple(rules)


def _check_alias(
    value: Value, alias: str, organizations: tuple[OrganizationSpec, ...], match: MatchSpec | None
) -> None:
    if match is not None:
        if not alias.startswith(match.prefix):
            value.fail(f"{cut(alias)!r} does not begin with {cut(match.prefix)!r}, as organizations.prefix asks")
        return
    known = [organization.alias for organization in organizations]
    if alias not in known:
        near = difflib.get_close_matches(alias, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known) or 'none'}"
        value.fail(f"{cut(alias)!r} is not an alias in organizations; {hint}")


def _roles(section: Section, name: str) -> list[str]:
    roles = []
    for item in section.items_of(name):
        role = item.text("text: a role key")
        if re.search(r"\s", role):
            item.fail(f"{cut(role)!r} is not a role key: keys hold no blanks")
        if role:
            roles.append(role)
    return roles


def _keep(
    values: Iterable[Value], organizations: tuple[OrganizationSpec, ...], match: MatchSpec | None
) -> tuple[KeepSpec, ...]:
    kept = []
    for value in values:
        section = value.section(("email", "organization"), ("email", "organization"))
        alias = section.text("organization", "text: an alias")
        if alias:
            _check_alias(section["organization"], alias, organizations, match)
        kept.append(KeepSpec(_email(section["email"]) if "email" in section else "", alias))
    return tuple(kept)


def _email(value: Value) -> str:
    text = value.text("text: an e-mail address")
    try:
        return email_key(clean_email(text)) if text else ""
    except ValueError as error:
        value.fail(f"{cut(text)!r} {error}")
        return ""


def _retired(value: Value | None, organizations: tuple[OrganizationSpec, ...], match: MatchSpec | None) -> RetiredSpec:
    if value is None:
        return RetiredSpec()
    section = value.section(("roles", "organizations"))
    by_alias = {organization.alias: organization for organization in organizations}
    retired = []
    for item in section.items_of("organizations"):
        alias = item.text("text: a code") if item.kind != "mapping" else ""
        if alias in by_alias:
            retired.append(by_alias[alias])
        elif match is not None and alias.startswith(match.prefix):
            retired.append(OrganizationSpec(alias, None, alias, None, None, False, item.key, item.line))
        else:
            organization = _organization(alias, item)
            if organization.create:
                item.fail("create: a retired organization is not created")
            named = organization.external_id or organization.handle or organization.name
            retired.append(replace(organization, alias=alias or named or ""))
    return RetiredSpec(frozenset(_roles(section, "roles")), tuple(retired))


def _joiner(value: Value | None) -> JoinerSpec:
    if value is None:
        return JoinerSpec()
    section = value.section(("days_before_start", "adopt", "adopt_provided_id", "leave_default_organization"))
    return JoinerSpec(
        days_before_start=section.integer("days_before_start", 0, 0, 3650),
        adopt=section.boolean("adopt", True),
        adopt_provided_id=section.template("adopt_provided_id"),
        leave_default_organization=section.boolean("leave_default_organization", False),
    )


def _leaver(value: Value | None) -> LeaverSpec:
    if value is None:
        return LeaverSpec()
    section = value.section(("action", "end_sessions", "grace_days", "delete_after_days"))
    return LeaverSpec(
        action=section["action"].choice(_ACTIONS) if "action" in section else "suspend",
        end_sessions=section.boolean("end_sessions", True),
        grace_days=section.integer("grace_days", 0, 0, 3650),
        delete_after_days=section["delete_after_days"].integer(1, 36500) if "delete_after_days" in section else None,
    )


def _guards(value: Value | None) -> Guards:
    if value is None:
        return Guards()
    section = value.section((*_GUARDS, "floor"))
    limits = {name: _limit(section[name]) for name in _GUARDS if name in section}
    return replace(Guards(), **limits, floor=section.integer("floor", Guards.floor, 0, 10**9))


def _limit(value: Value) -> Limit:
    if value.kind == "str" and re.fullmatch(r"\d{1,3}(\.\d+)?\s*%", value.raw.strip()):
        share = float(value.raw.strip().rstrip("% ")) / 100
        if share <= 1:
            return Limit(share=share)
    if value.kind == "int" and re.fullmatch(r"\+?\d{1,9}", value.raw):
        return Limit(number=int(value.raw))
    value.fail(f"a share from 0% to 100% or a whole number is expected, found {cut(value.raw) or value.kind}")
    return Limit(number=0)


def _protect(value: Value | None) -> ProtectSpec:
    if value is None:
        return ProtectSpec()
    section = value.section(("roles", "emails"))
    roles = frozenset(_roles(section, "roles")) if "roles" in section else ProtectSpec().roles
    return ProtectSpec(roles, frozenset(email for item in section.items_of("emails") if (email := _email(item))))
