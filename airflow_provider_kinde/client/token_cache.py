"""Tokens shared beyond one client: with the other clients of a process, or with all processes of a user on a host."""

from __future__ import annotations

import hashlib
import threading
from contextlib import AbstractContextManager

from airflow_provider_kinde.client.settings import Credentials, Settings
from airflow_provider_kinde.client.tokens import Token, TokenCache

_guard = threading.Lock()
_process: dict[str, ProcessCache] = {}


class ProcessCache:
    """A token in memory, for the clients of this process that have the same credentials."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._token: Token | None = None

    def lock(self) -> AbstractContextManager[object]:
        return self._lock

    def read(self) -> Token | None:
        return self._token

    def write(self, token: Token) -> None:
        self._token = token


def make_cache(settings: Settings) -> TokenCache | None:
    """The cache that the settings ask for."""
    if settings.token_cache == "none":
        return None
    if settings.token_cache == "host":
        from airflow_provider_kinde.client.host_token_cache import HostCache

        return HostCache(settings.credentials, settings.cache_dir)
    return _shared(settings.credentials)


def _shared(credentials: Credentials) -> ProcessCache:
    # With the secret in it: a client with a wrong secret must not work on the token of one with the right secret.
    key = hashlib.sha256(f"{credentials.name}\n{credentials.client_secret}".encode()).hexdigest()
    with _guard:
        return _process.setdefault(key, ProcessCache())
