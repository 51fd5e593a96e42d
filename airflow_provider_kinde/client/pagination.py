"""Walking all pages of a list, and knowing when they end. Sends nothing: the client asks it what to ask for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from airflow_provider_kinde.client.endpoints.base import Endpoint
from airflow_provider_kinde.exceptions import KindeError, KindeResponseError

_EMPTY_PAGES = 3
"""So many empty pages in a row, each promising more, are taken for a server that will never end."""

_DEFAULT_PAGE = 10
"""How many items Kinde puts on a page when it is not told."""


class Paginator:
    """One walk through a list.

    :param operation: the list.
    :param arguments: what the caller asks of it; the largest ``page_size`` unless it names one.
    """

    def __init__(self, operation: Endpoint, arguments: Mapping[str, Any]) -> None:
        self._operation = operation
        self.arguments = dict(arguments)
        """What to ask for next."""
        if operation.page_size and self.arguments.get("page_size") is None:
            self.arguments["page_size"] = operation.page_size
        self.more = True
        """Whether there may be another page."""
        self._seen: set[str] = set()
        self._tokens: set[str] = set()
        self._empty = 0

    def take(self, answer: Any) -> list[dict[str, Any]]:
        """Take a page and find out how to get the next.

        :returns: the items that no page before held.
        :raises KindeResponseError: no page, or one of a list that would never end.
        """
        items = self._items(answer)
        new = [item for item in items if self._is_new(item)]
        if self._operation.paging == "token":
            self._next_by_token(answer, items, new)
        elif self._operation.paging == "cursor":
            self._next_by_cursor(answer, items, new)
        else:
            self.more = False
        return new

    def shrink(self, error: KindeError) -> bool:
        """Ask for less if the page was too large; returns whether to ask again."""
        size = self.arguments.get("page_size")
        if error.code != "PAGE_SIZE_LIMIT_EXCEEDED" or not size:
            return False
        if size > 100:
            self.arguments["page_size"] = 100
        else:
            del self.arguments["page_size"]
        return True

    def _items(self, answer: Any) -> list[dict[str, Any]]:
        key = self._operation.items
        # Lists come with Kinde's `code` and `message`: an object with neither them nor the items is somebody else's
        # answer, and not an empty tenant.
        if not isinstance(answer, dict) or not answer.keys() & {key, "code", "message"}:
            raise self._error(f"the answer has no {key!r}")
        items = answer.get(key)
        if items is None:
            items = []
        if not isinstance(items, list) or not all(item is None or isinstance(item, dict) for item in items):
            raise self._error(f"{key!r} in the answer is not a list of objects")
        return [item for item in items if item is not None]

    def _is_new(self, item: dict[str, Any]) -> bool:
        name = _identity(item) or json.dumps(item, sort_keys=True)
        if name in self._seen:
            return False
        self._seen.add(name)
        return True

    def _next_by_token(self, answer: dict[str, Any], items: list[Any], new: list[Any]) -> None:
        token = answer.get("next_token")
        if token is None or token == "":
            self.more = False
            return
        self._must_advance(str(token), items, new)
        self.arguments["next_token"] = str(token)

    def _next_by_cursor(self, answer: dict[str, Any], items: list[Any], new: list[Any]) -> None:
        more = answer.get("has_more")
        if not isinstance(more, bool):
            # Search names neither: only a full page can have a next one.
            size = self.arguments.get("page_size") or (_DEFAULT_PAGE if self._operation.page_size else None)
            more = size is not None and len(items) >= size
        if not more or not items:
            self.more = False
            return
        last = _identity(items[-1])
        if not last:
            raise self._error("the last item of a page has no id, so the next page cannot be asked for")
        self._must_advance(last, items, new)
        self.arguments["starting_after"] = last

    def _must_advance(self, mark: str, items: list[Any], new: list[Any]) -> None:
        self._empty = 0 if items else self._empty + 1
        if mark in self._tokens or (items and not new) or self._empty >= _EMPTY_PAGES:
            raise self._error("the pages repeat, so the list cannot be read to its end")
        self._tokens.add(mark)

    def _error(self, message: str) -> KindeResponseError:
        return KindeResponseError(message, status=200, method=self._operation.method, path=self._operation.template)


def _identity(item: dict[str, Any]) -> str:
    return str(item.get("id") or item.get("code") or item.get("key") or "")
