"""Times of log lines by columns: ``Mar  1 10:00:00`` (RFC 3164) and ISO 8601 (RFC 5424, rsyslog), in milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from workbench.sources.log_bytes import Bytes, Mask, Numbers, Text, digits, month_codes

SECOND: Final = 1000
MINUTE: Final = 60 * SECOND
DAY: Final = 86_400 * SECOND
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2262
CLASSIC_WIDTH: Final = len("Mar  1 10:00:00")
_SECONDS_WIDTH: Final = len("2026-03-01T10:00:00")
_FRACTION: Final = 9
_TOLERANCE: Final = timedelta(days=1)
_QUARTER: Final = 15 * MINUTE
_BLANK, _COLON, _DASH, _DOT = (ord(char) for char in " :-.")


@dataclass(frozen=True, slots=True)
class Times:
    """Times read from text.

    Attributes:
        moments: milliseconds since 1970; local where there is no ``offset``.
        offset: whether the text states an offset, which ``moments`` then account for.
        ends: the position behind the text.
        shaped: whether the text has the form of a time at all.
        exists: whether such a date and time of day exist, within the years 1970 to 2262.
    """

    moments: Numbers
    offset: Mask
    ends: Numbers
    shaped: Mask
    exists: Mask


def classic(text: Text, starts: Numbers, latest: datetime) -> Times:
    """RFC 3164: no year. It is the one that puts the line nearest before ``latest`` (local time, naive).

    A line up to a day after it is still of that year: clocks differ.
    """
    seen = text.window(starts, CLASSIC_WIDTH + 1)
    codes, months = month_codes()
    code = (seen[:, 0].astype(np.int64) << 16) | (seen[:, 1].astype(np.int64) << 8) | seen[:, 2]
    place = np.minimum(np.searchsorted(codes, code), len(codes) - 1)
    tens = np.where(seen[:, 4] == _BLANK, ord("0"), seen[:, 4]).astype(np.uint8)
    day, good = digits(np.stack([tens, seen[:, 5]], axis=1))
    clock, clock_good, possible = _clock(seen[:, 7:15])
    shaped = (codes[place] == code) & good & clock_good & (seen[:, 3] == _BLANK) & (seen[:, 6] == _BLANK)
    month = months[place]
    year = _year(month, day, clock, latest + _TOLERANCE)
    moments, exists = _moments(year, month, day, clock)
    ends = starts + CLASSIC_WIDTH
    return Times(moments, np.zeros(len(starts), dtype=np.bool_), ends, shaped, exists & possible)


def iso(text: Text, starts: Numbers) -> Times:
    """``2026-03-01T10:00:00.123456+01:00``: ``T`` or a space, up to 9 digits of a fraction, an offset or none."""
    seen = text.window(starts, _SECONDS_WIDTH + 1 + _FRACTION + 1)
    year, good = digits(seen[:, 0:4])
    month, month_good = digits(seen[:, 5:7])
    day, day_good = digits(seen[:, 8:10])
    clock, clock_good, possible = _clock(seen[:, 11:19])
    separator = (seen[:, 10] == ord("T")) | (seen[:, 10] == _BLANK) | (seen[:, 10] == ord("t"))
    shaped = good & month_good & day_good & clock_good & separator & (seen[:, 4] == _DASH) & (seen[:, 7] == _DASH)
    moments, exists = _moments(year, month, day, clock)
    fraction, width, fraction_good = _fraction(seen[:, _SECONDS_WIDTH:])
    offset, offset_width, stated, offset_good = _offset(text.window(starts + _SECONDS_WIDTH + width, 6))
    return Times(
        moments + fraction - offset,
        stated,
        starts + _SECONDS_WIDTH + width + offset_width,
        shaped & fraction_good & offset_good,
        exists & possible,
    )


def _clock(seen: Bytes) -> tuple[Numbers, Mask, Mask]:
    """``hh:mm:ss`` as milliseconds, whether it has that form, and whether such a time exists (60: a leap second)."""
    hour, hour_good = digits(seen[:, 0:2])
    minute, minute_good = digits(seen[:, 3:5])
    second, second_good = digits(seen[:, 6:8])
    shaped = hour_good & minute_good & second_good & (seen[:, 2] == _COLON) & (seen[:, 5] == _COLON)
    possible = (hour <= 23) & (minute <= 59) & (second <= 60)
    return ((hour * 60 + minute) * 60 + second) * SECOND, shaped, possible


def _moments(year: Numbers, month: Numbers, day: Numbers, clock: Numbers) -> tuple[Numbers, Mask]:
    """Milliseconds since 1970, and whether the day exists."""
    in_range = (year >= FIRST_YEAR) & (year <= LAST_YEAR) & (month >= 1) & (month <= 12) & (day >= 1)
    number = np.where(in_range, (year - FIRST_YEAR) * 12 + month - 1, 0)
    first = np.arange(0, (LAST_YEAR - FIRST_YEAR + 1) * 12 + 1).astype("datetime64[M]").astype("datetime64[D]")
    days = first.astype(np.int64)
    exists = in_range & (day <= days[number + 1] - days[number])
    return (days[number] + day - 1) * DAY + clock, exists


def _year(month: Numbers, day: Numbers, clock: Numbers, limit: datetime) -> Numbers:
    """The latest year in which that moment is not after the limit; for 29 February the latest that has one."""
    within = (limit - limit.replace(hour=0, minute=0, second=0, microsecond=0)) // timedelta(milliseconds=1)
    key = (month * 100 + day) * DAY + clock
    year = np.where(key > (limit.month * 100 + limit.day) * DAY + within, limit.year - 1, limit.year)
    leap_day = (month == 2) & (day == 29)
    if leap_day.any():
        for _ in range(8):  # 1896 and 1904 are the farthest apart
            leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
            year = np.where(leap_day & ~leap, year - 1, year)
    return year


def _fraction(seen: Bytes) -> tuple[Numbers, Numbers, Mask]:
    """Milliseconds of ``.123456`` (cut off), how wide the text is, and whether it is right; none is right, too."""
    there = seen[:, 0] == _DOT
    milliseconds = np.zeros(len(seen), dtype=np.int64)
    width, running = there.astype(np.int64), there.copy()
    for place in range(1, _FRACTION + 1):
        value = seen[:, place].astype(np.int64) - ord("0")
        running = running & (value >= 0) & (value <= 9)
        width += running
        if place <= 3:
            milliseconds += np.where(running, value * 10 ** (3 - place), 0)
    return milliseconds, width, ~there | (width > 1)


def _offset(seen: Bytes) -> tuple[Numbers, Numbers, Mask, Mask]:
    """Milliseconds of ``Z``, ``+hh:mm``, ``+hhmm`` or ``+hh``; its width; whether there is one; whether it is right."""
    zulu = (seen[:, 0] == ord("Z")) | (seen[:, 0] == ord("z"))
    signed = (seen[:, 0] == ord("+")) | (seen[:, 0] == _DASH)
    if not signed.any():
        return np.zeros(len(seen), dtype=np.int64), zulu.astype(np.int64), zulu, np.ones(len(seen), dtype=np.bool_)
    hours, hours_good = digits(seen[:, 1:3])
    with_colon = seen[:, 3] == _COLON
    colon_minutes, colon_good = digits(seen[:, 4:6])
    plain_minutes, plain_good = digits(seen[:, 3:5])
    minutes = np.where(with_colon, colon_minutes, np.where(plain_good, plain_minutes, 0))
    width = np.where(with_colon, 6, np.where(plain_good, 5, 3))
    good = hours_good & (hours <= 14) & (minutes <= 59) & (~with_colon | colon_good)
    sign = np.where(seen[:, 0] == _DASH, -1, 1)
    offset = np.where(signed, sign * (hours * 60 + minutes) * MINUTE, 0)
    return offset, np.where(signed, width, zulu), zulu | signed, ~signed | good


def to_utc(local: Numbers, timezone: str) -> tuple[Numbers, Mask]:
    """Local milliseconds as UTC, and whether a clock of that zone ever showed them; of a repeated hour, the first."""
    from workbench.model import zone

    rules = zone(timezone)
    if timezone == "UTC":
        return local, np.ones(len(local), dtype=np.bool_)
    quarters, place = np.unique(local // _QUARTER, return_inverse=True)  # no zone's rules change within one
    shifts = np.zeros(len(quarters), dtype=np.int64)
    exists = np.ones(len(quarters), dtype=np.bool_)
    epoch = datetime(1970, 1, 1)
    for number, quarter in enumerate(quarters.tolist()):
        shown = epoch + timedelta(milliseconds=quarter * _QUARTER)
        moment = shown.replace(tzinfo=rules).astimezone(UTC)
        exists[number] = moment.astimezone(rules).replace(tzinfo=None) == shown
        shifts[number] = (shown - moment.replace(tzinfo=None)) // timedelta(milliseconds=1)
    return local - shifts[place], exists[place]
