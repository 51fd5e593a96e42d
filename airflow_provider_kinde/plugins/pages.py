"""The provider's pages in Airflow: all syncs with their runs, and the page of each plan and report.

Every page asks Airflow who the user is and what the user may do. The pages only read: their buttons call Airflow's own
REST API, which decides again.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import jinja2
from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import get_user
from airflow.utils.session import create_session
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from airflow_provider_kinde.exceptions import StorageError, SyncError
from airflow_provider_kinde.links.report import PREFIX, answer_address, base_path
from airflow_provider_kinde.plugins.runs import (
    JOINS,
    LEAVES,
    Question,
    Sync,
    find_questions,
    find_syncs,
    result_of,
)
from airflow_provider_kinde.storage import run_files
from airflow_provider_kinde.sync.report.page import content_security_policy, file_page, inline_policy, page_asset
from airflow_provider_kinde.sync.report.plan_file import PlanFile
from airflow_provider_kinde.sync.report.redaction import redact_file
from airflow_provider_kinde.sync.report.text import clean

log = logging.getLogger(__name__)

User = Annotated[Any, Depends(get_user)]
"""The user whom Airflow authenticated; anyone else gets 401."""
_TEMPLATES = Path(__file__).parent / "templates"
_SAFE = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
}
_TRIES = 1000
"""How many tries of a task are told apart."""
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#0b8a63" stroke-width="2.4" '
    'stroke-linecap="round" stroke-linejoin="round"><path d="M6 3v18M18 3 8 12l10 9"/></svg>'
)


def make_application() -> FastAPI:
    """Make the application that Airflow mounts below ``/kinde``."""
    application = FastAPI(title="Kinde", docs_url=None, redoc_url=None, openapi_url=None)
    application.add_api_route("/", _overview, methods=["GET"], response_class=HTMLResponse)
    application.add_api_route("/run", _run, methods=["GET"], response_class=HTMLResponse)
    application.add_api_route("/icon.svg", _icon, methods=["GET"], response_class=Response)
    application.add_exception_handler(401, _login)
    return application


def _icon() -> Response:
    return Response(_ICON, media_type="image/svg+xml", headers={"X-Content-Type-Options": "nosniff"})


async def _login(request: Request, error: Exception) -> Response:
    """Send a browser without a session to Airflow's log-in, and back."""
    if "text/html" in request.headers.get("accept", ""):
        here = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
        return RedirectResponse(f"{get_auth_manager().get_url_login()}?next={quote(here, safe='')}", 302)
    return Response("Not authenticated", 401)


def _overview(user: User) -> Response:
    """Every sync that the user may read."""
    permitted = get_auth_manager().get_authorized_dag_ids(user=user, method="GET")
    with create_session() as session:
        syncs = find_syncs(session, permitted)
        html = overview_html(syncs, {sync.dag_id: _rights(user, sync) for sync in syncs})
    policy = inline_policy(page_asset("page.css") + _asset("overview.css"), _asset("overview.js"), connect="'self'")
    return HTMLResponse(html, headers={**_SAFE, "Content-Security-Policy": f"{policy}; frame-ancestors 'self'"})


def overview_html(syncs: list[Sync], rights: dict[str, dict[str, Any]]) -> str:
    """Write the page of all syncs.

    :param syncs: the syncs, with their runs.
    :param rights: DAG id -> what the user may do: ``plan``, and ``questions`` with whether the user may answer each.
    """
    return _template("overview.html.jinja").render(
        syncs=sorted(syncs, key=_urgency),
        sentence=_sentence(syncs),
        rights=rights,
        base=base_path(),
        prefix=f"{base_path()}{PREFIX}",
        api=f"{base_path()}/api/v2",
        trends=_trends,
        url=lambda text: quote(str(text), safe=""),
        css=page_asset("page.css") + _asset("overview.css"),
        js=_asset("overview.js"),
        clean=clean,
    )


