"""How an endpoint is written: once, as a method signature under a decorator. Nothing here sends anything.

::

    class Users(Resource[R, P]):
        @endpoint("DELETE /api/v1/users/{user_id}/sessions", scope="delete:user_sessions")
        def delete_user_sessions(self, user_id: str) -> R:
            \"\"\"Sign a user out everywhere.\"\"\"

Parameters named in the path go there; of the rest, those of GET and DELETE (and the ones listed in ``query=``) go into
the query, all others into the JSON body. The decorator fills in the method, for the sync and the async client alike.
"""

from __future__ import annotations

import functools
import inspect
import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Generic, TypeVar, cast
from urllib.parse import quote

from airflow_provider_kinde.client.multipart import encode_file
from airflow_provider_kinde.client.text import is_text

R = TypeVar("R")
"""What a method returns: decoded JSON (sync), or an awaitable of it (async)."""
P = TypeVar("P")
"""What walks all pages: an iterator, or an async iterator."""
F = TypeVar("F", bound=Callable[..., Any])
C = TypeVar("C")

ENDPOINTS: dict[str, Endpoint] = {}
"""Every endpoint by the name of its method; filled while the modules of this folder are imported."""

_CURSORS = frozenset({"next_token", "starting_after", "ending_before"})
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LEADS_ELSEWHERE = re.compile(r"[/\\?#%\s]")


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it is sent, without host and token.

    :param name: method and path template, or the plain path where no endpoint is known.
    :param method: HTTP method.
    :param path: percent-quoted path.
    :param query: encoded query without ``?``.
    :param body: encoded body, or ``None``.
    :param content_type: of the body.
    :param idempotent: sending it twice ends as sending it once.
    :param scope: the scope that the token must carry, where it is known.
    :param items: key of the list that a good response holds; such a response is never empty.
    """

    name: str
    method: str
    path: str
    query: str = ""
    body: bytes | None = None
    content_type: str = ""
    idempotent: bool = True
    scope: str = ""
    items: str = ""

    @property
    def target(self) -> str:
        """Path and query."""
        return f"{self.path}?{self.query}" if self.query else self.path


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation of Kinde's Management API.

    :param name: the method's name: Kinde's ``operationId`` in snake case.
    :param method: HTTP method.
    :param template: path with its parameters in braces.
    :param scope: the scope that the token must carry.
    :param path: path parameters in order.
    :param query: parameters of the query.
    :param body: parameters of the JSON body.
    :param required: parameters without a default.
    :param idempotent: false if sending it twice may make two of something.
    :param items: key of the list in the response, for lists.
    :param paging: ``token`` (``next_token``), ``cursor`` (``starting_after``) or empty.
    :param page_size: the largest page that Kinde allows, or ``None`` where the size of a page cannot be chosen.
    :param file: the parameter that is sent as a multipart file, or empty.
    :param signature: of the method, without ``self``.
    :param prepare: what turns a parameter's value into what is sent.
    """

    name: str
    method: str
    template: str
    scope: str
    path: tuple[str, ...]
    query: tuple[str, ...]
    body: tuple[str, ...]
    required: frozenset[str]
    idempotent: bool
    items: str
    paging: str
    page_size: int | None
    file: str
    signature: inspect.Signature = field(repr=False)
    prepare: Mapping[str, Callable[[Any], Any]] = field(repr=False, hash=False)

    @property
    def call(self) -> str:
        """Method and path template in one, as in ``GET /api/v1/users``."""
        return f"{self.method} {self.template}"

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of all parameters, in order."""
        return tuple(self.signature.parameters)

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Match arguments to parameters.

        :param args: positional arguments.
        :param kwargs: keyword arguments.
        :returns: parameter name to value.
        :raises TypeError: an argument is missing, unknown or doubled; the message lists the allowed ones.
        """
        allowed = ", ".join(self.parameters) or "no arguments"
        # Before anything else: a misspelt name is the reason for the missing one.
        unknown = ", ".join(repr(name) for name in kwargs if name not in self.signature.parameters)
        if unknown:
            raise TypeError(f"{self.name}(): unknown argument {unknown}; it takes {allowed}")
        try:
            return dict(self.signature.bind(*args, **kwargs).arguments)
        except TypeError as error:
            raise TypeError(f"{self.name}(): {error}; it takes {allowed}") from None

    def request(self, arguments: Mapping[str, Any]) -> Request:
        """Build the request; ``None`` values are left out.

        :param arguments: parameter name to value.
        :raises ValueError: an argument that must not be sent (an empty id, 101 users in one request).
        """
        values: dict[str, Any] = {}
        for name, value in arguments.items():
            if value is None and name in self.required:
                raise ValueError(f"{self.name}(): {name} is None")
            if value is not None:
                values[name] = self.prepare[name](value) if name in self.prepare else value
        path = self.template
        for name in self.path:
            path = path.replace("{" + name + "}", segment(values[name], f"{self.name}(): {name}"))
        query = {name: values[name] for name in self.query if name in values}
        for name in self.required & query.keys():
            if name != "value" and not str(query[name]).strip():
                raise ValueError(f"{self.name}(): {name} is empty")
        if self.method == "GET":
            query = {name: value for name, value in query.items() if not (name in _CURSORS and value == "")}
            for name, value in query.items():
                if value == "" or (isinstance(value, (list, tuple, set, frozenset)) and not value):
                    raise ValueError(f"{self.name}(): {name} is empty; leave it out to list everything")
        for name, value in values.items():
            if not is_text(value):
                raise ValueError(f"{self.name}(): {name} holds half a character (a lone surrogate)")
        body, content_type = None, ""
        if self.file:
            body, content_type = encode_file(self.file, values[self.file])
        elif self.body:
            body, content_type = encode_json({name: values[name] for name in self.body if name in values})
        return Request(
            name=self.call,
            method=self.method,
            path=path,
            query=encode_query(query),
            body=body,
            content_type=content_type,
            idempotent=self.idempotent,
            scope=self.scope,
            items=self.items,
        )


