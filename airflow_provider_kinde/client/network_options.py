"""Proxies, certificates and how much at once, as people type them: checked before anything is sent."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

MOST_CONCURRENCY = 256
"""More requests at once than this is a slip of the pen, and a pool of connections that no host would bear."""

_SCHEMES = ("http", "https", "socks5", "socks5h")


def check_concurrency(number: int) -> int:
    """Return the number of requests at once.

    :raises ValueError: it is too large.
    """
    if number > MOST_CONCURRENCY:
        raise ValueError(f"expected at most {MOST_CONCURRENCY} requests at once, got {number:.6g}")
    return number


def check_verify(verify: Any) -> bool | str:
    """Return whether to check certificates, or the path of a bundle of them.

    :raises ValueError: it is neither true nor false, and there is no such file or folder.
    """
    if isinstance(verify, bool):
        return verify
    if not isinstance(verify, (str, os.PathLike)):
        raise ValueError(f"expected true, false or the path of a CA bundle, got a {type(verify).__name__}")
    path = os.fspath(verify)
    if "\0" in path or not os.path.exists(path):  # noqa: PTH110 - a test costs no import of pathlib here
        raise ValueError(f"expected true, false or the path of a CA bundle; there is no {path[:200]!r}")
    return path


def check_proxies(proxies: Mapping[str, str] | str | None) -> Mapping[str, str] | str | None:
    """Return the proxies. What is wrong with one is told without quoting it: it may hold a password.

    :raises ValueError: one of them is no URL of a proxy.
    """
    for url in [proxies] if isinstance(proxies, str) else (proxies or {}).values():
        if not url:
            continue
        try:
            parts = urlsplit(url)
            good = parts.scheme in _SCHEMES and bool(parts.hostname) and parts.port != 0
        except (ValueError, AttributeError, TypeError):
            good = False
        if not good or any(char.isspace() or not char.isprintable() for char in url):
            raise ValueError(f"expected a URL such as http://proxy:3128, beginning with {', '.join(_SCHEMES)}")
    return proxies


def check_socks(proxies: Mapping[str, str] | None, module: str, extra: str) -> None:
    """Make sure that what speaks SOCKS is there if it is wanted.

    :param module: what speaks it.
    :param extra: how that is installed.
    :raises ValueError: it is not there.
    """
    if any(url and url.startswith("socks") for url in (proxies or {}).values()) and not find_spec(module):
        raise ValueError(f"proxies: socks5:// needs a package that is not installed: pip install '{extra}'")
