"""How benchmarks say times, rates and ratios."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from workbench.model import Estimate

if TYPE_CHECKING:
    from workbench.bench.targets import Target

NONE: Final = "–"
_UNITS: Final = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


def seconds(value: float | None) -> str:
    """Three digits and a unit: ``812 µs``, ``1.84 ms``, ``12.0 s``; a dash where there is none."""
    if value is None:
        return NONE
    size, unit = next((pair for pair in _UNITS if abs(value) >= 0.9995 * pair[0]), _UNITS[-1])
    return f"{digits(value / size)} {unit}"


def digits(value: float) -> str:
    """A number with three digits: ``0.05``, ``1.84``, ``12.0``, ``1,234``."""
    size = abs(value)
    return f"{value:,.{0 if size >= 99.95 else 1 if size >= 9.995 else 2}f}"


def span(low: float | None, high: float | None, say: Callable[[float], str] = seconds) -> str:
    """An interval, the unit once if it is one; ``over`` and ``under`` where so few values give one end only."""
    if low is None or high is None:
        return "" if low == high else f"over {say(low)}" if low is not None else f"under {say(high or 0.0)}"
    first, last = say(low), say(high)
    unit = last.rpartition(" ")[2]
    return f"{first.removesuffix(f' {unit}') if unit != last else first} – {last}"


def rate(per_second: float) -> str:
    """Rows or calls a second."""
    return f"{per_second:,.0f}/s" if per_second >= 10 else f"{per_second:.1f}/s"


def share(target: Target) -> str:
    """What a target is on: ``p95``, ``median, server time``."""
    said = "median" if target.percentile == 0.5 else f"p{100 * target.percentile:g}"
    return f"{said}, server time" if target.clock == "server" else said


def ratio(found: Estimate) -> str:
    """``0.42 times (0.40 – 0.45)``."""
    if found.value is None:
        return NONE
    bounds = "" if found.low is None or found.high is None else f" ({digits(found.low)} – {digits(found.high)})"
    return f"{digits(found.value)} times{bounds}"
