"""Targets as data (targets.toml), and what a measured case makes of them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from workbench.errors import ConfigurationError

Clock = Literal["client", "server"]
FORMAT: Final = 1
SOURCES: Final = {"team": "what teams with this stack ask for", "project": "what this project holds itself to"}
_STANDS_FOR: Final = {"[metrics]": ("embedded", "mysql"), "[logs]": ("embedded", "cassandra")}


@dataclass(frozen=True, slots=True)
class Target:
    """A limit on a percentile of a case: seconds (``below``), or with ``at_least`` rows a second."""

    case: str
    limit: float
    at_least: bool
    percentile: float
    clock: Clock
    source: str


@cache
def targets() -> tuple[Target, ...]:
    """All targets of the package."""
    return read(Path(__file__).with_name("targets.toml"))


def read(path: Path) -> tuple[Target, ...]:
    """The targets of a file.

    Raises:
        ConfigurationError: it cannot be read, or a target makes no sense.
    """
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
        if said["format"] != FORMAT:
            raise ValueError(f"format {said['format']} is not {FORMAT}")
        return tuple(made for one in said["target"] for made in _targets(one))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be used: {error}.", "Correct it as its first lines say.") from None


def _targets(said: Mapping[str, Any]) -> Iterator[Target]:
    unknown = set(said) - {"case", "below", "at_least", "percentile", "clock", "source"}
    share, clock = float(said.get("percentile", 0.95)), said.get("clock", "client")
    if unknown or ("below" in said) == ("at_least" in said) or not 0 < share < 1 or said["source"] not in SOURCES:
        raise ValueError(f"the target of {said['case']} is not complete, or says too much: {dict(said)}")
    if clock not in ("client", "server"):
        raise ValueError(f"the target of {said['case']} has no clock {clock!r}")
    limit = float(said.get("below", said.get("at_least", 0)))
    kind, _, rest = said["case"].partition("/")
    for store in _STANDS_FOR.get(kind, (kind,)):
        # an embedded store has no server: what the caller waits for is all there is
        yield Target(
            f"{store}/{rest}",
            limit,
            "at_least" in said,
            share,
            "client" if store == "embedded" else clock,
            said["source"],
        )
