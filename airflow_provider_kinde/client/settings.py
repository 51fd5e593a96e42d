"""Everything that a client is configured by: each option once, with its default, its check and its words in a form.

A new option of the Kinde connection is one more field here. The connection form, the reading of a connection and the
check of ``KindeClient(...)`` follow from it. Imports nothing heavy: Airflow reads the form while it parses DAG files.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlencode, urlsplit

from airflow_provider_kinde.client.text import is_text
from airflow_provider_kinde.client.urls import base_url, is_loopback

MAX_CONCURRENCY = 16
"""Concurrent requests at most, unless the connection says otherwise: the limiter finds out how many Kinde takes."""
HIGHEST_CONCURRENCY = 256
"""The highest ``max_concurrency``: a larger number is a mistake, and a pool of connections that no host would bear."""

_PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")
_PROXY_EXAMPLE = 'expected a URL or JSON such as {"https": "http://proxy:3128"}'
_SWITCH = {"true": True, "yes": True, "1": True, "on": True, "false": False, "no": False, "0": False, "off": False}


_SHORT = 10
"""Characters of a wrong value that a message quotes."""


class SettingsError(ValueError):
    """An option has a value that it cannot have.

    :param option: the option's name.
    :param reason: what was expected; never quotes a secret.
    """

    def __init__(self, option: str, reason: str) -> None:
        super().__init__(f"{option}: {reason}")
        self.option = option
        self.reason = reason


@dataclass(frozen=True)
class Option:
    """One option of a Kinde connection.

    :param read: returns the value for what a form, a JSON document or a Python caller gives; raises ``ValueError``.
    :param label: the name in the connection form.
    :param description: the help text in the connection form.
    :param kind: JSON schema type in the connection form.
    :param choices: the allowed values, where these are few.
    """

    read: Callable[[Any], Any]
    label: str
    description: str
    kind: str = "string"
    choices: tuple[str, ...] = ()


def _shown(value: Any) -> str:
    """A wrong value for a message. A long text is not quoted: it may be a secret in the wrong field."""
    if value is None or isinstance(value, (bool, int, float)):
        return repr(value)
    if isinstance(value, str):
        return repr(value) if len(value) <= _SHORT else f"a text of {len(value)} characters"
    return f"a {type(value).__name__}"


def _option(default: Any, read: Callable[[Any], Any], label: str, description: str, **form: Any) -> Any:
    # Not in the representation: a proxy's URL may hold a password.
    return field(default=default, repr=False, metadata={"option": Option(read, label, description, **form)})


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected text, got {_shown(value)}")
    if not is_text(value):
        raise ValueError("expected text that was copied whole, got half a character")
    return value.strip()


def _filled(value: Any) -> str:
    text = _text(value)
    if not text:
        raise ValueError("is empty")
    return text


def _scopes(value: Any) -> str:
    """One spelling for the same scopes: sorted, separated by single spaces."""
    given = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(given, Iterable) or isinstance(given, Mapping):
        raise ValueError(f"expected scopes separated by spaces, got {_shown(value)}")
    scopes = list(given)
    if not all(isinstance(scope, str) for scope in scopes):
        raise ValueError(f"expected scopes separated by spaces, got {_shown(value)}")
    return " ".join(sorted({_text(scope) for scope in scopes}))


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, bool) or not 0 < number < math.inf:
        raise ValueError(f"expected a number above 0, got {_shown(value)}")
    return number


def _whole(value: Any) -> int:
    number = _number(value)
    if number != int(number):
        raise ValueError(f"expected a whole number, got {_shown(value)}")
    return int(number)


def _concurrency(value: Any) -> int:
    number = _whole(value)
    if number > HIGHEST_CONCURRENCY:
        raise ValueError(f"expected at most {HIGHEST_CONCURRENCY} concurrent requests, got {number:.6g}")
    return number


def _token_cache(value: Any) -> str:
    text = str(value).strip().lower()
    if text not in ("host", "process", "none"):
        raise ValueError(f"expected host, process or none, got {_shown(value)}")
    return text


def _proxies(value: Any) -> dict[str, str]:
    """Scheme to proxy URL. A wrong URL is never quoted: it may hold a password."""
    if isinstance(value, str):
        value = value.strip()
        if value.startswith("{"):
            try:
                value = json.loads(value)
            except ValueError:
                raise ValueError(_PROXY_EXAMPLE) from None
        else:
            value = {"http": value, "https": value}
    if not isinstance(value, Mapping) or not all(isinstance(url, str) for url in value.values()):
        raise ValueError(_PROXY_EXAMPLE)
    for url in value.values():
        if not url:
            continue
        try:
            parts = urlsplit(url)
            good = parts.scheme in _PROXY_SCHEMES and bool(parts.hostname) and parts.port != 0
        except ValueError:
            good = False
        if not good or any(char.isspace() or not char.isprintable() for char in url):
            schemes = ", ".join(_PROXY_SCHEMES)
            raise ValueError(f"expected a URL such as http://proxy:3128, beginning with {schemes}")
    return {str(scheme): url for scheme, url in value.items()}


def _path(text: str) -> str:
    """A path for a message; a text that does not look like one may be a secret."""
    return repr(text[:200]) if text.startswith(("/", "./", "../", "~")) else "such file"


def _verify(value: Any) -> bool | str:
    if isinstance(value, (bool, int, str)):
        text = str(value).strip()
        if text.lower() in _SWITCH:
            return _SWITCH[text.lower()]
    elif isinstance(value, os.PathLike):
        text = os.fspath(value)
    else:
        raise ValueError(f"expected true, false or the path of a CA bundle, got a {type(value).__name__}")
    if "\0" in text or not os.path.exists(text):  # noqa: PTH110 - a test costs no import of pathlib here
        raise ValueError(f"expected true, false or the path of a CA bundle; there is no {_path(text)}")
    return text


@dataclass(frozen=True)
class Credentials:
    """What a token is requested with; two clients with equal credentials may share a token.

    :param base_url: scheme and host of the Kinde domain.
    :param client_id: client ID of the machine-to-machine application.
    :param client_secret: its secret.
    :param audience: the API that the token is for.
    :param scopes: scopes to request, sorted and separated by spaces; empty for all of the application.
    """

    base_url: str
    client_id: str
    client_secret: str = field(repr=False)
    audience: str
    scopes: str

    @property
    def name(self) -> str:
        """A digest of everything but the secret."""
        parts = (self.base_url, self.client_id, self.audience, self.scopes)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def key(self, purpose: bytes, salt: bytes = b"") -> bytes:
        """Derive a key of 32 bytes from the client secret (HKDF).

        :param purpose: what the key is for: each purpose has a key of its own.
        :param salt: more to tell keys apart.
        """
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        derived: bytes = HKDF(SHA256(), 32, salt, purpose).derive(self.client_secret.encode())
        return derived

    @property
    def form(self) -> bytes:
        """The body of the token request."""
        values = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "audience": self.audience,
        }
        return urlencode({**values, "scope": self.scopes} if self.scopes else values).encode()


@dataclass(frozen=True)
class Settings:
    """Everything that a client is configured by. Values are checked and brought into one form; ``None`` is the default.

    :param domain: the Kinde domain, ``acme.kinde.com``; a pasted URL will do. Plain HTTP for loopback only.
    :param client_id: client ID of a machine-to-machine application.
    :param client_secret: its secret.
    :param audience: the API that the token is for; ``https://<domain>/api`` when left out.
    :param scopes: the scopes to request, as text or a list; all that the application has when left out.
    :param timeout: seconds without a byte from Kinde after which a try fails; a whole response may take twice as long.
    :param max_concurrency: concurrent requests at most, up to 256; the limiter finds out how many Kinde takes.
    :param requests_per_minute: requests that start in a minute at most, evenly spread; no limit when left out.
    :param token_cache: ``host`` shares the token with other processes of this user, encrypted on disk; ``process``
        with other clients in this process; ``none`` with no other client.
    :param proxies: URL of a proxy, or ``{"https": ...}``; those of the environment when left out.
    :param verify: whether to check certificates, or the path of a CA bundle.
    :param cache_dir: the folder for the token cache ``host``; a private one of this user when left out.
    :param user_agent: the ``User-Agent`` header.
    :param max_tries: how often a request is sent at most; twice as often when Kinde responds with 429 only.
    :param retry_time: seconds after which no new try of a request begins.
    :param sleep: waits between two tries, in seconds; blocking.
    :param clock: monotonic clock, in seconds.
    :param wall: wall clock, in seconds since 1970.
    :raises SettingsError: an option has a value that it cannot have; the message names the option.
    """

    domain: str
    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    audience: str = _option("", _text, "Audience", "What the token is for; https://<domain>/api when left empty.")
    scopes: str = _option(
        "", _scopes, "Scopes", "Scopes to ask for, separated by spaces; all of the application when left empty."
    )
    timeout: float = _option(
        30.0, _number, "Timeout", "Seconds that Kinde may be silent; 30 when left empty.", kind="number"
    )
    max_concurrency: int = _option(
        MAX_CONCURRENCY,
        _concurrency,
        "Concurrent requests",
        "Requests under way at once at most; 16 when left empty.",
        kind="integer",
    )
    requests_per_minute: float | None = _option(
        None,
        _number,
        "Requests per minute",
        "Requests that start in a minute at most; no limit when left empty.",
        kind="number",
    )
    token_cache: str = _option(
        "none",
        _token_cache,
        "Token cache",
        "Who shares a token: all processes of this user on a host (host, encrypted on disk), this process, or none; "
        "host when left empty.",
        choices=("host", "process", "none"),
    )
    proxies: Mapping[str, str] | None = _option(
        None, _proxies, "Proxies", 'URL of a proxy, or JSON: {"https": "http://proxy:3128"}.'
    )
    verify: bool | str = _option(
        True, _verify, "Verify certificates", "true, false, or the path of a CA bundle; true when left empty."
    )
    cache_dir: str | None = field(default=None, repr=False)
    user_agent: str = field(default="", repr=False)
    max_tries: int = field(default=6, repr=False)
    retry_time: float = field(default=300.0, repr=False)
    sleep: Callable[[float], Any] = field(default=time.sleep, repr=False)
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    wall: Callable[[], float] = field(default=time.time, repr=False)

    def __post_init__(self) -> None:
        self._set("domain", base_url)
        self._set("client_id", _filled)
        self._set("client_secret", _filled)
        self._set("max_tries", _whole)
        defaults = {field.name: field.default for field in fields(self)}
        for name, option in OPTIONS.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, defaults[name])
            else:
                self._set(name, option.read)
        object.__setattr__(self, "audience", self.audience or f"{self.domain}/api")
        object.__setattr__(self, "user_agent", self.user_agent or user_agent())

    def _set(self, name: str, read: Callable[[Any], Any]) -> None:
        try:
            object.__setattr__(self, name, read(getattr(self, name)))
        except ValueError as error:
            raise SettingsError(name, str(error)) from None

    @property
    def base_url(self) -> str:
        """Scheme and host that requests go to."""
        return self.domain

    @property
    def host(self) -> str:
        """The Kinde domain, with the port if it is not the default one."""
        return self.domain.partition("://")[2]

    @property
    def credentials(self) -> Credentials:
        """What a token is requested with."""
        return Credentials(self.domain, self.client_id, self.client_secret, self.audience, self.scopes)

    @property
    def response_time(self) -> float:
        """Seconds from sending a request to the last byte of its response; half of them may be silence."""
        return 2 * self.timeout

    @property
    def local(self) -> bool:
        """Whether Kinde is on this machine, where the proxies of the environment do not apply."""
        return is_loopback(urlsplit(self.domain).hostname or "")


OPTIONS: dict[str, Option] = {
    field.name: field.metadata["option"] for field in fields(Settings) if "option" in field.metadata
}
"""The options that stand in the extra of a connection, by name."""


def user_agent() -> str:
    """Return ``airflow-provider-kinde/0.1.0 Python/3.11``; the hook adds Airflow's version."""
    from airflow_provider_kinde.version import __version__

    return f"airflow-provider-kinde/{__version__} Python/{sys.version_info.major}.{sys.version_info.minor}"
