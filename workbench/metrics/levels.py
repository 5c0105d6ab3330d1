"""Performance levels of the headline statistics, by edition; the bands are data (levels.toml), each with its source."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from workbench.errors import ParameterError
from workbench.model import Metric

LEAST_DAYS: Final = 28
"""A frequency over fewer covered days than this has no level."""


@dataclass(frozen=True, slots=True)
class Edition:
    """One year's bands: what they are called, where they come from, and what to know before quoting them."""

    key: str
    name: str
    source: str
    note: str
    bands: Mapping[str, Mapping[str, Any]]

    def level(self, metric: Metric, value: float | None, covered_days: float) -> str | None:
        """The level of a headline value; None without a value, without bands, or for a frequency over too few days."""
        band = self.bands.get(metric)
        if value is None or band is None or (metric == "deployment_frequency" and covered_days < LEAST_DAYS):
            return None
        if band.get("score"):
            score = round(10 * (1 - value), 1)
            return f"{min(score, 9.9) if value else score:.1f}/10"  # only a rate of 0 is perfect
        return next((str(row["level"]) for row in band["levels"] if _matches(row, value)), None)

    def average(self, metric: Metric) -> float | None:
        """The published mean score of all industries, where the edition has scores."""
        return self.bands.get(metric, {}).get("average")


def _matches(row: Mapping[str, Any], value: float) -> bool:
    # a rate is one division of counts, so 1/20 is the same float as the bound 0.05, and reaches it exactly
    if "below" in row and value >= row["below"]:
        return False
    return bool(row.get("at_least", value) <= value <= row.get("at_most", value))


@cache
def editions() -> Mapping[str, Edition]:
    """All editions by key, newest first."""
    data = tomllib.loads((Path(__file__).parent / "levels.toml").read_text(encoding="utf-8"))["editions"]
    return {
        key: Edition(
            key,
            body["name"],
            body["source"],
            body["note"],
            {metric: band for metric, band in body.items() if isinstance(band, dict)},
        )
        for key, body in sorted(data.items(), reverse=True)
    }


def edition(key: str) -> Edition:
    """The edition of that year.

    Raises:
        ParameterError: there is none.
    """
    try:
        return editions()[key]
    except KeyError:
        raise ParameterError(f"There is no edition {key!r} of the levels.", f"Use {', '.join(editions())}.") from None
