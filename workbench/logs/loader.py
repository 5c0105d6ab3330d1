"""Loads log rows into Cassandra: as fast as the nodes take them, and so that a load can be cut off anywhere and go on.

A thread makes chunks ready (workbench.logs.prepare) while another sends their pieces as far as Flow allows. A piece
that fails for the moment goes again after a while, with jitter; one that the server refuses is cut in halves until the
rows at fault stand alone and go to the reject file. When all rows of a chunk are acknowledged its counts are written,
and when they are acknowledged, too, the checkpoint has it. Rows and counts overwrite themselves, so a repeated chunk
changes nothing.
"""

from __future__ import annotations

import heapq
import queue
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from workbench.errors import StoreError
from workbench.logs import driver
from workbench.logs.address import Address
from workbench.logs.checkpoint import Checkpoint
from workbench.logs.flow import Flow
from workbench.logs.prepare import Chunk, Piece, Rejected, Target, count, count_pieces, prepare
from workbench.logs.protocol import LoadReport, LogBatch
from workbench.logs.rejects import RejectFile
from workbench.logs.wire import WireBatch

FEW: Final = 8
"""Pieces waiting to be sent below which the next chunk is fetched."""
LOOK_AHEAD: Final = 64
"""Pieces that are looked at for one whose partition and node are free."""
SPLIT_AFTER: Final = 3
"""Time-outs after which a piece is cut in halves, unless it is ``SMALL`` (rows) already."""
SMALL: Final = 50
MOST_PLANS: Final = 10_000
_TICK: Final = 0.02


@dataclass(frozen=True, slots=True)
class Options:
    """How to load. ``patience`` is how many seconds without any acknowledgement make a load give up."""

    resume: bool = True
    dry_run: bool = False
    rows_per_second: float | None = None
    patience: float = 60.0
    progress: Callable[[int, int | None], None] | None = None


@dataclass(slots=True)
class _Tally:
    """What has happened so far."""

    loaded: int = 0
    skipped: int = 0
    rejected: int = 0
    expired: int = 0
    sent: int = 0
    partitions: set[bytes] = field(default_factory=set)
    days: set[tuple[str, Any]] = field(default_factory=set)


