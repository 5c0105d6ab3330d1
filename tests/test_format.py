"""Numbers and times as people read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import format as human
from workbench.model import Figure, Window

_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (0.04, "0.04 s"),
        (0.4, "0.4 s"),
        (1.26, "1.3 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.7, "1 min"),
        (200, "3 min 20 s"),
        (599.6, "10 min"),
        (2700, "45 min"),
        (3599, "1 h"),
        (12_000, "3 h 20 min"),
        (86_399, "1 d"),
        (100_800, "1 d 4 h"),
        (863_999, "10 d"),
        (12 * 86_400 + 40_000, "12 d"),
        (1234 * 86_400, "1,234 d"),
        (-90, "−1 min 30 s"),
    ],
)
def test_a_duration_has_at_most_two_units(seconds: float, shown: str) -> None:
    assert human.duration(seconds) == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0, "0 %"),
        (0.0003, "0.03 %"),
        (0.07, "7 %"),
        (0.0303, "3.0 %"),
        (0.125, "12.5 %"),
        (1 / 3, "33.3 %"),
        (1, "100 %"),
        (-0.02, "−2 %"),
    ],
)
def test_a_share_is_shown_in_percent(share: float, shown: str) -> None:
    assert human.share(share) == shown


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (0, "0"),
        (0.001, "0.001"),
        (0.234, "0.23"),
        (0.998, "1.0"),
        (3.44, "3.4"),
        (3, "3"),
        (99.97, "100"),
        (1234.4, "1,234"),
        (-3.44, "−3.4"),
    ],
)
def test_a_number_has_about_three_digits(amount: float, shown: str) -> None:
    assert human.number(amount) == shown


def _read(duration: str) -> float:
    """The seconds that a shown duration says."""
    pairs = re.findall(r"([\d.,]+) (s|min|h|d)", duration)
    size = sum(float(amount.replace(",", "")) * _SECONDS[unit] for amount, unit in pairs)
    return -size if duration.startswith(human.MINUS) else size


durations = st.decimals(min_value=-(10**9), max_value=10**9, places=2).map(float)


@given(durations)
def test_a_duration_keeps_its_sign_and_is_close(seconds: float) -> None:
    shown = human.duration(seconds)
    assert shown.startswith(human.MINUS) == (seconds < 0)
    assert _read(shown) == pytest.approx(seconds, rel=0.06, abs=0.005)


@given(durations, durations)
def test_a_longer_duration_never_looks_shorter(one: float, other: float) -> None:
    shorter, longer = sorted((one, other))
    assert _read(human.duration(shorter)) <= _read(human.duration(longer))


@given(st.floats(-(10**6), 10**6))
def test_numbers_and_shares_keep_their_sign(amount: float) -> None:
    assert human.number(amount).startswith(human.MINUS) == (amount < 0)
    assert human.share(amount).startswith(human.MINUS) == (amount < 0)


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (3.44, "per week", "3.4 per week"),
        (2.5, "days", "2.5 days"),
        (100_800.0, "seconds", "1 d 4 h"),
        (0.5, "share", "50 %"),
    ],
)
def test_a_value_is_shown_in_its_unit(value: float, unit: str, shown: str) -> None:
    assert human.value(value, unit) == shown


@pytest.mark.parametrize(
    ("low", "high", "unit", "shown"),
    [
        (0.05, 0.206, "share", "5–20.6 %"),
        (600.0, 100_800.0, "seconds", "10 min – 1 d 4 h"),
        (1.5, 4.25, "per week", "1.5–4.2 per week"),
        (None, 4.25, "per week", ""),
        (1.5, None, "per week", ""),
    ],
)
def test_an_interval_is_shown_whole_or_not_at_all(low: float | None, high: float | None, unit: str, shown: str) -> None:
    assert human.interval(low, high, unit) == shown


def _figure(unit: str, change: float | None) -> Figure:
    return Figure("shop", "lead_time", "median", 1.0, unit, 9, None, None, None, 1.0, change, "")


@pytest.mark.parametrize(
    ("unit", "change", "shown"),
    [
        ("seconds", 0.25, "+25 %"),
        ("seconds", -0.125, "−12.5 %"),
        ("share", 0.031, "+3.1 pp"),
        ("share", 0.0, "±0 pp"),
        ("share", None, ""),
    ],
)
def test_a_change_says_its_sign_and_whether_it_is_in_points(unit: str, change: float | None, shown: str) -> None:
    assert human.change(_figure(unit, change)) == shown


def test_a_change_without_its_sign_is_for_those_that_show_an_arrow() -> None:
    assert human.change(_figure("seconds", -0.125), signed=False) == "12.5 %"


def test_a_stored_time_is_shown_in_the_zone() -> None:
    assert human.moment(datetime(2026, 7, 1, 22, 30), "Europe/Berlin") == "2026-07-02 00:30"
    assert human.moment(datetime(2026, 1, 1, 22, 30, tzinfo=UTC), "Europe/Berlin") == "2026-01-01 23:30"


def test_days_name_the_last_day_although_the_end_is_exclusive() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    week = Window.between(datetime(2026, 3, 23), datetime(2026, 3, 30), "Europe/Berlin")  # the clocks change in it
    assert human.days(week.start, week.end) == "2026-03-23 to 2026-03-29"
    assert human.days(datetime(2026, 3, 23, tzinfo=berlin), datetime(2026, 3, 24, tzinfo=berlin)) == "2026-03-23"
    cut = human.days(datetime(2026, 3, 23, 6, tzinfo=berlin), datetime(2026, 3, 24, tzinfo=berlin))
    assert cut == "2026-03-23 06:00 to 2026-03-24 00:00"


@pytest.mark.parametrize(("amount", "shown"), [(0, "0 changes"), (1, "1 change"), (1234, "1,234 changes")])
def test_counts_agree_with_their_noun(amount: int, shown: str) -> None:
    assert human.count(amount, "change") == shown


def test_only_hashes_are_shortened() -> None:
    sha = "0123456789" * 4
    assert human.short_id(sha) == "0123456789"
    assert (
        human.short_id("deploy-2026-03-01-with-a-long-name-of-its-own")
        == "deploy-2026-03-01-with-a-long-name-of-its-own"
    )
