"""The command ``doctor``: is everything there that a spec needs, and if not, what to do next."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_kinde.cli.connection import open_connection
from airflow_provider_kinde.cli.next_steps import command
from airflow_provider_kinde.cli.shared import add_common, show
from airflow_provider_kinde.exceptions import KindeAuthError, KindeError, KindePermissionError, ProviderError

if TYPE_CHECKING:
    from airflow_provider_kinde.sync.spec.models import SyncSpec

_ENVIRONMENTS = "read:environments"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    :param what: what was checked.
    :param state: ``ok``, ``note`` (it works without), or ``wrong``.
    :param text: what was found.
    :param way: what to do next; empty where nothing is to be done.
    """

    what: str
    state: str
    text: str
    way: str = ""

    def lines(self) -> Iterator[str]:
        """The finding as text."""
        sign = {"ok": "ok   ", "note": "note ", "wrong": "WRONG"}[self.state]
        yield f"{sign}  {self.what}: {self.text}"
        if self.way:
            yield f"         next: {self.way}"


def add_commands(commands: Any) -> None:
    """Add the command to the command line.

    :param commands: the subparsers of the command line.
    """
    doctor = commands.add_parser(
        "doctor", help="check connection, scopes, HR source and storage for a spec, and say what to do; only reads"
    )
    add_common(doctor, now=False)
    doctor.set_defaults(command=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    from airflow_provider_kinde.sync.report.text import clean
    from airflow_provider_kinde.sync.spec.models import SyncSpec

    spec = SyncSpec.load(options.spec)
    wrong = 0
    show(f"{spec.name}: {options.spec}\n")
    for finding in (*_kinde(options, spec), *_around(spec)):
        wrong += finding.state == "wrong"
        show(f"{clean(line)}\n" for line in finding.lines())
    if wrong:
        show(f"\n{wrong} of these must be settled first.\nNext: {command('doctor', options)}\n")
        return 1
    show(f"\nReady.\nNext: {command('plan', options)}\n")
    return 0


# -- Kinde -----------------------------------------------------------------------------------------------------------


def _kinde(options: argparse.Namespace, spec: SyncSpec) -> Iterator[Finding]:
    conn_id = options.conn or spec.kinde_conn_id
    try:
        client = open_connection(conn_id)
    except ProviderError as error:
        way = f"define the Airflow connection {conn_id!r}, for example as AIRFLOW_CONN_{conn_id.upper()}"
        yield Finding("connection", "wrong", str(error), way)
        return
    with client:
        found = _connection(client)
        yield found
        if found.state == "wrong":
            return
        yield from _tenant(client, spec)
        yield _environment(client)
        yield _scopes(client, spec)


def _connection(client: Any) -> Finding:
    try:
        client.get_users(page_size=1)
    except KindePermissionError as error:
        way = "enable the scope read:users for the application in Kinde, under APIs"
        return Finding("connection", "wrong", f"{client.host} refuses to list users: {error}", way)
    except KindeAuthError as error:
        way = "compare client ID, client secret and audience with the machine-to-machine application in Kinde"
        return Finding("connection", "wrong", f"{client.host} refuses the credentials: {error}", way)
    except KindeError as error:
        way = "check the domain in the connection, and whether this machine reaches it"
        return Finding("connection", "wrong", f"{client.host}: {error}", way)
    return Finding("connection", "ok", f"{client.host} answers, and users can be read")


def _tenant(client: Any, spec: SyncSpec) -> Iterator[Finding]:
    from airflow_provider_kinde.sync.tenant import wrong_tenant

    if reason := wrong_tenant(spec.tenant, client.host):
        yield Finding("tenant", "wrong", reason, "name the right connection with --conn or kinde_conn_id")
    elif spec.tenant is None:
        yield Finding("tenant", "note", "the spec names none", f"write `tenant: {client.host}` into it")


def _environment(client: Any) -> Finding:
    try:
        found = (client.get_environment() or {}).get("environment") or {}
    except KindeError as error:
        if not isinstance(error, KindePermissionError):
            return Finding("environment", "note", f"cannot be read: {error}")
        way = f"enable the scope {_ENVIRONMENTS}, so that doctor can tell production from test"
        return Finding("environment", "note", "cannot be read without a scope", way)
    live = "live: real people sign in here" if found.get("is_live") else "not live"
    domains = [str(found[key]) for key in ("kinde_domain", "custom_domain") if found.get(key)]
    return Finding("environment", "ok", f"{found.get('name')} ({found.get('code')}), {live}; {', '.join(domains)}")


def _scopes(client: Any, spec: SyncSpec) -> Finding:
    from airflow_provider_kinde.sync.plan.scopes import scopes_of

    needed = scopes_of(spec)
    missing = sorted(needed.keys() - client.granted_scopes())
    if missing:
        missing = sorted(needed.keys() - client.granted_scopes(renew=True))
    if not client.granted_scopes():
        return Finding("scopes", "note", "Kinde does not say which scopes the token carries", "compare with: scopes")
    if not missing:
        return Finding("scopes", "ok", f"all {len(needed)} that this spec may need")
    lacking = "; ".join(f"{scope} ({', '.join(needed[scope])})" for scope in missing)
    way = "enable them for the application in Kinde, under APIs. A plan needs only those of its own changes"
    return Finding("scopes", "wrong", f"{len(missing)} of {len(needed)} are missing: {lacking}", way)


# -- around it -------------------------------------------------------------------------------------------------------


def _around(spec: SyncSpec) -> Iterator[Finding]:
    from airflow_provider_kinde.storage import run_files

    yield _tried("HR source", lambda: _first_row(spec), "correct `source` in the spec, or its connection")
    folder = run_files.default_path()
    way = "set [kinde] storage_path to a folder or an object store that every worker can write to"
    yield _tried("storage", lambda: _writable(folder), way)


def _first_row(spec: SyncSpec) -> str:
    from airflow_provider_kinde.sources import make_source

    reading = make_source(spec).read()
    row = next(iter(reading), None)
    if row is None:
        raise ProviderError(f"{reading.name} holds no row. {'; '.join(reading.incomplete)}".strip())
    known = set(reading.columns) if reading.columns is not None else set(row.values)
    read = frozenset[str]().union(*(template.columns - template.optional for template in spec.templates))
    if lost := sorted(read - known):
        raise ProviderError(f"{reading.name} has no column {', '.join(map(repr, lost))}, which the spec reads")
    return f"{reading.name} can be read, and has the columns of the spec"


def _writable(folder: str) -> str:
    from airflow_provider_kinde.storage import run_files

    run_files.probe(folder)
    return f"{folder} can be written to"


def _tried(what: str, work: Callable[[], str], way: str) -> Finding:
    try:
        return Finding(what, "ok", work())
    except ProviderError as error:
        return Finding(what, "wrong", str(error), way)
