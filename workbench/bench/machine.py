"""The machine that a run happened on: its fingerprint, how fast it was, and whether something else kept it busy."""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import time
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import numpy as np

PACKAGES: Final = (
    "duckdb", "pyarrow", "numpy", "pandas", "sqlglot", "sqlalchemy", "mysqlclient", "cassandra-driver", "papermill",
    "nbclient", "nbconvert", "plotly",
)  # fmt: skip
_BUSY: Final = 0.25
"""Share of the processors that others may use before a run counts as disturbed."""
_STOLEN: Final = 0.02
_DRIFT: Final = 0.07
_SPREAD: Final = 0.25


def fingerprint(servers: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """What must be the same for two runs to be compared. ``servers`` are versions and key settings by store."""
    return {
        "cpu": _cpu(),
        "cores": _cores(),
        "memory_gib": _memory_gib(),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "servers": {store: dict(said) for store, said in sorted(servers.items())},
    }


def key(found: Mapping[str, Any]) -> str:
    """A short digest of a fingerprint."""
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:12]


def differences(one: Mapping[str, Any], other: Mapping[str, Any], path: str = "") -> list[str]:
    """What differs between two fingerprints, a short sentence each."""
    said = []
    for name in sorted(one.keys() | other.keys()):
        left, right = one.get(name), other.get(name)
        if isinstance(left, Mapping) and isinstance(right, Mapping):
            said += differences(left, right, f"{path}{name} ")
        elif left != right:
            said.append(f"{path}{name}: {_shown(left)} and {_shown(right)}")
    return said


def _shown(value: object) -> str:
    return "none" if value is None else str(value)


def pace() -> float:
    """A fixed piece of work, about a millisecond of arithmetic, objects and memory: how fast the machine is."""
    numbers = np.arange(60_000, dtype=np.float64)
    total = float(np.sqrt(numbers).sum())
    for number in range(6_000):
        total += hash((number, str(number))) & 1
    return total


def timed_pace() -> float:
    """Seconds of the fixed work, the best of three."""
    times = []
    for _ in range(3):
        started = time.perf_counter()
        pace()
        times.append(time.perf_counter() - started)
    return min(times)


class Watch:
    """What else went on during a run, from /proc where there is one."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._load = _load()
        self._ticks, self._own = _ticks(), _own()

    def remarks(self, paces: Sequence[float], *, with_servers: bool = False) -> list[str]:
        """Why this run may be disturbed, a sentence each; none: it was quiet.

        Args:
            paces: times of the fixed work, in their order.
            with_servers: servers were measured, which may be the other programs on this machine.
        """
        return [*self._others(with_servers), *unsteady(paces)]

    def _others(self, with_servers: bool) -> Iterable[str]:
        cores, passed = _cores(), max(time.monotonic() - self._begun, 1e-3)
        if self._load is not None and self._load / cores > 0.5:
            yield f"the load average was {self._load:.1f} on {cores} processors when the run began"
        now = _ticks()
        if self._ticks is None or now is None:
            return
        busy, stolen = now[0] - self._ticks[0], now[1] - self._ticks[1]
        others = (busy - (_own() - self._own)) / passed / cores
        if others > _BUSY and not with_servers:
            yield f"other programs used {others:.0%} of the processors"
        if stolen / passed / cores > _STOLEN:
            yield f"the host took {stolen / passed / cores:.0%} of the processors away"


def unsteady(paces: Sequence[float]) -> list[str]:
    """Whether the fixed work took longer later than earlier, or now this long and now that."""
    if len(paces) < 6:
        return []
    values = np.array(paces)
    said = []
    third = len(values) // 3
    drift = float(np.median(values[-third:]) / np.median(values[:third]))
    if abs(math.log(drift)) > math.log1p(_DRIFT):
        said.append(f"the machine became {abs(drift - 1):.0%} {'slower' if drift > 1 else 'faster'} during the run")
    low, middle, high = np.quantile(values, [0.1, 0.5, 0.9])
    if (high - low) / middle > _SPREAD:
        said.append(f"the same work took {low / middle:.2f} to {high / middle:.2f} of its median time")
    return said


def _ticks() -> tuple[float, float] | None:
    """Seconds of all processors that were busy, and that the host took, since the machine started."""
    try:
        fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    except (OSError, ValueError):
        return None
    second = os.sysconf("SC_CLK_TCK")
    user, nice, system, _idle, _wait, irq, soft, steal = fields[:8]
    return (user + nice + system + irq + soft) / second, steal / second


def _own() -> float:
    """Seconds of processor time of this process and of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _load() -> float | None:
    try:
        return os.getloadavg()[0]
    except OSError:
        return None


def _cores() -> int:
    """Processors that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _memory_gib() -> int:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
    except (ValueError, OSError):
        return 0


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
