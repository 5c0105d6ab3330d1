"""Rules over what the logs hold: bursts of errors, hours without lines, clocks that jump, and other things to know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any, Final, Literal

import pyarrow as pa

from workbench.model import Window

if TYPE_CHECKING:
    from workbench.logs.digest import Digest
    from workbench.logs.overview import HostTotal

Severity = Literal["info", "warning"]
_HOUR: Final = timedelta(hours=1)
CHANCE: Final = 0.01
"""A burst: the chance that any of the host's hours has so many error lines by accident is below this."""
LEAST_EXPECTED: Final = 1.0
"""Error lines an hour that are taken for usual at least: two in an otherwise silent week are no burst."""
QUIET: Final = 7.0
"""A gap: so many lines would be usual in it (by the median hour), and there is none; by chance, one in a thousand."""
_JUMP: Final = 60.0
"""Seconds by which the time of boot, as lines tell it, must change for a jump of the clock."""
_REBOOT: Final = 1.0
UNKNOWN_HOST: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Burst:
    """An hour of a host with far more error lines than its median hour has."""

    host: str
    hour: datetime
    lines: int
    usual: float
    chance: float
    process: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "hour": self.hour.replace(tzinfo=UTC).isoformat()}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know. ``check`` is a stable code, ``host`` '' where it concerns all, ``text`` one sentence."""

    host: str
    check: str
    severity: Severity
    count: int
    text: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def bursts(errors: pa.Table, volume: pa.Table) -> tuple[Burst, ...]:
    """Hours whose error lines a Poisson law of the host's median hour does not explain, the least likely first.

    The median is over all hours from the host's first to its last line in the window, those without errors included,
    and at least LEAST_EXPECTED. The limit is CHANCE divided by the number of those hours (Bonferroni).
    """
    from scipy.stats import poisson

    found = []
    for host, hours in _hours(volume).items():
        by_hour: Counter[datetime] = Counter()
        by_process: dict[datetime, Counter[str]] = {}
        for row in errors.to_pylist():
            if row["host"] == host:
                by_hour[row["hour"]] += row["lines"]
                by_process.setdefault(row["hour"], Counter())[row["process"] or ""] += row["lines"]
        usual = max(LEAST_EXPECTED, float(median(by_hour[hour] for hour in hours)))
        for hour, lines in by_hour.items():
            chance = float(poisson.sf(lines - 1, usual))
            if chance < CHANCE / len(hours):
                found.append(Burst(host, hour, lines, usual, chance, by_process[hour].most_common(1)[0][0]))
    return tuple(sorted(found, key=lambda burst: (burst.chance, -burst.lines, burst.hour, burst.host)))


def _hours(volume: pa.Table) -> dict[str, list[datetime]]:
    """Of each host every hour from its first to its last with lines."""
    return {host: _filled(sorted(counts)) for host, counts in _lines_by_hour(volume).items()}


def _filled(hours: Sequence[datetime]) -> list[datetime]:
    return [hours[0] + number * _HOUR for number in range((hours[-1] - hours[0]) // _HOUR + 1)]


def _lines_by_hour(volume: pa.Table) -> dict[str, Counter[datetime]]:
    counts: dict[str, Counter[datetime]] = {}
    summed = volume.group_by(["host", "hour"]).aggregate([("lines", "sum")])
    for row in summed.to_pylist():
        counts.setdefault(row["host"], Counter())[row["hour"]] += row["lines_sum"]
    return counts


def data_findings(
    digest: Digest, volume: pa.Table, hosts: Sequence[HostTotal], window: Window, now: datetime
) -> Iterator[Finding]:
    """What the lines themselves say about how complete and right they are."""
    for host in hosts:
        if not host.lines:
            yield Finding(host.host, "no_lines", "warning", 0, "There are no lines of this window.")
        if host.read < host.lines:
            said = (
                f"Only the newest {host.read:,} of {host.lines:,} lines were read for processes, errors and messages."
            )
            yield Finding(host.host, "not_all_read", "warning", host.lines - host.read, said)
        if host.host == UNKNOWN_HOST and host.lines:
            yield Finding(
                host.host, "missing_host", "warning", host.lines, "Lines that name no host; import with --host."
            )
    yield from _assumed(digest)
    yield from _gaps(volume)
    yield from _clocks(digest.clock)
    for row in digest.days.group_by("host").aggregate([("future", "sum")]).to_pylist():
        if row["future_sum"]:
            said = "Lines dated more than a day after they were loaded: a clock or a zone is wrong."
            yield Finding(row["host"], "future_dates", "warning", row["future_sum"], said)
    if window.end > now:
        yield Finding("", "not_over", "info", 0, "The window is not over yet.")


def _assumed(digest: Digest) -> Iterator[Finding]:
    totals = digest.days.group_by([]).aggregate([("lines", "sum"), ("assumed", "sum")]).to_pylist()[0]
    if totals["assumed_sum"]:
        share = totals["assumed_sum"] / totals["lines_sum"]
        said = f"{share:.0%} of the lines read state no severity: they count as info, and by their words as errors."
        yield Finding("", "assumed_severity", "info", totals["assumed_sum"], said)


def _gaps(volume: pa.Table) -> Iterator[Finding]:
    """Runs of whole hours without a line where the host's median hour says that there should be some."""
    for host, counts in sorted(_lines_by_hour(volume).items()):
        usual = float(median(counts.values()))
        hours = sorted(counts)
        for before, after in pairwise(hours):
            empty = (after - before) // _HOUR - 1
            if empty * usual >= QUIET:
                begin = before + _HOUR
                span = f"{begin:%Y-%m-%d %H:%M} to {after:%Y-%m-%d %H:%M} UTC"
                said = f"No line from {span}; usual are {usual:,.0f} an hour."
                yield Finding(host, "gap", "warning", empty, said)


