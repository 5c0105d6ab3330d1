"""What a case is. Which there are: workbench.bench.catalogue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from workbench.bench.load import Load
    from workbench.bench.stage import Stage

State = Literal["warm", "cold"]
SIZES: Final = {"10k": 10_000, "100k": 100_000, "1m": 1_000_000, "10m": 10_000_000}
LABELS: Final = {rows: label for label, rows in SIZES.items()}


def _nothing() -> None:
    """Nothing to do before a call."""


class NotHere(Exception):
    """A case's setup says why it cannot be measured on this machine or these servers; the others are."""


@dataclass(frozen=True, slots=True)
class Call:
    """A case that is ready to be timed.

    Attributes:
        run: what is timed.
        prepare: run before each call, outside of the timed part: it makes a cold case cold.
        items: rows that one call handles, where a rate is of interest.
        server_seconds: a running total of the server's own time for this case, from the server's statistics.
        tells_seconds: ``run`` returns a sequence of seconds, those of its parts, which are taken instead of its own:
            calls that overlap, programs that say how long their work took.
        sustain: of a sustained case, instead of ``run``: goes on for so many seconds, as fast as it goes or at so many
            items a second, in pieces of ``items``.
        note: what is to be said of this case here, such as what its nodes share.
    """

    run: Callable[[], object]
    prepare: Callable[[], object] = _nothing
    items: int = 0
    server_seconds: Callable[[], float] | None = None
    tells_seconds: bool = False
    sustain: Callable[[float, float | None], Load] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """Something to measure. Its id is ``store/name@rows``, with ``:cold`` where nothing is warm.

    Attributes:
        rows: about how many the store holds, one of SIZES.
        setup: makes the data (shared between cases), and gives the call.
        lines: the data are lines of logs, else rows of dora_metrics.
        peer_of: name of the case of the same store and size that this is compared with, in the same rounds; its
            ``peer_kind`` says how: a ``peer`` does the same in the way of others, an ``alternative`` in another way of
            ours.
        load: also put it under load: closed loop, and open loop at a fixed rate of arrivals.
        warm_ups: calls before timing starts; whole processes need none.
        sustained: goes on for many seconds by itself, after the rounds.
        slow: left out of quick runs.
    """

    store: str
    name: str
    title: str
    rows: int
    setup: Callable[[Stage], Call] = field(repr=False, compare=False)
    state: State = "warm"
    lines: bool = False
    peer_of: str = ""
    peer_kind: Literal["", "peer", "alternative"] = ""
    load: bool = False
    warm_ups: int = 2
    sustained: bool = False
    slow: bool = False

    @property
    def id(self) -> str:
        """Its name in results, targets and on the command line."""
        return f"{self.store}/{self.name}@{LABELS[self.rows]}" + (":cold" if self.state == "cold" else "")

    @property
    def family(self) -> tuple[str, str, int]:
        """Cases of one family are timed one right after the other, so that their ratio is paired."""
        return self.store, self.peer_of or self.name, self.rows
