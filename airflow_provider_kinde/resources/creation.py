"""Create something in Kinde once, and say who made it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from airflow_provider_kinde.client.create_once import create_once
from airflow_provider_kinde.exceptions import KindeError
from airflow_provider_kinde.resources.fields import Json


class Creation(NamedTuple):
    """The outcome of a creation.

    :param item: what Kinde holds now, with its ``id`` or ``code``.
    :param answered: whether Kinde answered that this call made it.
    :param lost: whether an answer was lost, so that this call probably made it.
    """

    item: Json
    answered: bool
    lost: bool


def create(send: Callable[[], Json], find: Callable[[], Json | None]) -> Creation:
    """Create something once, although an answer may get lost or another client may be faster.

    :param send: sends the creation.
    :param find: finds what was created, or ``None``.
    """
    lost = False

    def watched() -> Json:
        nonlocal lost
        try:
            return send()
        except KindeError as error:
            lost = lost or error.fate_unknown
            raise

    item, answered = create_once(watched, find)
    return Creation(item, answered, lost and not answered)
