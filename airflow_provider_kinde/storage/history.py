"""The history of a sync: one object an entry, each with the SHA-256 of the one before.

Entries stand in ``history/`` beside the reports of the spec, as ``000000001.jsonl``, ``000000002.jsonl`` and so on. The
first line of an entry names its number and the hash of the entry before it, so that no entry can be changed, moved or
taken away unseen. ``head.json`` names the last entry, so that a cut tail shows as well. The signature at the end of the
first line, and of ``head.json``, is made with the client secret of Kinde, so that what no run wrote shows.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import re
import secrets
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_kinde.exceptions import StorageError
from airflow_provider_kinde.storage import run_files
from airflow_provider_kinde.storage.history_stores import MOST_ENTRIES, LocalStore, RemoteStore

if TYPE_CHECKING:
    from airflow_provider_kinde.storage.history_head import Head
    from airflow_provider_kinde.sync.signature import Sign

log = logging.getLogger(__name__)

HEAD = "head.json"
_NAME = re.compile(r"(\d{9})\.jsonl")
_TRIES = 1000
"""How many entries of other runs one run chains after at most, before it gives up."""


@dataclass(frozen=True, slots=True)
class End:
    """Where a history ends, as a run finds it.

    :param number: number of the last entry; 0 for an empty history.
    :param hash: its SHA-256.
    :param numbers: the numbers of all entries that are there, in order.
    :param head: what ``head.json`` says; ``None`` where it is missing or damaged.
    :param follows_head: whether the run goes on behind the entry that ``head.json`` names: it is signed with the client
        secret of the run.
    """

    number: int
    hash: str
    numbers: Sequence[int]
    head: Head | None
    follows_head: bool


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
        self._store: LocalStore | RemoteStore
        local = run_files.local_path(self.folder)
        self._store = RemoteStore(self.folder) if local is None else LocalStore(local)

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
        :returns: the line. Of an entry without signature, which could be forged, only that a run failed, and
            ``unsigned``.
        :raises StorageError: it is no entry.
        """
        with self.entry(number) as (head, _):
            return head
        raise AssertionError("unreachable")

    @contextlib.contextmanager
    def entry(self, number: int) -> Iterator[tuple[dict[str, Any], Iterator[bytes]]]:
        """Read an entry. All that reads what entries say does it here, so that what no run wrote counts nowhere.

        :param number: the number of the entry.
        :returns: the first line, as :meth:`head_line` has it, and the other lines; none of an entry without signature.
        :raises FileNotFoundError: there is no such entry.
        :raises StorageError: it is no entry.
        """
        with self.open(number) as file:
            head = _parse_head(file.readline(), number, self.path(number))
            yield head, iter(()) if "unsigned" in head else iter(file)

    def head(self) -> Head | None:
        """What ``head.json`` says; ``None`` where it is missing or damaged.

        :raises StorageError: it cannot be read.
        """
        # Not above: an operator reads this module when a DAG file is parsed.
        from airflow_provider_kinde.storage.history_head import read_head

        with contextlib.suppress(FileNotFoundError), _understood(f"{self.folder}/{HEAD}", "read"):
            return read_head(self._store.content(HEAD), self.spec_name)
        return None

    def end(self, sign: Sign | None) -> End:
        """Find the last entry.

        An entry that ``head.json`` names is the last one even if the store lost it: its number is not given again,
        so that the gap shows, and the next entry names its hash, so that it fits when it is restored. That holds for
        a ``head.json`` that a run wrote: one that is signed with the client secret. Another one, which may be forged,
        cannot move the number of the next entry.

        :param sign: signs with the client secret; ``None`` for a run that has none, and so cannot check.
        :raises StorageError: the store cannot be read.
        """
        head = self.head()
        numbers = [number for number in self.numbers() if number < MOST_ENTRIES]
        follows_head = head is not None and (sign is None or head.is_signed_by(sign))
        if head and follows_head:
            number, hash = head.number, head.hash
        else:
            number, hash = self._last_of_own(numbers, sign), ""
        there = set(numbers)
        while number + 1 in there:  # head.json is written after the entry, and not by each run
            number, hash = number + 1, ""
        return End(number, hash or (self.hash_of(number) if number else ""), numbers, head, follows_head)

    def _last_of_own(self, numbers: Sequence[int], sign: Sign | None) -> int:
        """The highest entry that is there; of entries behind a gap, one that is signed with the client secret.

        Who has no secret could write an entry with a high number otherwise, and all numbers before it were lost.
        """
        if not numbers or sign is None or numbers[-1] - numbers[0] + 1 == len(numbers):
            return numbers[-1] if numbers else 0
        return next((number for number in reversed(numbers) if self._is_signed_by(number, sign)), numbers[-1])

    def _is_signed_by(self, number: int, sign: Sign) -> bool:
        from airflow_provider_kinde.storage.history_signature import digest_entry
        from airflow_provider_kinde.sync.signature import key_id

        try:
            if str(self.head_line(number).get("signature")).partition(":")[0] != key_id(sign):
                return False
            with self.open(number) as file:
                return digest_entry(file).is_signed_by(sign)
        except (StorageError, FileNotFoundError):
            return False

    def append(
        self,
        head: Callable[[int], Mapping[str, Any]],
        lines: Iterable[str],
        sign: Sign | None,
        end: End | Written | None = None,
    ) -> Written:
        """Write the entry of a run after the last one. A run that finds the place taken goes behind that entry.

        A run that cannot sign leaves ``head.json`` as it is.

        :param head: makes the first line, given the number of the entry before (0 for none); ``number``, ``previous``,
            ``nonce`` and ``spec`` are added here.
        :param lines: the other lines.
        :param sign: signs with the client secret; ``None`` for a run that failed since it had none.
        :param end: the last entry, if the caller knows it.
        :raises StorageError: it cannot be written.
        """
        from airflow_provider_kinde.storage.history_signature import sign_entry

        with _understood(self.folder, "written"), tempfile.TemporaryFile() as body:
            for line in lines:
                body.write(line.encode("utf-8", "surrogatepass") + b"\n")
            end = end or self.end(sign)
            number, previous = end.number, end.hash
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
                surely = self._store.create(f"{number + 1:09d}.jsonl", first, body)
                number += 1
                previous = hash if surely else self.hash_of(number)
                if previous == hash:  # else it is the entry of another run
                    if sign:
                        self._write_head(number, hash, sign)
                    return Written(number, hash, self.path(number))
        raise StorageError(f"{self.folder} could not be written: other runs wrote to it all the time. Run again")

    def _write_head(self, number: int, hash: str, sign: Sign) -> None:
        from airflow_provider_kinde.storage.history_head import head_content

        try:
            known = self.head()  # another run may have written a later one in the meantime
            if known is None or known.number < number or not known.is_signed_by(sign):
                run_files.write(f"{self.folder}/{HEAD}", head_content(self.spec_name, number, hash, sign).decode())
        except StorageError as error:  # the entry is there, and the next run writes the head
            log.warning("%s. Until the next run writes it, a lost entry %d does not show", error, number)

    def delete(self, number: int) -> None:
        """Delete an entry that a checkpoint stands for.

        :param number: the number of the entry.
        """
        with contextlib.suppress(FileNotFoundError), _understood(self.path(number), "deleted"):
            self._store.delete(f"{number:09d}.jsonl")


def _parse_head(line: bytes, number: int, path: str) -> dict[str, Any]:
    from airflow_provider_kinde.storage.history_signature import bare_values, is_signed

    try:
        found = json.loads(line)
        if isinstance(found, dict) and type(found["number"]) is int and isinstance(found["previous"], str):
            if found["number"] != number:
                raise StorageError(f"{path} calls itself entry {found['number']}: it was moved. Run history --verify")
            return found if is_signed(line) else {**bare_values(found), "unsigned": True}
    except (ValueError, KeyError, RecursionError):
        pass
    raise StorageError(f"{path} is not an entry of a history: its first line was changed. Run history --verify")


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
