"""One pass over the pages of an API. It notices when the pages do not add up."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

import requests.utils

from airflow_provider_kinde.exceptions import SourceError
from airflow_provider_kinde.sources.http.call import MAX_ANSWER, MAX_PAGE, Caller, HttpResponse, RequestRefusedError
from airflow_provider_kinde.sources.http.paths import RowMapping
from airflow_provider_kinde.sync.rows import DuplicateColumnError
from airflow_provider_kinde.sync.spec.api_description import ApiDescription, EachSpec
from airflow_provider_kinde.sync.spec.json_path import Path
from airflow_provider_kinde.thread_pool import ThreadPool

MAX_PAGES = 100_000
_IN_MEMORY = 8 << 20
_TODAY = re.compile(r"\{today([+-]\d{1,4})?\}")
_FIELD = re.compile(r"\{([A-Za-z_][\w.]*)\}")
_RESTART = frozenset({400, 404, 409, 410, 412})
Clock = Callable[[dt.tzinfo], dt.datetime]

_API_WORDS = frozenset(
    "code count data detail details employees entries error errors fault items links list members message meta "
    "metadata next pages pagination people persons records report_entry resources result results rows status success "
    "title total totalresults users value values workers".split()
)
"""Keys that answers of APIs have around a list. Others are not quoted."""


class PagesChangedError(Exception):
    """The pages do not add up: the list changed while it was read, or something is missing."""


class PageReader:
    """Reads all pages once.

    :param api: the description.
    :param caller: sends the requests.
    :param now: the clock, for ``{today}``.
    :param smaller: how many rows fewer to a page, so that a second pass has other page borders.
    :param only_ids: whether only ids are compared: items are not kept, and ``each`` is not requested.
    """

    def __init__(
        self, api: ApiDescription, caller: Caller, now: Clock, *, smaller: int = 0, only_ids: bool = False
    ) -> None:
        self.api, self.caller, self._now, self._only_ids = api, caller, now, only_ids
        size = api.pages.size
        self._size = max(size - smaller, min(size, 2)) if size else 0
        self.problem = ""
        self.count = 0
        """Number of different rows."""
        self.ids: set[bytes] = set()
        self.totals: list[int] = []
        self._prints: set[bytes] = set()
        self._spool = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
        self._pool = ThreadPool(api.each.together) if api.each and not only_ids else None
        try:
            self._read()
            self._judge()
        except (PagesChangedError, DuplicateColumnError) as problem:
            self.problem = str(problem)
        except BaseException:
            self._spool.close()
            raise
        finally:
            if self._pool:
                self._pool.shutdown(cancel=True)

    def items(self) -> Iterator[Any]:
        """Yield the items. It can be called once; the temporary file is deleted afterwards."""
        with self._spool as spool:
            spool.seek(0)
            for line in spool:
                yield json.loads(line)

    def close(self) -> None:
        """Delete the temporary file."""
        self._spool.close()

    # -- pages -------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        api, pages = self.api, self.api.pages
        asked: set[str] = set()
        link: str | None = None
        step: dict[str, str] = self._first_step()
        url = self.caller.address(api.url)
        number, consumed, last = 0, 0, b""
        before: list[bytes] = []
        while True:
            number += 1
            if number > MAX_PAGES:
                raise PagesChangedError(f"it has more than {MAX_PAGES:,} pages")
            answer = self._ask(link or url, None if link else step, number)
            if answer is None:
                return
            headers = answer.headers
            data = answer.json(api.encoding) if answer.status != 204 else []
            items = self._rows_of(data, answer)
            total = self._total(data)
            marks = [_mark(item) for item in items]
            if number > 1 and pages.type in ("page", "offset") and marks and marks == before and len(marks) > 1:
                raise PagesChangedError(f"page {number} repeats page {number - 1}: the API ignores {pages.param!r}")
            before = marks
            if number > 1 and pages.type == "offset" and pages.overlap:
                if not marks or marks[0] != last:
                    raise PagesChangedError(f"page {number} does not begin with the last row of page {number - 1}")
                items, marks = items[1:], marks[1:]
            self._keep(items, marks)
            consumed += len(items)
            last = marks[-1] if marks else last
            following: str | None = None
            if pages.type in ("cursor", "next"):
                following = self._following(data, headers)
                if following is None and not items and number > 1 and total is None:
                    raise PagesChangedError(f"page {number} is empty, although page {number - 1} links to it")
                if following is None:
                    return
                if following in asked:
                    raise PagesChangedError(f"after page {number} comes a page that was read before: the pages repeat")
                asked.add(following)
            elif pages.type == "none":
                return
            else:
                count = _whole(pages.last.find(data)) if pages.last else None
                if count is not None and number >= count:
                    return
                if not items:
                    if count is not None:
                        raise PagesChangedError(f"page {number} of {count} is empty")
                    return
                if count is None and total is not None and consumed >= total:
                    return
            if pages.type == "next":
                assert following is not None
                link = self.caller.link(link or url, following)
            elif pages.type == "cursor":
                assert following is not None
                step = {**self._size_step(), pages.param: following}
            elif pages.type == "offset":
                position = pages.start + consumed - (1 if pages.overlap else 0)
                step = {**self._size_step(), pages.param: str(position)}
            else:
                step = {**self._size_step(), pages.param: str(pages.start + number)}

    def _size_step(self) -> dict[str, str]:
        return {self.api.pages.size_param: str(self._size)} if self._size else {}

    def _first_step(self) -> dict[str, str]:
        pages = self.api.pages
        step = self._size_step()
        if pages.type in ("offset", "page"):
            step[pages.param] = str(pages.start)
        elif pages.type == "cursor" and pages.first is not None:
            step[pages.param] = pages.first
        return step

    def _ask(self, url: str, step: Mapping[str, str] | None, number: int) -> HttpResponse | None:
        api = self.api
        query: dict[str, str] = {}
        body = dict(api.body) if api.body is not None else None
        if step is not None:
            query = dated(api.query, api, self._now)
            if api.pages.place == "body":
                body = {**(body or {}), **{name: int(v) if v.isdigit() else v for name, v in step.items()}}
            else:
                query |= step
        try:
            return self.caller.get(
                url, query, method=api.method, body=body, headers=api.headers,
                limit=MAX_ANSWER if api.pages.type == "none" else MAX_PAGE,
            )  # fmt: skip
        except RequestRefusedError as refused:
            if number == 1 and refused.status in api.empty_status:
                return None
            if number > 1 and refused.status in _RESTART:
                word = next((word for word in api.restart_on if word in refused.text), None)
                if word:
                    raise PagesChangedError(f"before page {number} the API said {word}") from None
            raise

    def _following(self, data: Any, headers: Mapping[str, str]) -> str | None:
        path = self.api.pages.next
        found: Any
        if path is None:
            links = requests.utils.parse_header_links(headers.get("Link", ""))
            found = next((link["url"] for link in links if link.get("rel") == "next"), None)
        else:
            found = path.find(data)
        if found is None or found is False or found == "":
            return None
        if isinstance(found, (str, int)) and not isinstance(found, bool):
            return str(found)
        raise SourceError(f"{self._shown}: pages.next finds {type(found).__name__}, where text is expected")

    @property
    def _shown(self) -> str:
        return self.caller.address(self.api.url).partition("?")[0]

    def _rows_of(self, data: Any, answer: HttpResponse) -> list[Any]:
        found = self.api.rows.find(data)
        if isinstance(found, list):
            return found
        if found is None and self._total(data, note=False) == 0:
            return []
        where = f"at {self.api.rows.text}" if self.api.rows.text else "as a whole"
        has = f"it has {_named(data)}" if isinstance(data, Mapping) else type(data).__name__
        raise SourceError(f"{answer.url} answered {answer.status} without a list {where}: {has}")

    def _total(self, data: Any, *, note: bool = True) -> int | None:
        total = _whole(self.api.total.find(data)) if self.api.total else None
        if total is not None and note:
            self.totals.append(total)
        return total

    # -- rows --------------------------------------------------------------------------------------------------

    def _keep(self, items: list[Any], marks: list[bytes]) -> None:
        fresh = []
        for item, mark in zip(items, marks, strict=True):
            if mark in self._prints:
                continue
            self._prints.add(mark)
            fresh.append(item)
            id = self.api.id.find(item) if self.api.id else None
            self.ids.add(mark if id is None else _mark(str(id)))
        self.count += len(fresh)
        if self._only_ids:
            return
        if self.api.each is not None and self._pool is not None:
            fresh = list(self._pool.map(partial(self._one, self.api.each), fresh))
        for item in fresh:
            self._spool.write(json.dumps(item, ensure_ascii=True).encode() + b"\n")

    def _one(self, each: EachSpec, item: Any) -> Any:
        if not isinstance(item, Mapping):
            return item

        def fill(match: re.Match[str]) -> str:
            value = Path(match[1]).find(item)
            if value is None or isinstance(value, (dict, list)):
                raise SourceError(f"{self._shown}: a row has no {match[1]!r}, which each.url needs")
            return quote(str(value), safe="")

        try:
            answer = self.caller.get(self.caller.address(_FIELD.sub(fill, each.url)), each.query)
        except RequestRefusedError as refused:
            if refused.status in (404, 410):
                raise PagesChangedError("a person was deleted while the list was read") from None
            raise
        found = each.rows.find(answer.json(self.api.encoding))
        if each.first:
            if not isinstance(found, list):
                raise SourceError(f"{answer.url} answered {answer.status} without a list at {each.rows.text}")
            found = found[0] if found else None
        if each.lists and isinstance(found, Mapping):
            found = RowMapping(lists=each.lists).listed(found)
        return {**item, each.into: found}

    # -- the whole ---------------------------------------------------------------------------------------------

    def _judge(self) -> None:
        totals = list(dict.fromkeys(self.totals))
        if len(totals) > 1:
            raise PagesChangedError(f"its total went {' → '.join(map(str, totals[:5]))} while it was read")
        if totals and len(self.ids) != totals[0]:
            raise PagesChangedError(f"it counts {totals[0]} and its pages hold {len(self.ids)}")


def dated(query: Mapping[str, str], api: ApiDescription, now: Clock) -> dict[str, str]:
    """Fill in ``{today}``, ``{today+14}`` and the like.

    :param query: the parameters.
    :param api: the description, with the time zone.
    :param now: the clock.
    :returns: the parameters with dates.
    """

    def fill(match: re.Match[str]) -> str:
        return (now(api.timezone).date() + dt.timedelta(days=int(match[1] or 0))).isoformat()

    return {name: _TODAY.sub(fill, value) for name, value in query.items()}


def _named(data: Mapping[Any, Any]) -> str:
    """The keys of an answer that are words of APIs, and how many others: those may be people's ids or names."""
    words = sorted(key for key in map(str, data) if key.casefold() in _API_WORDS)
    others = len(data) - len(words)
    more = f"{others} other key{'s' if others > 1 else ''}" if others else ""
    return ", ".join([*words, *([more] if more else [])]) or "no key"


def _mark(item: Any) -> bytes:
    text = json.dumps(item, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=12).digest()


def _whole(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) else None
