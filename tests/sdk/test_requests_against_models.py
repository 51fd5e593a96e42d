"""Every operation's request beside the one that Kinde's own SDK makes of the same arguments: they are the same."""

from __future__ import annotations

import email
import inspect
import json
import threading
import typing
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from kinde_sdk.management import ApiClient, Configuration
from kinde_sdk.management import api as sdk_apis

from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.client.endpoints.catalog import ENDPOINTS
from tests.support.every_request import everything

NAMES = sorted(ENDPOINTS)
OTHER_NAMES = {"remove_organization_users": "update_organization_users"}
"""Methods of ours that the SDK has under another name."""
ONLY_OURS = {"get_users": {"sort"}}
"""Parameters that the SDK does not know: Kinde's reference of 2023 has them."""
MISTYPED = {
    "search_users": {"properties"},
    "create_connection": {"options"},
    "update_connection": {"options"},
    "replace_connection": {"options"},
    "create_meter_usage_record": {"meter_usage_timestamp"},
}
"""Parameters that the SDK does not take in the form that the document gives them: it refuses lists of values, and
options that fit more than one kind of connection, and it sends a time with a blank in it."""


class Recorder:
    """Takes any request, and remembers it."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.path == "/oauth2/token":
                    answer = {"access_token": "t", "expires_in": 3600, "token_type": "bearer"}
                else:
                    kind = self.headers.get("Content-Type", "")
                    recorder.requests.append(_request(self.command, self.path, kind, body))
                    answer = {}
                content = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

            def log_message(self, *args: object) -> None: ...

        self._http = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


def _request(method: str, target: str, kind: str, body: bytes) -> dict[str, Any]:
    """A request, without what is a matter of taste: order, spaces, boundaries."""
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    decoded: Any = None
    if kind.startswith("multipart/"):
        message = email.message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
        decoded = {
            part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
            for part in typing.cast("list[Any]", message.get_payload())
        }
    elif body:
        decoded = json.loads(body)
    return {"method": method, "path": parts.path, "query": query, "body": decoded}


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    yield recorder
    recorder.close()


@pytest.fixture(scope="module")
def ours(recorder: Recorder) -> Iterator[KindeClient]:
    with KindeClient(recorder.url, "id", "secret", max_tries=1) as client:
        yield client


@pytest.fixture(scope="module")
def theirs(recorder: Recorder) -> Any:
    return ApiClient(Configuration(host=recorder.url, access_token="t"))


def sdk_method(name: str) -> tuple[type, str]:
    """The SDK's class and method of an operation of ours."""
    wanted = OTHER_NAMES.get(name, name)
    for kind in vars(sdk_apis).values():
        if inspect.isclass(kind) and hasattr(kind, f"{wanted}_without_preload_content"):
            return kind, wanted
    raise LookupError(f"the SDK has no {wanted}")


def parameters(kind: type, method: str) -> dict[str, inspect.Parameter]:
    found = inspect.signature(getattr(kind, method), eval_str=True).parameters
    return {name: item for name, item in found.items() if name != "self" and not name.startswith("_")}


def model_of(annotation: Any) -> Any:
    """The model class in ``Annotated[Optional[Model], ...]``, or ``None``."""
    if hasattr(annotation, "from_dict"):
        return annotation
    return next((model for part in typing.get_args(annotation) if (model := model_of(part))), None)


@pytest.mark.parametrize("name", NAMES)
def test_the_sdk_sends_the_same(recorder: Recorder, ours: KindeClient, theirs: Any, name: str) -> None:
    operation = ENDPOINTS[name]
    left = ONLY_OURS.get(name, set()) | MISTYPED.get(name, set())
    given = {key: value for key, value in everything(name).items() if key not in left}
    recorder.requests.clear()
    ours.call(name, **given)
    [mine] = recorder.requests

    kind, method = sdk_method(name)
    sent: dict[str, Any] = {}
    for parameter, item in parameters(kind, method).items():
        if (model := model_of(item.annotation)) and parameter not in given:
            # A body: the model takes our JSON and gives it back whole, or something in it is unknown to the SDK.
            sent[parameter] = model.from_dict(mine["body"])
            assert json.loads(json.dumps(sent[parameter].to_dict(), default=str)) == mine["body"]
        elif parameter in given:
            value = given[parameter]
            sent[parameter] = ",".join(value) if isinstance(value, list) and parameter in operation.query else value
    recorder.requests.clear()
    getattr(kind(theirs), f"{method}_without_preload_content")(**sent).read()
    [their] = recorder.requests
    for name in {"active_since", "date_time_from", "date_time_to"} & their["query"].keys():
        # The same moment with another notation of the offset.
        moment = datetime.strptime(their["query"][name], "%Y-%m-%dT%H:%M:%S.%f%z")
        their["query"][name] = moment.isoformat()
    assert mine == their


@pytest.mark.parametrize("name", NAMES)
def test_the_sdk_knows_no_argument_that_we_do_not(name: str) -> None:
    operation = ENDPOINTS[name]
    kind, method = sdk_method(name)
    known: set[str] = set()
    for parameter, item in parameters(kind, method).items():
        model = model_of(item.annotation)
        known |= {field.alias or key for key, field in model.model_fields.items()} if model else {parameter}
    assert set(operation.parameters) - ONLY_OURS.get(name, set()) == known


def test_known_mistakes_in_the_types_of_the_sdk_are_still_there(theirs: Any) -> None:
    search = sdk_apis.SearchApi(theirs).search_users_without_preload_content
    with pytest.raises(ValueError, match="valid"):
        search(properties={"kp_usr_job_title": ["Countess", "Duke"]})
