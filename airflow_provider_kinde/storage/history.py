"""The history of a sync: one object an entry, each with the SHA-256 of the one before.

Entries stand in ``history/`` beside the reports of the spec, as ``000000001.jsonl``, ``000000002.jsonl`` and so on. The
first line of an entry names its number and the hash of the entry before it, so that no entry can be changed, moved or
taken away unseen. ``head.json`` names the last entry, so that a cut tail shows as well. The signature at the end of the
first line is made with the client secret of Kinde, so that an entry that no run wrote shows.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_kinde.exceptions import StorageError
from airflow_provider_kinde.storage import run_files

if TYPE_CHECKING:
    from airflow_provider_kinde.sync.signature import Sign

HEAD = "head.json"
_NAME = re.compile(r"(\d{9})\.jsonl")
_HASH = re.compile(r"[0-9a-f]{64}")
MOST_ENTRIES = 100_000_000
"""No history has so many entries: a ``head.json`` or a file with a higher number is forged, and is not followed."""
_TRIES = 1000
"""How many entries of other runs one run chains after at most, before it gives up."""
_ATTEMPTS, _PAUSE = 5, 0.3
"""How often an entry is sent while another run writes one of the same number, and the seconds between."""


@dataclass(frozen=True, slots=True)
class Written:
    """An entry that was written.

    :param number: its number.
    :param hash: SHA-256 of the object: the head of the history now.
    :param path: where it stands.
    """

    number: int
    hash: str
    path: str


class History:
    """The history of one spec.

    :param root: where plans and reports are kept.
    :param spec_name: the spec's name.
    """

    def __init__(self, root: str, spec_name: str) -> None:
        self.spec_name = spec_name
        self.folder = f"{root.rstrip('/')}/{run_files.segment(spec_name)}/history"
        self._store: _Local | _Remote
        local = run_files.local_path(self.folder)
        self._store = _Remote(self.folder) if local is None else _Local(local)

    def probe(self) -> None:
        """Check before the first write to Kinde that entries can be written.

        :raises StorageError: they cannot.
        """
        try:
            run_files.probe(self.folder)
        except StorageError as error:
            raise StorageError(f"the history cannot be kept: {error}, in [kinde] storage_path") from error

    def path(self, number: int) -> str:
        """Where an entry stands.

        :param number: the number of the entry.
        """
        return f"{self.folder}/{number:09d}.jsonl"

    def numbers(self) -> list[int]:
        """The numbers of all entries that are there, in order.

        :raises StorageError: the store cannot be listed.
        """
        with _understood(self.folder, "listed"):
            return sorted(int(found.group(1)) for name in self._store.names() if (found := _NAME.fullmatch(name)))
        raise AssertionError("unreachable")

    @contextlib.contextmanager
    def open(self, number: int) -> Iterator[IO[bytes]]:
        """Open an entry.

        :param number: the number of the entry.
        :raises FileNotFoundError: there is no such entry.
        :raises StorageError: it cannot be read.
        """
        with _understood(self.path(number), "read"), self._store.open(f"{number:09d}.jsonl") as file:
            yield file

    def hash_of(self, number: int) -> str:
        """SHA-256 of the object of an entry.

        :param number: the number of the entry.
        """
        with self.open(number) as file:
            return _digest(file)

    def head_line(self, number: int) -> dict[str, Any]:
        """The first line of an entry.

        :param number: the number of the entry.
        :raises StorageError: it is no entry.
        """
        with self.open(number) as file:
            return parse_head(file.readline(), self.path(number))

    @contextlib.contextmanager
    def open_head(self) -> Iterator[IO[bytes]]:
        """Open ``head.json``.

        :raises FileNotFoundError: it is missing.
        """
        with _understood(f"{self.folder}/{HEAD}", "read"), self._store.open(HEAD) as file:
            yield file

    def known_head(self) -> tuple[int, str] | None:
        """Number and hash of the last entry, as ``head.json`` says; ``None`` where that is missing or damaged."""
        try:
            with self.open_head() as file:
                found = json.loads(file.read())
        except (FileNotFoundError, ValueError, RecursionError):
            return None
        number, hash = (found.get("number"), found.get("hash")) if isinstance(found, dict) else (None, None)
        if type(number) is int and 0 < number < MOST_ENTRIES and isinstance(hash, str) and _HASH.fullmatch(hash):
            return number, hash
        return None

    def last(self) -> tuple[int, str]:
        """Number and hash of the last entry; ``(0, "")`` for an empty history.

        An entry that ``head.json`` names is the last one even if the store lost it: its number is not given again,
        so that the gap shows, and the next entry names its hash, so that it fits when it is restored.

        :raises StorageError: the store cannot be read.
        """
        known = self.known_head()
        if known is None:
            numbers = [number for number in self.numbers() if number < MOST_ENTRIES]
            if not numbers:
                return 0, ""
            known = numbers[-1], self.hash_of(numbers[-1])
        number, hash = known
        while self._store.exists(f"{number + 1:09d}.jsonl"):  # another run has not written head.json yet
            number += 1
            hash = self.hash_of(number)
        return number, hash

    def append(self, head: Callable[[int], Mapping[str, Any]], lines: Iterable[str], sign: Sign | None) -> Written:
        """Write the entry of a run after the last one. A run that finds the place taken goes behind that entry.

        :param head: makes the first line, given the number of the entry before (0 for none); ``number``, ``previous``,
            ``nonce`` and ``spec`` are added here.
        :param lines: the other lines.
        :param sign: signs with the client secret; ``None`` for a run that failed since it had none.
        :raises StorageError: it cannot be written.
        """
        # Not above: an operator reads this module when a DAG file is parsed.
        from airflow_provider_kinde.storage.history_signature import sign_entry

        with _understood(self.folder, "written"), tempfile.TemporaryFile() as body:
            for line in lines:
                body.write(line.encode("utf-8", "surrogatepass") + b"\n")
            number, previous = self.last()
            nonce = secrets.token_hex(8)  # no two runs write the same entry
            for _ in range(_TRIES):
                values = {
                    "number": number + 1, "previous": previous, "nonce": nonce, "spec": self.spec_name, **head(number),
                }  # fmt: skip
                first = json.dumps(values, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
                body.seek(0)
                if sign:
                    first = sign_entry(first, body, sign)
                    body.seek(0)
                hash = _digest(body, first)
                self._store.create(f"{number + 1:09d}.jsonl", first, body)
                number += 1
                previous = self.hash_of(number)
                if previous == hash:  # else it is the entry of another run
                    self._write_head(number, hash)
                    return Written(number, hash, self.path(number))
        raise StorageError(f"{self.folder} could not be written: other runs wrote to it all the time. Run again")

    def _write_head(self, number: int, hash: str) -> None:
        known = self.known_head()
        if known is None or known[0] < number:
            run_files.write(f"{self.folder}/{HEAD}", head_text(number, hash))

    def delete(self, number: int) -> None:
        """Delete an entry that a checkpoint stands for.

        :param number: the number of the entry.
        """
        with contextlib.suppress(FileNotFoundError), _understood(self.path(number), "deleted"):
            self._store.delete(f"{number:09d}.jsonl")


def head_text(number: int, hash: str) -> str:
    """The content of ``head.json``.

    :param number: the number of the last entry.
    :param hash: its SHA-256.
    """
    return json.dumps({"number": number, "hash": hash}) + "\n"


def parse_head(line: bytes, path: str) -> dict[str, Any]:
    """Read the first line of an entry.

    :param line: the line.
    :param path: where the entry stands, for the message.
    :raises StorageError: it is none.
    """
    try:
        found = json.loads(line)
        if isinstance(found, dict) and isinstance(found["number"], int) and isinstance(found["previous"], str):
            return found
    except (ValueError, KeyError, RecursionError):
        pass
    raise StorageError(f"{path} is not an entry of a history: its first line was changed. Run history --verify")


class _Local:
    """Entries on this machine's disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        return [path.name for path in self.folder.iterdir()] if self.folder.is_dir() else []

    def exists(self, name: str) -> bool:
        return (self.folder / name).exists()

    def open(self, name: str) -> IO[bytes]:
        return (self.folder / name).open("rb")

    def delete(self, name: str) -> None:
        (self.folder / name).unlink()

    def create(self, name: str, first: bytes, body: IO[bytes]) -> None:
        """Make a file, whole or not at all, unless there is one of this name."""
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
        finally:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()