class Resource(Generic[R, P]):
    """What the methods of an endpoint class need from the client that they are mixed into."""

    def _call(self, endpoint: Endpoint, arguments: dict[str, Any]) -> R:
        raise NotImplementedError

    def _walk(self, endpoint: Endpoint, arguments: dict[str, Any]) -> P:
        raise NotImplementedError

    def _iterate(self, name: str, *args: Any, **kwargs: Any) -> P:
        """Yield the items of all pages of a list, whose own method returns one page."""
        found = ENDPOINTS[name]
        return self._walk(found, found.bind(args, kwargs))


def endpoint(
    call: str,
    *,
    scope: str,
    query: tuple[str, ...] = (),
    items: str = "",
    paging: str = "",
    idempotent: bool | None = None,
    file: str = "",
    prepare: Mapping[str, Callable[[Any], Any]] | None = None,
) -> Callable[[F], F]:
    """Make an endpoint of a method: its signature says what goes into path, query and body.

    :param call: method and path template, ``GET /api/v1/users``.
    :param scope: the scope that the token must carry.
    :param query: parameters that go into the query although the method has a body.
    :param items: key of the list in the response.
    :param paging: ``token`` or ``cursor``.
    :param idempotent: whether it may be sent again without a look-up; by default everything but POST.
    :param file: the parameter that is sent as a multipart file.
    :param prepare: what turns a parameter's value into what is sent.
    """
    method, _, template = call.partition(" ")

    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        signature = signature.replace(parameters=list(signature.parameters.values())[1:])
        names = tuple(signature.parameters)
        path = tuple(re.findall(r"{(\w+)}", template))
        in_query = tuple(n for n in names if n not in path and (method in ("GET", "DELETE") or n in query))
        definition = Endpoint(
            name=function.__name__,
            method=method,
            template=template,
            scope=scope,
            path=path,
            query=in_query,
            body=tuple(n for n in names if n not in path and n not in in_query and n != file),
            required=frozenset(n for n, p in signature.parameters.items() if p.default is p.empty),
            idempotent=method != "POST" if idempotent is None else idempotent,
            items=items,
            paging=paging,
            page_size={"token": 500, "cursor": 100}.get(paging) if "page_size" in names else None,
            file=file,
            signature=signature,
            prepare=prepare or {},
        )
        ENDPOINTS[definition.name] = definition

        @functools.wraps(function)
        def method_of_client(self: Resource[Any, Any], *args: Any, **kwargs: Any) -> Any:
            send = self._walk if definition.name in WALKED else self._call
            return send(definition, definition.bind(args, kwargs))

        method_of_client.endpoint = definition  # type: ignore[attr-defined]
        method_of_client.__doc__ = (
            f"{inspect.cleandoc(function.__doc__ or '')}\n\nKinde: ``{call}``, scope ``{scope}``."
        )
        return cast(F, method_of_client)

    return decorate


