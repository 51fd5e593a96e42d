"""Retry what a retry can mend: a policy for ``retry_policy=``, which tasks take from Airflow 3.3 on.

.. code-block:: python

    from airflow_provider_kinde.operators.retry_policy import kinde_retry_policy

    with DAG("users", default_args={"retries": 5, "retry_policy": kinde_retry_policy}):
        KindeUpdateUserOperator(task_id="update", email="jo@example.com", given_name="Jo")
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

try:
    from airflow.sdk.definitions.retry_policy import RetryAction, RetryDecision, RetryPolicy, RetryRule
except ImportError:  # before Airflow 3.3
    RetryPolicy = object  # type: ignore[assignment, misc]

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

AVAILABLE = RetryPolicy is not object
"""Whether this Airflow has retry policies: 3.3 and later."""

LONGEST = timedelta(hours=1)
"""A wait that Kinde asks for is believed up to here: asking too early costs one request."""


class KindeRetryPolicy(RetryPolicy):
    """Decides by the Kinde error that failed a task, also where that is only the cause of what the task raised.

    A rate limit is waited for as long as Kinde asks. Kinde or the HR source out of reach, and everything that is no
    error of this provider, follow the task's own ``retries`` and ``retry_delay``. What asking again cannot change is
    not retried: credentials, a missing scope, what is not there or there already, a refused request, a wrong spec.
    """

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        """Decide on one failure; Airflow calls this in the task's process.

        :returns: fail, retry (with a delay), or what the task would do anyway. The reason is shown in Airflow and
            quotes nothing of the error, which may name people.
        """
        from airflow_provider_kinde.exceptions import KindeError, KindeRateLimitError

        for error in _causes(exception):
            name = type(error).__name__
            if isinstance(error, KindeRateLimitError):
                return RetryDecision.retry(_pause(error.retry_after), f"{name}: Kinde's rate limit")
            if type(error) is KindeError and error.status is not None and 400 <= error.status < 500:
                return RetryDecision.fail(f"{name}: Kinde refuses this request (HTTP {error.status})")
            for rule in _rules():
                if rule.matches(error):
                    return RetryDecision(action=rule.action, reason=f"{name}: {rule.reason}")
        return RetryDecision.default()

    def serialize(self) -> dict[str, Any]:
        """Serialize: the policy has no settings."""
        return {"__type": f"{type(self).__module__}.{type(self).__qualname__}"}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> KindeRetryPolicy:
        """Make it anew."""
        return cls()


kinde_retry_policy: KindeRetryPolicy | None = KindeRetryPolicy() if AVAILABLE else None
"""The policy, ready to use; ``None`` before Airflow 3.3, which ``default_args`` there pass over."""


def retry_arguments() -> dict[str, Any]:
    """``retry_policy`` for ``default_args`` where Airflow has it, and nothing elsewhere."""
    return {"retry_policy": kinde_retry_policy} if AVAILABLE else {}


@cache
def _rules() -> tuple[RetryRule, ...]:
    # Not at import: DAG files import this module.
    from airflow_provider_kinde import exceptions
    from airflow_provider_kinde.exceptions import SourceError, SyncError

    def rule(action: RetryAction, reason: str, *kinds: type[Exception]) -> RetryRule:
        return RetryRule(exception=list(kinds), action=action, reason=reason)

    fail, default = RetryAction.FAIL, RetryAction.DEFAULT
    return (
        rule(fail, "Kinde refuses the connection", exceptions.KindeAuthError, exceptions.KindePermissionError),
        rule(fail, "asking again changes nothing", exceptions.KindeNotFoundError, exceptions.KindeConflictError),
        rule(default, "Kinde may be back later", exceptions.KindeServerError, exceptions.KindeResponseError),
        rule(default, "the HR source may be back later", SourceError),
        rule(fail, "the run cannot go on before somebody mends this", SyncError),
    )


def _causes(exception: BaseException | None) -> Iterator[BaseException]:
    """The exception, and what it was raised from."""
    seen: set[int] = set()
    while exception is not None and id(exception) not in seen:
        seen.add(id(exception))
        yield exception
        exception = exception.__cause__


def _pause(told: float | None) -> timedelta | None:
    """Somewhat longer than Kinde said: tasks that were turned away together should not come back together."""
    if told is None:
        return None
    return timedelta(seconds=min(told, LONGEST.total_seconds()) * random.uniform(1.0, 1.25))
