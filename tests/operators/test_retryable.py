"""Operators, sensors, triggers and the retry policy ask the error whether a retry may help, so they all agree."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_kinde import exceptions
from airflow_provider_kinde.exceptions import KindeError, ProviderError
from airflow_provider_kinde.operators import retry_policy
from airflow_provider_kinde.operators.api import KindeApiOperator
from airflow_provider_kinde.operators.base import airflow_errors
from airflow_provider_kinde.operators.sync import KindeSyncPlanOperator
from airflow_provider_kinde.sensors.base import WaitSensor
from airflow_provider_kinde.triggers.base import WaitTrigger, value_of

MAY_PASS = {
    "KindeRateLimitError",
    "KindeServerError",
    "KindeResponseError",
    "KindeStoppedError",
    "SourceError",
    "StorageError",
}
NEVER_PASSES = {
    "KindeAuthError",
    "KindePermissionError",
    "KindeNotFoundError",
    "KindeConflictError",
    "KindeInputError",
    "SyncError",
    "SpecError",
    "UnknownIdsError",
}


def classes(base: type[ProviderError]) -> Iterator[type[ProviderError]]:
    for kind in base.__subclasses__():
        if kind.__module__ == exceptions.__name__:
            yield kind
            yield from classes(kind)


ERRORS: list[Exception] = [kind("what happened") for kind in classes(ProviderError)]
ERRORS += [KindeError("refused", status=status) for status in (400, 404, 422, 429, 500, 503)]
ERRORS += [ProviderError("any"), ValueError("an error of other code")]


def verdict(raised: BaseException) -> bool:
    """Whether Airflow retries after an exception."""
    return not isinstance(raised, AirflowFailException)


def outcome(function: Any, *arguments: Any) -> bool:
    try:
        function(*arguments)
    except Exception as error:
        return verdict(error)
    return True


class Trigger(WaitTrigger):
    async def run(self) -> AsyncIterator[Any]:
        yield None


class Sensor(WaitSensor):
    error: Exception

    def _check(self, context: Any) -> Any:
        raise self.error

    def _trigger(self, **common: Any) -> Any:
        return Trigger(**common)


def sensor(error: Exception, **how: Any) -> bool:
    made = Sensor(task_id="wait", poke_interval=1, **{"deferrable": False, "max_failures": 1, **how})
    made.error = error
    return outcome(made.poke, {})


def operator(error: Exception, base: Any, **arguments: Any) -> bool:
    """What becomes of an error of the connection's client, in a real operator."""

    class Fails(base):  # type: ignore[misc]
        def _client(self, *_: Any) -> Any:
            raise error

        def _load(self, *_: Any) -> Any:
            return None, None

    run = SimpleNamespace(run_type="manual")
    return outcome(Fails(task_id="task", **arguments).execute, {"dag_run": run})


def trigger(error: Exception, max_failures: int) -> bool:
    async def check() -> Any:
        raise error

    async def event() -> Any:
        return await Trigger(poll_interval=0.001, max_failures=max_failures).wait(check)

    return outcome(value_of, asyncio.run(event()).payload)


def test_the_lists_here_name_every_class() -> None:
    assert {kind.__name__ for kind in classes(ProviderError)} == MAY_PASS | NEVER_PASSES | {"KindeError"}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: f"{type(error).__name__}-{getattr(error, 'status', None)}")
def test_all_agree_whether_a_retry_may_help(error: Exception) -> None:
    name, status = type(error).__name__, getattr(error, "status", None)
    expected = name in MAY_PASS or (name not in NEVER_PASSES and (status is None or status >= 500))
    assert exceptions.may_retry(error) is expected
    found = {
        "operator": operator(error, KindeApiOperator, operation="get_users"),
        "operator of the sync": operator(error, KindeSyncPlanOperator, spec="hr.yaml"),
        "sensor that pokes": sensor(error),
        "sensor that is rescheduled": sensor(error, mode="reschedule"),
        "sensor that is deferred": sensor(error, deferrable=True),
        "sensor that tolerates failures": sensor(error, max_failures=5),
        "trigger": trigger(error, 1),
        "trigger that tolerates failures": trigger(error, 5),
    }
    if retry_policy.kinde_retry_policy is not None:
        decision = retry_policy.kinde_retry_policy.evaluate(error, try_number=1, max_tries=3)
        found["retry policy"] = decision.action.value != "fail"
    assert found == dict.fromkeys(found, expected)


def test_a_check_that_may_pass_is_made_again_and_one_that_cannot_is_not() -> None:
    looks = 0

    async def count(error: Exception) -> int:
        nonlocal looks
        looks = 0

        async def check() -> Any:
            nonlocal looks
            looks += 1
            raise error

        await Trigger(poll_interval=0.001, max_failures=3).wait(check)
        return looks

    assert asyncio.run(count(exceptions.KindeServerError("down", status=503))) == 3
    assert asyncio.run(count(exceptions.KindePermissionError("no", status=403, scope="read:users"))) == 1


def test_the_typed_error_is_the_cause_of_airflow_s_exception() -> None:
    error = exceptions.KindeNotFoundError("no such user", status=404)
    with pytest.raises(AirflowFailException, match="no such user") as caught, airflow_errors():
        raise error
    assert caught.value.__cause__ is error
