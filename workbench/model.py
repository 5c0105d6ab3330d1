"""Frozen values that every room may use: windows, buckets, estimates, figures. No heavy import, no input or output."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from workbench.errors import ParameterError

Metric = Literal["deployment_frequency", "lead_time", "change_fail_rate", "recovery_time", "rework_rate"]
METRICS: Final[tuple[Metric, ...]] = get_args(Metric)
Statistic = Literal["per_week", "median_days_per_week", "median", "mean", "p90", "rate"]
HEADLINES: Final[dict[Metric, Statistic]] = {
    "deployment_frequency": "per_week",
    "lead_time": "median",
    "change_fail_rate": "rate",
    "recovery_time": "median",
    "rework_rate": "rate",
}
"""The statistic of each metric that cards show and levels are given for."""

BucketUnit = Literal["day", "week", "month"]
BUCKET_UNITS: Final[tuple[BucketUnit, ...]] = get_args(BucketUnit)

DAY: Final = timedelta(days=1)
LONGEST_DAYS: Final = 36_525
"""A window holds at most a hundred years."""


def zone(name: str) -> ZoneInfo:
    """The IANA time zone of that name.

    Raises:
        ParameterError: there is none.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ParameterError(
            f"There is no time zone named {name!r}.", "Give an IANA name, such as Europe/Berlin or UTC."
        ) from None


def naive_utc(moment: datetime) -> datetime:
    """An aware time as the stores keep it: UTC without tzinfo."""
    return moment.astimezone(UTC).replace(tzinfo=None)


@lru_cache(maxsize=4096)  # every question asks for the same few hundred days
def local_midnight(day: date, timezone: str) -> datetime:
    """The first moment of a local day; where a DST change skips midnight, the moment after the gap."""
    return _settled(datetime.combine(day, time(), tzinfo=zone(timezone)), timezone)


def _settled(moment: datetime, timezone: str) -> datetime:
    """An aware time in a zone; one that a clock never showed becomes the moment after the gap.

    Raises:
        ParameterError: it lies outside the years that a calendar can count.
    """
    try:
        return moment.astimezone(UTC).astimezone(zone(timezone))
    except OverflowError:
        raise ParameterError(f"{moment:%Y-%m-%d} is too far away.", "Use a date between 1900 and 2999.") from None


