"""HR rows from files: CSV, JSON, JSON lines, Parquet or Excel, local or on any ``ObjectStoragePath``."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import stat
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit, urlunsplit

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.exceptions import SourceError
from airflow_provider_kinde.sources.change_tokens import stat_token
from airflow_provider_kinde.sources.completeness import HashingFile, Proof, settle_min_rows
from airflow_provider_kinde.sources.file import compression, csv_file, json_file, parquet_file, xlsx_file
from airflow_provider_kinde.sources.file.find import FoundFile, Search
from airflow_provider_kinde.sync.model import Row
from airflow_provider_kinde.sync.rows import RowReading, filled_rows
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.spec.source import FileOptions


class FileSource:
    """HR rows from one file or several. ``docs/sources/file.md`` describes the options.

    :param spec: a spec whose ``source.type`` is ``file``.
    :raises SpecError: an option is unknown or wrong.
    """

    def __init__(self, spec: SyncSpec) -> None:
        options = spec.source
        assert isinstance(options, FileOptions)
        self.spec, self.options = spec, options
        self.paths = [_resolve(path, spec, "source.path") for path in options.path]
        self.conn_id = options.conn_id
        self.format = options.file_format
        self.layout = csv_file.Layout(
            options.delimiter or ("\t" if options.suffix == ".tsv" else None),
            options.skip_rows,
            options.header,
            spec.columns,
        )
        self.search = Search(
            options.newest, options.max_age, options.timezone, lambda url: _storage_path(url, self.conn_id)
        )
        manifest = options.expect.manifest
        beside = manifest is not None and manifest.startswith("{path}")
        self.manifest = manifest if beside or not manifest else _resolve(manifest, spec, "source.expect.manifest")
        self.name = " and ".join(map(_public, self.paths))

    def read(self) -> RowReading:
        """Find the files, open the first one and start to read its rows.

        :returns: the reading.
        :raises SourceError: there is no such file, or it cannot be opened.
        """
        files = self._files()
        reading = RowReading(" and ".join(_public(file.path) for file in files))
        first = reading if len(files) == 1 else RowReading(_public(files[0].path))
        rows = self._open(files[0], first)
        reading.columns = first.columns
        reading._rows = self._all_rows(files, rows, first, reading)
        reading.data_time = self._written(files)
        return reading

    tells_changes = True
    """A change is noticed without reading the rows."""

    def change_token(self, last: str | None = None) -> str:
        """Identify the current version of the files without reading them.

        :param last: the token of an earlier check; not needed for files.
        :returns: a text that changes when another file is the newest one, or a file is written again.
        :raises SourceError: there is no such file, or its storage does not answer.
        """
        files = self._files()
        try:
            tokens = [stat_token(file.status or self._status(file.path)) for file in files]
        except SourceError:
            raise
        except Exception as error:
            # Each storage has its own exceptions for missing files and refused credentials.
            raise SourceError(f"{self.name}: its time of change cannot be read: {type(error).__name__}") from error
        if len(files) == 1 and files[0].path == self.paths[0]:
            return tokens[0]
        return (
            "files:"
            + sha256("\n".join(f"{f.path} {t}" for f, t in zip(files, tokens, strict=True)).encode()).hexdigest()
        )

    def changed_at(self) -> dt.datetime | None:
        """When the newest of the files was written; ``None`` where their storage does not say.

        :raises SourceError: there is no such file.
        """
        return self._changed(self._files())

    def _changed(self, files: list[FoundFile]) -> dt.datetime | None:
        times = [getattr(file.status or self._status(file.path), "st_mtime", 0) for file in files]
        return dt.datetime.fromtimestamp(max(times), dt.timezone.utc) if times and all(times) else None

    def _written(self, files: list[FoundFile]) -> str:
        """The same as text, for the history; empty where the storage does not say."""
        with contextlib.suppress(Exception):  # each storage has its own errors
            if changed := self._changed(files):
                return f"{changed:%Y-%m-%dT%H:%M:%SZ}"
        return ""

    def _status(self, path: str) -> Any:
        return _storage_path(path, self.conn_id).stat() if "://" in path else Path(path).stat()

    def _files(self) -> list[FoundFile]:
        found = [file for path in self.paths for file in self.search.find(path, _public(path))]
        return list({file.path: file for file in found}.values())

    def _all_rows(
        self, files: list[FoundFile], rows: Iterator[Row], first: RowReading, reading: RowReading
    ) -> Iterator[Row]:
        """The rows of one file after the other; what makes one of them incomplete makes the whole incomplete."""
        count = number = 0
        for index, file in enumerate(files):
            part, before, last = first, count, 0
            if index:
                part = RowReading(_public(file.path))
                rows = self._open(file, part)
                reading.incomplete += self._other_columns(first, part)
            for row in rows:
                count += 1
                last = row.number
                # Rows are numbered on through the files, so that each number means one row.
                yield row._replace(number=row.number + number) if number else row
            number += last
            if part is not reading:
                reading.incomplete += part.incomplete
                reading.warnings += part.warnings
            if len(files) > 1 and count == before:
                reading.incomplete.append(f"{_public(file.path)} is incomplete: it has no row, and others have")
        expect = self.options.expect
        settle_min_rows(reading, expect.min_rows, count)
        asked = expect.min_rows is not None or expect.trailer is not None or expect.manifest is not None
        reading.proven = asked and not reading.incomplete

    def _other_columns(self, first: RowReading, other: RowReading) -> list[str]:
        """A column that one file lacks would read as blank in its rows."""
        if first.columns is None or other.columns is None:
            return []
        read = set(self.spec.columns) if self.spec.columns is not None else set(first.columns) | set(other.columns)
        lacks = read & (set(first.columns) ^ set(other.columns))
        return [f"{other.name} is incomplete: it has other columns than {first.name}"] if lacks else []

    def _open(self, file: FoundFile, reading: RowReading) -> Iterator[Row]:
        """Open one file and start to read it.

        :returns: its rows; after the last one the file is closed.
        """
        if why := self.search.stale(file):
            reading.incomplete.append(f"{_public(file.path)} is incomplete: {why}")
        raw = _open(file.path, self.conn_id, _public(file.path))
        try:
            return self._begin(raw, reading, file.path)
        except BaseException:
            raw.close()
            raise

    def _begin(self, raw: IO[bytes], reading: RowReading, path: str) -> Iterator[Row]:
        options = self.options
        manifest = self.manifest.replace("{path}", path) if self.manifest else None
        proof = Proof(reading, options.expect.trailer, manifest, lambda: self._read_manifest(manifest or ""))
        head = compression.begin(raw)
        packs = compression.is_gzip(head)
        if not packs:
            compression.check_kind(head, self.format, reading.name)
        if self.format in ("parquet", "xlsx"):
            if packs:
                raise SourceError(
                    f"{reading.name} is packed by gzip: unpack it, {self.format} files are packed already"
                )
            stream: IO[Any] = raw
            digest = proof.hash_file(raw)
            if self.format == "parquet":
                rows = parquet_file.read(raw, reading)
            else:
                rows = xlsx_file.read(raw, reading, self.layout, options.sheet)
        else:
            data, digest = raw, None
            if proof.wants_hash:
                hashing = HashingFile(raw)
                data, digest = io.BufferedReader(hashing, 1 << 18), hashing.hexdigest
            if packs:
                data = io.BufferedReader(compression.GzipContent(data, reading.name), 1 << 18)
            # newline="" keeps line breaks as they are, so that quoted ones stay and a missing last one shows.
            stream = io.TextIOWrapper(data, options.encoding, errors="surrogateescape", newline="")
            lines = csv_file.checked_lines(stream, reading)
            if proof.trailer is not None:
                lines = proof.without_trailer(lines)
            if self.format == "csv":
                rows = csv_file.read(lines, reading, self.layout)
            elif self.format == "jsonl":
                rows = json_file.read_lines(lines, reading)
            else:
                rows = json_file.read_document(stream, reading, options.rows or "", options.keyed_by or "")
        rows = filled_rows(rows, options.null_values)
        return _to_the_end(rows, reading, stream, lambda count: proof.settle(count, digest))

    def _read_manifest(self, path: str) -> str | None:
        """Read the manifest; ``None`` if there is no such file."""
        try:
            with _open(path, self.conn_id, _public(path)) as file:
                return file.read(1_000_000).decode("utf-8-sig", errors="replace")
        except SourceError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return None
            raise


def _to_the_end(
    rows: Iterator[Row], reading: RowReading, stream: IO[Any], settle: Callable[[int], None]
) -> Iterator[Row]:
    """Yield the rows. After the last one, check ``expect`` and close the file."""
    count = 0
    try:
        for row in rows:
            count += 1
            yield row
        settle(count)
    except OSError as error:
        raise SourceError(
            f"{reading.name} broke off while it was read, after {counted(count, 'row')}: {error}"
        ) from error
    finally:
        stream.close()


def _resolve(path: str, spec: SyncSpec, key: str) -> str:
    """A path of the spec as it is opened: relative to the spec's folder, ``~`` is home.

    :raises SpecError: it cannot be one.
    """
    if "://" in path:
        try:
            parts = urlsplit(path)
        except ValueError:
            raise spec.error(key, "is not an address") from None
        if parts.scheme != "file":
            return path
        path = parts.path
    try:
        found = Path(path).expanduser()
    except RuntimeError:
        raise spec.error(key, "begins with the home folder of an unknown user") from None
    return str(Path(spec.file).expanduser().absolute().parent / found if spec.file else found)


def _public(path: str) -> str:
    """A path without user, password and query."""
    if "://" not in path:
        return path
    parts = urlsplit(path)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _open(path: str, conn_id: str | None, name: str) -> IO[bytes]:
    try:
        if "://" not in path:
            # A pipe or a device may never end, and opening a pipe without a writer waits for ever.
            if not (stat.S_ISREG(mode := Path(path).stat().st_mode) or stat.S_ISDIR(mode)):
                raise SourceError(f"{name} is a pipe or a device: source.path must name a regular file")
            return Path(path).open("rb")
        file: IO[bytes] = _storage_path(path, conn_id).open("rb")
        return file
    except FileNotFoundError as error:
        raise SourceError(f"there is no file {name}: check source.path in the spec, and that the export ran") from error
    except IsADirectoryError as error:
        raise SourceError(f"{name} is a folder: source.path must name one file") from error
    except OSError as error:
        raise SourceError(f"{name} cannot be opened: {error.strerror or error}") from error
    except SourceError:
        raise
    except Exception as error:
        # Each storage has its own exceptions for refused credentials and unknown buckets.
        raise SourceError(f"{name} cannot be opened: {type(error).__name__}: {error}") from error


def _storage_path(url: str, conn_id: str | None) -> Any:
    try:
        from airflow.providers.common.compat.sdk import ObjectStoragePath
    except ImportError as error:
        raise SourceError(f"{_public(url)} needs Airflow's ObjectStoragePath: {error}") from error
    path = ObjectStoragePath(url, conn_id=conn_id)
    path.fs.invalidate_cache()  # a process that watches a source must see what was written since its last check
    return path
