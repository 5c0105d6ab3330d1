"""How much may be on its way to each node: in batches (adapted to the node's answers), in bytes, and by partition.

A node that queues requests answers later without answering more. So, as in TCP Vegas, the number in flight follows the
part of it that only waits: ``window * (1 - shortest / usual answer time)`` batches. Fewer than ``QUEUED_LOW`` waiting:
one more may go; more than ``QUEUED_HIGH``: one fewer. A failure halves the window. Now and then a few batches go one by
one, to find out anew what the shortest answer time is: a server gets slower, or faster once it is warm.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from threading import Condition
from typing import Final

QUEUED_LOW: Final = 0.8
QUEUED_HIGH: Final = 2.0
PROBE_EVERY: Final = 50
"""Looks at the window between two probes of the shortest answer time."""
PROBE_ANSWERS: Final = 4
"""Answers that a probe takes."""
SMOOTH: Final = 0.2
SHUN: Final = 5.0
SHUN_MOST: Final = 60.0
"""Seconds for which a node that did not answer is not asked."""


@dataclass(slots=True)
class Node:
    """One node's traffic. Times are in seconds."""

    window: float = 2.0
    in_flight: int = 0
    bytes: int = 0
    largest: int = 0
    shortest: float = float("inf")
    usual: float = 0.0
    answers: int = 0
    looks: int = 0
    shunned_until: float = 0.0
    silences: int = 0
    after_probe: float = 0.0
    """The window that comes back when the probe is over; 0 if there is none."""

    def learn(self, seconds: float, size: int, most: int) -> None:
        """Take an answer into account; small batches say nothing about full ones."""
        self.largest = max(self.largest, size)
        if size * 2 < self.largest:
            return
        self.shortest = min(self.shortest, seconds)
        self.answers += 1
        if self.after_probe:
            if self.answers >= PROBE_ANSWERS:
                self.window, self.after_probe, self.answers = self.after_probe, 0.0, 0
            return
        self.usual += (seconds - self.usual) * (SMOOTH if self.usual else 1.0)
        if self.answers >= self.window:
            self._look(most)

    def _look(self, most: int) -> None:
        """Change the window by how many batches only wait."""
        self.answers = 0
        self.looks += 1
        queued = self.window * (1 - self.shortest / self.usual)
        if queued < QUEUED_LOW:
            self.window = min(self.window + 1, most)
        elif queued > QUEUED_HIGH:
            self.window = max(self.window - 1, 1)
        if self.looks % PROBE_EVERY == 0:
            self.after_probe, self.window, self.shortest = self.window, 1, float("inf")

    def shun(self, now: float) -> None:
        """It did not answer: others are asked for a while, the longer the more often it happens."""
        self.silences += 1
        self.shunned_until = now + min(SHUN * 2 ** (self.silences - 1), SHUN_MOST)

    def back_off(self) -> None:
        """A time-out, an overload or a lost connection."""
        self.window = max((self.after_probe or self.window) / 2, 1)
        self.after_probe, self.answers = 0.0, 0


@dataclass(slots=True)
class Flow:
    """Admission of batches; safe to use from several threads."""

    most_bytes: int = 8 << 20
    most: int = 32
    most_per_partition: int = 2
    nodes: dict[str, Node] = field(default_factory=dict)
    partitions: Counter[bytes] = field(default_factory=Counter)
    changed: Condition = field(default_factory=Condition)

    def choose(self, nodes: list[str], now: float) -> str:
        """The first node that answers, as far as is known; of nodes that do not, the first."""
        with self.changed:
            known = (name for name in nodes if name not in self.nodes or self.nodes[name].shunned_until <= now)
            return next(known, nodes[0])

    def shun(self, node: str, now: float) -> None:
        """Note that a node did not answer."""
        with self.changed:
            self.nodes[node].shun(now)

    def enter(self, node: str, partition: bytes, size: int) -> bool:
        """Take a place for a batch, if there is one. A batch larger than the limit may go alone."""
        with self.changed:
            traffic = self.nodes.setdefault(node, Node())
            crowded = traffic.in_flight and traffic.bytes + size > self.most_bytes
            if crowded or traffic.in_flight >= int(traffic.window):
                return False
            if self.partitions[partition] >= self.most_per_partition:
                return False
            traffic.in_flight += 1
            traffic.bytes += size
            self.partitions[partition] += 1
            return True

    def leave(self, node: str, partition: bytes, size: int, seconds: float | None) -> None:
        """Give the place back; ``seconds`` is how long the answer took, None if it was a failure of the server."""
        with self.changed:
            traffic = self.nodes[node]
            traffic.in_flight -= 1
            traffic.bytes -= size
            self.partitions[partition] -= 1
            if not self.partitions[partition]:
                del self.partitions[partition]
            if seconds is None:
                traffic.back_off()
            else:
                traffic.silences = 0
                traffic.learn(seconds, size, self.most)
            self.changed.notify_all()

    @property
    def in_flight(self) -> int:
        """Batches on their way to all nodes."""
        with self.changed:
            return sum(node.in_flight for node in self.nodes.values())