def coroutines(client: type[C]) -> type[C]:
    """Make coroutine functions of an async client's methods: ``inspect`` and Airflow look for these.

    A method that the class has from elsewhere stays: ``get_connection`` of a hook is Airflow's.

    :param client: the class of the client.
    """
    for name in ENDPOINTS.keys() - WALKED:
        method = getattr(client, name)
        if getattr(method, "endpoint", None) is ENDPOINTS[name]:
            setattr(client, name, _coroutine(method))
    return client


def _coroutine(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    async def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        return await method(self, *args, **kwargs)

    return call


WALKED = frozenset({"search_users"})
"""Endpoints whose method yields the items of all pages instead of returning one page."""


def plain_request(method: str, path: str, params: Mapping[str, Any] | None = None, json: Any = None) -> Request:
    """Build a request to an endpoint that has no method here.

    :param method: HTTP method.
    :param path: path on the Kinde domain, already percent-quoted.
    :param params: query; ``None`` values are left out.
    :param json: body.
    :raises ValueError: the path is not a plain path on the Kinde domain.
    """
    if "://" in path:
        raise ValueError("request() takes a path such as /api/v1/users, not a URL")
    if _CONTROL.search(path) or any(char in path for char in " ?#\\"):
        raise ValueError("request() path holds a space, a control character, ?, # or \\; pass a query as params=")
    if any(part in (".", "..") for part in re.sub("%2e", ".", path, flags=re.I).split("/")):
        raise ValueError("request() path holds a . or .. segment")
    for name, value in (("path", path), ("params", params), ("json", json)):
        if not is_text(value):
            raise ValueError(f"request() {name} holds half a character (a lone surrogate)")
    path = "/" + quote(path, safe="/%:@!$&'()*+,;=~").lstrip("/")
    body, content_type = (None, "") if json is None else encode_json(json)
    method = method.upper()
    if not method.isalpha():
        raise ValueError("request() method is not an HTTP method")
    query = encode_query({name: value for name, value in (params or {}).items() if value is not None})
    return Request(f"{method} {path}", method, path, query, body, content_type, idempotent=method != "POST")


def segment(value: object, what: str = "path parameter") -> str:
    """Quote a value so that it stays one segment of a path.

    A slash is refused although it would be quoted: some servers unquote it before they look for the route.

    :param value: an id or a key.
    :param what: its name in error messages.
    :raises ValueError: it is empty, ``.`` or ``..``, or holds a character that could reach another path.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, uuid.UUID)):
        raise ValueError(f"{what} must be text, not {type(value).__name__}")
    text = str(value)
    if not text.strip():
        raise ValueError(f"{what} is empty")
    if _CONTROL.search(text):
        raise ValueError(f"{what} holds control characters")
    if text in (".", ".."):
        raise ValueError(f"{what} is {text!r}, which would reach another path")
    if found := _LEADS_ELSEWHERE.search(text):
        raise ValueError(f"{what} holds {found[0]!r}, which could reach another path")
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise ValueError(f"{what} holds half a character (a lone surrogate)") from None


def encode_query(values: Mapping[str, Any]) -> str:
    """Encode a query: lists joined by commas, booleans in lower case, a mapping as ``name[key]=value``.

    :param values: parameter name to value.
    """
    pairs: list[tuple[str, Any]] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            pairs += [(f"{name}[{key}]", inner) for key, inner in value.items()]
        else:
            pairs.append((name, value))
    return "&".join(f"{quote(name, safe='')}={quote(_text(value), safe='')}" for name, value in pairs)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (list, tuple, set, frozenset)):
        return ",".join(_text(item) for item in (sorted(value) if isinstance(value, (set, frozenset)) else value))
    return str(value)


def encode_json(value: Any) -> tuple[bytes, str]:
    """Encode a JSON body.

    :param value: the body.
    :returns: body and content type.
    :raises ValueError: it holds a number that JSON does not have.
    """
    return json.dumps(value, allow_nan=False, ensure_ascii=False, default=_plain).encode(), "application/json"


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (tuple, set, frozenset)):
        return sorted(value)
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")
