"""Reads all pages of a list, and knows when they end. Sends nothing: the client asks it for the next arguments."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from airflow_provider_kinde.client.endpoints.base import Endpoint
from airflow_provider_kinde.exceptions import KindeError, KindeResponseError

_EMPTY_PAGES = 3
"""So many empty pages in a row are the end of a list, whatever token stands beside them."""

_DEFAULT_PAGE = 10
"""Items on a page when the request names no number."""


class Paginator:
    """Reads one list to its end.

    :param endpoint: the list.
    :param arguments: of the caller; the largest ``page_size`` unless they name one.
    """

    def __init__(self, endpoint: Endpoint, arguments: Mapping[str, Any]) -> None:
        self._endpoint = endpoint
        self.arguments = dict(arguments)
        """Of the next request."""
        if endpoint.page_size and self.arguments.get("page_size") is None:
            self.arguments["page_size"] = endpoint.page_size
        self.more = True
        """Whether there may be another page."""
        self._seen: set[str] = set()
        self._tokens: set[str] = set()
        self._empty = 0

    def take(self, response: Any) -> list[dict[str, Any]]:
        """Take a page and find out how to get the next one.

        :param response: the decoded page.
        :returns: the items that no earlier page held.
        :raises KindeResponseError: it is not a page, or the list would never end.
        """
        items = self._items(response)
        new = [item for item in items if self._is_new(item)]
        if self._endpoint.paging == "token":
            self._next_by_token(response, items, new)
        elif self._endpoint.paging == "cursor":
            self._next_by_cursor(response, items, new)
        else:
            self.more = False
        return new

    def shrink(self, error: KindeError) -> bool:
        """Make the next page smaller if this one was too large.

        :param error: what Kinde said.
        :returns: whether to send the request again.
        """
        size = self.arguments.get("page_size")
        if error.code != "PAGE_SIZE_LIMIT_EXCEEDED" or not size:
            return False
        if size > 100:
            self.arguments["page_size"] = 100
        else:
            del self.arguments["page_size"]
        return True

    def _items(self, response: Any) -> list[dict[str, Any]]:
        key = self._endpoint.items
        # Lists come with Kinde's `code` and `message`. An object without these and without items is not from Kinde, and
        # does not mean an empty tenant.
        if not isinstance(response, dict) or not response.keys() & {key, "code", "message"}:
            raise self._error(f"the response has no {key!r}")
        items = response.get(key)
        if items is None:
            items = []
        if not isinstance(items, list) or not all(item is None or isinstance(item, dict) for item in items):
            raise self._error(f"{key!r} in the response is not a list of objects")
        return items if None not in items else [item for item in items if item is not None]

    def _is_new(self, item: dict[str, Any]) -> bool:
        name = _identity(item) or json.dumps(item, sort_keys=True)
        if name in self._seen:
            return False
        self._seen.add(name)
        return True

    def _next_by_token(self, response: dict[str, Any], items: list[Any], new: list[Any]) -> None:
        token = response.get("next_token")
        self._empty = 0 if items else self._empty + 1
        # The empty page that ends a list may hold a token: the one that led to it, or a new one each time.
        ended = not items and (str(token) in self._tokens or self._empty == _EMPTY_PAGES)
        if token is None or token == "" or ended:
            self.more = False
            return
        self._must_advance(str(token), items, new)
        self.arguments["next_token"] = str(token)

    def _next_by_cursor(self, response: dict[str, Any], items: list[Any], new: list[Any]) -> None:
        more = response.get("has_more")
        if not isinstance(more, bool):
            # Search names neither: only a full page can have a next one.
            size = self.arguments.get("page_size") or (_DEFAULT_PAGE if self._endpoint.page_size else None)
            more = size is not None and len(items) >= size
        if not more or not items:
            self.more = False
            return
        last = _identity(items[-1])
        if not last:
            raise self._error("the last item of a page has no id, so the next page cannot be requested")
        self._must_advance(last, items, new)
        self.arguments["starting_after"] = last

    def _must_advance(self, mark: str, items: list[Any], new: list[Any]) -> None:
        if mark in self._tokens or (items and not new):
            raise self._error("the pages repeat, so the list cannot be read to its end")
        self._tokens.add(mark)

    def _error(self, message: str) -> KindeResponseError:
        return KindeResponseError(message, status=200, method=self._endpoint.method, path=self._endpoint.template)


def _identity(item: dict[str, Any]) -> str:
    id = item.get("id")
    if type(id) is str and id and "connection" not in item:
        return id  # of nearly all items, a million users among them
    # Kinde's document wraps connections in an object of their own, and names some identities in another field.
    inner = item.get("connection")
    if isinstance(inner, dict):
        item = inner
    return str(item.get("id") or item.get("identity_id") or item.get("code") or item.get("key") or "")
