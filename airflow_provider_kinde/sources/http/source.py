"""HR rows from any JSON API that the spec describes. The sources of vendors are such descriptions, too."""

from __future__ import annotations

import datetime as dt
import io
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.exceptions import SourceError
from airflow_provider_kinde.sources.completeness import settle_min_rows
from airflow_provider_kinde.sources.file import csv_file
from airflow_provider_kinde.sources.http.call import MAX_FILE, Caller, RequestRefusedError, without_query
from airflow_provider_kinde.sources.http.login import Connect, Login, airflow_login, check_url
from airflow_provider_kinde.sources.http.pages import Clock, PageReader, dated
from airflow_provider_kinde.sources.http.paths import MissingFields, RowMapping
from airflow_provider_kinde.sync.model import Row
from airflow_provider_kinde.sync.rows import RowReading, filled_rows
from airflow_provider_kinde.sync.spec.api_description import ApiDescription, VendorDescription
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.spec.source import HttpOptions, VendorOptions

ETAG = "etag:"
PASSES = 3
"""How often a list is read at most if it changes while it is read."""


class ApiSource:
    """HR rows from an API that a description describes.

    :param spec: the spec.
    :param api: the description.
    :param base: the address that the description's paths are relative to, where the connection names none.
    :param connect: reads a connection; Airflow's, unless something else is given.
    :param sleep: waits some seconds between tries.
    :param now: the clock, for ``{today}`` in parameters.
    """

    def __init__(
        self,
        spec: SyncSpec,
        api: VendorDescription,
        base: str,
        connect: Connect | None = None,
        sleep: Callable[[float], Any] = time.sleep,
        now: Clock = dt.datetime.now,
    ) -> None:
        options = spec.source
        assert isinstance(options, (HttpOptions, VendorOptions))
        self.spec, self.api, self._base = spec, api, base
        self.conn_id = options.conn_id or ""
        self._timeout, self._tries = options.timeout, int(options.tries)
        self.min_rows = options.expect.min_rows
        self._null_values = options.null_values
        self._last_caller: Caller | None = None
        self._connect, self._sleep, self._now = connect or airflow_login, sleep, now
        self._read_columns = frozenset().union(*(template.columns for template in spec.templates))
        self._shape = RowMapping(
            columns=api.columns,
            lists=api.lists,
            prefixes=api.prefixes,
            slashes=api.slashes,
            restricted=api.restricted,
            dates=api.dates,
            fields=api.fields,
            may_lack=api.may_lack,
        )

    def read(self) -> RowReading:
        """Read the whole list from the API, and return its rows.

        :returns: the reading.
        :raises SourceError: the API cannot be reached, refuses the request, or answers without a list.
        """
        with self._caller() as caller:
            reading = RowReading(without_query(caller.address(self.api.url)))
            if self.api.format == "csv":
                reading._rows = self._to_the_end(self._csv(caller, reading), reading, proof=False)
                return reading
            found, proof = self._passes(caller, reading)
        missed = MissingFields()
        rows = (
            self._shape.row(number, item, self._read_columns, missed) for number, item in enumerate(found.items(), 1)
        )
        reading._rows = self._to_the_end(rows, reading, proof=proof, missed=missed)
        return reading

    def address(self) -> str:
        """Return the URL of the list, without sending a request.

        :returns: the URL without query and credentials.
        :raises SourceError: there is no such connection, or it names no host.
        """
        with self._caller() as caller:
            return without_query(caller.address(self.api.url))

    def changed_since(self, since: dt.datetime) -> bool:
        """Check with one small request whether HR changed. Sensors use it.

        :param since: a moment with a time zone.
        :returns: whether something changed; also true if the API has no such request.
        :raises SourceError: the API cannot be reached, or refuses the request.
        """
        changes = self.api.changes
        if changes is None or changes.etag:
            return True
        moment = since.astimezone(dt.timezone.utc).replace(microsecond=0).isoformat().replace("+00:00", "Z")
        query = {name: value.replace("{since}", moment) for name, value in changes.query.items()}
        with self._caller() as caller:
            answer = caller.get(caller.address(str(changes.url)), query, headers=self.api.headers)
        return bool(changes.found.find(answer.json()))

    @property
    def tells_changes(self) -> bool:
        """Whether one small request tells that HR changed."""
        return self.api.changes is not None

    def change_token(self, last: str | None = None) -> str | None:
        """Return the ETag of the list, where the spec says that it tells changes.

        :param last: the token of an earlier check. Its ETag is sent, so that an unchanged list is not sent again.
        :returns: the token; ``None`` where the spec does not say so.
        :raises SourceError: the API cannot be reached, refuses the request, or answers without an ETag.
        """
        changes = self.api.changes
        if changes is None or not changes.etag:
            return None
        known = (last or "").removeprefix(ETAG) if (last or "").startswith(ETAG) else ""
        query = changes.query or dated(self.api.query, self.api, self._now)
        headers = {**self.api.headers, **({"If-None-Match": known} if known else {})}
        with self._caller() as caller:
            url = caller.address(changes.url or self.api.url)
            try:
                answer = caller.get(url, query, headers=headers)
            except RequestRefusedError as refused:
                if known and refused.status == 304:
                    return f"{ETAG}{known}"
                raise
        found = answer.headers.get("ETag", "").strip()
        if not found:
            raise SourceError(f"{answer.url} answers without an ETag: leave source.changes.etag out of the spec")
        return f"{ETAG}{found}"

    def _caller(self) -> Caller:
        login = self._connect(self.conn_id) if self.conn_id else Login()
        where = f"connection {self.conn_id!r}" if self.conn_id else "source.url"
        base = login.url or self._base
        if not base:
            raise SourceError(f"{where} names no host")
        self._last_caller = Caller(
            base, self.api.auth, login, timeout=self._timeout, tries=self._tries, where=where, sleep=self._sleep
        )
        return self._last_caller

    def changed_at(self) -> dt.datetime | None:
        """The newest ``Last-Modified`` of the responses of the last read; ``None`` where the API sends none."""
        return self._last_caller.last_modified if self._last_caller else None

    def _passes(self, caller: Caller, reading: RowReading) -> tuple[PageReader, bool]:
        """Read the list up to three times, until a pass adds up.

        :returns: the pass that adds up, or else the last one, and whether the list is proven complete.
        """
        for attempt in range(PASSES):
            if attempt:
                self._sleep(2.0 * attempt)
            # Other page borders than before, so that a row lost at a border is noticed.
            found = PageReader(self.api, caller, self._now, smaller=attempt)
            if not found.problem and self.api.pages.twice:
                again = PageReader(self.api, caller, self._now, smaller=attempt + 1, only_ids=True)
                again.close()
                differ = len(found.ids ^ again.ids)
                found.problem = again.problem or (
                    f"two passes differ in {counted(differ, 'person', 'people')}" if differ else ""
                )
            if not found.problem:
                return found, bool(found.totals) or self.api.pages.twice
            if attempt + 1 < PASSES:
                found.close()
        reading.incomplete.append(f"{reading.name} is incomplete: {found.problem} (read {PASSES} times)")
        return found, False

    def _csv(self, caller: Caller, reading: RowReading) -> Iterator[Row]:
        api = self.api
        headers = {"Accept": "text/csv, */*", **api.headers}
        query = dated(api.query, api, self._now)
        url = caller.address(api.url)
        answer = caller.get(url, query, method=api.method, body=api.body, headers=headers, limit=MAX_FILE)
        if answer.body.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"<", b"{"):
            raise SourceError(f"{answer.url} answered {answer.status} without CSV: is it an error page?")
        answer.body.seek(0)
        data = io.BufferedReader(_Readable(answer.body), 1 << 18)
        encoding = api.encoding or answer.charset or "utf-8-sig"
        stream = io.TextIOWrapper(data, encoding, errors="surrogateescape", newline="")
        lines = csv_file.checked_lines(stream, reading)
        layout = csv_file.Layout(api.delimiter, api.skip_rows, api.header, self.spec.columns)
        return (
            Row(row.number, self._shape.row(row.number, row.values).values, row.problem)
            for row in csv_file.read(lines, reading, layout)
        )

    def _to_the_end(
        self, rows: Iterator[Row], reading: RowReading, *, proof: bool, missed: MissingFields | None = None
    ) -> Iterator[Row]:
        count = 0
        for row in filled_rows(rows, self._null_values):
            count += 1
            yield row
        if missed is not None:
            incomplete, warnings = missed.judge(reading.name, self._read_columns)
            reading.incomplete += incomplete
            reading.warnings += warnings
        settle_min_rows(reading, self.min_rows, count)
        reading.proven = (proof or self.min_rows is not None) and not reading.incomplete


class HttpSource(ApiSource):
    """HR rows from any JSON API. ``docs/sources/http.md`` describes the options.

    :param spec: a spec whose ``source.type`` is ``http``.
    :param connect: reads a connection; Airflow's, unless something else is given.
    :param settings: further parameters of :class:`ApiSource` (``sleep``, ``now``), for tests.
    :raises SpecError: an option is unknown or wrong.
    """

    def __init__(self, spec: SyncSpec, connect: Connect | None = None, **settings: Any) -> None:
        options = spec.source
        assert isinstance(options, HttpOptions)
        base = ""
        if "://" in options.url:
            if wrong := check_url(options.url):
                raise spec.error("source.url", f"{without_query(options.url)} {wrong}")
            parts = urlsplit(options.url)
            base = f"{parts.scheme}://{parts.netloc}"
        api = VendorDescription.model_construct(
            **{name: getattr(options, name) for name in ApiDescription.model_fields}
        )
        super().__init__(spec, api, base, connect, **settings)


class _Readable(io.RawIOBase):
    """Makes a temporary file readable as text: on Python 3.10 it lacks the methods for that."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()
