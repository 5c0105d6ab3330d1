"""Runs that were made, one Parquet file each: a row a case with every time, the run's record in the file's metadata.

A run is added by writing a temporary file, fsync and rename: it is there as a whole or not at all, two runs cannot
meet, and what was added is never written again.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from workbench.bench.statistics import Histogram, Values, rounds
from workbench.durable import replacing
from workbench.errors import ParameterError, StoreError

FORMAT: Final = 1
_METADATA: Final = b"workbench-bench"


@dataclass(frozen=True)
class Result:
    """What was measured of one case. Times are seconds, in the order they were taken.

    Attributes:
        kind: ``warm``, ``cold``, ``closed`` (loop) or ``open`` (loop).
        share: the percentile that its target names.
        items: rows that one call handles; 0 where that means nothing.
        slots: the round of each time; empty under load.
        pace: seconds of the fixed work in each round, in the order of ``pace_slots``.
        server: the server's own seconds of each call, or empty.
        callers: how many asked at once; ``asked_rate`` arrivals a second (open loop), ``rate`` calls a second that
        came.
    """

    case: str
    store: str
    name: str
    title: str
    rows: int
    kind: str
    share: float
    items: int
    peer_of: str
    peer_kind: str
    seconds: Sequence[float]
    slots: Sequence[int] = ()
    pace_slots: Sequence[int] = ()
    pace: Sequence[float] = ()
    server: Sequence[float] = ()
    callers: int = 1
    asked_rate: float | None = None
    rate: float | None = None

    @cached_property
    def values(self) -> Values:
        """The times as an array."""
        return np.asarray(self.seconds, dtype=np.float64)

    @cached_property
    def histogram(self) -> Histogram:
        """The times as counts that can be added to those of other runs."""
        return Histogram.of(self.values[self.values > 0])

    def items_a_second(self, calls: float | None) -> float:
        """So many calls a second in items, where a call handles several."""
        return (calls or 0.0) * max(self.items, 1)

    @cached_property
    def rounds(self) -> dict[int, float]:
        """The median of each round."""
        return rounds(self.values, np.asarray(self.slots, dtype=np.int64)) if len(self.slots) else {}

    @cached_property
    def paces(self) -> dict[int, float]:
        """Seconds of the fixed work in each round."""
        return dict(zip(self.pace_slots, self.pace, strict=True))


@dataclass(frozen=True)
class Run:
    """One run: when, where, how, and its results.

    Attributes:
        seconds: how long it took.
        options: what it was asked for.
        machine: its fingerprint (bench.machine); runs are compared only within the same ``key``.
        pace: the median of the fixed work in seconds, the calibration figure.
        remarks: why it may be disturbed.
        evidence: what cases found beside times: plans, table health, server statistics.
    """

    id: str
    started: datetime
    seconds: float
    version: str
    options: Mapping[str, Any]
    machine: Mapping[str, Any]
    key: str
    pace: float
    remarks: Sequence[str]
    evidence: Mapping[str, Any]
    results: Sequence[Result] = field(default=(), repr=False)

    def result(self, case: str, kind: str | None = None) -> Result | None:
        """The result of that case (of that kind)."""
        return next((one for one in self.results if one.case == case and kind in (None, one.kind)), None)


def new_id() -> str:
    """An id that sorts by time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


class History:
    """The runs in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, run: Run) -> Path:
        """Keep a run.

        Raises:
            StoreError: the folder cannot be written; nothing was changed.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._sweep()
            return _write(self.folder / f"{run.id}.parquet", run)
        except OSError as error:
            raise StoreError(
                f"The run cannot be kept in {self.folder}: {error.strerror or error}.",
                "Free some space, or choose another folder with --data.",
            ) from None

    def runs(self, *, key: str | None = None) -> list[Run]:
        """Every run without its results, the oldest first; of one machine, if its key is given."""
        found = [read(path, results=False) for path in self._paths()]
        return [run for run in found if key in (None, run.key)]

    def full(self, *, key: str | None = None, most: int = 50) -> list[Run]:
        """The same with results, at most so many of the newest."""
        return [self.get(run.id) for run in self.runs(key=key)[-most:]]

    def get(self, name: str) -> Run:
        """A run by its id or the begin of it, by the path of its file, or as ``latest`` and ``previous``.

        Raises:
            ParameterError: there is none, or more than one.
            StoreError: its file cannot be read.
        """
        if Path(name).is_file():
            return read(Path(name))
        paths = self._paths()
        places = {"latest": -1, "previous": -2}
        if name in places:
            found = paths[places[name] :][:1] if len(paths) >= -places[name] else []
        else:
            found = [path for path in paths if name and path.name.startswith(name)]
        if len(found) != 1:
            known = ", ".join(path.stem for path in paths[-5:]) or "none"
            few = "There is no benchmark run" if not found else "More than one benchmark run begins with"
            raise ParameterError(f"{few} {name!r}.", f"The newest: {known}. Make one with: workbench bench.")
        return read(found[0])

    def _paths(self) -> list[Path]:
        return sorted(path for path in self.folder.glob("*.parquet") if not path.name.startswith("."))

    def _sweep(self) -> None:
        """Remove what a killed writer left; one that is at work has written within the hour."""
        limit = datetime.now(UTC).timestamp() - 3600
        for stale in self.folder.glob(".*.tmp"):
            if stale.stat().st_mtime < limit:
                stale.unlink(missing_ok=True)


def _write(path: Path, run: Run) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    record = {each.name: getattr(run, each.name) for each in fields(run) if each.name != "results"}
    note = json.dumps({"format": FORMAT, **record}, default=datetime.isoformat)
    rows = [asdict(result) for result in run.results]
    table = pa.Table.from_pylist(rows, _schema()).replace_schema_metadata({_METADATA: note.encode()})
    with replacing(path) as file:
        pq.write_table(table, file, compression="zstd")
    return path


def read(path: Path, *, results: bool = True) -> Run:
    """The run in a file.

    Raises:
        StoreError: it is no file of a run, is damaged, or was written by a newer workbench.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        note = json.loads((pq.read_metadata(path).metadata or {})[_METADATA])
        if note.pop("format") > FORMAT:
            raise StoreError(f"{path} was written by a newer workbench.", "Upgrade dora-workbench.")
        note["started"] = datetime.fromisoformat(note["started"])
        known = {each.name for each in fields(Run)} - {"results"}
        rows = pq.read_table(path, schema=_schema()).to_pylist() if results else []
        return Run(**{name: note[name] for name in known}, results=tuple(Result(**row) for row in rows))
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
        raise StoreError(f"{path} is no benchmark run, or it is damaged.", "Move it away.") from None


def _schema() -> Any:
    import pyarrow as pa

    text, whole, number = pa.string(), pa.int64(), pa.float64()
    types = {
        "rows": whole, "share": number, "items": whole, "seconds": pa.list_(number), "slots": pa.list_(whole),
        "pace_slots": pa.list_(whole), "pace": pa.list_(number), "server": pa.list_(number), "callers": whole,
        "asked_rate": number, "rate": number,
    }  # fmt: skip
    return pa.schema([(each.name, types.get(each.name, text)) for each in fields(Result)])