class _Remote:
    """Entries in an object store."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def _at(self, name: str = "") -> Any:
        from airflow.providers.common.compat.sdk import ObjectStoragePath

        return ObjectStoragePath(f"{self.folder}/{name}" if name else self.folder)

    def names(self) -> list[str]:
        folder = self._at()
        folder.fs.invalidate_cache()
        return [path.name for path in folder.iterdir()] if folder.exists() else []

    def exists(self, name: str) -> bool:
        path = self._at(name)
        path.fs.invalidate_cache()
        return bool(path.exists())

    def open(self, name: str) -> IO[bytes]:
        file: IO[bytes] = self._at(name).open("rb")
        return file

    def delete(self, name: str) -> None:
        self._at(name).unlink()

    def create(self, name: str, first: bytes, body: IO[bytes]) -> None:
        """Make an object, unless there is one of this name.

        S3, GCS and Azure refuse the request itself if the object exists. Of other stores it is asked before, and of two
        runs that write at the same moment the last one counts.
        """
        path = self._at(name)
        run_files.make_folder(path.parent)
        for left in reversed(range(_ATTEMPTS)):
            if self.exists(name):
                return
            try:
                self._put(path, first, body)
                return
            except Exception as error:
                # It may be there now: from another run, or from this one, where the answer to a request was lost.
                # S3 answers with a conflict while another run is writing it.
                if self.exists(name):
                    return
                if not left or "Conflict" not in f"{error!r} {error.__cause__!r}":
                    raise
                time.sleep(_PAUSE)

    def _put(self, path: Any, first: bytes, body: IO[bytes]) -> None:
        try:
            with path.fs.open(path.path, "xb") as file:
                _copy(first, body, file)
        except (NotImplementedError, ValueError, OSError) as error:
            # The library of the store is older than this way of writing, or the store does not know the condition.
            if isinstance(error, OSError) and error.errno != errno.ENOSYS:
                raise
            with path.fs.open(path.path, "wb") as file:
                _copy(first, body, file)


def _copy(first: bytes, body: IO[bytes], target: IO[bytes]) -> None:
    body.seek(0)
    target.write(first)
    shutil.copyfileobj(body, target)


def _digest(body: IO[bytes], first: bytes = b"") -> str:
    digest = hashlib.sha256(first)
    while block := body.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


@contextlib.contextmanager
def _understood(path: str, verb: str) -> Iterator[None]:
    """Name the object in every error; a missing one that is read stays a ``FileNotFoundError``."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        if isinstance(error, FileNotFoundError) and verb != "written":
            raise
        raise StorageError(f"{path} could not be {verb}: {error.strerror or error}") from error
    except Exception as error:
        if isinstance(error, (AssertionError, GeneratorExit)) or "://" not in path:
            raise
        # The libraries of object stores have errors of their own kinds.
        raise StorageError(f"{path} could not be {verb}: {type(error).__name__}: {error}") from error
