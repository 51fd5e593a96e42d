"""The spec: one YAML file that says how HR rows become accounts, memberships and roles in Kinde.

The models are the definition of the language: reading, messages, defaults and the JSON schema for editors follow from
them. A new key is one field with its kind, its default and its description, here or in the section that it stands in.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PrivateAttr, ValidationInfo, WithJsonSchema, field_validator

from airflow_provider_kinde.exceptions import SpecError
from airflow_provider_kinde.sync.link import NAME_PATTERN
from airflow_provider_kinde.sync.spec.examples import ExampleSpec, as_examples, unknown_columns
from airflow_provider_kinde.sync.spec.expressions import Template
from airflow_provider_kinde.sync.spec.fields import (
    Flag,
    RoleKey,
    Section,
    Text,
    Texts,
    TruthExpr,
    WrittenAs,
    cut,
    note,
    wrong,
)
from airflow_provider_kinde.sync.spec.organizations import (
    KeepSpec,
    MatchSpec,
    MembershipSpec,
    Organizations,
    OrganizationSpec,
    RetiredSpec,
    as_memberships,
    as_pairs,
    check_alias,
    retired_organization,
)
from airflow_provider_kinde.sync.spec.sections import (
    Action,
    EmploymentSpec,
    Guards,
    IgnoreSpec,
    JoinerSpec,
    LeaverSpec,
    PersonSpec,
    ProtectSpec,
)
from airflow_provider_kinde.sync.spec.source import AnySource

_NAME = f"^{NAME_PATTERN}$"
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?")


def _name(text: str) -> str:
    if not re.fullmatch(_NAME, text):
        raise wrong(f"{cut(text)!r} is not a spec's name: up to 31 of a-z, 0-9 and -, not beginning with -")
    return text


def _policy(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][\w-]*([.:][A-Za-z_]\w*)*", text):
        raise wrong(f"{cut(text)!r} is neither a path such as acme.policies.no_admins nor the name of an entry point")
    return text


PolicyName = Annotated[Text, AfterValidator(_policy)]


def _host(text: str) -> str:
    host = re.sub(r"^https?://", "", text.lower()).rstrip("/")
    if not _HOST.fullmatch(host):
        raise wrong(f"{cut(text)!r} is not a domain such as acme.kinde.com")
    return host


class SyncSpec(Section):
    """A spec that was read and found valid. ``docs/spec.md`` describes every key."""

    version: Literal[1] = Field(description="The version of this language.")
    name: Annotated[Text, AfterValidator(_name), WithJsonSchema({"type": "string", "pattern": _NAME})] = Field(
        description="The first half of every link (`<name>:<id>`) in Kinde. With another name this sync manages no "
        "account any more."
    )
    kinde_conn_id: Text = Field(default="kinde_default", description="The id of the Airflow connection.")
    tenant: Annotated[Text, AfterValidator(_host)] | None = Field(
        default=None,
        description="The Kinde domain; a connection to any other host blocks the run.",
        examples=["acme.kinde.com"],
    )
    source: AnySource = Field(description="Where the rows come from.")
    person: PersonSpec = Field(description="Who a person is.")
    scope: TruthExpr | None = Field(
        default=None,
        description="Whom this sync is about; all people when left out. Out of scope is a leaver, if managed.",
    )
    may_be_empty: Texts = Field(default=frozenset(), description="Columns whose blank is an answer, not missing data.")
    employment: EmploymentSpec = Field(description="Whether and when a person works here.")
    managed: Organizations = Field(
        default=(),
        alias="organizations",
        description="The closed set that this sync manages: alias -> organization, or match and prefix for many.",
    )
    memberships: Annotated[tuple[MembershipSpec, ...], WrittenAs(list[MembershipSpec], as_memberships)] = Field(
        default=(), description="Who belongs where, with which roles. Every rule that holds adds up."
    )
    keep: Annotated[tuple[KeepSpec, ...], WrittenAs(list[KeepSpec], lambda found, info: tuple(found))] = Field(
        default=(), description="Memberships to leave in place."
    )
    conflicts: Annotated[tuple[tuple[str, str], ...], WrittenAs(list[list[RoleKey]], as_pairs)] = Field(
        default=(),
        description="Pairs of role keys that no person may hold together, in any organizations. Such a person is held.",
    )
    retired: RetiredSpec = Field(default_factory=RetiredSpec, description="No longer given, still taken away.")
    joiner: JoinerSpec = Field(default_factory=JoinerSpec, description="How a person comes in.")
    leaver: LeaverSpec = Field(default_factory=LeaverSpec, description="How a person goes.")
    absent: Action | None = Field(
        default=None,
        description="What to do with managed people who have no row. When left out: suspend if the source proves that "
        "it is complete, else hold.",
    )
    guards: Guards = Field(default_factory=Guards, description="How much one run may do without approval.")
    protect: ProtectSpec = Field(
        default_factory=ProtectSpec, validate_default=True, description="People who do not lose their access unseen."
    )
    ignore: IgnoreSpec = Field(
        default_factory=IgnoreSpec,
        description="Service and test accounts: never adopted, and a class of their own in `accounts`.",
    )
    check_directories: Flag = Field(
        default=False,
        description="Ask first whether a SCIM directory keeps one of the organizations, and stop if so: one more "
        "request a run.",
    )
    policies: Annotated[tuple[str, ...], WrittenAs(list[PolicyName], lambda found, info: tuple(found))] = Field(
        default=(),
        description="Functions of your own that look at each plan and may block it: dotted paths such as "
        "acme.policies.no_admins, or names of entry points in the group airflow_provider_kinde.policies.",
    )
    tests: Annotated[tuple[ExampleSpec, ...], WrittenAs(list[ExampleSpec], as_examples)] = Field(
        default=(),
        description="Rows and what must follow from them. validate runs them without network; plan, apply and the DAG "
        "refuse a spec whose tests fail.",
    )
    _file: str = PrivateAttr("")
    _lines: Mapping[str, int] = PrivateAttr(default_factory=dict)
    _digest: str = PrivateAttr("")

    @classmethod
    def load(cls, path: str | Path) -> SyncSpec:
        """Read and check a spec file; needs no network.

        :param path: the YAML file.
        :returns: the spec.
        :raises SpecError: the file cannot be read, or is not a valid spec. The message names every mistake with its
            line.
        """
        from airflow_provider_kinde.sync.spec.loader import read_file

        return cls.parse(read_file(path), str(path))

    @classmethod
    def parse(cls, text: str, file: str = "") -> SyncSpec:
        """Read and check the text of a spec; needs no network.

        :param text: YAML.
        :param file: its name, for messages; paths in ``source`` are relative to its folder.
        :returns: the spec.
        :raises SpecError: it is not a valid spec. The message names every mistake with its line.
        """
        from airflow_provider_kinde.sync.spec.loader import read_model

        found = read_model(cls, text, file)
        found._digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        return found

    def model_post_init(self, context: Any, /) -> None:
        """Take file name and lines from the document.

        :param context: pydantic's context of the validation.
        """
        super().model_post_init(context)
        if context is not None:
            self._file, self._lines = context.file, context.lines

    # -- checks that more than one key takes part in --

    @field_validator("memberships")
    @classmethod
    def _memberships_are_known(
        cls, rules: tuple[MembershipSpec, ...], info: ValidationInfo
    ) -> tuple[MembershipSpec, ...]:
        for rule in rules:
            if rule.organization.constant:
                check_alias(f"memberships[{rule.index}].organization", rule.organization.text.strip(), info)
        return rules

    @field_validator("keep")
    @classmethod
    def _kept_are_known(cls, kept: tuple[KeepSpec, ...], info: ValidationInfo) -> tuple[KeepSpec, ...]:
        for index, entry in enumerate(kept):
            check_alias(f"keep[{index}].organization", entry.organization, info)
        return kept

    @field_validator("conflicts")
    @classmethod
    def _conflicts_are_not_granted(
        cls, pairs: tuple[tuple[str, str], ...], info: ValidationInfo
    ) -> tuple[tuple[str, str], ...]:
        for rule in info.data.get("memberships", ()):
            for index, pair in enumerate(pairs):
                if set(pair) <= set(rule.roles):
                    message = f"gives {pair[0]} and {pair[1]}, which conflicts[{index}] forbids to hold together"
                    note(info, f"memberships[{rule.index}].roles", message)
        return pairs

    @field_validator("retired")
    @classmethod
    def _retired_are_found(cls, retired: RetiredSpec, info: ValidationInfo) -> RetiredSpec:
        managed = info.data.get("managed", ())
        found = []
        for index, value in enumerate(retired.organizations):
            key = f"retired.organizations[{index}]"
            found.append(retired_organization(value, key, managed, info))
        return retired.model_copy(update={"organizations": tuple(found)})

    @field_validator("protect")
    @classmethod
    def _protected_is_not_granted(cls, protect: ProtectSpec, info: ValidationInfo) -> ProtectSpec:
        for rule in info.data.get("memberships", ()):
            for role in sorted(protect.roles & set(rule.roles)):
                message = f"{role} is a protected role (protect.roles): a spec may not grant it"
                note(info, f"memberships[{rule.index}].roles", message)
        return protect

    @field_validator("tests")
    @classmethod
    def _tested_columns_are_read(cls, tests: tuple[ExampleSpec, ...], info: ValidationInfo) -> tuple[ExampleSpec, ...]:
        for key, message in unknown_columns(tests, _columns(tuple(_templates(info.data)))):
            note(info, key, message)
        return tests

    # -- what the sync asks --

    @property
    def file(self) -> str:
        """The name of the file, for messages."""
        return self._file

    @property
    def digest(self) -> str:
        """SHA-256 of the text of the file."""
        return self._digest

    @property
    def lines(self) -> Mapping[str, int]:
        """Dotted key -> line in the file, for messages."""
        return self._lines

    @property
    def organizations(self) -> tuple[OrganizationSpec, ...]:
        """The organizations that the file names; none where ``organizations_match`` finds them."""
        return () if isinstance(self.managed, MatchSpec) else self.managed

    @property
    def organizations_match(self) -> MatchSpec | None:
        """How organizations are found, where the file does not name each."""
        return self.managed if isinstance(self.managed, MatchSpec) else None

    @property
    def role_keys(self) -> frozenset[str]:
        """Every role key that the spec names: only these are given or taken away."""
        return self.retired.roles.union(*(rule.roles for rule in self.memberships))

    @cached_property
    def templates(self) -> tuple[Template, ...]:
        """Every expression and constant text of the file that a row is read with, with its key and line."""
        return tuple(_templates(self))

    @cached_property
    def columns(self) -> tuple[str, ...] | None:
        """The columns that the spec reads, sorted; ``None`` where the row decides which ones are read."""
        return _columns(self.templates)

    def with_changes(self, **changes: Any) -> SyncSpec:
        """Copy the spec with other values.

        :param changes: field -> its new value, which is not checked.
        :returns: the copy.
        """
        copy = self.model_copy(update=changes)
        for name in ("templates", "columns"):  # they follow from the values
            copy.__dict__.pop(name, None)
        return copy

    def error(self, key: str, message: str, line: int | None = None) -> SpecError:
        """An error about one key of this file.

        :param key: dotted key, such as ``memberships[2].organization``.
        :param message: what is wrong and what was expected.
        :param line: its line; that of the key, or of what the key stands in, when left out.
        :returns: the error, to be raised.
        """
        around = key
        while around and around not in self.lines:
            around = around[: max(around.rfind("."), around.rfind("["), 0)]
        return SpecError(message, file=self.file, line=line or self.lines.get(around), key=key)


def _columns(templates: tuple[Template, ...]) -> tuple[str, ...] | None:
    if not all(template.pure for template in templates):
        return None
    return tuple(sorted(frozenset[str]().union(*(template.columns for template in templates))))


def _templates(value: Any) -> Iterator[Template]:
    if isinstance(value, Template):
        yield value
    elif isinstance(value, Section):
        for name in type(value).model_fields:
            yield from _templates(getattr(value, name))
    elif isinstance(value, (tuple, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _templates(item)
