"""Faults and switches on the page: the form, what waits, and one field for each setting."""

from __future__ import annotations

import ast
import inspect
import typing
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from itertools import pairwise
from typing import Any

from kinde_emulator import settings as settings_module
from kinde_emulator.errors import bad
from kinde_emulator.server.faults import Fault
from kinde_emulator.server.page_people import text_of
from kinde_emulator.server.tenant import Tenant
from kinde_emulator.settings import Settings

KINDS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "500": ("answers 500", {"status": 500}),
    "503": ("answers 503", {"status": 503}),
    "429": ("answers 429, try again in 2 s", {"status": 429, "headers": {"RateLimit-Reset": "2"}}),
    "403": ("answers 403", {"status": 403}),
    "drop": ("is dropped before the work", {"drop": True}),
    "lost": ("is done, and the answer is lost", {"after_work": True}),
    "slow": ("comes 5 s late", {"delay": 5.0}),
    "token": ("finds its token revoked", {"revoke_token": True}),
}
"""What a fault of the form does: in words, and as fields of a fault."""
_HIDDEN = ("client_id", "client_secret", "log_size")


def fault_form() -> str:
    """The form that adds a fault."""
    methods = "".join(f"<option>{method}</option>" for method in ("any", "GET", "POST", "PATCH", "PUT", "DELETE"))
    kinds = "".join(f"<option value={key}>{text_of(words)}</option>" for key, (words, _) in KINDS.items())
    return (
        f"<form id=fault class=bar><label>Method <select name=method>{methods}</select></label>"
        "<label>Path contains <input name=path placeholder='/api/v1/users' autocomplete=off></label>"
        f"<label>The request <select name=kind>{kinds}</select></label>"
        "<label>Times (empty: always) <input type=number name=times min=1 value=1></label>"
        "<button>Add the fault</button></form>"
    )


def add_fault(tenant: Tenant, form: Mapping[str, str]) -> str:
    """Add the fault that the form names, and say so.

    :param tenant: the tenant.
    :param form: ``method``, ``path``, ``kind`` and ``times``.
    :raises ApiError: they contradict each other.
    """
    words, kind = KINDS.get(form.get("kind", ""), ("", {}))
    method, times = form.get("method", "any"), form.get("times", "").strip()
    try:
        tenant.faults.add(
            Fault(
                method=None if method == "any" else method,
                path=form.get("path", "").strip(),
                times=int(times) if times else None,
                **kind,
            )
        )
    except ValueError as error:
        raise bad("INVALID_FAULT", str(error)) from None
    return text_of(f"From now on: the request {words}.")


def waiting(tenant: Tenant) -> str:
    """The faults that wait, each with a button that removes it.

    :param tenant: the tenant.
    """
    lines = []
    for fault in tenant.faults.pending():
        left = "always" if fault.times is None else f"{max(fault.times - fault.hits, 0)} more"
        what = f"{fault.method or 'any method'} {fault.path or 'any path'}: {fault}; {left}, hit {fault.hits}"
        remove = f"<button type=button data-fault={fault.id} aria-label='Remove fault {fault.id}'>Remove</button>"
        lines.append(f"<li>{text_of(what)} {remove}</li>")
    return f"<ul class=waiting>{''.join(lines)}</ul>" if lines else "<p class=dim>No fault waits.</p>"


def switches(tenant: Tenant) -> str:
    """One field for each setting, filled with its value.

    :param tenant: the tenant.
    """
    hints, plain, told = typing.get_type_hints(Settings), Settings(), _told()
    parts = []
    for field in fields(Settings):
        if field.name in _HIDDEN:
            continue
        value, default = getattr(tenant.settings, field.name), getattr(plain, field.name)
        control = _control(field.name, hints[field.name], _written(value), _written(default))
        kind = " class=changed" if value != default else ""
        parts.append(
            f"<label{kind}><code>{field.name}</code>{control}<small>{text_of(told.get(field.name))}</small></label>"
        )
    find = "<div class=bar><label>Find a switch <input type=search id=switch autocomplete=off></label></div>"
    return (
        f"<details class=card><summary>Switches: how Kinde behaves ({len(parts)})</summary>{find}"
        f"<div class=switches id=switches>{''.join(parts)}</div></details>"
    )


def change_setting(tenant: Tenant, name: str, value: str) -> str:
    """Change one setting, and say so.

    :param tenant: the tenant.
    :param name: the setting.
    :param value: as on the command line; empty for none.
    :raises ValueError: there is no such setting, or it cannot have this value.
    """
    if name in _HIDDEN:
        raise ValueError(f"{name} cannot be changed here")
    changed = tenant.settings.parsed([f"{name}={value}"])
    tenant.change({name: getattr(changed, name)})
    return f"{name} is {_written(getattr(changed, name)) or 'none'} now."


def _control(name: str, hint: Any, value: str, default: str) -> str:
    shared = f"name={name} data-default='{text_of(default)}'"
    if hint is bool:
        return f"<input type=checkbox {shared}{' checked' if value == 'true' else ''}>"
    if typing.get_origin(hint) is typing.Literal:
        options = "".join(
            f"<option{' selected' if str(choice) == value else ''}>{text_of(choice)}</option>"
            for choice in typing.get_args(hint)
        )
        return f"<select {shared}>{options}</select>"
    return f"<input {shared} value='{text_of(value)}' autocomplete=off>"


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return " ".join(value)
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


@cache
def _told() -> dict[str, str]:
    """What is written below each setting in the code."""
    (body,) = (
        node.body
        for node in ast.parse(inspect.getsource(settings_module)).body
        if isinstance(node, ast.ClassDef) and node.name == "Settings"
    )
    found = {}
    for setting, text in pairwise(body):
        if isinstance(setting, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            assert isinstance(setting.target, ast.Name)
            found[setting.target.id] = " ".join(str(text.value.value).replace("``", "").split())
    return found
