"""Who may ask: programs on this machine, and no web page that a browser on this machine happens to show."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine and nothing else."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_ours(host: str) -> bool:
    """Whether a ``Host`` header names this machine.

    A page of another site can get here under its own name, once that is made to lead to 127.0.0.1 (DNS rebinding); the
    browser then sends that name.
    """
    try:
        return not host or is_loopback(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return False
