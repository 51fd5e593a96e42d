from __future__ import annotations

import datetime as dt
from typing import Any

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kinde.sync.spec.date_parser import DateReader, check_format, same_text

TODAY = dt.date(2026, 3, 31)
UTC = pendulum.timezone("UTC")
NEW_YORK, MELBOURNE = pendulum.timezone("America/New_York"), pendulum.timezone("Australia/Melbourne")


def read(text: object, *formats: str, zone: dt.tzinfo = UTC, start: bool = False) -> dt.date | None:
    return DateReader(formats, TODAY).read(text, zone, start=start)


@pytest.mark.parametrize(
    ("text", "formats", "day"),
    [
        ("7/5/2011", ["M/D/YYYY"], (2011, 7, 5)),
        ("07/05/2011", ["M/D/YYYY"], (2011, 7, 5)),
        ("7/5/2011", ["MM/DD/YYYY"], (2011, 7, 5)),
        (" 7/5/11 ", ["M/D/YY"], (2011, 7, 5)),
        ("7/5/2011", ["M/D/YY", "M/D/YYYY"], (2011, 7, 5)),
        ("7/5/11", ["M/D/YYYY", "M/D/YY"], (2011, 7, 5)),  # YYYY is four digits, so 11 is no year 11
        ("05.07.2011", ["DD.MM.YYYY"], (2011, 7, 5)),
        ("20110705", ["YYYYMMDD"], (2011, 7, 5)),
        ("5-JUL-2011", ["D-MMM-YYYY"], (2011, 7, 5)),
        ("July 5th, 2011", ["MMMM Do, YYYY"], (2011, 7, 5)),
        ("Tuesday, July 5, 2011", ["dddd, MMMM D, YYYY"], (2011, 7, 5)),
        ("on 2011-07-05", ["[on] YYYY-MM-DD"], (2011, 7, 5)),
        ("2011/186", ["YYYY/DDD"], (2011, 7, 5)),
        ("7/5/2011 11:59:00 PM", ["M/D/YYYY h:mm:ss A"], (2011, 7, 5)),
        ("2011-07-05", [], (2011, 7, 5)),
        ("20110705", [], (2011, 7, 5)),
        ("2011-W27-2", [], (2011, 7, 5)),
        ("2011-186", [], (2011, 7, 5)),
        ("2011-07-05 10:00", [], (2011, 7, 5)),
        ("2011-07-05T10:00:00.123Z", [], (2011, 7, 5)),
        ("9999-12-31T23:59:59Z", [], (9999, 12, 31)),
        ("0001-01-01T00:00:00Z", [], (1, 1, 1)),
        (dt.date(2011, 7, 5), ["M/D/YY"], (2011, 7, 5)),
        (dt.datetime(2011, 7, 5, 10), [], (2011, 7, 5)),  # noqa: DTZ001
        (pendulum.datetime(2011, 7, 5), [], (2011, 7, 5)),
        (20110705, [], (2011, 7, 5)),
    ],
)
def test_dates_that_are_read(text: object, formats: list[str], day: tuple[int, int, int]) -> None:
    assert read(text, *formats) == dt.date(*day)


@pytest.mark.parametrize(
    "text",
    ["", "   ", None, "0000-00-00", "0000-00-00 00:00:00", "00.00.0000", "00/00/0000", "00000000", "0000-00-00T00:00"],
)
def test_a_text_that_is_no_date_is_refused(text: object) -> None:
    assert read(text) is None


@pytest.mark.parametrize(
    ("text", "formats"),
    [
        ("7/5/2011", ["M/D/YY"]),
        ("7/5/83", ["M/D/YYYY"]),
        ("2/30/2020", ["M/D/YYYY"]),
        ("13/1/2020", ["M/D/YYYY"]),
        ("2021/366", ["YYYY/DDD"]),
        ("1/1/2020 13:00 PM", ["M/D/YYYY h:mm A"]),
        ("soon", []),
        ("7/5/2011", []),
        ("2011-7-5", []),
        ("2011", []),
        ("P3D", []),
        ("43000", []),
        ("2011-02-30", []),
        ("x" * 200, []),
    ],
)
def test_an_invalid_date_is_refused_in_words(text: str, formats: list[str]) -> None:
    with pytest.raises(ValueError, match="is not a date in"):
        read(text, *formats)


