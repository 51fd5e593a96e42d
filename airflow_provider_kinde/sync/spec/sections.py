"""The sections of a spec: people, employment, joiners, leavers, guards, and who is protected."""

from __future__ import annotations

from typing import Annotated, Literal

import pendulum
from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from airflow_provider_kinde.resources.normalization import domain_key, name_key
from airflow_provider_kinde.sync.spec.connection import Connection
from airflow_provider_kinde.sync.spec.date_parser import check_format
from airflow_provider_kinde.sync.spec.expressions import Template
from airflow_provider_kinde.sync.spec.fields import (
    BlankExpr,
    Email,
    Expr,
    Flag,
    GuardLimit,
    Ids,
    IntegerBounds,
    Limit,
    RoleKeys,
    Section,
    Text,
    Texts,
    WrittenAs,
    cut,
    wrong,
)

UNKNOWN_DOMAIN = "your-domain.invalid"
"""Stands in the addresses of a draft from a file without addresses. No spec with it is valid: no person is invited at a
guessed address."""

Action = Literal["suspend", "remove", "hold"]


# -- people ------------------------------------------------------------------------------------------------------------


class PersonSpec(Section):
    """Who a person is: expressions over ``row``."""

    id: Expr = Field(description="The HR id: stable, and never used again for another person.")
    email: Expr = Field(description="The address to sign in with.")
    given_name: BlankExpr = Field(description="The first name.")
    family_name: BlankExpr = Field(description="The last name.")
    properties: dict[str, BlankExpr] = Field(
        default_factory=dict, description="Kinde user properties by key, such as kp_usr_job_title."
    )
    connection: Connection | None = Field(
        default=None,
        description="The enterprise connection to sign in by: its id, or `domain: acme.com` for the connection with "
        "this home realm domain. Blank for people who sign in by their address.",
    )
    names: Literal["always", "at_creation"] = Field(
        default="always",
        description="When names are written: always, or at_creation alone, where the profile sync of a sign-in "
        "rewrites them in Kinde.",
    )
    rows: Literal["one", "all"] = Field(
        default="one",
        description="Rows of one id that differ: one rejects them; all makes them one person (two jobs).",
    )

    @field_validator("id", "email")
    @classmethod
    def _differs(cls, template: Template) -> Template:
        if template.constant:
            raise wrong(f'{cut(template.text)!r} is the same for every row; write "{{{{ row.Column }}}}"')
        return template

    @field_validator("email")
    @classmethod
    def _domain_is_known(cls, template: Template) -> Template:
        if UNKNOWN_DOMAIN in template.text:
            raise wrong(
                f"{UNKNOWN_DOMAIN} stands for a domain that the draft could not know: replace it by your domain, or "
                "read a column of addresses"
            )
        return template


def _statuses(found: list[str], info: ValidationInfo) -> frozenset[str]:
    return frozenset(name_key(text) for text in found)


def _date_formats(found: list[str], info: ValidationInfo) -> tuple[str, ...]:
    return tuple(found)


def _date_format(text: str) -> str:
    try:
        if len(text) > 100:
            raise ValueError("longer than any date: 100 characters at most")
        check_format(text)
    except ValueError as error:
        raise wrong(f"{cut(text)!r}: {error}") from None
    return text


Statuses = Annotated[frozenset[str], WrittenAs(list[Text], _statuses)]
SomeStatuses = Annotated[frozenset[str], WrittenAs(Annotated[list[Text], Field(min_length=1)], _statuses)]
DateFormats = Annotated[
    tuple[str, ...],
    WrittenAs(list[Annotated[Text, AfterValidator(_date_format)]], _date_formats),
    BeforeValidator(
        lambda value: value if isinstance(value, (list, dict)) else [value], json_schema_input_type=str | list[str]
    ),
]


class EmploymentSpec(Section):
    """Whether and when a person works here. ``active`` and ``inactive`` are kept trimmed and case-folded."""

    status: Expr = Field(description="The status; compared trimmed, without regard to case.")
    active: SomeStatuses = Field(description="Statuses that give access.")
    inactive: Statuses = Field(
        default=frozenset(), description="Statuses that take access away. A status in neither list rejects the row."
    )
    start_date: Expr | None = Field(default=None, description="The first day; blank means that there is none.")
    end_date: Expr | None = Field(default=None, description="The last day: access lasts to its end.")
    date_format: DateFormats = Field(
        default=(), description="Pendulum tokens, one format or several, such as M/D/YYYY. ISO 8601 when left out."
    )
    timezone: Expr = Field(default=Template("UTC"), description='Where "today" is, such as Europe/Berlin.')

    @field_validator("inactive")
    @classmethod
    def _apart(cls, inactive: frozenset[str], info: ValidationInfo) -> frozenset[str]:
        for both in sorted(info.data.get("active", frozenset()) & inactive):
            raise wrong(f"{both!r} stands in active as well (case does not count)")
        return inactive

    @field_validator("timezone")
    @classmethod
    def _zone(cls, template: Template) -> Template:
        if template.constant:
            try:
                pendulum.timezone(template.text.strip())
            except (ValueError, KeyError, OSError):
                raise wrong(f"{cut(template.text)!r} is not a time zone such as Europe/Berlin") from None
        return template


