"""A trend as a line the height of a word: from 0 to its highest value, broken where there is no data."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from workbench.metrics.figures import TrendPoint

_WIDTH, _HEIGHT, _EDGE = 120, 32, 3


def sparkline(points: Sequence[TrendPoint]) -> str:
    """The trend as SVG; steps from or to an incomplete bucket are pale. '' without a value."""
    values = [point.value for point in points if point.value is not None]
    if not values:
        return ""
    top = max(values) or 1.0
    step = (_WIDTH - 2 * _EDGE) / max(len(points) - 1, 1)
    places = [
        None
        if point.value is None
        else (round(_EDGE + n * step, 1), round(_HEIGHT - _EDGE - point.value / top * (_HEIGHT - 2 * _EDGE), 1))
        for n, point in enumerate(points)
    ]
    whole, pale = _strokes(points, places)
    dots = "".join(f"M{place[0]} {place[1]}h0" for n, place in enumerate(places) if place and _alone(places, n))
    paths = _path(whole, 2, 1) + _path(pale, 2, 0.45) + _path(dots, 4, 1)
    base = f'<path d="M0 {_HEIGHT - 0.5}H{_WIDTH}" stroke="var(--wb-line)" vector-effect="non-scaling-stroke"/>'
    return (
        f'<svg class="wb-spark" viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" aria-hidden="true">'
        f"{base}{paths}</svg>"
    )


def _strokes(points: Sequence[TrendPoint], places: Sequence[tuple[float, float] | None]) -> tuple[str, str]:
    whole, pale = "", ""
    for (left, start), (right, end) in pairwise(zip(points, places, strict=True)):
        if start is None or end is None:
            continue
        stroke = f"M{start[0]} {start[1]}L{end[0]} {end[1]}"
        if left.partial or right.partial:
            pale += stroke
        else:
            whole += stroke
    return whole, pale


def _alone(places: Sequence[tuple[float, float] | None], number: int) -> bool:
    before = places[number - 1] if number else None
    after = places[number + 1] if number + 1 < len(places) else None
    return before is None and after is None


def _path(strokes: str, width: int, opacity: float) -> str:
    if not strokes:
        return ""
    return (
        f'<path d="{strokes}" fill="none" stroke="currentColor" stroke-width="{width}" stroke-opacity="{opacity}" '
        'stroke-linecap="round" stroke-linejoin="round" vector-effect="non-scaling-stroke"/>'
    )