def test_two_digit_years() -> None:
    assert read("1/1/68", "M/D/YY") == dt.date(2068, 1, 1)
    assert read("1/1/69", "M/D/YY") == dt.date(1969, 1, 1)
    assert read("1/1/00", "M/D/YY") == dt.date(2000, 1, 1)


def test_a_two_digit_start_never_lies_far_ahead() -> None:
    assert read("7/5/68", "M/D/YY", start=True) == dt.date(1968, 7, 5)
    assert read("3/1/36", "M/D/YY", start=True) == dt.date(1936, 3, 1)
    assert read("2/28/36", "M/D/YY", start=True) == dt.date(2036, 2, 28)
    assert read("2/29/64", "M/D/YY", start=True) == dt.date(1964, 2, 29)
    assert read("7/5/2068", "M/D/YYYY", start=True) == dt.date(2068, 7, 5)


def test_a_moment_is_a_local_day_and_midnight_is_the_day_as_written() -> None:
    assert read("2026-03-31T12:59:00Z", zone=MELBOURNE) == dt.date(2026, 3, 31)
    assert read("2026-03-31T13:00:00Z", zone=MELBOURNE) == dt.date(2026, 4, 1)
    assert read("2026-03-31T00:00:00Z", zone=NEW_YORK) == dt.date(2026, 3, 31)
    assert read("2026-03-31T00:00:00.000-07:00", zone=MELBOURNE) == dt.date(2026, 3, 31)
    assert read("2026-03-31 23:59", zone=MELBOURNE) == dt.date(2026, 3, 31)
    assert read("2026-03-31 02:00 +0000", "YYYY-MM-DD HH:mm ZZ", zone=NEW_YORK) == dt.date(2026, 3, 30)
    assert read(pendulum.datetime(2026, 3, 31, 2), zone=NEW_YORK) == dt.date(2026, 3, 30)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("M/D", "no year"),
        ("YYYY", "no month and day"),
        ("YYYY-MM", "no month and day"),
        ("MM/dd/yyyy", "'dd'"),
        ("%m/%d/%Y", "'m'|no month|no year|not a known"),
        ("YYYY-MM-DD-MM", "twice"),
        ("", "no year"),
    ],
)
def test_a_wrong_format_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_format(text)


FORMATS = ["YYYY-MM-DD", "M/D/YYYY", "DD.MM.YYYY", "D MMM YYYY", "MMMM D, YYYY", "YYYYMMDD", "YYYY/DDDD"]


@given(st.dates(dt.date(1900, 1, 1), dt.date(8999, 12, 31)), st.sampled_from(FORMATS))
def test_pendulum_reads_it_the_same(day: dt.date, form: str) -> None:
    text = pendulum.date(day.year, day.month, day.day).format(form)
    theirs = pendulum.from_format(text, form)
    assert read(text, form) == day == dt.date(theirs.year, theirs.month, theirs.day)


def test_each_distinct_text_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = DateReader(["M/D/YY"], TODAY)
    parsed = []
    original = reader._parse
    monkeypatch.setattr(reader, "_parse", lambda text: parsed.append(text) or original(text))
    for _ in range(5):
        reader.read("7/5/11", UTC)
        reader.read(" 7/5/11", UTC)
    assert parsed == ["7/5/11"]


# -- several formats, other languages, days that Excel counts ----------------------------------------------------------


