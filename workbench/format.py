"""Numbers and times as people read them: durations, rates, frequencies, changes, dates, names of rows."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from workbench.model import Figure, zone

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

UNITS: Final = ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (1, "s"))
UNIT_NAMES: Final = {"d": "days", "h": "hours", "min": "minutes", "s": "seconds"}
_RESOLUTIONS: Final = ((1, 0.01), (10, 0.1), (10 * MINUTE, 1), (DAY, MINUTE), (10 * DAY, HOUR))
"""Below so many seconds a duration is rounded to so many; each limit is a multiple of the next resolution."""

_HASH: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
MINUS: Final = "\N{MINUS SIGN}"
SHORT: Final = 10
"""Characters that are shown of a commit's hash."""


def duration(seconds: float) -> str:
    """Seconds in at most two units: ``3 min 20 s``, ``1 d 4 h``, ``12 d``."""
    size = abs(seconds)
    resolution = next((step for limit, step in _RESOLUTIONS if size < limit), DAY)
    rounded = round(round(size / resolution) * resolution, 2)
    if rounded < MINUTE:
        text = f"{rounded:g} s"
    else:
        largest = next(index for index, (length, _) in enumerate(UNITS) if rounded >= length)
        parts, rest = [], int(rounded)
        for length, unit in UNITS[largest : largest + 2]:
            count, rest = divmod(rest, length)
            parts += [f"{count:,} {unit}"] if count else []
        text = " ".join(parts)
    return _signed(seconds, text)


def share(value: float) -> str:
    """A share of 1 in percent: ``12.5 %``."""
    return f"{_percent(value)} %"


def number(value: float) -> str:
    """A number with about three digits: ``0.23``, ``3.4``, ``12.5``, ``1,234``."""
    size = abs(float(value))
    digits = 0 if size.is_integer() or size >= 99.95 else 2 if size < 0.995 else 1
    return _signed(value, f"{size:,.{digits}f}" if size == 0 or size >= 0.005 else f"{size:.1g}")


def value(amount: float, unit: str) -> str:
    """A figure's value in its unit (model.Figure): seconds, share, per week or days."""
    if unit == "seconds":
        return duration(amount)
    if unit == "share":
        return share(amount)
    return f"{number(amount)} {unit}"


def interval(low: float | None, high: float | None, unit: str) -> str:
    """A 95 % interval in the unit of its value; '' where there is none."""
    if low is None or high is None:
        return ""
    if unit == "share":
        return f"{_percent(low)}–{_percent(high)} %"
    if unit == "seconds":
        return f"{duration(low)} – {duration(high)}"
    return f"{number(low)}–{number(high)} {unit}"


def change(figure: Figure, *, signed: bool = True) -> str:
    """A change with its sign: percentage points (pp) for rates, else percent; '' where there is none."""
    if figure.change is None:
        return ""
    sign = "+" if figure.change > 0 else MINUS if figure.change < 0 else "±"
    return f"{sign if signed else ''}{_percent(abs(figure.change))} {'pp' if figure.unit == 'share' else '%'}"


def moment(time: datetime, timezone: str) -> str:
    """A time to the minute in a zone; naive times are UTC, as the stores keep them."""
    return f"{local(time, timezone):%Y-%m-%d %H:%M}"


def local(time: datetime, timezone: str) -> datetime:
    """A time in a zone; naive times are UTC."""
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(zone(timezone))


def days(start: datetime, end: datetime) -> str:
    """The days of [start, end), the last one included: ``2026-03-02 to 2026-03-08``; else with times."""
    if start.time() == end.time() == datetime.min.time():
        last = end.date() - timedelta(days=1)
        return f"{start.date()}" if last == start.date() else f"{start.date()} to {last}"
    return f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}"


def count(amount: int, noun: str, plural: str = "") -> str:
    """``1 deployment``, ``1,234 deployments``."""
    return f"{amount:,} {noun if amount == 1 else plural or noun + 's'}"


def short_id(name: str) -> str:
    """The first characters of a commit's hash; any other name as it is."""
    return name[:SHORT] if _HASH.fullmatch(name) else name


def _percent(part: float) -> str:
    percent = round(abs(float(part)) * 100, 9)  # 0.07 * 100 is 7.000000000000001
    digits = 0 if percent.is_integer() else 1
    return _signed(part, f"{percent:,.{digits}f}" if percent == 0 or percent >= 0.05 else f"{percent:.1g}")


def _signed(amount: float, text: str) -> str:
    return f"{MINUS}{text}" if amount < 0 else text