# -- joiners, leavers, guards ------------------------------------------------------------------------------------------


class JoinerSpec(Section):
    """How a person comes in."""

    days_before_start: Annotated[int, IntegerBounds(0, 3650)] = Field(
        default=0, description="Days before the start date from which access is given."
    )
    adopt: Flag = Field(
        default=True, description="Take over an unmanaged account with the same, confirmed, primary address."
    )
    adopt_provided_id: Expr | None = Field(
        default=None, description="Also take over an account with this provided_id and the same address."
    )
    onboarded_days: Annotated[int, IntegerBounds(1, 3650)] = Field(
        default=14, description="Days after which an account of the onboarding form that no row has adopted is listed."
    )
    onboarded_action: Literal["list", "suspend"] = Field(
        default="list",
        description="What happens to an account of the onboarding form that no row has adopted by then.",
    )
    trusted_connections: Texts = Field(
        default=frozenset(),
        description="Ids of connections whose identity providers vouch for addresses; `enterprise` for all enterprise "
        "connections. An address of such a sign-in counts as confirmed.",
    )
    leave_default_organization: Flag = Field(
        default=False, description="Take new people out of the default organization that Kinde put them into."
    )


class LeaverSpec(Section):
    """How a person goes."""

    action: Action = Field(default="suspend", description="What happens to a leaver.")
    end_sessions: Flag = Field(default=True, description="End their sessions as well.")
    delete_api_keys: Flag = Field(default=True, description="Delete their API keys as well.")
    grace_days: Annotated[int, IntegerBounds(0, 3650)] = Field(
        default=0, description="Days after the end date during which everything stays."
    )
    delete_after_days: Annotated[int, IntegerBounds(1, 36500)] | None = Field(
        default=None, description="Days after which the account is deleted; never when left out."
    )


class Guards(Section):
    """How much one plan may do without approval."""

    max_leavers: GuardLimit = Field(
        default=Limit(share=0.10), description="People who lose their access, of the managed people with access."
    )
    max_joiners: GuardLimit = Field(
        default=Limit(share=0.20),
        description="People who are given access, of the managed accounts older than a day. Not judged while these are "
        "fewer than 20.",
    )
    max_row_drop: GuardLimit = Field(
        default=Limit(share=0.20), description="Managed people with access who have no row any more."
    )
    max_membership_removals: GuardLimit = Field(
        default=Limit(share=0.25), description="Memberships removed, in each organization, of its managed members."
    )
    max_membership_grants: GuardLimit = Field(
        default=Limit(share=0.25),
        description="People who were in a managed organization already and are given a membership, in each "
        "organization.",
    )
    max_role_removals: GuardLimit = Field(
        default=Limit(share=0.25), description="People who lose a role, for each role, of its managed holders."
    )
    max_role_grants: GuardLimit = Field(
        default=Limit(share=0.25), description="People who had access already and are given a role, for each role."
    )
    max_email_changes: GuardLimit = Field(
        default=Limit(share=0.05), description="Addresses changed, of the managed people with access."
    )
    max_deletes: GuardLimit = Field(default=Limit(share=0.01), description="Accounts deleted, of the managed accounts.")
    max_rejected_rows: GuardLimit = Field(default=Limit(share=0.05), description="Rows rejected, of the rows read.")
    max_held: GuardLimit = Field(default=Limit(share=0.05), description="People held, of the rows read.")
    floor: Annotated[int, IntegerBounds(0)] = Field(
        default=5, description="So many always pass, whatever the shares say (or half the base, if that is less)."
    )

    def __getitem__(self, name: str) -> Limit:
        limit = getattr(self, name)
        if not isinstance(limit, Limit):
            raise KeyError(name)
        return limit

    @classmethod
    def names(cls) -> list[str]:
        """The names of the guards."""
        return [name for name in cls.model_fields if name != "floor"]


class IgnoreSpec(Section):
    """Service and test accounts: never adopted, and a class of their own in the list of accounts."""

    emails: Annotated[frozenset[str], WrittenAs(list[Email], lambda found, info: frozenset(found))] = Field(
        default=frozenset(), description="Addresses of accounts."
    )
    domains: Annotated[frozenset[str], WrittenAs(list[Text], lambda found, info: frozenset(map(domain_key, found)))] = (
        Field(default=frozenset(), description="Domains of addresses, such as test.acme.com.")
    )

    def covers(self, email: str) -> bool:
        """Tell whether an address is one of a service or test account.

        :param email: the address, in the form for comparing.
        """
        return email in self.emails or email.rpartition("@")[2] in self.domains


class ProtectSpec(Section):
    """People whom the sync never touches. ``emails`` are normalized for comparing."""

    roles: RoleKeys = Field(
        default=frozenset({"owner", "admin"}), description="Holders of these roles; a rule cannot grant one of them."
    )
    emails: Annotated[frozenset[str], WrittenAs(list[Email], lambda found, info: frozenset(found))] = Field(
        default=frozenset(), description="Addresses of accounts."
    )
    ids: Ids = Field(
        default=frozenset(), description="HR ids. Unlike an address, an id stays when a person is renamed."
    )
