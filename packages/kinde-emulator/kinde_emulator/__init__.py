"""A local Kinde over real HTTP, for tests and for trying things out.

::

    from kinde_emulator import Emulator, Settings

    with Emulator(settings=Settings(rate_limit=600)) as kinde:
        kinde.seed({"roles": ["engineer"], "users": [{"email": "ada@example.com", "first_name": "Ada"}]})
        ...  # point a client at kinde.url with kinde.client_id and kinde.client_secret
        assert [entry["path"] for entry in kinde.log()] == [...]

Importing this package is cheap: the web server is imported when :class:`Emulator` is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kinde_emulator.emulator import Emulator
    from kinde_emulator.server.faults import Fault
    from kinde_emulator.settings import Settings

__all__ = ["Emulator", "Fault", "Settings"]

_HOMES = {"Emulator": "emulator", "Fault": "server.faults", "Settings": "settings"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
