"""Axes of times, with ticks as people say them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Final

_TICKS: Final = tuple(10.0**power * step for power in range(-6, 3) for step in (1, 3))


def seconds_axis(title: str, values: Iterable[float]) -> dict[str, Any]:
    """A logarithmic axis of times, with ticks as people say them."""
    present = [value for value in values if value > 0]
    ends = [math.log10(min(present) / 1.4), math.log10(max(present) * 1.4)]
    ticks = [tick for tick in _TICKS if ends[0] <= math.log10(tick) <= ends[1]]
    return {
        "type": "log",
        "range": ends,
        "tickvals": ticks,
        "ticktext": [_tick(tick) for tick in ticks],
        "title": {"text": f"{title} (log scale)"},
    }


def _tick(value: float) -> str:
    size, unit = next((pair for pair in ((1, "s"), (1e-3, "ms")) if value >= 0.99 * pair[0]), (1e-6, "µs"))
    return f"{value / size:.0f} {unit}"


def linear_ticks(values: Sequence[float]) -> list[float]:
    """Three round ticks from 0 to beyond the largest."""
    step = 10 ** math.floor(math.log10(max(values) / 2))
    step *= next(factor for factor in (1, 2, 5, 10) if max(values) / (factor * step) <= 3)
    return [number * step for number in range(int(1.25 * max(values) / step) + 1)]
