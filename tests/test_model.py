"""Windows, days and buckets, where clocks jump: every expected time was worked out from the zone's rules by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import ParameterError
from workbench.model import HEADLINES, METRICS, BucketUnit, Window, local_midnight, naive_utc, zone

ZONES = st.sampled_from(sorted(available_timezones() - {"localtime", "Factory"}))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone_name", "day", "expected"),
    [
        ("UTC", date(2025, 3, 1), "2025-03-01 00:00"),
        ("Europe/Berlin", date(2025, 3, 30), "2025-03-29 23:00"),  # clocks jump at 02:00, after midnight
        ("Europe/Berlin", date(2025, 10, 27), "2025-10-26 23:00"),  # back to winter
        ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04 03:00"),  # 00:00 became 01:00
        ("America/Sao_Paulo", date(2018, 2, 18), "2018-02-18 03:00"),  # 24:00 of the 17th became 23:00: shown after it
        ("Asia/Beirut", date(2022, 3, 27), "2022-03-26 22:00"),  # 00:00 became 01:00
        ("America/Havana", date(2024, 11, 3), "2024-11-03 04:00"),  # 01:00 became 00:00: the first of two midnights
        ("Pacific/Apia", date(2011, 12, 30), "2011-12-30 10:00"),  # this day never was
        ("Pacific/Apia", date(2011, 12, 31), "2011-12-30 10:00"),
    ],
)
def test_a_day_starts_at_its_first_moment(zone_name: str, day: date, expected: str) -> None:
    assert local_midnight(day, zone_name).astimezone(UTC) == utc(expected)


def test_last_days_are_the_complete_local_days_before_today() -> None:
    window = Window.last_days(3, "Europe/Berlin", now=utc("2025-03-31 21:59"))  # 23:59 in Berlin, still the 31st
    assert window.utc == (datetime(2025, 3, 27, 23), datetime(2025, 3, 30, 22))
    later = Window.last_days(3, "Europe/Berlin", now=utc("2025-03-31 22:00"))  # midnight: the 1st of April
    assert later.utc == (datetime(2025, 3, 28, 23), datetime(2025, 3, 31, 22))


def test_end_is_exclusive_and_a_day_of_dst_has_23_hours() -> None:
    window = Window.between(date(2025, 3, 30), date(2025, 3, 31), "Europe/Berlin")
    assert window.utc == (datetime(2025, 3, 29, 23), datetime(2025, 3, 30, 22))
    assert window.days == 1


@pytest.mark.parametrize(
    ("zone_name", "start", "end", "expected"),
    [
        # 30 days with the spring change; the 30 days before have none
        ("Europe/Berlin", date(2025, 3, 17), date(2025, 4, 16), ("2025-02-14 23:00", "2025-03-16 23:00")),
        # the window starts on the day whose midnight was skipped (01:00 local), the one before at a true midnight
        ("America/Sao_Paulo", date(2018, 11, 4), date(2018, 11, 11), ("2018-10-28 03:00", "2018-11-04 03:00")),
        # the one before starts on the day whose midnight was skipped
        ("America/Sao_Paulo", date(2018, 11, 11), date(2018, 11, 18), ("2018-11-04 03:00", "2018-11-11 02:00")),
        ("UTC", date(2024, 3, 1), date(2024, 3, 31), ("2024-01-31 00:00", "2024-03-01 00:00")),
    ],
)
def test_previous_window_is_the_same_number_of_days_before(
    zone_name: str, start: date, end: date, expected: tuple[str, str]
) -> None:
    previous = Window.between(start, end, zone_name).previous()
    assert previous.utc == tuple(datetime.fromisoformat(text) for text in expected)


def test_previous_of_a_window_within_a_day_is_the_same_time_before() -> None:
    window = Window(utc("2025-03-30 00:30"), utc("2025-03-30 01:30"), "Europe/Berlin")
    assert window.previous().utc == (datetime(2025, 3, 29, 23, 30), datetime(2025, 3, 30, 0, 30))


def test_previous_of_a_window_that_starts_at_noon_starts_at_noon() -> None:
    window = Window(utc("2025-01-10 12:00"), utc("2025-01-12 18:00"))
    assert window.previous().utc == (datetime(2025, 1, 8, 12), datetime(2025, 1, 10, 12))


def test_weeks_start_on_monday_and_cut_ones_are_marked() -> None:
    buckets = Window.between(date(2025, 1, 1), date(2025, 1, 15)).buckets("week")  # Wednesday to Wednesday
    assert [(b.start.date(), b.end.date(), b.partial) for b in buckets] == [
        (date(2025, 1, 1), date(2025, 1, 6), True),
        (date(2025, 1, 6), date(2025, 1, 13), False),
        (date(2025, 1, 13), date(2025, 1, 15), True),
    ]


def test_months_are_calendar_months_and_cut_ones_are_marked() -> None:
    buckets = Window.between(date(2024, 1, 31), date(2024, 3, 1)).buckets("month")
    assert [(b.start.date(), b.end.date(), b.partial) for b in buckets] == [
        (date(2024, 1, 31), date(2024, 2, 1), True),
        (date(2024, 2, 1), date(2024, 3, 1), False),
    ]


def test_days_follow_the_clock_changes() -> None:
    buckets = Window.between(date(2025, 10, 25), date(2025, 10, 28), "Europe/Berlin").buckets("day")
    hours = [(b.end.astimezone(UTC) - b.start.astimezone(UTC)) / timedelta(hours=1) for b in buckets]
    assert hours == [24, 25, 24]


def test_a_day_that_never_was_is_no_bucket() -> None:
    buckets = Window.between(date(2011, 12, 29), date(2012, 1, 1), "Pacific/Apia").buckets("day")
    assert [b.start.date() for b in buckets] == [date(2011, 12, 29), date(2011, 12, 31)]


def test_an_edge_in_the_repeated_hour_cuts_the_day() -> None:
    """Two times of one zone compare by what the clock shows; in the repeated hour that hides an hour."""
    second_midnight = datetime(2024, 11, 3, 0, 0, fold=1, tzinfo=ZoneInfo("America/Havana"))
    window = Window(second_midnight, second_midnight + timedelta(days=1), "America/Havana")
    assert window.utc[0] == datetime(2024, 11, 3, 5)
    assert window.buckets("day")[0].partial


def test_window_is_told_in_its_own_zone() -> None:
    window = Window(utc("2025-01-01 23:30"), utc("2025-01-02 23:30"), "Europe/Berlin")
    assert window.start.isoformat() == "2025-01-02T00:30:00+01:00"
    assert window.days == 2


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Window(datetime(2025, 1, 1), datetime(2025, 1, 2)), "offset"),
        (lambda: Window.between(date(2025, 1, 2), date(2025, 1, 2)), "empty"),
        (lambda: Window.between(date(2025, 1, 2), date(2025, 1, 1)), "exclusive"),
        (lambda: Window.last_days(0), "0 days"),
        (lambda: Window.last_days(40_000), "40000 days"),
        (lambda: Window.between(date(1, 1, 1), date(1, 1, 2), "Europe/Berlin"), "1900"),
        (lambda: Window.between(date(9999, 12, 30), date(9999, 12, 31), "America/New_York"), "1900"),
        (lambda: Window.between(date(1900, 1, 1), date(2100, 1, 1)), "36525 days"),
        (lambda: Window.last_days(1, "Mars/Olympus"), "Mars/Olympus"),
        (lambda: zone("../etc/passwd"), "IANA"),
        (lambda: Window.between(date(2025, 1, 1), date(2025, 1, 2)).buckets("year"), "day, week, month"),  # type: ignore[arg-type]
    ],
)
def test_impossible_windows_are_one_clear_error(make: object, says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        make()  # type: ignore[operator]


def test_every_metric_has_a_headline() -> None:
    assert set(HEADLINES) == set(METRICS)


def test_naive_utc_keeps_the_instant() -> None:
    berlin = datetime(2025, 7, 1, 2, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    assert naive_utc(berlin) == datetime(2025, 7, 1, 0, 0)


@given(
    ZONES,
    st.datetimes(datetime(1971, 1, 1), datetime(2037, 1, 1)),
    st.timedeltas(timedelta(microseconds=1), timedelta(days=70)),
    st.sampled_from(["day", "week", "month"]),
)
def test_buckets_tile_the_window(name: str, start: datetime, length: timedelta, unit: BucketUnit) -> None:
    """In every zone of the world: nothing is counted twice, nothing falls between, none is empty."""
    first = start.replace(tzinfo=UTC)
    window = Window(first, first + length, name)
    buckets = window.buckets(unit)
    edges = [(naive_utc(bucket.start), naive_utc(bucket.end)) for bucket in buckets]
    assert (edges[0][0], edges[-1][1]) == window.utc
    assert all(one[1] == two[0] for one, two in pairwise(edges))
    assert all(one < two for one, two in edges)
    assert not any(bucket.partial for bucket in buckets[1:-1])


@given(ZONES, st.dates(date(1972, 1, 1), date(2036, 1, 1)), st.integers(1, 100))
def test_previous_window_ends_where_this_one_starts(name: str, start: date, days: int) -> None:
    if name == "Pacific/Apia" or name.startswith("Pacific/Kwaj") or name == "Kwajalein":
        return  # where a day never was, the number of days is a matter of taste
    window = Window.between(start, start + timedelta(days=days), name)
    previous = window.previous()
    assert previous.utc[1] == window.utc[0]
    assert previous.start == local_midnight(start - timedelta(days=days), name)
