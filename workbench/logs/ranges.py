"""Reads across partitions: which hosts and days a range touches, and their lines as a stream that fits into memory."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import pyarrow as pa

from workbench.errors import ParameterError
from workbench.logs.protocol import LogStore, check, columns_of

_AHEAD: Final = 4
"""Pieces of each partition that wait to be taken."""
_TICK: Final = 0.1
Part = tuple[str, date]


@dataclass(frozen=True, slots=True)
class Range:
    """Lines in [since, until), of a severity and a source, and which of their columns; nothing said: all."""

    since: datetime | None = None
    until: datetime | None = None
    severity: str | None = None
    source: str | None = None
    columns: tuple[str, ...] = ()
    critical: bool = False

    def __post_init__(self) -> None:
        check(None, self.severity)
        columns_of(self.columns)
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise ParameterError(f"No time lies between {self.since} and {self.until}.", "Give the earlier one first.")

    @property
    def schema(self) -> pa.Schema:
        """Of the lines."""
        return columns_of(self.columns)

    def parts(self, hosts: Sequence[dict[str, Any]]) -> list[Part]:
        """Hosts (rows of HOSTS) and their days in the range: the newest day first, and hosts by name."""
        found: list[Part] = []
        for host in hosts:
            first = max(host["first_day"], self.since.date()) if self.since else host["first_day"]
            last = host["last_day"]
            if self.until:
                last = min(last, (self.until - timedelta(microseconds=1)).date())
            found += [(host["hostname"], first + timedelta(days=n)) for n in range((last - first).days + 1)]
        return sorted(found, key=lambda part: (-part[1].toordinal(), part[0]))

    def read(self, store: LogStore, part: Part) -> Iterator[pa.Table]:
        """The lines of one host and day, piece by piece."""
        return store.stream(
            *part, since=self.since, until=self.until, severity=self.severity, source=self.source,
            columns=self.columns, critical=self.critical,
        )  # fmt: skip


def stream(store: LogStore, asked: Range, parts: Sequence[Part], concurrent: int) -> Iterator[pa.Table]:
    """The lines of these parts in their order, ``concurrent`` parts read at once, each only a few pieces ahead."""
    stopped = threading.Event()
    coming: deque[queue.Queue[pa.Table | BaseException | None]] = deque()
    left = iter(parts)
    pool = ThreadPoolExecutor(concurrent, "workbench-range")

    def begin() -> None:
        if (part := next(left, None)) is not None:
            coming.append(queue.Queue(_AHEAD))
            pool.submit(_read, store, asked, part, coming[-1], stopped)

    try:
        for _ in range(concurrent):
            begin()
        while coming:
            piece = coming[0].get()
            if isinstance(piece, BaseException):
                raise piece
            if piece is not None:
                yield piece
                continue
            coming.popleft()
            begin()
    finally:
        stopped.set()
        pool.shutdown()


def _read(store: LogStore, asked: Range, part: Part, pieces: queue.Queue[Any], stopped: threading.Event) -> None:
    """Read one part into its queue; None is its end, an exception its failure."""
    try:
        for table in asked.read(store, part):
            if not _put(pieces, table, stopped):
                return
    except BaseException as error:
        _put(pieces, error, stopped)
    else:
        _put(pieces, None, stopped)


def _put(pieces: queue.Queue[Any], piece: Any, stopped: threading.Event) -> bool:
    """Wait for room; False once nobody takes the pieces any more."""
    while not stopped.is_set():
        try:
            pieces.put(piece, timeout=_TICK)
        except queue.Full:
            continue
        return True
    return False