def test_formats_are_tried_in_order_until_one_reads_the_date() -> None:
    reader = DateReader(["M/D/YYYY", "D/M/YYYY"], dt.date(2026, 11, 26))
    days = [reader.read(text, dt.timezone.utc) for text in ("25/06/2017", "07/28/2018", "03/03/2015")]
    assert days == [dt.date(2017, 6, 25), dt.date(2018, 7, 28), dt.date(2015, 3, 3)]
    assert reader.warnings() == []
    with pytest.raises(ValueError, match="is not a date in M/D/YYYY or D/M/YYYY"):
        reader.read("31/31/2015", dt.timezone.utc)


def test_a_date_that_two_formats_read_differently_is_told() -> None:
    reader = DateReader(["M/D/YYYY", "D/M/YYYY"], dt.date(2026, 11, 26))
    assert reader.read("03/04/2015", dt.timezone.utc) == dt.date(2015, 3, 4)
    assert reader.warnings()[0].endswith(
        "two different days, M/D/YYYY and D/M/YYYY: 1; M/D/YYYY, which comes first, is taken"
    )
    assert same_text(["M/D/YYYY", "YYYY-MM-DD", "D/M/YYYY"]) == ("M/D/YYYY", "D/M/YYYY")
    assert same_text(["M/D/YY", "M/D/YYYY", "D.M.YYYY", "excel", "D MMMM YYYY"]) is None


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("43831", dt.date(2020, 1, 1)), ("43831.75", dt.date(2020, 1, 1)), (43831, dt.date(2020, 1, 1)),
        (43831.0, dt.date(2020, 1, 1)), ("61", dt.date(1900, 3, 1)), ("59", dt.date(1900, 2, 28)),
        ("2958465", dt.date(9999, 12, 31)), ("43831,5", dt.date(2020, 1, 1)),
    ],
)  # fmt: skip
def test_days_that_excel_counts(value: Any, day: dt.date) -> None:
    assert DateReader(["M/D/YYYY", "excel"], dt.date(2026, 11, 26)).read(value, dt.timezone.utc) == day


def test_a_number_where_a_date_is_expected_is_named() -> None:
    for formats in ([], ["M/D/YYYY"]):
        with pytest.raises(ValueError, match="if Excel counts days so, add excel to date_format"):
            DateReader(formats, dt.date(2026, 11, 26)).read("43831", dt.timezone.utc)
    # A separator of thousands is no day of 1900.
    for wrong in ("0", "99999999", "-1", "4e4", "43,831", "43.831", "43.000", "44,5"):
        with pytest.raises(ValueError, match="is not a date in excel"):
            DateReader(["excel"], dt.date(2026, 11, 26)).read(wrong, dt.timezone.utc)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("D. MMMM YYYY", "3. März 2024"), ("D. MMM YYYY", "3. Mrz. 2024"), ("D MMM YYYY", "3 mars 2024"),
        ("D [de] MMMM [de] YYYY", "3 de marzo de 2024"), ("D [de] MMMM [de] YYYY", "3 de março de 2024"),
        ("D MMMM YYYY", "3 maart 2024"), ("D-MMM-YY", "3-MAR-24"), ("D MMMM YYYY", "3 MARS 2024"),
    ],
)  # fmt: skip
def test_months_in_other_languages(form: str, text: str) -> None:
    assert DateReader([form], dt.date(2026, 11, 26)).read(text, dt.timezone.utc) == dt.date(2024, 3, 3)


def test_a_month_that_no_language_knows_is_no_date() -> None:
    with pytest.raises(ValueError, match="'Foo' is no name of a month"):
        DateReader(["D MMM YYYY"], dt.date(2026, 11, 26)).read("3 Foo 2024", dt.timezone.utc)


@pytest.mark.parametrize("text", ["12/31/99", "31.12.99"])
def test_the_last_day_of_99_with_a_two_digit_year_is_no_end(text: str) -> None:
    assert read(text, "M/D/YY", "D.M.YY") == dt.date(9999, 12, 31)
    assert read(text, "M/D/YY", "D.M.YY", start=True) == dt.date(1999, 12, 31)
    assert read("12/31/1999", "M/D/YYYY") == dt.date(1999, 12, 31)
    assert read("12/30/99", "M/D/YY") == dt.date(1999, 12, 30)