@dataclass(frozen=True, slots=True)
class Bucket:
    """One step of a trend, [start, end), aware. ``partial``: cut by the window's edge."""

    start: datetime
    end: datetime
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """The time that a question is about: [start, end), aware, counted in the days of ``timezone``."""

    start: datetime
    end: datetime
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ParameterError("A window needs times with an offset.", "Use Window.last_days or Window.between.")
        object.__setattr__(self, "start", _settled(self.start, self.timezone))
        object.__setattr__(self, "end", _settled(self.end, self.timezone))
        if self.utc[0] >= self.utc[1]:
            raise ParameterError(
                f"The window from {self.start.isoformat()} to {self.end.isoformat()} is empty.",
                "The end is exclusive and must come after the start.",
            )
        # the window before one that starts in 1900 must be possible, too
        if self.start.year < 1800 or self.end.year > 2999 or (self.end - self.start).days > LONGEST_DAYS:
            raise ParameterError(
                f"The window from {self.start:%Y-%m-%d} to {self.end:%Y-%m-%d} is not possible.",
                f"Ask about at most {LONGEST_DAYS} days between 1900 and 2999.",
            )

    @classmethod
    def last_days(cls, days: int, timezone: str = "UTC", now: datetime | None = None) -> Window:
        """The ``days`` complete local days before today's midnight."""
        if not 1 <= days <= LONGEST_DAYS:
            raise ParameterError(
                f"A window of {days} days is not possible.", f"Give between 1 and {LONGEST_DAYS} days."
            )
        today = (now or datetime.now(UTC)).astimezone(zone(timezone)).date()
        return cls(local_midnight(today - days * DAY, timezone), local_midnight(today, timezone), timezone)

    @classmethod
    def between(cls, start: date, end: date, timezone: str = "UTC") -> Window:
        """From the first moment of ``start`` to the first moment of ``end`` (exclusive).

        Datetimes are taken as they are, those without an offset as local.
        """
        return cls(_moment(start, timezone), _moment(end, timezone), timezone)

    @property
    def utc(self) -> tuple[datetime, datetime]:
        """Start and end in naive UTC, as the stores compare them."""
        return naive_utc(self.start), naive_utc(self.end)

    @property
    def days(self) -> int:
        """Calendar days touched by the window."""
        last = (self.end.astimezone(UTC) - timedelta(microseconds=1)).astimezone(self.end.tzinfo)
        return (last.date() - self.start.date()).days + 1

    def previous(self) -> Window:
        """The window of the same number of calendar days that ends where this one starts.

        Of a window within one day, it is the same elapsed time before.
        """
        days = self.end.date() - self.start.date()
        if not days:
            elapsed = self.end.astimezone(UTC) - self.start.astimezone(UTC)
            return Window(self.start.astimezone(UTC) - elapsed, self.start, self.timezone)
        day = self.start.date() - days
        if self.start == local_midnight(self.start.date(), self.timezone):  # which a DST change may have put at 01:00
            return Window(local_midnight(day, self.timezone), self.start, self.timezone)
        return Window(datetime.combine(day, self.start.timetz()), self.start, self.timezone)

    def buckets(self, unit: BucketUnit) -> tuple[Bucket, ...]:
        """The local days, Monday weeks or months that the window touches, cut to it; cut ones are marked partial."""
        if unit not in BUCKET_UNITS:
            raise ParameterError(f"There is no bucket {unit!r}.", f"Use one of {', '.join(BUCKET_UNITS)}.")
        return tuple(self._cut(unit))

    def _cut(self, unit: BucketUnit) -> Iterator[Bucket]:
        # compared in UTC: two times of one zone compare by what the clock shows, which DST repeats
        first, last = self.start.astimezone(UTC), self.end.astimezone(UTC)
        day = floor_day(self.start.date(), unit)
        while (start := local_midnight(day, self.timezone)).astimezone(UTC) < last:
            day = next_day(day, unit)
            end = local_midnight(day, self.timezone)
            begins, ends = start.astimezone(UTC), end.astimezone(UTC)
            if ends > first and ends > begins:  # a day that a zone skipped (Apia, 30 December 2011) is no bucket
                yield Bucket(
                    self.start if begins < first else start,
                    self.end if ends > last else end,
                    partial=begins < first or ends > last,
                )


def _moment(value: date, timezone: str) -> datetime:
    if not isinstance(value, datetime):
        return local_midnight(value, timezone)
    return _settled(value if value.tzinfo else value.replace(tzinfo=zone(timezone)), timezone)


def floor_day(day: date, unit: BucketUnit) -> date:
    """The first day of the bucket that ``day`` lies in; weeks start on Monday."""
    if unit == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if unit == "month" else day


def next_day(day: date, unit: BucketUnit) -> date:
    """The first day of the bucket after the one that starts on ``day``."""
    if unit == "month":
        return (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return day + (timedelta(days=7) if unit == "week" else DAY)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with the number of observations behind it and its 95 % interval; None where there is none."""

    value: float | None
    n: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a report, with how it came about.

    ``project`` is None for figures pooled over several projects. ``unit`` is ``per week``, ``days``, ``seconds`` or
    ``share`` (of 1). ``change`` against the previous window: percentage points as a share for rates, else new/old - 1;
    None where either window is not fully covered or has no value.
    """

    project: str | None
    metric: Metric
    statistic: Statistic
    value: float | None
    unit: str
    n: int
    low: float | None
    high: float | None
    level: str | None
    previous: float | None
    change: float | None
    rule: str


DEFAULT_DAYS: Final = 90


def window_of(
    days: int | None, start: date | str | None, end: date | str | None, timezone: str, now: datetime | None = None
) -> Window:
    """A window from what a user gives: days, or start and end (exclusive) as dates or ISO texts.

    Raises:
        ParameterError: both or half of it is given, or a text is no date.
    """
    if start is None and end is None:
        return Window.last_days(DEFAULT_DAYS if days is None else days, timezone, now)
    if days is not None or start is None or end is None:
        raise ParameterError(
            "A window is either days, or start and end.", "Give --days N, or --start DATE and --end DATE (exclusive)."
        )
    return Window.between(parse_date(start), parse_date(end), timezone)


def parse_date(value: date | str) -> date:
    """A date or a time from an ISO text.

    Raises:
        ParameterError: it is none.
    """
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value) if len(value) <= 10 else datetime.fromisoformat(value)
    except ValueError:
        raise ParameterError(f"{value!r} is no date.", "Write it as 2026-03-31.") from None
