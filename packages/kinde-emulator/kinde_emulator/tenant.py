"""One Kinde tenant: its data, its tokens, its limits, its log, and the trouble on order."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any

from .faults import Faults
from .limits import Limiter
from .log import RequestLog
from .properties import define_built_in
from .settings import Settings
from .store import Store, insert, new_id, now, one
from .tokens import Tokens


class Tenant:
    """Everything but the web server.

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
        self._settled()

    def change(self, changes: Mapping[str, Any]) -> Settings:
        """Changes settings while it runs.

        :raises SettingsError: for an unknown name or a wrong value; then nothing changes.
        """
        with self._settings_lock:
            before = self.settings
            self.settings = before.changed(changes)
            if before.rate_limit != self.settings.rate_limit or before.rate_window != self.settings.rate_window:
                self.limiter.reset()
            self.log.resize(self.settings.log_size)
            self._settled()
            return self.settings

    def _settled(self) -> None:
        if self.settings.kinde_properties:
            with self.store.transaction() as db:
                define_built_in(db)
