"""Shared by the onboarding and the offboarding form: refusals, and the explanation before anything is written."""

from __future__ import annotations

from collections.abc import Callable

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.tenant import wrong_tenant

Tell = Callable[[str, str], None]
"""Called before anything is written with the explanation: without names and addresses, and with them."""


class FormRefused(SyncError):
    """The form is refused. The message says why and what to do instead, without names and addresses."""


def check_tenant(spec: SyncSpec, host: str) -> None:
    """Check that the connection is for the tenant that the spec names.

    :param spec: the spec.
    :param host: host of the Kinde connection.
    :raises FormRefused: it is for another tenant.
    """
    if reason := wrong_tenant(spec.tenant, host):
        raise FormRefused(reason)


def told(title: str, row: str, match: list[str], action: list[str]) -> str:
    """Write the explanation for a person without a row in HR, in the layout of ``explain``.

    :param title: the first line.
    :param row: what HR says.
    :param match: the accounts, a line each.
    :param action: what will be done, a line each.
    :returns: the text.
    """
    lines = [title, ""]
    for name, content in (("row", [row]), ("match", match), ("action", action)):
        lines += [f"  {name if number == 0 else '':<9}{line}" for number, line in enumerate(content)] + [""]
    return "\n".join(lines) + "\n"
