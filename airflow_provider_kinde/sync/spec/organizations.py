"""The part of a spec about organizations: which ones are managed, who belongs to them, and with which roles."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    PrivateAttr,
    Tag,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from airflow_provider_kinde.client.text import did_you_mean
from airflow_provider_kinde.sync.spec.cell_text import clean_text
from airflow_provider_kinde.sync.spec.fields import (
    Day,
    Email,
    Expr,
    Flag,
    Id,
    OrderedRoleKeys,
    RoleKeys,
    Section,
    Text,
    TruthExpr,
    WrittenAs,
    cut,
    note,
    null_is_left_out,
    read_text,
    wrong,
)

_LOOKUPS = ("external_id", "handle", "name")


@dataclass(frozen=True)
class OrganizationSpec:
    """One organization that the sync manages: a code, or one way to look it up."""

    alias: str
    code: str | None = None
    external_id: str | None = None
    handle: str | None = None
    name: str | None = None
    create: bool = False
    key: str = ""
    line: int | None = None


def _exactly_one(schema: dict[str, Any]) -> None:
    null_is_left_out(schema)
    schema["oneOf"] = [{"required": [name], "properties": {name: {"type": "string"}}} for name in _LOOKUPS]


class OrganizationLookup(Section):
    """One way to look an organization up."""

    model_config = ConfigDict(json_schema_extra=_exactly_one)

    external_id: Text | None = Field(default=None, description="Looked up by its external_id.")
    handle: Text | None = Field(default=None, description="Looked up by its handle.")
    name: Text | None = Field(default=None, description="Looked up by its name.")
    create: Flag = Field(default=False, description="Created by the first run that needs it; needs name.")

    @model_validator(mode="after")
    def _one(self) -> OrganizationLookup:
        given = [name for name in _LOOKUPS if getattr(self, name) is not None]
        if len(given) != 1:
            raise wrong(f"exactly one of {', '.join(_LOOKUPS)} is expected, found {len(given)}")
        if self.create and self.name is None:
            raise wrong("create: true needs name: the name that the organization is given")
        return self


def _code(value: Any) -> str:
    text = read_text(value, "text: an organization code such as org_1ccfb819462")
    if problem := _no_code(text):
        raise wrong(problem)
    return text


def _no_code(text: str) -> str:
    """Why a text cannot be an organization code; empty when it can."""
    blank = re.search(r"\s", text)
    return f"{cut(text)!r} is not an organization code; by name it is {{name: {cut(text)}}}" if blank else ""


Code = Annotated[str, PlainValidator(_code), WithJsonSchema({"type": "string", "pattern": r"^\s*\S+\s*$"})]
_TEXT_OR_LOOKUP = Discriminator(lambda value: "<lookup>" if isinstance(value, dict) else "<code>")
CodeOrLookup = Annotated[
    Annotated[Code, Tag("<code>")] | Annotated[OrganizationLookup, Tag("<lookup>")],
    _TEXT_OR_LOOKUP,
    Field(description="A code such as org_1ccfb819462, or one way to look it up."),
]
AliasOrLookup = Annotated[
    Annotated[Text, Tag("<code>")] | Annotated[OrganizationLookup, Tag("<lookup>")], _TEXT_OR_LOOKUP
]


def _organization(alias: str, value: str | OrganizationLookup, key: str, info: ValidationInfo) -> OrganizationSpec:
    line = info.context.lines.get(key) if info.context else None
    if isinstance(value, str):
        return OrganizationSpec(alias, value, key=key, line=line)
    return OrganizationSpec(alias, None, value.external_id, value.handle, value.name, value.create, key, line)


class MatchSpec(Section):
    """Manage every organization whose ``external_id`` begins with ``prefix``; the alias is the value itself."""

    match: Literal["external_id"] = Field(description="The field of the organization that is compared.")
    prefix: Text = Field(description="How the external_id begins; the alias is all of it.")

    @property
    def field(self) -> str:
        """The field of the organization that is compared."""
        return self.match


def _aliases(found: dict[str, str | OrganizationLookup], info: ValidationInfo) -> tuple[OrganizationSpec, ...]:
    organizations: list[OrganizationSpec] = []
    targets: dict[tuple[Any, ...], str] = {}
    for alias, value in found.items():
        organization = _organization(clean_text(alias), value, f"organizations.{alias}", info)
        target = (organization.code, organization.external_id, organization.handle, organization.name)
        if target in targets:
            note(info, organization.key, f"is the same organization as {targets[target]}")
        targets[target] = alias
        organizations.append(organization)
    return tuple(organizations)


def _alone(value: Any) -> Any:
    others = sorted(set(value) - {"match", "prefix"}) if isinstance(value, dict) and "match" in value else ()
    if others:
        raise wrong(f"either match and prefix, or aliases: {', '.join(others)} cannot stand beside match")
    return value


Aliases = Annotated[
    tuple[OrganizationSpec, ...],
    WrittenAs(Annotated[dict[str, CodeOrLookup], Field(json_schema_extra={"not": {"required": ["match"]}})], _aliases),
]
Organizations = Annotated[
    Annotated[Aliases, Tag("<aliases>")] | Annotated[MatchSpec, Tag("<match>")],
    Discriminator(lambda value: "<match>" if isinstance(value, dict) and "match" in value else "<aliases>"),
    BeforeValidator(_alone),
]


class MembershipSpec(Section):
    """One rule: who belongs to an organization, and with which roles."""

    organization: Expr = Field(description="An alias, or an expression that yields one, or a list of several.")
    when: TruthExpr | None = Field(default=None, description="For which people; for all when left out.")
    first_day: Expr | None = Field(
        default=None, alias="from", description="The first local day of the membership; blank means that there is none."
    )
    until: Expr | None = Field(
        default=None, description="The last local day of the membership; blank means that there is none."
    )
    roles: OrderedRoleKeys = Field(
        default=(), description="Role keys of Kinde: constants. Only keys that the file names are given or taken away."
    )
    _index: int = PrivateAttr(0)
    _line: int | None = PrivateAttr(None)

    @property
    def index(self) -> int:
        """The position in ``memberships``, from 0."""
        return self._index

    @property
    def line(self) -> int | None:
        """The line in the file."""
        return self._line


def as_memberships(found: list[MembershipSpec], info: ValidationInfo) -> tuple[MembershipSpec, ...]:
    """Read the section ``memberships``.

    :param found: the value in the spec.
    :param info: pydantic's context of the validation.
    """
    for index, rule in enumerate(found):
        rule._index = index
        rule._line = info.context.lines.get(f"memberships[{index}]") if info.context else None
    return tuple(found)


def _one_person(schema: dict[str, Any]) -> None:
    null_is_left_out(schema)
    schema["oneOf"] = [{"required": [name]} for name in ("email", "id")]


class KeepSpec(Section):
    """A membership to leave in place. ``email`` is normalized for comparing."""

    model_config = ConfigDict(json_schema_extra=_one_person)

    email: Email | None = Field(default=None, description="An address of the account.")
    id: Id | None = Field(default=None, description="The person's HR id.")
    organization: Text = Field(description="An alias.")
    until: Day | None = Field(
        default=None, description="The last day (UTC) on which the entry counts, such as 2026-12-31."
    )
    owner: Text | None = Field(default=None, description="Who answers for it.")
    reason: Text | None = Field(default=None, description="Why the membership stays: a sentence or a ticket.")

    def ended(self, today: dt.date) -> bool:
        """Whether the entry no longer counts.

        :param today: the UTC day.
        """
        return self.until is not None and self.until < today

    @model_validator(mode="after")
    def _one(self) -> KeepSpec:
        if (self.email is None) == (self.id is None):
            raise wrong("exactly one of email and id is expected")
        return self


def as_pairs(found: list[list[str]], info: ValidationInfo) -> tuple[tuple[str, str], ...]:
    """Make pairs of role keys of the lists of the file.

    :param found: the lists.
    :param info: pydantic's context of the validation.
    """
    pairs = []
    for index, roles in enumerate(found):
        if len(roles) != 2 or roles[0] == roles[1]:
            note(
                info, f"conflicts[{index}]", f"two different role keys are expected, found {', '.join(roles) or 'none'}"
            )
            continue
        pairs.append((roles[0], roles[1]))
    return tuple(pairs)


class RetiredSpec(Section):
    """What is no longer given, but still taken away. ``SyncSpec`` makes organizations of aliases and look-ups."""

    roles: RoleKeys = Field(default=frozenset(), description="Role keys.")
    organizations: Annotated[
        tuple[OrganizationSpec, ...], WrittenAs(list[AliasOrLookup], lambda found, info: found)
    ] = Field(default=(), description="Aliases, codes or look-ups.")


def check_alias(key: str, alias: str, info: ValidationInfo) -> None:
    """Check that an alias is one of the spec.

    :param key: the key in the spec, for the message.
    :param alias: the alias.
    :param info: pydantic's context of the validation.
    """
    managed = info.data.get("managed")
    if managed is None:  # wrong itself
        return
    if isinstance(managed, MatchSpec):
        if not alias.startswith(managed.prefix):
            asked = f"does not begin with {cut(managed.prefix)!r}, as organizations.prefix asks"
            note(info, key, f"{cut(alias)!r} {asked}")
        return
    known = [organization.alias for organization in managed]
    if alias not in known:
        note(info, key, f"{cut(alias)!r} is not an alias in organizations; {did_you_mean(alias, known)}")


def retired_organization(
    value: Any, key: str, managed: tuple[OrganizationSpec, ...] | MatchSpec, info: ValidationInfo
) -> OrganizationSpec:
    """A retired organization is an alias, a code or a look-up.

    :param value: the entry in the spec.
    :param key: its key, for messages.
    :param managed: the organizations that the spec manages.
    :param info: pydantic's context of the validation.
    """
    if not isinstance(value, str):
        if value.create:
            note(info, key, "create: a retired organization is not created")
        alias = value.external_id or value.handle or value.name or ""
        return _organization(alias, value, key, info)
    if isinstance(managed, MatchSpec):
        known = OrganizationSpec(value, external_id=value, key=key) if value.startswith(managed.prefix) else None
    else:
        known = next((organization for organization in managed if organization.alias == value), None)
    if known is None and (problem := _no_code(value)):
        note(info, key, problem)
    return known or _organization(value, value, key, info)
