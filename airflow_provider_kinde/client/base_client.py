"""What the sync and the async client have in common: settings, counts and how they are shown."""

from __future__ import annotations

import hmac

from airflow_provider_kinde.client.attempt import Counts
from airflow_provider_kinde.client.settings import Settings

_SIGNATURES = b"airflow-provider-kinde signatures 1"


class BaseClient:
    """A client of one Kinde environment.

    :param settings: everything that it is configured by.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.counts = Counts()
        """How many requests were sent."""

    @property
    def base_url(self) -> str:
        """Scheme and host that requests go to."""
        return self._settings.base_url

    @property
    def host(self) -> str:
        """The Kinde domain, with the port if it is not the default one."""
        return self._settings.host

    @property
    def max_concurrency(self) -> int:
        """The most requests that are under way at once."""
        return self._settings.max_concurrency

    def sign(self, data: bytes) -> str:
        """Sign data with a key from the client secret: only a holder of the same secret makes the same signature.

        :param data: what is signed.
        :returns: HMAC-SHA256 in hexadecimal digits.
        """
        return hmac.new(self._settings.credentials.key(_SIGNATURES), data, "sha256").hexdigest()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.host}>"