def _clocks(clock: pa.Table) -> Iterator[Finding]:
    """Where the kernel's time since boot and its clock disagree with the lines before: the clock was set."""
    before: dict[str, tuple[datetime, float]] = {}
    jumps: dict[str, list[tuple[datetime, float]]] = {}
    for row in sorted(clock.to_pylist(), key=lambda row: (row["host"], row["moment"])):
        last = before.get(row["host"])
        before[row["host"]] = (row["moment"], row["uptime"])
        if last is None or row["uptime"] < last[1] - _REBOOT:  # the first, or booted meanwhile
            continue
        moved = (row["moment"] - last[0]).total_seconds() - (row["uptime"] - last[1])
        if abs(moved) > _JUMP:
            jumps.setdefault(row["host"], []).append((row["moment"], moved))
    for host, found in sorted(jumps.items()):
        moment, moved = max(found, key=lambda jump: abs(jump[1]))
        said = f"The clock jumped, the farthest by {moved:+,.0f} seconds before {moment:%Y-%m-%d %H:%M:%S} UTC."
        yield Finding(host, "clock_jump", "warning", len({round(moved / _JUMP) for _, moved in found}), said)


def load_findings(loads: Iterable[dict[str, Any]]) -> Iterator[Finding]:
    """What the last loads left out or changed."""
    loads = list(loads)
    rejected = sum(int(load["rejected"]) for load in loads)
    if rejected:
        reasons: Counter[str] = Counter()
        for load in loads:
            reasons.update(load["reasons"])
        common = "; ".join(f"{reason} ({count:,})" for reason, count in reasons.most_common(3))
        said = f"Lines that were rejected by the last loads ({len(loads):,}): {common or 'see the reject files'}."
        yield Finding("", "rejected", "warning", rejected, said)
    replaced = sum(int(load["notes"].get("replaced_characters", 0)) for load in loads)
    if replaced:
        yield Finding("", "replaced_characters", "info", replaced, "Characters that were no text, and were replaced.")
