"""What a response means: decoded JSON, or a typed error that says whether and when to send the request again."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_kinde.client.endpoints.base import Request
from airflow_provider_kinde.exceptions import (
    KindeAuthError,
    KindeConflictError,
    KindeError,
    KindeNotFoundError,
    KindePermissionError,
    KindeRateLimitError,
    KindeResponseError,
    KindeServerError,
)

_GONE = re.compile(r"(?!ROUTE_)\w*NOT_FOUND|USER_NOT_IN_ORGANIZATION|INVALID_PERMISSION_ID(_ROLE)?")
_SCOPE = re.compile(r"\b(?:read|create|update|delete):[a-z_]+\b")
_YEAR = 366 * 86400.0
_REQUEST_IDS = ("x-request-id", "x-kinde-request-id", "x-amzn-requestid", "x-amz-cf-id", "cf-ray")


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response, whole.

    :param status: HTTP status.
    :param headers: names in lower case.
    :param body: unpacked.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    def request_id(self, scrub: Callable[[str], str]) -> str:
        """Return the id under which Kinde's support finds the request; empty where there is none.

        :param scrub: takes secrets out of what the server says.
        """
        return words(next((self.headers[name] for name in _REQUEST_IDS if name in self.headers), ""), 128, scrub)


class TransportError(Exception):
    """No whole response came.

    :param reason: why.
    :param sent: whether the request may have reached the server.
    :param final: another try cannot help (a certificate that is not trusted).
    """

    def __init__(self, reason: str, *, sent: bool, final: bool = False) -> None:
        super().__init__(reason)
        self.sent = sent
        self.final = final


class AttemptFailed(Exception):
    """One try failed; internal to the client.

    :param error: what the caller gets if it was the last try.
    :param resend: whether the request may be sent again.
    :param wait: seconds that the server asks to wait, or ``None``.
    :param most: how often the request is sent at most because of such a failure; ``None`` for the usual number.
    """

    def __init__(self, error: KindeError, *, resend: bool, wait: float | None = None, most: int | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.resend = resend
        self.wait = wait
        self.most = most


def interpret(request: Request, response: Response, scrub: Callable[[str], str] = str) -> Any:
    """Decode a response.

    :param request: the request.
    :param response: the response to it.
    :param scrub: takes secrets out of what the server says, before it becomes part of an error.
    :returns: decoded JSON, or ``None`` for an empty body.
    :raises AttemptFailed: the response is an error, or not one that Kinde sends.
    """
    details: dict[str, Any] = {
        "status": response.status,
        "method": request.method,
        "path": request.path,
        "request_id": response.request_id(scrub),
    }
    if 300 <= response.status < 400:
        raise AttemptFailed(KindeResponseError(_redirect(response, scrub), **details), resend=False)
    decoded, readable = _decode(response.body)
    if 200 <= response.status < 300:
        empty = not response.body.strip()
        if not readable or (empty and request.items and request.method == "GET"):
            writes = request.method != "GET"
            error = KindeResponseError(
                f"the response is {_describe(response, readable, scrub)}", fate_unknown=writes, **details
            )
            raise AttemptFailed(error, resend=request.idempotent, most=3)
        if not (isinstance(decoded, dict) and decoded.get("errors")):
            return None if empty else decoded
    otherwise = f"the response is {_describe(response, readable, scrub)}"
    raise _refusal(request, response, decoded, details, scrub, otherwise)


def without_response(request: Request, reason: TransportError) -> AttemptFailed:
    """Turn a missing response into a failed try.

    :param request: the request.
    :param reason: why there is no response.
    """
    unknown = reason.sent and request.method != "GET"
    error = KindeServerError(str(reason), method=request.method, path=request.path, fate_unknown=unknown)
    return AttemptFailed(error, resend=not reason.final and (request.idempotent or not reason.sent))


def is_missing(error: KindeError) -> bool:
    """Return whether the error says that something does not exist, and not only that the route is unknown.

    :param error: what Kinde said.
    """
    return isinstance(error, KindeNotFoundError) and error.code != "ROUTE_NOT_FOUND"


def _refusal(
    request: Request,
    response: Response,
    decoded: Any,
    details: dict[str, Any],
    scrub: Callable[[str], str],
    otherwise: str,
) -> AttemptFailed:
    codes, message = read_errors(decoded, scrub)
    message = message or otherwise
    details["code"] = codes[0] if codes else ""
    status = response.status
    if status == 429:
        wait = requested_wait(response.headers, time.time)
        return AttemptFailed(KindeRateLimitError(message, retry_after=wait, **details), resend=True, wait=wait)
    if (status >= 500 and status != 501) or status in (408, 425):
        unknown = request.method != "GET"
        error: KindeError = KindeServerError(message, fate_unknown=unknown, **details)
        return AttemptFailed(error, resend=request.idempotent, wait=requested_wait(response.headers, time.time))
    if status == 401:
        error = KindeAuthError(f"{message} - Kinde does not accept the token; check the audience", **details)
    elif status == 403:
        named = _SCOPE.findall(message)
        scope = request.scope if request.scope in named or not named else named[0]
        wanted = f" - enable the scope {scope} for this application in Kinde" if scope else ""
        error = KindePermissionError(message + wanted, scope=scope, **details)
    elif any(_GONE.fullmatch(code) for code in codes) or status in (404, 410):
        error = KindeNotFoundError(message, **details)
    elif status == 409 or any("EXIST" in code for code in codes):
        error = KindeConflictError(message, **details)
    elif status < 300:
        error = KindeResponseError(message, **details)
    else:
        error = KindeError(message, **details)
    return AttemptFailed(error, resend=False)


def read_errors(decoded: Any, scrub: Callable[[str], str] = str) -> tuple[list[str], str]:
    """Read codes and words from any of the forms of Kinde's errors.

    A list under ``errors``, one object under ``errors``, the plain object, or the token endpoint's ``error``.

    :param decoded: the decoded body.
    :param scrub: takes secrets out of what the server says.
    :returns: the codes, and all words in one line.
    """
    if not isinstance(decoded, dict):
        return [], ""
    errors = decoded.get("errors") or decoded
    codes: list[str] = []
    parts: list[str] = []
    for item in errors if isinstance(errors, list) else [errors]:
        if not isinstance(item, dict):
            parts.append(words(item, 500, scrub))
            continue
        code = item.get("code") or item.get("error")
        if isinstance(code, str) and code:
            codes.append(words(code, 100, scrub))
        text = item.get("message") or item.get("error_description") or ""
        field = f"{words(item['field'], 100, scrub)}: " if isinstance(item.get("field"), str) else ""
        if text:
            parts.append(field + words(text, 500, scrub))
    return codes, "; ".join(part for part in parts if part) or ", ".join(codes)


def words(value: Any, limit: int, scrub: Callable[[str], str]) -> str:
    """Make what a server says fit to be quoted: on one line, bounded, and without secrets.

    Secrets are removed before the text is cut: the first half of a token would not be recognised.

    :param value: what the server said.
    :param limit: characters at most.
    :param scrub: takes secrets out of a text.
    """
    text = scrub(str(value))[: 4 * limit]
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:limit]


def requested_wait(headers: Mapping[str, str], now: Callable[[], float]) -> float | None:
    """Read how long the server asks to wait.

    :param headers: of the response, names in lower case.
    :param now: wall clock, in seconds since 1970.
    :returns: seconds from ``RateLimit-Reset`` or ``Retry-After`` (the longer), or ``None``.
    """
    found = [_seconds(headers[name], now) for name in ("ratelimit-reset", "retry-after") if name in headers]
    return max((seconds for seconds in found if seconds is not None), default=None)


def limit_reset(headers: Mapping[str, str], now: Callable[[], float]) -> float | None:
    """Read when the server's limit starts anew.

    :param headers: of the response, names in lower case.
    :param now: wall clock, in seconds since 1970.
    :returns: seconds from ``RateLimit-Reset``, or ``None``.
    """
    return _seconds(headers["ratelimit-reset"], now) if "ratelimit-reset" in headers else None


def _seconds(value: str, now: Callable[[], float]) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except (ValueError, TypeError):
            return None
        return min(_YEAR, max(0.0, moment.timestamp() - now()))
    if seconds != seconds or seconds in (float("inf"), float("-inf")):
        return None
    # Some gateways send the moment itself instead of the seconds until then.
    return min(_YEAR, max(0.0, seconds - now() if seconds > 1e9 else seconds))


def _decode(body: bytes) -> tuple[Any, bool]:
    if not body.strip():
        return None, True
    try:
        return json.loads(body), True
    except (ValueError, RecursionError):
        return None, False


def _describe(response: Response, readable: bool, scrub: Callable[[str], str]) -> str:
    if not response.body.strip():
        return "empty"
    if readable:
        return f"JSON that names no error, {len(response.body)} bytes"
    kind = words(response.headers.get("content-type", "of no type"), 60, scrub)
    title = re.search(r"<title[^>]*>([^<]+)", scrub(response.body.decode("utf-8", "replace"))[:20_000], re.I)
    named = f" titled {words(title[1], 100, scrub)!r}" if title else ""
    return f"no JSON but {kind}, {len(response.body)} bytes{named}: is something between here and Kinde?"


def _redirect(response: Response, scrub: Callable[[str], str]) -> str:
    try:
        target = urlsplit(scrub(response.headers.get("location", "")))
        host = target.netloc.rpartition("@")[2]
        where = f"{target.scheme}://{host}{target.path}" if host else target.path
    except ValueError:
        where = ""
    where = words(where, 200, scrub) or "nowhere"
    return f"the response is a redirect to {where}, which is not followed; check the domain"
