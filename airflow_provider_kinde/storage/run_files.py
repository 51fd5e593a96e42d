"""Where plans and reports are kept: a local folder, or any path that Airflow's ``ObjectStoragePath`` knows."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, TextIO

from airflow_provider_kinde.exceptions import StorageError

_PLAIN = re.compile(r"[A-Za-z0-9@=._:+-]+")
_OTHER = re.compile(r"[^A-Za-z0-9@=._:+-]")
_STORES_OF_OBJECTS = frozenset({"s3", "s3a", "s3n", "gs", "gcs", "abfs", "abfss", "adl", "az", "wasb", "wasbs"})


def default_path() -> str:
    """The folder from ``[kinde] storage_path``, or ``kinde`` under ``AIRFLOW_HOME``."""
    try:
        from airflow.providers.common.compat.sdk import conf
    except ImportError:  # the engine alone, without Airflow
        configured = ""
    else:
        configured = conf.get("kinde", "storage_path", fallback="")
    return configured or str(Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser() / "kinde")


def segment(text: str) -> str:
    """A text as one part of a path; two texts never share a part.

    Run ids are free text (``manual__2026-11-21T08:00:00+00:00``, or what a user typed).

    :param text: the text.
    """
    if _PLAIN.fullmatch(text) and text.strip("."):
        return text
    return f"{_OTHER.sub('_', text)[:100]}.{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def run_folder(root: str, spec_name: str, context: Mapping[str, Any]) -> str:
    """The folder of one try of one task: ``root / spec / dag run / task.map index.try``.

    :param root: where plans and reports are kept.
    :param spec_name: the spec's name.
    :param context: the task's context.
    """
    ti = context["ti"]
    index = "" if ti.map_index is None or ti.map_index < 0 else f".{ti.map_index}"
    parts = (spec_name, f"{ti.dag_id}__{ti.run_id}", f"{ti.task_id}{index}.try{ti.try_number}")
    return "/".join([root.rstrip("/"), *map(segment, parts)])


def write(path: str, text: str | Iterable[str]) -> None:
    """Write a file whole or not at all. On a local disk only its owner may read it: plans name people.

    :param path: where to write.
    :param text: the text, or its pieces.
    :raises StorageError: when it cannot be written.
    """
    local = local_path(path)
    with _writing(path, local):
        pieces = [text] if isinstance(text, str) else text
        _write_remote(path, pieces) if local is None else _write_local(local, pieces)


def probe(folder: str) -> None:
    """Check before the first write to Kinde that files can be written to a folder.

    :param folder: as for :func:`write`.
    :raises StorageError: they cannot.
    """
    path = f"{folder.rstrip('/')}/.probe"
    try:
        write(path, "probe\n")  # a full disk still takes an empty file
    except StorageError as error:
        raise StorageError(
            f"{error}. Nothing was written to Kinde. Name a place that this user may write to"
        ) from error
    local = local_path(path)
    if local is not None:
        local.unlink(missing_ok=True)
        return
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    with contextlib.suppress(Exception):  # a store may allow to write and not to delete
        remote = ObjectStoragePath(path)
        remote.fs.rm_file(remote.path)  # one request: unlink asks before whether it is there


def copy(file: IO[bytes], path: str) -> None:
    """Put a finished file in its place, whole or not at all; as :func:`write` otherwise.

    :param file: a binary file, read from where it stands.
    :param path: where to.
    :raises StorageError: it cannot be written.
    """
    local = local_path(path)
    with _writing(path, local):
        _copy_remote(path, file) if local is None else _replace(local, lambda target: shutil.copyfileobj(file, target))


@contextlib.contextmanager
def _writing(path: str, local: Path | None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"{path} could not be written: {error.strerror or error}") from error
    except Exception as error:
        if local is not None:
            raise
        # The libraries of object stores have errors of their own kinds; one that is not installed is among them.
        raise StorageError(f"{path} could not be written: {type(error).__name__}: {error}") from error


def _write_remote(path: str, pieces: Iterable[str]) -> None:
    # On disk first: what breaks off half-way must not reach the store.
    with tempfile.TemporaryFile() as whole:
        for piece in pieces:
            whole.write(piece.encode())
        whole.seek(0)
        _copy_remote(path, whole)


def _copy_remote(path: str, whole: IO[bytes]) -> None:
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    target = ObjectStoragePath(path)
    make_folder(target.parent)
    with target.open("wb") as file:  # type: ignore[no-untyped-call]
        shutil.copyfileobj(whole, file)


def make_folder(folder: Any) -> None:
    """Make a folder where a remote file system has folders. A store of objects has none.

    A missing bucket is not made: its name is more likely to be wrong.

    :param folder: the folder, an ``ObjectStoragePath``.
    """
    if folder.protocol not in _STORES_OF_OBJECTS:
        folder.mkdir(parents=True, exist_ok=True)


def make_private(folder: Path) -> None:
    """Make a folder on this machine's disk, and those above it, so that only its owner may enter them.

    :param folder: the folder; one that is there already stays as it is.
    """
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in made:
        # mkdir's own mode holds for the last folder only, and passes through the umask.
        each.chmod(0o700)


def _write_local(local: Path, pieces: Iterable[str]) -> None:
    def fill(file: IO[bytes]) -> None:
        for piece in pieces:
            file.write(piece.encode())

    _replace(local, fill)


def _replace(local: Path, fill: Callable[[IO[bytes]], None]) -> None:
    make_private(local.parent)
    # mkstemp gives 0600 from the first byte on.
    handle, temporary = tempfile.mkstemp(dir=local.parent, prefix=f".{local.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            fill(file)
        Path(temporary).replace(local)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def read(path: str) -> str:
    """The text of a file.

    :param path: the file.
    """
    local = local_path(path)
    if local is not None:
        return local.read_bytes().decode()
    with _reading(path):
        from airflow.providers.common.compat.sdk import ObjectStoragePath

        content: bytes = ObjectStoragePath(path).read_bytes()
        return content.decode()
    raise AssertionError("unreachable")


def opened(path: str) -> TextIO:
    """A file, opened to be read as text.

    :param path: the file.
    """
    local = local_path(path)
    if local is not None:
        return local.open(encoding="utf-8")
    with _reading(path):
        from airflow.providers.common.compat.sdk import ObjectStoragePath

        file: IO[bytes] = ObjectStoragePath(path).open("rb")  # type: ignore[no-untyped-call]
        return io.TextIOWrapper(file, encoding="utf-8")
    raise AssertionError("unreachable")


@contextlib.contextmanager
def _reading(path: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, UnicodeDecodeError):
        raise
    except Exception as error:
        raise StorageError(f"{path} could not be read: {type(error).__name__}: {error}") from error


def local_path(path: str) -> Path | None:
    """The path on this machine's disk, or ``None`` for one in an object store.

    :param path: a path, local or in an object store.
    """
    scheme, separator, rest = path.partition("://")
    if not separator:
        return Path(path).expanduser()
    return Path(rest) if scheme == "file" else None