class Loader:
    """One load. Make a new one for the next."""

    def __init__(self, session: Any, address: Address, target: Target, state: Path, options: Options) -> None:
        self.session, self.address, self.target, self.options = session, address, target, options
        self.state = state
        self.flow = Flow()
        self.tally = _Tally()
        self.latencies: list[float] = []
        """Seconds from sending to acknowledgement, one a batch of rows."""
        self._checkpoints: dict[str, Checkpoint] = {}
        self._rejects = RejectFile(state / "rejects")
        self._backlog: deque[Piece] = deque()
        self._retries: list[tuple[float, int, Piece]] = []
        self._events: deque[tuple[Piece, BaseException | None]] = deque()
        self._spare: list[Any] = []
        self._heard = time.monotonic()
        self._plans: dict[bytes, dict[str, Any]] = {}
        self._paid_until = 0.0
        self._stopped = threading.Event()
        self._balance = session.cluster.profile_manager.profiles[driver.WRITE].load_balancing_policy

    def run(self, batches: Iterable[LogBatch]) -> LoadReport:
        """Load them all.

        Raises:
            StoreError: the server took nothing for too long, or has no such table; what was acknowledged is kept.
        """
        began = time.monotonic()
        ready: queue.Queue[Chunk | BaseException | None] = queue.Queue(1)
        producer = threading.Thread(
            target=self._produce, args=(iter(batches), ready), name="workbench-prepare", daemon=True
        )
        producer.start()
        try:
            while (chunk := self._next(ready)) is not None:
                self._take(chunk)
                self._pump(FEW)
            self._pump(0)
        finally:
            self._stopped.set()
            for checkpoint in self._checkpoints.values():
                checkpoint.save()
            self._rejects.close()
            while producer.is_alive():
                _drain(ready)
                producer.join(_TICK)
        tally = self.tally
        return LoadReport(
            tally.loaded, tally.skipped, tally.rejected, len(tally.partitions), tally.sent, time.monotonic() - began,
            self._rejects.path if tally.rejected else None, tally.expired,
        )  # fmt: skip

    # --- getting ready, in a thread of its own ---

    def _produce(self, batches: Iterable[LogBatch], ready: queue.Queue[Chunk | BaseException | None]) -> None:
        try:
            for batch in batches:
                if self._stopped.is_set():
                    return
                if batch.chunk in self._checkpoint(batch).chunks:
                    self.tally.skipped += batch.rows.num_rows
                    continue
                ready.put(prepare(batch, self.target, batch.digest[:32], int(time.time()), self._spare))
        except BaseException as error:
            ready.put(error)
        else:
            ready.put(None)

    def _checkpoint(self, batch: LogBatch) -> Checkpoint:
        if batch.digest not in self._checkpoints:
            folder = self.state / "checkpoints"
            new = Checkpoint(folder, self.target.shape.table_id, batch.origin, batch.digest)
            if self.options.resume:
                new.read()
            self._checkpoints[batch.digest] = new
        return self._checkpoints[batch.digest]

    def _next(self, ready: queue.Queue[Chunk | BaseException | None]) -> Chunk | None:
        """The next chunk; what is under way goes on meanwhile."""
        while True:
            try:
                found = ready.get(timeout=_TICK if self._backlog or self._retries or self.flow.in_flight else None)
            except queue.Empty:
                self._attend()
                self._send_what_may()
                continue
            if isinstance(found, BaseException):
                self._pump(0)
                raise found
            return found

    def _take(self, chunk: Chunk) -> None:
        tally = self.tally
        for rejected in chunk.rejected:
            self._reject(chunk, rejected)
        tally.expired += chunk.expired
        tally.partitions |= chunk.partitions
        pairs = chunk.counts.group_by(["hostname", "log_date"]).aggregate([])
        tally.days |= set(zip(pairs["hostname"].to_pylist(), pairs["log_date"].to_pylist(), strict=True))
        if self.options.dry_run:
            tally.loaded += sum(piece.stop - piece.start for piece in chunk.pieces)
            tally.sent += sum(piece.bytes for piece in chunk.pieces)
            return
        chunk.pending = len(chunk.pieces)
        self._backlog.extend(chunk.pieces)
        if not chunk.pieces:
            self._finish(chunk)

    # --- sending ---

    def _pump(self, few: int) -> None:
        """Send until fewer than ``few`` pieces wait; 0: until everything is acknowledged."""
        while len(self._backlog) > few or (
            not few and (self._backlog or self._retries or self.flow.in_flight or self._events)
        ):
            self._attend()
            if not self._send_what_may():
                with self.flow.changed:
                    if not self._events:
                        self.flow.changed.wait(_TICK)

    def _send_what_may(self) -> bool:
        """Send those of the next pieces whose node and partition have room; whether any was sent."""
        sent = False
        waiting: list[Piece] = []
        for _ in range(min(LOOK_AHEAD, len(self._backlog))):
            piece = self._backlog.popleft()
            if time.monotonic() >= self._paid_until and self._send(piece):
                sent = True
            else:
                waiting.append(piece)
                if len(waiting) > self.flow.in_flight + FEW:
                    break
        self._backlog.extendleft(reversed(waiting))
        return sent

    def _send(self, piece: Piece) -> bool:
        rows = WireBatch(piece.wire.slice(piece.start, piece.stop), piece.stop - piece.start, piece.timestamp)
        batch = driver.RowsBatch(rows, self.address.keyspace, piece.partition)
        hosts = self._replicas(batch)
        node = self.flow.choose(list(hosts) or [""], time.monotonic())
        if not self.flow.enter(node, piece.partition, piece.bytes):
            return False
        if self.options.rows_per_second:
            self._paid_until = max(self._paid_until, time.monotonic()) + len(rows) / self.options.rows_per_second
        where = (piece, node, time.monotonic())
        try:
            future = self.session.execute_async(batch, execution_profile=driver.WRITE, host=hosts.get(node))
        except driver.ServerErrors as error:
            self._answered(piece, node, where[2], error)
        else:
            future.add_callbacks(self._acknowledge, self._fail, callback_args=where, errback_args=where)
        return True

    def _replicas(self, batch: driver.RowsBatch) -> dict[str, Any]:
        """The nodes to ask, replicas of the partition first; remembered until something fails."""
        hosts = self._plans.get(batch.routing_key)
        if hosts is None:
            plan = self._balance.make_query_plan(self.address.keyspace, batch)
            hosts = {str(host.endpoint): host for host in plan}
            if len(self._plans) >= MOST_PLANS:
                self._plans.clear()
            self._plans[batch.routing_key] = hosts
        return hosts

    def _acknowledge(self, _rows: Any, piece: Piece, node: str, began: float) -> None:
        self._answered(piece, node, began, None)

    def _fail(self, error: BaseException, piece: Piece, node: str, began: float) -> None:
        self._answered(piece, node, began, error)

    def _answered(self, piece: Piece, node: str, began: float, error: BaseException | None) -> None:
        """Called by the driver's thread."""
        seconds = time.monotonic() - began
        self._events.append((piece, error))
        if error is None and not piece.counts:
            self.latencies.append(seconds)
        busy = error is not None and not driver.is_refusal(error)
        if error is not None and driver.is_silence(error):
            self.flow.shun(node, time.monotonic())
        self.flow.leave(node, piece.partition, piece.bytes, None if busy else seconds)

    # --- what came back ---

    def _attend(self) -> None:
        """Deal with answers, and take pieces back whose time to be repeated has come."""
        while self._events:
            piece, error = self._events.popleft()
            if error is None:
                self._heard = time.monotonic()
                self._acknowledged(piece)
            else:
                self._failed(piece, error)
        now = time.monotonic()
        while self._retries and self._retries[0][0] <= now:
            self._backlog.appendleft(heapq.heappop(self._retries)[2])

    def _acknowledged(self, piece: Piece) -> None:
        chunk = piece.chunk
        if not piece.counts:
            self.tally.loaded += piece.stop - piece.start
            self.tally.sent += piece.bytes
            if self.options.progress:
                self.options.progress(self.tally.loaded + self.tally.skipped, None)
        chunk.pending -= 1
        if not chunk.pending:
            self._finish(chunk)

    def _finish(self, chunk: Chunk) -> None:
        """All pieces of a chunk are acknowledged: first its rows, then its counts."""
        if not chunk.counted and self.target.shape.stats:
            chunk.counted = True
            if chunk.bad:
                chunk.counts = count(chunk.good(), chunk.batch.digest[:32], chunk.batch.chunk)
            pieces = count_pieces(chunk, self.target, int(time.time()), time.time_ns() // 1000)
            chunk.pending = len(pieces)
            self._backlog.extendleft(reversed(pieces))
            if pieces:
                return
        self._checkpoint(chunk.batch).add(chunk.batch.chunk)
        if chunk.wire is not None and chunk.wire.memory is not None:
            self._spare.append(chunk.wire.memory)
        chunk.pieces.clear()  # they know their chunk: nothing would be freed before the next look for such circles

    def _failed(self, piece: Piece, error: BaseException) -> None:
        self._plans.clear()
        if driver.is_schema_missing(error) or driver.is_forbidden(error):
            raise driver.sentence(self.address, error) from error
        silence = time.monotonic() - self._heard
        if not driver.is_refusal(error):
            if silence > self.options.patience:
                raise _gave_up(driver.sentence(self.address, error), silence) from error
            piece.attempts += 1
            if driver.is_too_slow(error) and piece.attempts % SPLIT_AFTER == 0 and piece.stop - piece.start > SMALL:
                self._halve(piece)
                return
            delay = min(5.0, 0.05 * 2**piece.attempts) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
            heapq.heappush(self._retries, (time.monotonic() + delay, id(piece), piece))
        elif piece.stop - piece.start > 1:
            self._halve(piece)
        else:
            self._refused(piece, error)

    def _halve(self, piece: Piece) -> None:
        """Two pieces instead of one."""
        middle = (piece.start + piece.stop) // 2
        for start, stop in ((middle, piece.stop), (piece.start, middle)):
            half = Piece(piece.wire, start, stop, piece.partition, piece.timestamp, piece.chunk, piece.counts)
            self._backlog.appendleft(half)
        piece.chunk.pending += 1

    def _refused(self, piece: Piece, error: BaseException) -> None:
        """A single row that the server will not take."""
        if piece.counts:
            raise driver.sentence(self.address, error) from error
        chunk = piece.chunk
        chunk.bad.append(piece.start)
        self._reject(chunk, Rejected(chunk.part(piece.start, piece.stop), f"the server refused it: {error}"))
        chunk.pending -= 1
        if not chunk.pending:
            self._finish(chunk)

    def _reject(self, chunk: Chunk, rejected: Rejected) -> None:
        self.tally.rejected += rejected.rows.num_rows
        if not self.options.dry_run:
            self._rejects.add(chunk.batch.origin, rejected)


def _drain(ready: queue.Queue[Chunk | BaseException | None]) -> None:
    """Make room, so that a producer that waits can see that it has to stop."""
    while not ready.empty():
        ready.get_nowait()


def _gave_up(cause: StoreError, silence: float) -> StoreError:
    return StoreError(
        f"Gave up after {silence:.0f} s without an acknowledgement. {cause.what}",
        f"{cause.remedy} Then run the same load again: it goes on where it stopped.",
    )
