"""The web page at ``/``: the latest requests, faults and switches, and organizations with their members.

The parts that change are fetched by the page's script. What it changes carries a token that only the page knows: a page
of another site can neither read the token nor send its header.
"""

from __future__ import annotations

import json
import secrets
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

from kinde_emulator.errors import ApiError
from kinde_emulator.server.http import Request, Response, html_response
from kinde_emulator.server.page_controls import add_fault, change_setting, fault_form, switches, waiting
from kinde_emulator.server.page_people import people, roles, summary, text_of
from kinde_emulator.server.routes import route
from kinde_emulator.server.tenant import Tenant

REQUESTS_SHOWN = 60
REQUESTS_SEARCHED = 5_000
POLICY = (
    "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'"
)
TOKEN = secrets.token_urlsafe(24)


@route("GET", "/")
def index(request: Request) -> Response:
    """Shows requests, faults, switches, organizations, members and roles.

    :param request: the request.
    """
    tenant, wanted = request.tenant, _wanted(request)
    with tenant.store.transaction() as db:
        head = summary(db) + roles(db)
        body = people(db, wanted, _page(request))
    nonce = secrets.token_urlsafe(12)
    return html_response(
        "<!doctype html><html lang=en><head><meta charset=utf-8><title>Kinde emulator</title>"
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        "<noscript><meta http-equiv=refresh content=5></noscript>"
        f"<style nonce={nonce}>{_asset('page.css')}</style></head><body data-token='{TOKEN}'>"
        f"<header><h1>Kinde emulator</h1></header><main><p>A local Kinde for tests. Clients reach it at "
        f"<code>http://{text_of(request.host)}</code> with the client ID "
        f"<code>{text_of(tenant.settings.client_id)}</code>.</p>{head}"
        f"<section aria-labelledby=h-requests><h2 id=h-requests>Latest requests</h2>{_filters()}"
        "<div class='card scroll' id=requests tabindex=0 role=group aria-labelledby=h-requests>"
        f"{_requests(tenant, '', False)}</div></section>"
        "<section aria-labelledby=h-controls><h2 id=h-controls>Faults and switches</h2>"
        "<p class=dim>A fault makes requests go wrong, to see what your code does.</p>"
        f"<p id=said role=status></p>{fault_form()}<div id=waiting>{waiting(tenant)}</div>{switches(tenant)}</section>"
        f"<section aria-labelledby=h-people><h2 id=h-people>People</h2>{_search(wanted)}"
        f"<div id=people>{body}</div></section></main><script nonce={nonce}>{_asset('page.js')}</script></body></html>",
        headers={"content-security-policy": POLICY.format(nonce=nonce), "cache-control": "no-store"},
    )


@route("GET", "/_emulator/page/people")
def get_people(request: Request) -> Response:
    """The part of the page with organizations and members.

    :param request: the request.
    """
    with request.tenant.store.transaction() as db:
        return html_response(people(db, _wanted(request), _page(request)))


@route("GET", "/_emulator/page/requests")
def get_requests(request: Request) -> Response:
    """The part of the page with the latest requests.

    :param request: the request.
    """
    parameters = dict(request.query)
    return html_response(_requests(request.tenant, parameters.get("q", ""), bool(parameters.get("errors"))))


@route("GET", "/_emulator/page/faults")
def get_waiting(request: Request) -> Response:
    """The part of the page with the faults that wait.

    :param request: the request.
    """
    return html_response(waiting(request.tenant))


@route("POST", "/_emulator/page/faults")
def post_fault(request: Request) -> Response:
    """Adds a fault, as the form says.

    :param request: the request.
    """
    return html_response(add_fault(request.tenant, _fields(request)))


@route("DELETE", "/_emulator/page/faults/{fault_id}")
def delete_fault(request: Request, fault_id: str) -> Response:
    """Removes a fault.

    :param request: the request.
    :param fault_id: number of the fault.
    """
    _fields(request)
    gone = fault_id.isascii() and fault_id.isdigit() and request.tenant.faults.remove(int(fault_id))
    return html_response("The fault is removed." if gone else "The fault was over already.")


@route("PATCH", "/_emulator/page/settings")
def patch_setting(request: Request) -> Response:
    """Changes one setting.

    :param request: the request.
    """
    fields = _fields(request)
    try:
        return html_response(text_of(change_setting(request.tenant, fields.get("name", ""), fields.get("value", ""))))
    except ValueError as error:
        return html_response(text_of(error), 400)


def _fields(request: Request) -> dict[str, str]:
    """The fields that the page sent; only the page itself may."""
    if not secrets.compare_digest(request.headers.get("x-emulator-page", "").encode(), TOKEN.encode()):
        raise ApiError(403, "BROWSER_REFUSED", "Only the emulator's own page may do this; load it again")
    try:
        data = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        data = {}
    return {str(name): str(value) for name, value in data.items()} if isinstance(data, dict) else {}


def _wanted(request: Request) -> str:
    return dict(request.query).get("q", "").strip()


def _page(request: Request) -> int:
    asked = dict(request.query).get("page", "1")
    return max(1, int(asked)) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 1


def _search(wanted: str) -> str:
    field = f"<input type=search id=q name=q value='{text_of(wanted)}' autocomplete=off>"
    return f"<form role=search class=bar><label>Find a person or an organization {field}</label></form>"


def _filters() -> str:
    return (
        "<div class=bar><label>Path or body contains <input type=search id=path autocomplete=off></label>"
        "<label class=check><input type=checkbox id=errors> only errors and faults</label>"
        "<button type=button id=pause aria-pressed=false>Pause</button><span id=live role=status></span></div>"
    )


def _requests(tenant: Tenant, wanted: str, errors: bool) -> str:
    lines = []
    for entry in reversed(tenant.log.entries(REQUESTS_SEARCHED)):
        status = entry["status"]
        failed = bool(entry["fault"]) or (status is not None and status >= 400)
        query = f"?{urlencode(entry['query'], doseq=True)}" if entry["query"] else ""
        body = "" if entry["body"] is None else json.dumps(entry["body"], ensure_ascii=False)
        if (errors and not failed) or wanted.lower() not in f"{entry['method']} {entry['path']}{query} {body}".lower():
            continue
        if status is None:
            words = "<span class=bad>no answer</span>" if entry["fault"] else "<span class=dim>…</span>"
        else:
            words = f"<span class={'good' if status < 400 else 'bad'}>{status}</span>"
        shown = body if len(body) <= 160 else body[:159] + "…"
        took = "" if entry["ms"] is None else f"{entry['ms']:,.1f}"
        lines.append(
            f"<tr><td class=number>{entry['n']}</td><td><code>{text_of(entry['at'][11:19])}</code></td>"
            f"<td><code>{text_of(entry['method'])}</code></td>"
            f"<td class=path><code>{text_of(entry['path'] + query)}</code><br>"
            f"<small>{text_of(shown)}</small></td><td>{words}</td><td class=bad>{text_of(entry['fault'])}</td>"
            f"<td class=number>{took}</td></tr>"
        )
        if len(lines) == REQUESTS_SHOWN:
            break
    if not lines:
        return "<p class=dim>None yet.</p>" if not (wanted or errors) else "<p class=dim>None like that.</p>"
    names = ("#", "UTC", "Method", "Request", "Answer", "Fault", "ms")
    head = "".join(f"<th scope=col{' class=number' if name in ('#', 'ms') else ''}>{name}</th>" for name in names)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


@cache
def _asset(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
