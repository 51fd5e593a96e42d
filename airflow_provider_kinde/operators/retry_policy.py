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
from typing import TYPE_CHECKING, Any

from airflow_provider_kinde.exceptions import KindeRateLimitError, ProviderError
from airflow_provider_kinde.version_compat import retry_policy_module

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context
_airflow: Any = retry_policy_module()

AVAILABLE = _airflow is not None
"""Whether this Airflow has retry policies: 3.3 and later."""

LONGEST = timedelta(hours=1)
"""A wait that Kinde asks for is believed up to here: asking too early costs one request."""


class KindeRetryPolicy(_airflow.RetryPolicy if AVAILABLE else object):  # type: ignore[misc]
    """Decides by the error of this provider that failed a task, or that caused what the task raised.

    After a rate limit the task waits as long as Kinde asks. An error that a retry cannot help (its ``retryable`` is
    false: wrong credentials, a missing scope, a refused request, a wrong spec) fails the task at once. After all other
    errors the task's own ``retries`` and ``retry_delay`` apply.
    """

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> Any:
        """Decide on one failure; Airflow calls this in the task's process.

        :param exception: the task's error.
        :param try_number: the number of the try that failed, from 1.
        :param max_tries: how many tries the task has.
        :param context: Airflow's context of the task.
        :returns: fail, retry (with a delay), or what the task would do anyway. The reason is shown in Airflow and
            quotes nothing of the error, which may name people.
        """
        decision = _airflow.RetryDecision
        for error in _causes(exception):
            if not isinstance(error, ProviderError):
                continue
            name = type(error).__name__
            if isinstance(error, KindeRateLimitError):
                return decision.retry(_pause(error.retry_after), f"{name}: Kinde's rate limit")
            if error.retryable:
                return decision(action=_airflow.RetryAction.DEFAULT, reason=f"{name}: a retry may help")
            return decision.fail(f"{name}: a retry cannot help")
        return decision.default()

    def serialize(self) -> dict[str, Any]:
        """Serialize: the policy has no settings."""
        return {"__type": f"{type(self).__module__}.{type(self).__qualname__}"}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> KindeRetryPolicy:
        """Make the policy again from its serialized form.

        :param data: what :meth:`serialize` returned.
        """
        return cls()


kinde_retry_policy: KindeRetryPolicy | None = KindeRetryPolicy() if AVAILABLE else None
"""The policy, ready to use; ``None`` before Airflow 3.3, which ``default_args`` there pass over."""


def retry_arguments() -> dict[str, Any]:
    """``retry_policy`` for ``default_args`` where Airflow has it, and nothing elsewhere."""
    return {"retry_policy": kinde_retry_policy} if AVAILABLE else {}


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
