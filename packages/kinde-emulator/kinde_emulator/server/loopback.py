"""Which addresses and host names mean this machine."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Whether a host name or an address is a loopback one.

    :param host: a host name or an address.
    """
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def names_this_machine(host: str) -> bool:
    """Whether a ``Host`` header names this machine.

    A web page of another site can reach the emulator if its own name resolves to 127.0.0.1 (DNS rebinding). The browser
    then sends that name.

    :param host: the header's value, with or without a port.
    """
    try:
        return not host or is_loopback(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return False
