"""One HTTP request of a source from its first try to its last: bounded in tries, in time and in size."""

from __future__ import annotations

import codecs
import datetime as dt
import email.message
import email.utils
import json
import random
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import IO, Any
from urllib.parse import urljoin, urlsplit

import requests
import tenacity
import urllib3

from airflow_provider_kinde.client.urls import is_loopback
from airflow_provider_kinde.exceptions import SourceError
from airflow_provider_kinde.sources.file.json_file import DECODER
from airflow_provider_kinde.sources.http.body import chunks
from airflow_provider_kinde.sources.http.login import Authorizer, Login, check_url
from airflow_provider_kinde.sources.http.masking import mask
from airflow_provider_kinde.sync.spec.api_description import AuthSpec

MAX_PAGE = 64 << 20
"""Bytes of the largest page."""
MAX_ANSWER = 256 << 20
"""Bytes of the largest answer that is read as one JSON document."""
MAX_FILE = 2 << 30
"""Bytes of the largest answer that is read line by line."""
PATIENCE = 300.0
"""Seconds that one request may spend waiting between its tries."""
MAX_TIME = 1800.0
"""Seconds that the body of one answer may take to arrive, however steadily its bytes come."""
_IN_MEMORY = 8 << 20
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip"}
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass
class HttpResponse:
    """An answer of status 2xx, whole; ``body`` stands at its beginning."""

    status: int
    headers: Mapping[str, str]
    body: IO[bytes]
    url: str

    @property
    def charset(self) -> str:
        """The encoding that the header ``Content-Type`` names; empty if it names none that is known."""
        message = email.message.Message()
        message["Content-Type"] = self.headers.get("Content-Type", "")
        named = message.get_param("charset")
        try:
            name = codecs.lookup(named).name if isinstance(named, str) else ""
            b"".decode(name or "utf-8")
        except (LookupError, ValueError):
            return ""
        return "utf-8-sig" if name in ("utf-8", "ascii") else name

    def json(self, encoding: str | None = None) -> Any:
        """The decoded body.

        :param encoding: the encoding of the body; the one that the answer names, else UTF-8, when left out.
        :raises DuplicateColumnError: an object in it holds a name twice.
        :raises SourceError: it is not JSON.
        """
        with self.body:
            data = self.body.read()
        try:
            return DECODER.decode(data.decode(encoding or self.charset or "utf-8-sig").lstrip("\ufeff"))
        except UnicodeDecodeError:
            raise SourceError(
                f"{self.url} answered {self.status} with bytes that are not {encoding or self.charset or 'UTF-8'}: "
                "set encoding under source in the spec"
            ) from None
        except (ValueError, RecursionError):
            shown = "a web page" if data.lstrip()[:1] == b"<" else "nothing" if not data.strip() else "something else"
            raise SourceError(f"{self.url} answered {self.status} with {shown} where JSON is expected") from None


class RequestRefusedError(SourceError):
    """The API answered with an error that another try would not change.

    :param message: the message for the user.
    :param status: HTTP status of the answer.
    :param text: beginning of the answer's text.
    """

    def __init__(self, message: str, status: int, text: str) -> None:
        super().__init__(message)
        self.status, self.text = status, text


