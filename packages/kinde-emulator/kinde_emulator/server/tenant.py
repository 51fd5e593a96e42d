"""One Kinde tenant: its data, tokens, limits, log and faults."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any

from kinde_emulator.data.properties import define_built_in
from kinde_emulator.data.store import Store, insert, new_id, now, one
from kinde_emulator.server.faults import Faults
from kinde_emulator.server.limiter import Limiter
from kinde_emulator.server.request_log import RequestLog
from kinde_emulator.server.tokens import Tokens
from kinde_emulator.settings import Settings


class Tenant:
    """A tenant, without the web server.

    :param settings: how it behaves.
    :param data: the database file; in memory when ``None``.
    """

    def __init__(self, settings: Settings, data: str | os.PathLike[str] | None = None) -> None:
        self.store = Store(data)
        self.tokens = Tokens(self.store)
        self.limiter = Limiter()
        self.faults = Faults()
        self.log = RequestLog(settings.log_size)
        self._settings_lock = threading.Lock()
        self.settings = settings
        self.page_ends: dict[tuple[str, str], tuple[int, int, str]] = {}
        """List and sort -> changes of the database so far, items read so far, and the id of the last one."""
        with self.store.transaction() as db:
            if one(db, "SELECT 1 FROM organizations") is None:
                insert(
                    db,
                    "organizations",
                    code=new_id("org", 11),
                    name="Default Organization",
                    is_default=True,
                    created_on=now(),
                )
        self._define_properties()

    def change(self, changes: Mapping[str, Any]) -> Settings:
        """Changes settings while the tenant runs.

        :param changes: new values by name.
        :returns: the settings after the change.
        :raises SettingsError: for an unknown name or a wrong value; then nothing changes.
        """
        with self._settings_lock:
            before = self.settings
            self.settings = before.changed(changes)
            if before.rate_limit != self.settings.rate_limit or before.rate_window != self.settings.rate_window:
                self.limiter.reset()
            self.log.resize(self.settings.log_size)
            self._define_properties()
            return self.settings

    def _define_properties(self) -> None:
        if self.settings.kinde_properties:
            with self.store.transaction() as db:
                define_built_in(db)
