"""A token shared with other clients: of this process (in memory), or of all processes of a user on a host (on disk)."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import stat
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from airflow_provider_kinde.client.settings import Credentials, Settings
from airflow_provider_kinde.client.tokens import Token, TokenCache

log = logging.getLogger(__name__)

_LARGEST = 64 * 1024
_LOCK_WAIT = 60.0
"""Seconds, longer than a token request takes; after that the process that holds the lock is taken for stuck."""

_guard = threading.Lock()
_locks: dict[str, threading.Lock] = {}
"""For each file of the host cache: a file lock does not keep the threads of one process apart."""
_process: dict[str, ProcessCache] = {}


class ProcessCache:
    """A token in memory, for the clients of this process that have the same credentials."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._token: Token | None = None

    def lock(self) -> AbstractContextManager[object]:
        """Hold the lock of this token among all threads."""
        return self._lock

    def read(self) -> Token | None:
        """Return the token, or ``None``."""
        return self._token

    def write(self, token: Token) -> None:
        """Keep a token.

        :param token: the new token.
        """
        self._token = token


class HostCache:
    """A token in a file, for all processes of a user on a host: encrypted with a key from the client secret.

    Never raises: if something is wrong with file or folder, a new token is fetched.

    :param credentials: what the token is requested with.
    :param folder: where the file is; made if missing, and not used unless it belongs to this user alone.
    :param lock_wait: seconds to wait for another process that is fetching a token.
    """

    def __init__(self, credentials: Credentials, folder: str | None = None, lock_wait: float = _LOCK_WAIT) -> None:
        self._credentials = credentials
        self._folder = Path(folder) if folder else default_folder()
        self._path = self._folder / f"{credentials.name[:40]}.token"
        self._lock_wait = lock_wait
        with _guard:
            self._thread_lock = _locks.setdefault(str(self._path), threading.Lock())

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the lock of this token among all processes."""
        with self._thread_lock:
            handle = self._open_lock()
            try:
                yield
            finally:
                if handle is not None:
                    os.close(handle)

    def read(self) -> Token | None:
        """Return the token in the file, or ``None`` if there is none that this client secret decrypts."""
        try:
            if not self._private_folder():
                return None
            handle = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
            with os.fdopen(handle, "rb") as file:
                if not _private(os.fstat(handle), stat.S_ISREG):
                    return None
                sealed = file.read(_LARGEST + 1)
            return self._open(sealed)
        except FileNotFoundError:
            return None
        except Exception as error:  # damaged, of another secret, a link: a new token is fetched in each case
            log.debug("The token cache cannot be read (%s): a token is fetched", type(error).__name__)
            return None

    def write(self, token: Token) -> None:
        """Replace the file in one step.

        :param token: the new token.
        """
        try:
            if not self._private_folder():
                return
            handle, name = tempfile.mkstemp(dir=self._folder, prefix=".", suffix=".new")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(self._seal(token))
                Path(name).replace(self._path)
            except BaseException:
                Path(name).unlink()
                raise
        except Exception as error:
            log.debug("The token cache cannot be written (%s)", type(error).__name__)

    def _open_lock(self) -> int | None:
        try:
            if not self._private_folder():
                return None
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            handle = os.open(self._path.with_suffix(".lock"), flags, 0o600)
        except OSError:
            return None
        deadline = time.monotonic() + self._lock_wait
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return handle
            except OSError:
                if time.monotonic() > deadline:
                    return handle
            time.sleep(0.02)

    def _private_folder(self) -> bool:
        with contextlib.suppress(FileExistsError):
            self._folder.mkdir(mode=0o700, parents=True)
        private = _private(self._folder.lstat(), stat.S_ISDIR)
        if not private:
            log.debug("%s is not a folder of this user alone: tokens are not cached there", self._folder)
        return private

    def _fernet(self) -> Any:
        from base64 import urlsafe_b64encode

        from cryptography.fernet import Fernet

        purpose, salt = b"airflow-provider-kinde token cache 1", self._credentials.name.encode()
        return Fernet(urlsafe_b64encode(self._credentials.key(purpose, salt)))

    def _seal(self, token: Token) -> bytes:
        plain = [token.value, token.expires_at, token.fetched_at, token.scope]
        sealed: bytes = self._fernet().encrypt(json.dumps(plain).encode())
        return sealed

    def _open(self, sealed: bytes) -> Token:
        value, expires_at, fetched_at, scope = json.loads(self._fernet().decrypt(sealed))
        return Token(str(value), float(expires_at), float(fetched_at), str(scope))


def default_folder() -> Path:
    """Return a private folder of this user on this host; it is empty again after a reboot."""
    return Path(tempfile.gettempdir()) / f"airflow-provider-kinde-{os.getuid()}"


def _private(found: os.stat_result, kind: Any) -> bool:
    return bool(kind(found.st_mode)) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def make_cache(settings: Settings) -> TokenCache | None:
    """Return the cache that the settings name, or ``None``.

    :param settings: of the client.
    """
    if settings.token_cache == "none":
        return None
    if settings.token_cache == "host":
        return HostCache(settings.credentials, settings.cache_dir)
    return _shared(settings.credentials)


def _shared(credentials: Credentials) -> ProcessCache:
    # The secret is part of the key: a client with a wrong secret must not use the token of another client.
    key = hashlib.sha256(f"{credentials.name}\n{credentials.client_secret}".encode()).hexdigest()
    with _guard:
        return _process.setdefault(key, ProcessCache())
