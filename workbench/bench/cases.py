"""What a case is, and how cases are chosen. Which there are: ``metric_cases``, ``log_cases``, ``mysql_cases`` …"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, Literal

from workbench.errors import ParameterError

if TYPE_CHECKING:
    from workbench.bench.load import Load
    from workbench.bench.stage import Stage

State = Literal["warm", "cold"]
SIZES: Final = {"10k": 10_000, "100k": 100_000, "1m": 1_000_000, "10m": 10_000_000}
LABELS: Final = {rows: label for label, rows in SIZES.items()}
STORES: Final = ("embedded", "mysql", "cassandra", "report")


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


def all_cases(stores: Sequence[str], rows: int) -> list[Case]:
    """Every case of these stores up to so many rows, in the order of the report."""
    from workbench.bench.log_cases import log_cases
    from workbench.bench.metric_cases import metric_cases
    from workbench.bench.report_cases import report_cases

    made: list[Case] = []
    for store in STORES:
        if store not in stores:
            continue
        if store in ("embedded", "mysql"):
            made += metric_cases(store, rows)
        if store == "mysql":
            from workbench.bench.mysql_cases import mysql_cases

            made += mysql_cases(rows)
        if store in ("embedded", "cassandra"):
            made += log_cases(store, rows)
        if store == "cassandra":
            from workbench.bench.cassandra_cases import cassandra_cases
            from workbench.bench.cassandra_loads import load_peers, sustained_loads

            made += [*cassandra_cases(rows), *load_peers(rows), *sustained_loads(rows)]
        if store == "report":
            made += report_cases()
    return made


BYTES: Final = {"embedded": 100, "mysql": 700, "cassandra": 300, "report": 100}
"""What a row or line takes on disk, with its indexes; measured."""


def writes(cases: Iterable[Case]) -> list[tuple[str, int, str, int]]:
    """What these cases need: store, rows, of what, and about how many bytes."""
    needed = dict.fromkeys((case.store, case.rows, "lines of logs" if case.lines else "rows") for case in cases)
    return [(store, rows, kind, rows * BYTES[store]) for store, rows, kind in needed]


def choose(cases: Iterable[Case], pattern: str | None) -> list[Case]:
    """The cases whose id holds the text, or fits it if it has ``*``; with each, what it is compared with.

    Raises:
        ParameterError: none does.
    """
    known = list(cases)
    if pattern is None:
        return known
    wanted = pattern.casefold()
    glob = wanted if set("*?[") & set(wanted) else f"*{wanted}*"
    families = {case.family for case in known if fnmatchcase(case.id.casefold(), glob)}
    if not families:
        raise ParameterError(f"No case fits {pattern!r}.", "See them with: workbench bench --list.")
    return [case for case in known if case.family in families]
