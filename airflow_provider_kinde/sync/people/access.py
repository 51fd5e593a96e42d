"""When a person has access: one pure function of status, dates and day."""

from __future__ import annotations

import datetime as dt

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.sync.model import Access
from airflow_provider_kinde.sync.spec.date_parser import NO_END_YEAR

STARTS_ON = "starts on "
"""In the reason of a person whose first day is ahead; the day ends the reason where access is not given before."""
OUT_OF_SCOPE = "out of scope"
"""Why a person has no access to whom ``scope`` says no."""
FAR_END_YEARS = 100
"""No employment ends so far ahead: a later date means "no end"."""


def decide_access(
    active: bool,
    status: str,
    start: dt.date | None,
    end: dt.date | None,
    today: dt.date,
    *,
    days_before_start: int = 0,
    grace_days: int = 0,
) -> tuple[Access, str]:
    """Say whether a person has access today, and why.

    :param active: the status is one of ``employment.active`` (else it is one of ``inactive``).
    :param status: the status as the row has it, for the reason.
    :param start: first day of the latest spell.
    :param end: last day; before ``start`` it belongs to an earlier spell. From the year 9000 on, and more than a
        hundred years ahead, it is no end.
    :param today: the local day where the person works.
    :param days_before_start: days before ``start`` from which access is given.
    :param grace_days: days after ``end`` during which what is there stays.
    :returns: the access and the reason in words.
    """
    if end is not None and (is_no_end(end, today) or (start is not None and end < start)):
        end = None
    said = f"status is {status}"
    # The days are added to today, not to the dates: dates at the rim of the calendar must not overflow.
    if start is not None and start > today + dt.timedelta(days=days_before_start):
        return (Access.KEEP if active else Access.NONE), f"{said}, {STARTS_ON}{start}"
    if not active and start is not None and start > today:
        return Access.ACTIVE, f"{said}, {STARTS_ON}{start}, access {counted(days_before_start, 'day')} before"
    if end is not None:
        if today <= end:
            return Access.ACTIVE, f"{said}, access until {end}" if not active else f"{said}, ends on {end}"
        if today - dt.timedelta(days=grace_days) <= end:
            return Access.GRACE, f"{said}, ended on {end}, grace of {counted(grace_days, 'day')}"
        return Access.NONE, f"{said}, ended on {end}"
    return (Access.ACTIVE if active else Access.NONE), said


def is_no_end(end: dt.date, today: dt.date) -> bool:
    """Tell whether a date stands for "no end", as systems write it that have no blank (9999-12-31, 4712-12-31).

    :param end: the date.
    :param today: the local day where the person works.
    :returns: whether it is from the year 9000 on, or more than a hundred years ahead.
    """
    ahead = (end.year - FAR_END_YEARS, end.month, end.day) > (today.year, today.month, today.day)
    return end.year >= NO_END_YEAR or ahead


def due_day(
    access: Access,
    active: bool,
    start: dt.date | None,
    end: dt.date | None,
    today: dt.date,
    *,
    days_before_start: int = 0,
    grace_days: int = 0,
) -> dt.date | None:
    """Say on which local day HR's dates gave or took the access that a person has, or no longer has, today.

    :param access: what :func:`decide_access` says.
    :param active: as for :func:`decide_access`.
    :param start: first day of the latest spell.
    :param end: last day.
    :param today: the local day where the person works.
    :param days_before_start: days before ``start`` from which access is given.
    :param grace_days: days after ``end`` during which what is there stays.
    :returns: the day at whose beginning access was due to be given (``ACTIVE``) or taken (``NONE``); ``None`` where no
        date of HR says so.
    """
    try:
        if access is Access.ACTIVE and start is not None:
            return start - dt.timedelta(days=days_before_start)
        ended = end is not None and not is_no_end(end, today) and not (start is not None and end < start)
        if access is Access.NONE and ended and (start is None or active or start <= today):
            assert end is not None
            return end + dt.timedelta(days=grace_days + 1)
    except OverflowError:  # a date at the rim of the calendar
        pass
    return None


def begin_of(day: dt.date, zone: dt.tzinfo) -> str:
    """The moment at which a local day begins, in UTC; empty where the calendar ends before.

    :param day: the local day.
    :param zone: the time zone.
    """
    try:
        moment = dt.datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(dt.timezone.utc)
    except OverflowError:  # a date at the rim of the calendar
        return ""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
