"""One token for all processes of a user on a host: encrypted with a key from the client secret, in a private folder."""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import stat
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from airflow_provider_kinde.client.settings import Credentials
from airflow_provider_kinde.client.tokens import Token

log = logging.getLogger(__name__)

_LARGEST = 64 * 1024
_LOCK_WAIT = 60.0
"""Longer than a process takes for its token request; then the lock's holder is taken for stuck."""

_threads: dict[str, threading.Lock] = {}
_guard = threading.Lock()


class HostCache:
    """A token in a file that only this user can read, and only with the client secret.

    Whatever is wrong with file or folder, the token is fetched anew: this never raises.

    :param credentials: whose token it is.
    :param folder: where the file is; made if missing, and left alone unless it is this user's alone.
    :param lock_wait: seconds to wait for another process that is fetching.
    """

    def __init__(self, credentials: Credentials, folder: str | None = None, lock_wait: float = _LOCK_WAIT) -> None:
        self._credentials = credentials
        self._folder = Path(folder) if folder else default_folder()
        self._path = self._folder / f"{credentials.name[:40]}.token"
        self._lock_wait = lock_wait
        with _guard:
            # A file lock does not keep the threads of one process apart from each other.
            self._thread_lock = _threads.setdefault(str(self._path), threading.Lock())

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only one, among all processes, who looks for a token and fetches one."""
        with self._thread_lock:
            handle = self._open_lock()
            try:
                yield
            finally:
                if handle is not None:
                    os.close(handle)

    def read(self) -> Token | None:
        """The token in the file, or ``None`` if there is none that this client secret opens."""
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
        except Exception as error:  # damaged, another secret's, a link: all one
            log.debug("The token cache cannot be read (%s): a token is fetched", type(error).__name__)
            return None

    def write(self, token: Token) -> None:
        """Put the token into the file, in one step."""
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
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        info = b"airflow-provider-kinde token cache 1"
        key = HKDF(algorithm=SHA256(), length=32, salt=self._credentials.name.encode(), info=info)
        return Fernet(urlsafe_b64encode(key.derive(self._credentials.client_secret.encode())))

    def _seal(self, token: Token) -> bytes:
        plain = [token.value, token.expires_at, token.fetched_at, token.scope]
        sealed: bytes = self._fernet().encrypt(json.dumps(plain).encode())
        return sealed

    def _open(self, sealed: bytes) -> Token:
        value, expires_at, fetched_at, scope = json.loads(self._fernet().decrypt(sealed))
        return Token(str(value), float(expires_at), float(fetched_at), str(scope))


def default_folder() -> Path:
    """A folder of this user on this host; gone after a reboot, as befits tokens."""
    return Path(tempfile.gettempdir()) / f"airflow-provider-kinde-{os.getuid()}"


def _private(found: os.stat_result, kind: Any) -> bool:
    return bool(kind(found.st_mode)) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
