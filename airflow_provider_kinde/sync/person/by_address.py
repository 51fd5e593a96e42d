"""Find a person by an address: the HR id, or the account that has the address and no HR id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pendulum

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.resources.fields import list_in, text_in
from airflow_provider_kinde.resources.normalization import email_key
from airflow_provider_kinde.sync.link import is_of_a_sync, is_onboarded, onboarded_day, parse_link
from airflow_provider_kinde.sync.model import Source
from airflow_provider_kinde.sync.people.reader import read_people
from airflow_provider_kinde.sync.plan.run_request import RunRequest
from airflow_provider_kinde.sync.report.text import clean
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.unclear_rows import row_with_address
from airflow_provider_kinde.sync.tenant import client_of


class AddressWithoutId(SyncError):
    """An account has the address, and this sync knows no HR id for it. The message says who manages the account."""


def find_id(spec: SyncSpec, source: Source, client: Any, email: str, now: pendulum.DateTime | str | None = None) -> str:
    """Find the HR id of the person with an address: in HR, or else on an account of this sync.

    :param spec: the spec.
    :param source: the HR source.
    :param client: a Kinde client, or a hook that has one.
    :param email: the address.
    :param now: the moment to read HR for; the current time when left out.
    :returns: the id.
    :raises AddressWithoutId: only accounts that carry no HR id of this sync have the address.
    :raises SyncError: no person and no account, or several people have the address.
    """
    key = email_key(email)
    people = read_people(spec, source, RunRequest.of(now=now).now)
    ids = [person.id for person in people.persons.with_address(key)]
    users: list[Mapping[str, Any]] = []
    if not ids:
        users = list_in(client_of(client).get_users(email=email), "users")
        links = (parse_link(text_in(user, "provided_id"), spec.name) for user in users)
        ids = [link.id for link in links if link]
    if len(ids) == 1:
        return ids[0]
    if ids:
        raise SyncError(
            f"the address {clean(email)}: {len(ids)} people have it ({', '.join(map(clean, ids))}): use --id"
        )
    number = row_with_address(people.database, key)
    in_hr = f"row {number} of HR has it, and cannot be used: see `plan`" if number else "no HR row has it"
    if users:
        told = "\n".join(_whose(spec.name, user) for user in users)
        raise AddressWithoutId(f"the address {clean(email)}: {in_hr}\n{told}")
    raise SyncError(f"the address {clean(email)}: {in_hr}, and Kinde finds no account with it")


def _whose(name: str, user: Mapping[str, Any]) -> str:
    """One account that no HR id of this sync names: who manages it, and what to do."""
    provided_id = text_in(user, "provided_id")
    state = "suspended" if user.get("is_suspended") else "enabled"
    account = f"the account {text_in(user, 'id')} ({state}) has it"
    if is_onboarded(provided_id, name):
        day = onboarded_day(provided_id)
        made = f"the onboarding form of {name} made it" + (f" on {day.isoformat()}" if day else "")
        return (
            f"{account}: {made} ({clean(provided_id)}). The sync adopts it as soon as HR has a row with this address. "
            "To take access away before that, fill in the offboarding form"
        )
    if is_of_a_sync(provided_id):
        other = provided_id.replace("~", ":").partition(":")[0]
        return (
            f"{account}: another sync, {clean(other)}, manages it ({clean(provided_id)}). {name} leaves it alone: "
            f"explain it with the spec of {clean(other)}"
        )
    if provided_id:
        return (
            f"{account}: another system manages it (provided_id {clean(provided_id)}). {name} leaves it alone: change "
            "it there or in Kinde"
        )
    return (
        f"{account}: no sync manages it (it has no provided_id). {name} leaves it alone until HR has a row with this "
        "address, and then adopts it if Kinde has confirmed the address. Until then, change it in Kinde"
    )
