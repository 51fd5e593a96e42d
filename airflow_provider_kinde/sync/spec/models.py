"""The spec: one YAML file that says how HR rows become accounts, memberships and roles in Kinde."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from airflow_provider_kinde.exceptions import SpecError
from airflow_provider_kinde.sync.spec.expressions import Template


@dataclass(frozen=True)
class SourceSpec:
    """Where the HR rows come from.

    :param type: ``file``, ``sql``, ``http``, ...
    :param options: everything else under ``source``, as the YAML has it; the source checks it.
    :param lines: dotted key -> line in the file, for messages.
    """

    type: str
    options: Mapping[str, Any] = field(default_factory=dict)
    line: int | None = None
    lines: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class PersonSpec:
    """Who somebody is: expressions over ``row``."""

    id: Template
    email: Template
    given_name: Template
    family_name: Template
    properties: Mapping[str, Template] = field(default_factory=dict)


@dataclass(frozen=True)
class EmploymentSpec:
    """Whether and when somebody works here.

    :param active: statuses that give access, trimmed and case-folded.
    :param inactive: statuses that take it.
    :param date_format: tried in order; empty for ISO 8601.
    """

    status: Template
    active: frozenset[str]
    inactive: frozenset[str]
    start_date: Template | None
    end_date: Template | None
    date_format: tuple[str, ...]
    timezone: Template


@dataclass(frozen=True)
class OrganizationSpec:
    """One organization that the sync manages: a code, or one way to look it up."""

    alias: str
    code: str | None
    external_id: str | None
    handle: str | None
    name: str | None
    create: bool
    key: str
    line: int | None


@dataclass(frozen=True)
class MatchSpec:
    """Manage every organization whose ``field`` begins with ``prefix``; the alias is the value itself."""

    field: str
    prefix: str


@dataclass(frozen=True)
class MembershipSpec:
    """One rule: who belongs to an organization, and with which roles."""

    index: int
    organization: Template
    when: Template | None
    roles: tuple[str, ...]
    line: int | None


@dataclass(frozen=True)
class KeepSpec:
    """A membership to leave in place. ``email`` is normalised for comparing."""

    email: str
    organization: str


@dataclass(frozen=True)
class RetiredSpec:
    """What is no longer given, but still taken away."""

    roles: frozenset[str] = frozenset()
    organizations: tuple[OrganizationSpec, ...] = ()


@dataclass(frozen=True)
class JoinerSpec:
    """How somebody comes in."""

    days_before_start: int = 0
    adopt: bool = True
    adopt_provided_id: Template | None = None
    leave_default_organization: bool = False


@dataclass(frozen=True)
class LeaverSpec:
    """How somebody goes: ``action`` is ``suspend``, ``remove`` or ``hold``."""

    action: str = "suspend"
    end_sessions: bool = True
    grace_days: int = 0
    delete_after_days: int | None = None


@dataclass(frozen=True)
class Limit:
    """A guard's limit: a share of its base (0 to 1), or a plain number."""

    share: float | None = None
    number: int | None = None

    def __str__(self) -> str:
        return f"{self.share * 100:g}%" if self.share is not None else str(self.number)


@dataclass(frozen=True)
class Guards:
    """How much one plan may do before somebody has to approve it."""

    max_leavers: Limit = Limit(share=0.10)
    max_row_drop: Limit = Limit(share=0.20)
    max_membership_removals: Limit = Limit(share=0.25)
    max_role_removals: Limit = Limit(share=0.25)
    max_role_grants: Limit = Limit(share=0.25)
    max_email_changes: Limit = Limit(share=0.05)
    max_deletes: Limit = Limit(share=0.01)
    max_rejected_rows: Limit = Limit(share=0.05)
    max_held: Limit = Limit(share=0.05)
    floor: int = 5

    def __getitem__(self, name: str) -> Limit:
        limit = getattr(self, name)
        if not isinstance(limit, Limit):
            raise KeyError(name)
        return limit

    def __iter__(self) -> Iterator[str]:
        return (entry.name for entry in fields(self) if entry.name != "floor")


@dataclass(frozen=True)
class ProtectSpec:
    """Whom the sync never touches. ``emails`` are normalised for comparing."""

    roles: frozenset[str] = frozenset({"owner", "admin"})
    emails: frozenset[str] = frozenset()


@dataclass(frozen=True)
class SyncSpec:
    """A spec that was read and found valid. ``docs/spec.md`` describes every key."""

    version: int
    name: str
    kinde_conn_id: str
    tenant: str | None
    source: SourceSpec
    person: PersonSpec
    scope: Template | None
    may_be_empty: frozenset[str]
    employment: EmploymentSpec
    organizations: tuple[OrganizationSpec, ...]
    organizations_match: MatchSpec | None
    memberships: tuple[MembershipSpec, ...]
    keep: tuple[KeepSpec, ...]
    retired: RetiredSpec
    joiner: JoinerSpec
    leaver: LeaverSpec
    absent: str | None
    guards: Guards
    protect: ProtectSpec
    check_directories: bool = False
    file: str = ""
    lines: Mapping[str, int] = field(default_factory=dict)
    """Dotted key -> line in the file, for messages."""
    templates: tuple[Template, ...] = ()
    """Every expression of the file, with its key and line."""

    @classmethod
    def load(cls, path: str | Path) -> SyncSpec:
        """Read and check a spec file; needs no network.

        :param path: the YAML file.
        :returns: the spec.
        :raises SpecError: the file cannot be read, or is not a valid spec; every error is told with its line.
        """
        from airflow_provider_kinde.sync.spec.yaml_document import MAX_FILE

        try:
            found = Path(path).expanduser()
            if not stat.S_ISREG(found.stat().st_mode):
                raise SpecError("the file cannot be read: it is a folder, a pipe or a device", file=str(path))
            with found.open("rb") as file:
                content = file.read(MAX_FILE + 1)
            if len(content) > MAX_FILE:
                raise SpecError(f"the file is larger than {MAX_FILE:,} bytes: this is no spec", file=str(path))
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise SpecError(f"the file is not UTF-8 (byte {error.start})", file=str(path)) from None
        except OSError as error:
            raise SpecError(f"the file cannot be read: {error.strerror or error}", file=str(path)) from None
        except ValueError as error:
            raise SpecError(f"the file cannot be read: {error}", file=repr(str(path))) from None
        return cls.parse(text, str(path))

    @classmethod
    def parse(cls, text: str, file: str = "") -> SyncSpec:
        """Read and check the text of a spec; needs no network.

        :param text: YAML.
        :param file: its name, for messages; paths in ``source`` are relative to its folder.
        :returns: the spec.
        :raises SpecError: it is not a valid spec; every error is told with its line.
        """
        from airflow_provider_kinde.sync.spec.reader import read_spec

        return read_spec(text, file)

    @property
    def role_keys(self) -> frozenset[str]:
        """Every role key that the spec names: only these are given or taken."""
        return self.retired.roles.union(*(rule.roles for rule in self.memberships))

    def error(self, key: str, message: str, line: int | None = None) -> SpecError:
        """An error about one key of this file.

        :param key: dotted key, such as ``memberships[2].organization``.
        :param message: what is wrong and what was expected.
        :param line: its line; looked up by the key when left out.
        :returns: the error, to be raised.
        """
        return SpecError(message, file=self.file, line=line or self.lines.get(key), key=key)
