"""HR rows from a file: CSV, JSON, JSON lines or Parquet, local or on any ``ObjectStoragePath``."""

from __future__ import annotations

import io
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit, urlunsplit

from airflow_provider_kinde.exceptions import SourceError
from airflow_provider_kinde.sources.change_tokens import stat_token
from airflow_provider_kinde.sources.completeness import Expect, HashingFile
from airflow_provider_kinde.sources.file import csv_file, json_file, parquet_file
from airflow_provider_kinde.sync.model import Row
from airflow_provider_kinde.sync.rows import RowReading, filled_rows
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.spec.source import FileOptions


class FileSource:
    """HR rows from one file. ``docs/sources/file.md`` describes the options.

    :param spec: a spec whose ``source.type`` is ``file``.
    :raises SpecError: an option is unknown or wrong.
    """

    def __init__(self, spec: SyncSpec) -> None:
        options = spec.source
        assert isinstance(options, FileOptions)
        self.path = _resolve(options.path, spec, "source.path")
        self.conn_id = options.conn_id
        self.format = options.file_format
        self.encoding = options.encoding
        self.layout = csv_file.Layout(
            options.delimiter or ("\t" if options.suffix == ".tsv" else None),
            options.skip_rows,
            options.header,
            spec.columns,
        )
        self.null_values = options.null_values
        self.rows_key = options.rows or ""
        manifest = options.expect.manifest
        self.expect = Expect(
            options.expect.min_rows,
            options.expect.trailer,
            _resolve(manifest, spec, "source.expect.manifest") if manifest else None,
        )
        self.name = _public(self.path)

    def read(self) -> RowReading:
        """Open the file and start to read its rows.

        :returns: the reading.
        :raises SourceError: there is no such file, or it cannot be opened.
        """
        reading = RowReading(self.name)
        raw = _open(self.path, self.conn_id, self.name)
        try:
            self._begin(raw, reading)
        except BaseException:
            raw.close()
            raise
        return reading

    def change_token(self) -> str:
        """Identify the current version of the file without reading it.

        :returns: a text that changes when the file is written again.
        :raises SourceError: there is no such file, or its storage does not answer.
        """
        try:
            status = _storage_path(self.path, self.conn_id).stat() if "://" in self.path else Path(self.path).stat()
        except SourceError:
            raise
        except Exception as error:
            # Each storage has its own exceptions for missing files and refused credentials.
            raise SourceError(f"{self.name}: its time of change cannot be read: {type(error).__name__}") from error
        return stat_token(status)

    def _begin(self, raw: IO[bytes], reading: RowReading) -> None:
        expect = self.expect.begin(reading, self._manifest)
        if self.format == "parquet":
            stream: IO[Any] = raw
            digest = expect.hash_file(raw)
            rows = parquet_file.read(raw, reading)
        else:
            data, digest = raw, None
            if expect.wants_hash:
                hashing = HashingFile(raw)
                data, digest = io.BufferedReader(hashing, 1 << 18), hashing.hexdigest
            # newline="" keeps line breaks as they are, so that quoted ones stay and a missing last one shows.
            stream = io.TextIOWrapper(data, self.encoding, errors="surrogateescape", newline="")
            lines = csv_file.checked_lines(stream, reading)
            if self.expect.trailer is not None:
                lines = expect.without_trailer(lines)
            if self.format == "csv":
                rows = csv_file.read(lines, reading, self.layout)
            elif self.format == "jsonl":
                rows = json_file.read_lines(lines, reading)
            else:
                rows = json_file.read_document(stream, reading, self.rows_key)
        rows = filled_rows(rows, self.null_values)
        reading._rows = _to_the_end(rows, reading, stream, lambda count: expect.settle(count, digest))

    def _manifest(self) -> str | None:
        """Read the manifest; ``None`` if there is no such file."""
        assert self.expect.manifest is not None
        try:
            with _open(self.expect.manifest, self.conn_id, _public(self.expect.manifest)) as file:
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
        raise SourceError(f"{reading.name} broke off while it was read, after {count} rows: {error}") from error
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
    return ObjectStoragePath(url, conn_id=conn_id)