class _RetryableFailure(Exception):
    """This try failed, the next one may not."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class _NoNetrc(requests.auth.AuthBase):
    """Keeps requests from putting credentials of ``~/.netrc`` over ours."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class Caller:
    """Sends the requests of one reading.

    :param base: URL that paths are relative to; every request goes to its host.
    :param auth: how requests are authorized.
    :param login: the values of the connection.
    :param timeout: seconds without a byte after which a request ends.
    :param tries: how often a request is sent at most.
    :param where: the connection, for error messages.
    :param sleep: waits between tries, in seconds.
    :raises SourceError: the URL cannot be used, or the connection lacks something.
    """

    def __init__(
        self,
        base: str,
        auth: AuthSpec,
        login: Login,
        *,
        timeout: float = 60.0,
        tries: int = 5,
        where: str = "the connection",
        sleep: Callable[[float], Any] = time.sleep,
    ) -> None:
        if wrong := check_url(base):
            raise SourceError(f"{where}: {without_query(base)} {wrong}")
        self.base, self.tries, self.sleep, self._timeout, self._where = base, tries, sleep, timeout, where
        self.last_modified: dt.datetime | None = None
        """The newest ``Last-Modified`` of all responses."""
        self._sessions = threading.local()
        self._opened: list[requests.Session] = []
        self._lock = threading.RLock()
        self._auth = Authorizer(auth, login, self.address(auth.token_url) if auth.token_url else "", self._ask, where)

    def close(self) -> None:
        """Close every connection."""
        for session in self._opened:
            session.close()

    def __enter__(self) -> Caller:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def address(self, url: str) -> str:
        """Make a whole URL of a path.

        :param url: a path of the spec, or a URL.
        :returns: the whole URL.
        :raises SourceError: it leads to another host, which must not get the credentials.
        """
        whole = url if "://" in url else urljoin(self.base.rstrip("/") + "/", url.lstrip("/"))
        self._check_host(whole)
        return whole

    def link(self, current: str, url: str) -> str:
        """Make a whole URL of a link in an answer.

        :param current: URL of the request that was answered.
        :param url: the link.
        :returns: the whole URL.
        :raises SourceError: it leads to another host, which must not get the credentials.
        """
        whole = urljoin(current, url)
        self._check_host(whole)
        return whole

    def _check_host(self, whole: str) -> None:
        ours, theirs = urlsplit(self.base), urlsplit(whole)
        if (theirs.scheme, theirs.netloc.lower()) != (ours.scheme, ours.netloc.lower()):
            shown = self._mask(f"{theirs.scheme}://{theirs.hostname}")
            raise SourceError(f"{self._where}: {shown} is not {ours.scheme}://{ours.netloc}; requests stay on one host")

    def _mask(self, text: str) -> str:
        return mask(text, self._auth.secrets)

    def get(
        self,
        url: str,
        query: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        limit: int = MAX_PAGE,
    ) -> HttpResponse:
        """Send a request, and send it again while the API is busy or out of reach.

        :param url: the whole URL.
        :param query: parameters of the query.
        :param method: the HTTP method.
        :param body: the JSON body; ``None`` for none.
        :param headers: further headers.
        :param limit: largest answer in bytes.
        :returns: the answer.
        :raises Refused: the API refuses the request.
        :raises SourceError: the API cannot be reached.
        """
        renewed = False
        while True:
            with self._lock:
                sent = {**(headers or {}), **self._auth.headers()}
            once = partial(self._once, method, url, query, {"json": body}, sent, limit)
            try:
                return self._retried(once)
            except RequestRefusedError as refused:
                with self._lock:
                    if refused.status != 401 or renewed or not self._auth.renew():
                        raise
                renewed = True

    def _ask(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> Any:
        return self._retried(lambda: self._once("POST", url, None, {"data": form}, headers, MAX_PAGE)).json()

    def _retried(self, once: Callable[[], HttpResponse]) -> HttpResponse:
        def wait(state: tenacity.RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            if isinstance(error, _RetryableFailure) and error.wait is not None:
                return error.wait
            return min(2.0 ** (state.attempt_number - 1), 60.0) * random.uniform(0.8, 1.2)

        def stop(state: tenacity.RetryCallState) -> bool:
            return state.attempt_number >= self.tries or state.idle_for + wait(state) > PATIENCE

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_RetryableFailure),
            wait=wait,
            stop=stop,
            sleep=self.sleep,
            reraise=True,
        )
        tried = 0

        def counted() -> HttpResponse:
            nonlocal tried
            tried += 1
            return once()

        try:
            return retrying(counted)
        except _RetryableFailure as error:
            times = "once" if tried == 1 else f"{tried} times"
            later = f"; it asks to wait {error.wait:.0f} s" if error.wait else ""
            raise SourceError(f"{error} (tried {times}{later})") from None

    def _once(
        self,
        method: str,
        url: str,
        query: Mapping[str, str] | None,
        content: Mapping[str, Any],
        headers: Mapping[str, str],
        limit: int,
    ) -> HttpResponse:
        shown = self._mask(without_query(url))  # a link of an earlier answer may repeat a credential
        try:
            with self._session().request(
                method, url, params=query, headers={**_HEADERS, **headers}, timeout=self._timeout,
                allow_redirects=False, stream=True, **content,
            ) as response:  # fmt: skip
                status = response.status_code
                if status in _AGAIN:
                    raise _RetryableFailure(f"{shown} answered HTTP {status}", _retry_after(response.headers))
                if 300 <= status < 400:
                    raise RequestRefusedError(
                        f"{shown} answered HTTP {status}, a redirect: is the address right?", status, ""
                    )
                body = self._body(response, limit if status < 300 else 1 << 16, shown, cut=status >= 300)
                if status >= 300:
                    raise self._refused(shown, status, body)
                self._note_age(response.headers)
                return HttpResponse(status, response.headers, body, shown)
        except requests.exceptions.SSLError:
            raise SourceError(f"{shown}: no secure connection can be made; its certificate is not accepted") from None
        except (requests.Timeout, requests.ConnectionError) as error:
            raise _RetryableFailure(f"{shown} does not answer ({_kind(error)})") from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            # Of the body, which is read past requests.
            raise _RetryableFailure(f"{shown} does not answer ({_kind(error)})") from None
        except requests.RequestException as error:
            raise SourceError(f"{shown}: the request could not be sent ({type(error).__name__})") from None

    def _note_age(self, headers: Mapping[str, str]) -> None:
        try:
            found = email.utils.parsedate_to_datetime(headers.get("Last-Modified", ""))
        except (TypeError, ValueError):
            return
        if found.tzinfo and (self.last_modified is None or found > self.last_modified):
            self.last_modified = found

    def _session(self) -> requests.Session:
        session = getattr(self._sessions, "session", None)
        if session is None:
            session = self._sessions.session = requests.Session()
            session.auth = _NoNetrc()
            session.trust_env = not is_loopback(urlsplit(self.base).hostname or "")
            session.headers["User-Agent"] = "airflow-provider-kinde"
            self._opened.append(session)
        assert isinstance(session, requests.Session)
        return session

    def _body(self, response: requests.Response, limit: int, shown: str, *, cut: bool) -> IO[bytes]:
        """The whole body: in memory when small, else in a temporary file that only its owner can read."""
        body = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
        size, deadline = 0, time.monotonic() + MAX_TIME
        for chunk in chunks(response):
            if time.monotonic() > deadline:
                raise SourceError(f"{shown} takes longer than {MAX_TIME / 60:.0f} minutes to answer")
            size += len(chunk)
            if size > limit:
                if cut:
                    break
                raise SourceError(f"{shown} answers with more than {limit >> 20} MiB: ask for smaller pages")
            body.write(chunk)
        body.seek(0)
        return body

    def _refused(self, shown: str, status: int, body: IO[bytes]) -> RequestRefusedError:
        text = body.read().decode("utf-8", errors="replace")
        # Before anything is cut off: half a credential would not be recognised.
        why, text = self._mask(_reason(text))[:200], self._mask(text)
        hints = {
            400: "the request is not as it should be",
            401: f"{self._where}: its credentials are refused",
            403: f"{self._where}: its account may not read this",
            404: "there is no such address",
        }
        hint = hints.get(status, "")
        return RequestRefusedError(
            ": ".join(part for part in (f"{shown} answered HTTP {status}", hint, why) if part), status, text
        )


def without_query(url: str) -> str:
    """Make a URL safe for messages: a query and a user name may hold secrets.

    :param url: the URL.
    :returns: scheme, host and path.
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _kind(error: Exception) -> str:
    if isinstance(error, (requests.Timeout, urllib3.exceptions.TimeoutError)):
        return "time-out"
    return "the connection broke off" if "IncompleteRead" in str(error) else "no connection"


def _retry_after(headers: Mapping[str, str]) -> float | None:
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        at = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=dt.timezone.utc)
    return max((at - dt.datetime.now(dt.timezone.utc)).total_seconds(), 0.0)


def _reason(text: str) -> str:
    """What a refusal says of itself: only from fields that are there to be read by people."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    for _ in range(3):
        if isinstance(found, list) and found:
            found = found[0]
        if not isinstance(found, dict):
            break
        names = ("error_description", "detail", "message", "error", "errors", "title", "reason")
        found = next((found[name] for name in names if found.get(name)), "")
    return " ".join(found.split()) if isinstance(found, str) else ""
