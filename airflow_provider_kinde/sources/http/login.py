"""Who asks an HR API: the Airflow connection, and the header that proves it."""

from __future__ import annotations

import base64
import ipaddress
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from airflow_provider_kinde.exceptions import SourceError

AUTH_TYPES = ("none", "basic", "bearer", "header", "oauth")


@dataclass(frozen=True)
class Login:
    """What an Airflow connection holds of an HR API.

    :param url: scheme, host and port, and perhaps a path; empty when the connection names no host.
    """

    url: str = ""
    login: str = ""
    password: str = field(default="", repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Everything of it that no message may show, in every form in which it may be sent."""
        found = [self.password, *(value for value in self.extra.values() if isinstance(value, str) and len(value) > 7)]
        forms = [form for text in found if text for form in (text, quote(text, safe=""))]
        return (*forms, *(basic(self.login, text) for text in found if text))


Connect = Callable[[str], Login]
"""From the id of a connection to what it holds."""


def airflow_login(conn_id: str) -> Login:
    """Read an Airflow connection.

    :raises SourceError: there is no Airflow, or no such connection.
    """
    try:
        from airflow.providers.common.compat.sdk import BaseHook
    except ImportError as error:
        raise SourceError(f"source.conn_id: {conn_id!r} is an Airflow connection, and there is no Airflow") from error
    try:
        connection = BaseHook.get_connection(conn_id)
    except Exception as error:
        # What a secrets backend raises is its own affair; its text may quote what it read.
        raise SourceError(
            f"the connection {conn_id!r} cannot be read ({type(error).__name__}): is it defined?"
        ) from None
    url = (connection.host or "").strip()
    if url and "://" not in url:
        scheme = (connection.schema or "").strip().lower()
        if scheme not in ("http", "https"):
            scheme = "http" if is_loopback(url.partition("/")[0]) else "https"
        url = f"{scheme}://{url}"
    if url and connection.port and not urlsplit(url).port:
        parts = urlsplit(url)
        url = parts._replace(netloc=f"{parts.netloc}:{connection.port}").geturl()
    return Login(url, connection.login or "", connection.password or "", dict(connection.extra_dejson))


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    host = host.strip("[]").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_url(url: str) -> str | None:
    """What is wrong with an address that secrets go to; ``None`` when nothing is."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is not an address"
    if parts.scheme not in ("http", "https") or not host:
        return "is not an address such as https://hr.example.com"
    if parts.username or parts.password:
        return "must not hold a user name or password: they belong into the connection"
    if parts.scheme == "http" and not is_loopback(host):
        return "would send credentials and personal data unencrypted: https:// is expected (http is for loopback)"
    return None


def basic(login: str, password: str) -> str:
    """User name and password as HTTP's basic authentication writes them."""
    return base64.b64encode(f"{login}:{password}".encode()).decode()


@dataclass(frozen=True)
class Auth:
    """How requests are authorized.

    :param type: one of ``AUTH_TYPES``.
    :param header: name of the header (``header``).
    :param prefix: what stands before the key in that header.
    :param key_as_login: the connection's password is sent as the user name (``basic``).
    :param token_url: where ``oauth`` gets its token: a path or a whole address.
    :param grant: ``client_credentials`` or ``refresh_token`` (from the connection's extra).
    :param client: whether the token request shows the client in its ``body`` or as ``basic``.
    :param scope: asked for with the token.
    :param fields: further fields of the token request (``audience``, ``resource``).
    """

    type: str = "none"
    header: str = "Authorization"
    prefix: str = ""
    key_as_login: bool = False
    token_url: str = ""
    grant: str = "client_credentials"
    client: str = "body"
    scope: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


Ask = Callable[[str, Mapping[str, str], Mapping[str, str]], Any]
"""Sends a token request (address, form, headers) and returns the decoded answer."""


class Authorizer:
    """Yields the header of each request, and gets tokens as they are needed."""

    def __init__(self, auth: Auth, login: Login, token_url: str, ask: Ask, where: str) -> None:
        self.auth, self.login, self._url, self._ask, self._where = auth, login, token_url, ask, where
        self._token, self._until = "", 0.0
        if auth.type != "none" and not login.password:
            raise SourceError(f"{where} has no password, and {auth.type} authentication needs one")
        if auth.type == "oauth" and not login.login:
            raise SourceError(f"{where} has no login: for OAuth it is the client id")

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message may show."""
        return (*self.login.secrets, *([self._token] if self._token else []))

    def headers(self) -> dict[str, str]:
        """The header that authorizes one request; empty without authentication."""
        auth, login = self.auth, self.login
        if auth.type == "basic":
            user, password = (login.password, "x") if auth.key_as_login else (login.login, login.password)
            return {"Authorization": f"Basic {basic(user, password)}"}
        if auth.type == "bearer":
            return {"Authorization": f"Bearer {self._key()}"}
        if auth.type == "header":
            return {auth.header: f"{auth.prefix}{self._key()}"}
        if auth.type == "oauth":
            if not self._token or time.monotonic() >= self._until:
                self._get_token()
            return {"Authorization": f"Bearer {self._token}"}
        return {}

    def _key(self) -> str:
        key = self.login.password.strip()
        if not key.isascii() or not key.isprintable():
            raise SourceError(f"{self._where}: its password holds characters that no header can carry")
        return key

    def renew(self) -> bool:
        """After a 401: whether another try with a new token is worth it."""
        worth, self._token = bool(self._token), ""
        return worth

    def _get_token(self) -> None:
        auth, login = self.auth, self.login
        form = {"grant_type": auth.grant, **auth.fields}
        headers = {}
        if auth.scope:
            form["scope"] = auth.scope
        if auth.grant == "refresh_token":
            refresh = login.extra.get("refresh_token")
            if not isinstance(refresh, str) or not refresh:
                raise SourceError(f"{self._where} has no refresh_token in its extra")
            form["refresh_token"] = refresh
        if auth.client == "basic":
            headers["Authorization"] = f"Basic {basic(quote(login.login, safe=''), quote(login.password, safe=''))}"
        else:
            form |= {"client_id": login.login, "client_secret": login.password}
        answer = self._ask(self._url, form, headers)
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() or " " in token or not token:
            raise SourceError(f"{self._where}: the answer of {self._url.partition('?')[0]} holds no access_token")
        lives = answer.get("expires_in")
        seconds = float(lives) if isinstance(lives, (int, float)) and not isinstance(lives, bool) else 300.0
        # Renewed a little early: the token has to arrive while it lives.
        self._token, self._until = token, time.monotonic() + max(seconds - 30, 1)
