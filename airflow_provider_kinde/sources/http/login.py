"""Authentication at an HR API: the Airflow connection, and the header of each request."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from airflow_provider_kinde.client.urls import is_loopback
from airflow_provider_kinde.exceptions import SourceError
from airflow_provider_kinde.sync.spec.api_description import AuthSpec


@dataclass(frozen=True)
class Login:
    """The values of an Airflow connection to an HR API.

    :param url: scheme, host and port, and perhaps a path; empty if the connection names no host.
    :param login: user name or client id.
    :param password: password, key, token or client secret.
    :param extra: the extra fields.
    """

    url: str = ""
    login: str = ""
    password: str = field(default="", repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Secrets that no message may show, in each form in which they may be sent."""
        found = [self.password, *(value for value in self.extra.values() if isinstance(value, str) and len(value) > 7)]
        forms = [form for text in found if text for form in (text, quote(text, safe=""))]
        return (*forms, *(basic(self.login, text) for text in found if text))


Connect = Callable[[str], Login]
"""Reads a connection by its id."""


def airflow_login(conn_id: str) -> Login:
    """Read an Airflow connection.

    :param conn_id: its id.
    :returns: its values.
    :raises SourceError: Airflow is not installed, or there is no such connection.
    """
    try:
        from airflow.providers.common.compat.sdk import BaseHook
    except ImportError as error:
        raise SourceError(
            f"source.conn_id: {conn_id!r} is an Airflow connection, and Airflow is not installed"
        ) from error
    try:
        connection = BaseHook.get_connection(conn_id)
    except Exception as error:
        # Each secrets backend has its own exceptions, and their text may quote a secret.
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


def check_url(url: str) -> str | None:
    """Check a URL to which secrets are sent.

    :param url: the URL.
    :returns: what is wrong with it; ``None`` if nothing is.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is not a URL"
    if parts.scheme not in ("http", "https") or not host:
        return "is not a URL such as https://hr.example.com"
    if parts.username or parts.password:
        return "must not hold a user name or password: put them into the connection"
    if parts.scheme == "http" and not is_loopback(host):
        return "would send credentials and personal data unencrypted: https:// is expected (http is for loopback)"
    return None


def basic(login: str, password: str) -> str:
    """Encode user name and password for HTTP basic authentication.

    :param login: user name.
    :param password: password.
    :returns: the value after ``Basic``.
    """
    return base64.b64encode(f"{login}:{password}".encode()).decode()


Ask = Callable[[str, Mapping[str, str], Mapping[str, str]], Any]
"""Sends a token request (URL, form, headers) and returns the decoded answer."""


class Authorizer:
    """Makes the header of each request, and gets tokens when they are needed.

    :param auth: how requests are authorized.
    :param login: the values of the connection.
    :param token_url: URL of the token endpoint.
    :param ask: sends a token request.
    :param where: the connection, for error messages.
    :raises SourceError: the connection lacks a password or a login that the authentication needs.
    """

    def __init__(self, auth: AuthSpec, login: Login, token_url: str, ask: Ask, where: str) -> None:
        self.auth, self.login, self._url, self._ask, self._where = auth, login, token_url, ask, where
        self._token, self._until = "", 0.0
        if auth.type != "none" and not login.password:
            raise SourceError(f"{where} has no password, and {auth.type} authentication needs one")
        if auth.type == "oauth" and not login.login:
            raise SourceError(f"{where} has no login: for OAuth it is the client id")

    @property
    def secrets(self) -> tuple[str, ...]:
        """Secrets that no message may show, with the current token."""
        return (*self.login.secrets, *([self._token] if self._token else []))

    def headers(self) -> dict[str, str]:
        """Make the header of one request.

        :returns: the header; empty without authentication.
        :raises SourceError: no token was granted.
        """
        auth, login = self.auth, self.login
        if auth.type == "basic":
            user, password = (login.password, "x") if auth.key_as_login else (login.login, login.password)
            return {"Authorization": f"Basic {basic(user, password)}"}
        if auth.type == "bearer":
            return {"Authorization": f"Bearer {self._key()}"}
        if auth.type == "header":
            return {auth.header or "Authorization": f"{auth.prefix}{self._key()}"}
        if auth.type == "oauth":
            if not self._token or time.monotonic() >= self._until:
                self._get_token()
            return {"Authorization": f"Bearer {self._token}"}
        return {}

    def _key(self) -> str:
        key = self.login.password.strip()
        if not key.isascii() or not key.isprintable():
            raise SourceError(f"{self._where}: its password has characters that a header cannot hold")
        return key

    def renew(self) -> bool:
        """Drop the token after a 401.

        :returns: whether another try with a new token may help.
        """
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
        # Renewed 30 seconds early: the token must still be valid when it arrives.
        self._token, self._until = token, time.monotonic() + max(seconds - 30, 1)
