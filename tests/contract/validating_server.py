"""A server made from an OpenAPI document by openapi-core: it refuses every request that the document does not allow."""

from __future__ import annotations

import copy
import json
import threading
from pathlib import Path
from typing import Any

import yaml
from openapi_core import OpenAPI
from openapi_core.contrib.werkzeug import WerkzeugOpenAPIRequest
from openapi_core.exceptions import OpenAPIError
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

METHODS = ("get", "put", "post", "delete", "patch")


def load(path: str) -> dict[str, Any]:
    """Read a document, for a server at any address, that takes what is written there and nothing else."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document: dict[str, Any] = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=loader)
    # The document names Kinde's own hosts.
    document["servers"] = [{"url": "/"}]
    for operations in document["paths"].values():
        operations.pop("servers", None)
        for method in METHODS:
            operation = operations.get(method)
            if not operation:
                continue
            operation.pop("servers", None)
            for parameter in operation.get("parameters", []):
                if parameter.get("style") == "deepObject":
                    # What a list is inside such an object, OpenAPI leaves open; Kinde wants `properties[key]=a,b`.
                    parameter["schema"]["additionalProperties"] = {"type": "string"}
            for content in (operation.get("requestBody") or {}).get("content", {}).values():
                content["schema"] = _closed(content["schema"], document)
    return document


def _closed(schema: Any, document: dict[str, Any]) -> Any:
    """Unknown fields are allowed unless a schema says otherwise, and the document never does: a misspelt one passed."""
    if "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return _closed(found, document)
    schema = copy.deepcopy(schema)
    if schema.get("properties"):
        schema.setdefault("additionalProperties", False)
        schema["properties"] = {name: _closed(part, document) for name, part in schema["properties"].items()}
    if "items" in schema:
        schema["items"] = _closed(schema["items"], document)
    for several in schema.keys() & {"oneOf", "anyOf"}:
        schema[several] = [_closed(part, document) for part in schema[several]]
    return schema


class ValidatingServer:
    """Answers ``{}`` to what the document allows, and 400 to all else.

    ``problems`` holds what was wrong, ``seen`` the operations that were called as they should be.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.problems: list[str] = []
        self.seen: list[str] = []
        self._openapi = OpenAPI.from_dict(document)
        self._http = make_server("127.0.0.1", 0, self._answer, threaded=True)
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def operation(self, call: str) -> dict[str, Any] | None:
        """An operation by method and path template; the names of path parameters do not count."""
        method, _, path = call.partition(" ")
        for template, operations in self.document["paths"].items():
            if _shape(template) == _shape(path) and method.lower() in operations:
                found: dict[str, Any] = operations[method.lower()]
                return {**found, "path": template, "parameters": self._parameters(operations, found)}
        return None

    def _parameters(self, operations: dict[str, Any], operation: dict[str, Any]) -> list[dict[str, Any]]:
        found = []
        for parameter in [*operations.get("parameters", []), *operation.get("parameters", [])]:
            if "$ref" in parameter:
                parameter = self.document["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]
            found.append(parameter)
        return found

    def _answer(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        if request.path == "/oauth2/token":
            token = {"access_token": "t", "expires_in": 3600, "token_type": "bearer", "scope": ""}
            return _json(token)(environ, start_response)
        problems = self._check(request)
        self.problems += problems
        errors = {"errors": [{"code": "NOT_IN_DOCUMENT", "message": problem} for problem in problems]}
        return _json(errors if problems else {}, 400 if problems else 200)(environ, start_response)

    def _check(self, request: Request) -> list[str]:
        what = f"{request.method} {request.path}"
        try:
            result = self._openapi.unmarshal_request(WerkzeugOpenAPIRequest(request))
        except OpenAPIError as error:
            return [f"{what}: {error}"]
        if result.errors:
            return [f"{what}: {_reason(error)}" for error in result.errors]
        operation = self._matching(request)
        if operation is None:
            return [f"{what}: not in the document"]
        # Parameters beyond the documented ones are none of a validator's business; a misspelt one would pass.
        allowed = {item["name"] for item in operation["parameters"] if item["in"] == "query"}
        extra = sorted({name.partition("[")[0] for name in request.args} - {name.partition("[")[0] for name in allowed})
        if extra:
            return [f"{what}: unknown query parameters {extra}; there are {sorted(allowed)}"]
        if not operation.get("requestBody") and request.get_data():
            return [f"{what}: a body where the document has none"]
        self.seen.append(operation["operationId"])
        return []

    def _matching(self, request: Request) -> dict[str, Any] | None:
        parts = request.path.split("/")
        fits = [
            path
            for path in self.document["paths"]
            if len(path.split("/")) == len(parts)
            and all(a == b or a.startswith("{") for a, b in zip(path.split("/"), parts, strict=True))
        ]
        # A literal path goes before one with parameters.
        best = min(fits, key=lambda path: path.count("{"), default=None)
        return self.operation(f"{request.method} {best}") if best else None


def _shape(path: str) -> list[str]:
    return ["{}" if part.startswith("{") else part for part in path.split("/")]


def _reason(error: Any) -> str:
    causes = [str(error)]
    while (cause := error.__cause__) is not None:
        causes.append(str(cause))
        causes += [
            f"{'.'.join(map(str, inner.path))}: {inner.message}" for inner in getattr(cause, "schema_errors", [])
        ]
        error = cause
    return "; ".join(causes)


def _json(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")