def _run(user: User, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> Response:
    """The page of the plan or report that one task wrote. People are named to those who may trigger or approve."""
    if not _may(user, "GET", dag_id) or not _may(user, "GET", dag_id, DagAccessEntity.TASK_INSTANCE):
        raise HTTPException(403, "Forbidden")
    with create_session() as session:
        result = result_of(session, dag_id, run_id, task_id, map_index)
        asked = [question for question in find_questions(session, dag_id) if question.run_id == run_id]
    at = f"{base_path()}/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}"
    task = f"{at}/tasks/{quote(task_id, safe='')}" + (f"/mapped/{map_index}" if map_index >= 0 else "")
    links = [("All syncs", f"{base_path()}{PREFIX}/"), ("DAG run", at), ("Log", task)]
    for question in asked:
        address = answer_address(dag_id, run_id, question.task_id, question.map_index)
        links.insert(0, ("Waits for approval: answer it in Airflow", address))
    if result is None:
        return _message(404, "This task has written no plan or report yet.", links)
    path = str(result.values["path"])
    if not _is_own(path, dag_id, run_id, task_id, map_index):
        return _message(404, f"The report is not below [kinde] storage_path: look for it at {path}.", links)
    try:
        file = PlanFile.read(lambda: run_files.opened(path))
    except (FileNotFoundError, StorageError, SyncError, ValueError, OSError) as error:
        log.warning("%s cannot be shown: %s", path, error)
        return _message(404, f"{path} cannot be read by the API server ({type(error).__name__}).", links)
    if not (_may(user, "POST", dag_id, DagAccessEntity.RUN) or _may(user, "PUT", dag_id, DagAccessEntity.HITL_DETAIL)):
        file = redact_file(file)
    host = str(file.head.get("host") or "")
    # A domain of the company's own has no admin area of Kinde.
    if host.endswith(".kinde.com") and not set(host) & set("/\\@ "):
        links.append(("Kinde admin", f"https://{host}/admin"))
    policy = f"{content_security_policy()}; frame-ancestors 'self'"
    return StreamingResponse(
        _chunks(file_page(file, links)), media_type="text/html", headers={**_SAFE, "Content-Security-Policy": policy}
    )


def _is_own(path: str, dag_id: str, run_id: str, task_id: str, map_index: int) -> bool:
    """Whether a path is where this task keeps its files: what stands in XCom may have been edited."""
    root = run_files.default_path().rstrip("/")
    index = "" if map_index < 0 else f".{map_index}"
    spec, _, rest = path.removeprefix(f"{root}/").partition("/")
    if not path.startswith(f"{root}/") or spec in ("", ".", "..") or not rest:
        return False
    run = run_files.segment(f"{dag_id}__{run_id}")
    tries = (run_files.segment(f"{task_id}{index}.try{number}") for number in range(1, _TRIES))
    return any(rest in (f"{run}/{task}/plan.json", f"{run}/{task}/report.json") for task in tries)


def _message(status: int, text: str, links: list[tuple[str, str]]) -> Response:
    css = page_asset("page.css")
    html = _template("message.html.jinja").render(text=clean(text), links=links, css=css)
    headers = {**_SAFE, "Content-Security-Policy": f"{inline_policy(css, '')}; frame-ancestors 'self'"}
    return HTMLResponse(html, status, headers=headers)


def _may(user: Any, method: Any, dag_id: str, entity: Any = None) -> bool:
    details = DagDetails(id=dag_id)
    return bool(get_auth_manager().is_authorized_dag(method=method, access_entity=entity, details=details, user=user))


def _rights(user: Any, sync: Sync) -> dict[str, Any]:
    """What the user may do with a sync: plan now, and which questions the user may answer."""
    answers = _may(user, "PUT", sync.dag_id, DagAccessEntity.HITL_DETAIL)

    def may_answer(question: Question) -> bool:
        return answers and (not question.assignees or str(user.get_id()) in question.assignees)

    return {
        "plan": _may(user, "POST", sync.dag_id, DagAccessEntity.RUN),
        "questions": [(question, may_answer(question)) for question in sync.questions],
    }


def _sentence(syncs: list[Sync]) -> str:
    """What needs a person first."""
    if not syncs:
        return "No sync has run yet"
    parts = []
    if waiting := sum(len(sync.questions) for sync in syncs):
        parts.append(f"{waiting} {'plan waits' if waiting == 1 else 'plans wait'} for approval")
    others = [sync for sync in syncs if not sync.questions]
    ended = ["failed" if sync.broken else sync.last and sync.last.values["outcome"] for sync in others]
    for outcome, one, many in (("blocked", "sync is blocked", "syncs are blocked"), ("failed", "failed", "failed")):
        if count := ended.count(outcome):
            parts.append(f"{count} {one if count == 1 else many}")
    every = f"{len(syncs)} {'sync' if len(syncs) == 1 else 'syncs'} with Kinde"
    if parts and len(syncs) == 1:
        return parts[0]
    return f"{', '.join(parts)} (of {every})" if parts else f"{every}, none is blocked or waits for approval"


def _urgency(sync: Sync) -> int:
    """What needs a person stands first: a question, then a sync that failed or is blocked, then the others."""
    if sync.questions:
        return 0
    return 1 if sync.broken or (sync.last and sync.last.values["outcome"] in ("blocked", "failed")) else 2


def _trends(sync: Sync) -> Iterator[dict[str, Any]]:
    """Joins, leaves, held people and rejected rows over the runs, oldest first, as bars."""
    results = [(run, run.last) for run in reversed(sync.runs)]
    counted = (("Joins", JOINS), ("Leaves", LEAVES), ("Held", ("held",)), ("Rejected", ("rejected",)))
    for name, kinds in counted:
        values = [(run.started, result.count(*kinds)) for run, result in results if result and result.read_kinde]
        most = max([value for _, value in values], default=0)
        bars = [
            (number * 5, 20 - (18 * value / most if most else 0), value) for number, (_, value) in enumerate(values)
        ]
        yield {"name": name, "bars": bars, "width": max(5 * len(values), 5), "last": values[-1][1] if values else 0}


def _chunks(pieces: Iterator[str]) -> Iterator[str]:
    """Larger pieces: each of them is sent by itself."""
    buffer = io.StringIO()
    for piece in pieces:
        buffer.write(piece)
        if buffer.tell() > 65_536:
            yield buffer.getvalue()
            buffer = io.StringIO()
    yield buffer.getvalue()


@cache
def _asset(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


@cache
def _template(name: str) -> jinja2.Template:
    loader = jinja2.FileSystemLoader(_TEMPLATES)
    return jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True).get_template(name)
