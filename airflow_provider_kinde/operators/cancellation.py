"""What becomes of an operator that Airflow ends half-way."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_kinde.client import KindeClient


class CancellableMixin:
    """For operators that may be ended half-way: cleared, marked as failed, out of time.

    Airflow tells them, and kills their process some seconds later; until then they would go on. From that word on they
    begin nothing more; what is under way is finished, and a report still says what was done.
    """

    _sending: KindeClient | None = None
    _killed = False

    def on_kill(self) -> None:
        """Stop sending."""
        self._killed = True
        if self._sending is not None:
            self._sending.stop()

    def _sends_with(self, client: KindeClient) -> None:
        self._sending = client
        if self._killed:
            client.stop()
