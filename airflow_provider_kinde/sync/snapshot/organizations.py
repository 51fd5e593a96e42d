"""The organizations of a spec, found in Kinde's list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from airflow_provider_kinde.resources import fields
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.spec.organizations import OrganizationSpec


@dataclass(slots=True)
class Organization:
    """A managed organization.

    :param alias: its alias in the spec.
    :param code: Kinde's code; empty until an organization that the spec wants created exists.
    :param name: its name.
    :param create: whether the first apply creates it.
    :param external_id: the external_id that it is given when it is created.
    :param members: Kinde user id -> role keys.
    :param read_at: when ``members`` were read, in monotonic seconds.
    """

    alias: str
    code: str
    name: str
    create: bool = False
    external_id: str = ""
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    read_at: float = 0.0


def find_organizations(spec: SyncSpec, listed: Iterable[fields.Json]) -> dict[str, Organization]:
    """Find the organizations of a spec in Kinde's list.

    :param spec: the spec.
    :param listed: all organizations, as Kinde lists them.
    :returns: alias -> organization; one that is to be created has no code yet.
    :raises SpecError: Kinde has none, or several, that a name fits.
    """
    listed = list(listed)
    found = _with_prefix(spec, listed) if spec.organizations_match else {}
    for wanted in spec.organizations:
        found.setdefault(wanted.alias, _find(spec, wanted, listed))
    for wanted in spec.retired.organizations:
        # A retired organization that Kinde no longer has needs no more work.
        if wanted.alias not in found and fields.organizations_with(listed, *_name_of(wanted)):
            found[wanted.alias] = _find(spec, wanted, listed)
    by_code: dict[str, str] = {}
    for alias, organization in found.items():
        if organization.code and (other := by_code.setdefault(organization.code, alias)) != alias:
            raise spec.error(
                "organizations", f"{other!r} and {alias!r} are the same organization ({organization.code})"
            )
    return found


def _with_prefix(spec: SyncSpec, listed: list[fields.Json]) -> dict[str, Organization]:
    """The organizations of ``organizations: {match: external_id, prefix: ...}``."""
    assert spec.organizations_match is not None
    prefix = spec.organizations_match.prefix
    found: dict[str, Organization] = {}
    for item in listed:
        external = fields.text_in(item, "external_id")
        if external and external.startswith(prefix):
            if external in found:
                raise spec.error("organizations", f"two organizations in Kinde have the external_id {external!r}")
            found[external] = Organization(external, fields.id_in(item, "code"), fields.text_in(item, "name"))
    if not found:
        raise spec.error("organizations", f"no organization in Kinde has an external_id that begins with {prefix!r}")
    return found


def _find(spec: SyncSpec, wanted: OrganizationSpec, listed: list[fields.Json]) -> Organization:
    key, value = _name_of(wanted)
    found = fields.organizations_with(listed, key, value)
    external_id = created_external_id(spec.name, wanted.alias)
    what = f"the {key} {value!r}"
    if wanted.create and (created := fields.organizations_with(listed, "external_id", external_id)):
        # One that this sync created keeps its external_id when it is renamed in Kinde.
        what += f", or the external_id {external_id!r}, which this sync gives to what it creates"
        found = list({str(item.get("code")): item for item in [*created, *found]}.values())
    if len(found) > 1:
        codes = ", ".join(sorted(str(item.get("code")) for item in found))
        raise spec.error(
            wanted.key, f"{len(found)} organizations in Kinde have {what} ({codes}): name one by its code", wanted.line
        )
    if found:
        return Organization(wanted.alias, fields.id_in(found[0], "code"), fields.text_in(found[0], "name"))
    if wanted.create:
        return Organization(wanted.alias, "", value, create=True, external_id=external_id)
    known = ", ".join(sorted(f"{item.get('name')} ({item.get('code')})" for item in listed)[:20]) or "none"
    hint = " or add `create: true`" if key == "name" else ""
    raise spec.error(
        wanted.key,
        f"Kinde has no organization with the {key} {value!r}; there are: {known}. Correct it{hint}",
        wanted.line,
    )


def created_external_id(name: str, alias: str) -> str:
    """Return the ``external_id`` of an organization that a sync creates: it is found by it after a rename.

    :param name: the sync's name.
    :param alias: the organization's alias in the spec.
    """
    return f"{name.partition('~')[0]}:{alias}"  # the plan of the onboarding form is called <name>~onboarded


def _name_of(wanted: OrganizationSpec) -> tuple[str, str]:
    """The field and the value by which the spec names an organization."""
    return next((key, value) for key in fields.ORGANIZATION_KEYS if (value := getattr(wanted, key)) is not None)


def check_roles(spec: SyncSpec, roles: Mapping[str, str]) -> None:
    """Check that Kinde has the roles that the spec gives.

    :param spec: the spec.
    :param roles: role key -> role id.
    :raises SpecError: Kinde has no role with a key of the spec.
    """
    for rule in spec.memberships:
        for key in rule.roles:
            if key not in roles:
                known = ", ".join(sorted(roles)) or "none"
                raise spec.error(
                    f"memberships[{rule.index}].roles",
                    f"Kinde has no role with the key {key!r} (not its name or id); there are: {known}",
                    rule.line,
                )
    for index, pair in enumerate(spec.conflicts):
        for key in pair:
            if key not in roles:
                known = ", ".join(sorted(roles)) or "none"
                raise spec.error(f"conflicts[{index}]", f"Kinde has no role with the key {key!r}; there are: {known}")
