"""Where the objects of a history stand: a folder on this machine's disk, or an object store."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import IO, Any

from airflow_provider_kinde.storage import run_files

MOST_ENTRIES = 100_000_000
"""No history has so many entries: a ``head.json`` or a file with a higher number is forged, and is not followed."""
_ATTEMPTS, _PAUSE = 5, 0.3
"""How often an entry is sent while another run writes one of the same number, and the seconds between."""
_ONE_REQUEST = 4_000_000
"""Entries of at most so many bytes are sent by one request, larger ones in parts."""
_SMALL = 100_000
"""So many bytes of a small object are read at most."""


class LocalStore:
    """Entries on this machine's disk.

    :param folder: the folder of the history.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """The names of all files in the folder."""
        return [path.name for path in self.folder.iterdir()] if self.folder.is_dir() else []

    def open(self, name: str) -> IO[bytes]:
        """Open a file.

        :param name: its name.
        """
        return (self.folder / name).open("rb")

    def content(self, name: str) -> bytes:
        """The content of a small file.

        :param name: its name.
        """
        with self.open(name) as file:
            return file.read(_SMALL)

    def delete(self, name: str) -> None:
        """Delete a file.

        :param name: its name.
        """
        (self.folder / name).unlink()

    def create(self, name: str, first: bytes, body: IO[bytes]) -> bool:
        """Make a file, whole or not at all, unless there is one of this name.

        :param name: its name.
        :param first: its first line.
        :param body: the other lines.
        :returns: whether it was made.
        """
        run_files.make_private(self.folder)
        handle, temporary = tempfile.mkstemp(dir=self.folder, prefix=f".{name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                _copy(first, body, file)
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                try:
                    os.link(temporary, self.folder / name)
                except FileExistsError:
                    raise
                except OSError:  # a file system without hard links
                    taken = os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                    with os.fdopen(taken, "wb") as target, Path(temporary).open("rb") as whole:
                        shutil.copyfileobj(whole, target)
                return True
            return False
        finally:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()


class RemoteStore:
    """Entries in an object store.

    :param folder: the folder of the history, with the store's scheme.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def _at(self, name: str = "") -> Any:
        from airflow.providers.common.compat.sdk import ObjectStoragePath

        return ObjectStoragePath(f"{self.folder}/{name}" if name else self.folder)

    def names(self) -> list[str]:
        """The names of all objects in the folder."""
        folder = self._at()
        folder.fs.invalidate_cache()
        try:
            # One request for a thousand names. The libraries keep the sizes, so that opening an entry asks for none.
            return [str(path).rpartition("/")[2] for path in folder.fs.ls(folder.path, detail=False)]
        except FileNotFoundError:
            return []

    def exists(self, name: str) -> bool:
        """Whether there is an object.

        :param name: its name.
        """
        try:
            self.content(name, 1)
        except FileNotFoundError:
            return False
        return True

    def open(self, name: str) -> IO[bytes]:
        """Open an object.

        :param name: its name.
        """
        path = self._at(name)
        file: IO[bytes]
        with contextlib.suppress(FileNotFoundError):
            file = path.open("rb")
            if file.size:  # type: ignore[attr-defined]
                return file
        # Or another run wrote it since the names were listed: libraries take it for missing or empty then.
        path.fs.invalidate_cache()
        file = path.open("rb")
        return file

    def content(self, name: str, most: int = _SMALL) -> bytes:
        """The first bytes of an object, in one request.

        :param name: its name.
        :param most: how many bytes are read at most.
        """
        path = self._at(name)
        try:
            found: bytes = path.fs.cat_file(path.path, start=0, end=most)
        except FileNotFoundError:
            raise
        except Exception:  # an empty object has no first byte, as S3 says
            path.fs.invalidate_cache()
            if path.fs.info(path.path)["size"]:
                raise
            return b""
        return found

    def delete(self, name: str) -> None:
        """Delete an object.

        :param name: its name.
        """
        path = self._at(name)
        path.fs.rm_file(path.path)

    def create(self, name: str, first: bytes, body: IO[bytes]) -> bool:
        """Make an object, unless there is one of this name.

        S3, GCS and Azure refuse the request itself if the object exists. Of other stores it is asked before, and of two
        runs that write at the same moment the last one counts.

        :param name: its name.
        :param first: its first line.
        :param body: the other lines.
        :returns: whether the object is the one that was to be made.
        """
        path = self._at(name)
        run_files.make_folder(path.parent)
        for left in reversed(range(_ATTEMPTS)):
            if self.exists(name):
                break
            try:
                self._put(path, first, body)
                break
            except Exception as error:
                # It may be there now: from another run, or from this one, where the answer to a request was lost.
                # S3 answers with a conflict while another run is writing it.
                if self.exists(name):
                    break
                if not left or "Conflict" not in f"{error!r} {error.__cause__!r}":
                    raise
                time.sleep(_PAUSE)
        # The first line differs from that of each other run, and an object is written whole or not at all.
        return self.content(name, len(first)) == first

    def _put(self, path: Any, first: bytes, body: IO[bytes]) -> None:
        size = len(first) + body.seek(0, os.SEEK_END)
        try:
            if size <= _ONE_REQUEST:
                body.seek(0)
                path.fs.pipe_file(path.path, first + body.read(), mode="create")
            else:
                with path.fs.open(path.path, "xb") as file:
                    _copy(first, body, file)
        except (NotImplementedError, TypeError, ValueError, OSError) as error:
            # The library of the store is older than this way of writing, or the store does not know the condition.
            if isinstance(error, OSError) and error.errno != errno.ENOSYS:
                raise
            with path.fs.open(path.path, "wb") as file:
                _copy(first, body, file)


def _copy(first: bytes, body: IO[bytes], target: IO[bytes]) -> None:
    body.seek(0)
    target.write(first)
    shutil.copyfileobj(body, target)
