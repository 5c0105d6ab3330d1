"""A whole benchmark run: say what will be written, measure, keep the result."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import numpy as np

from workbench import format as human
from workbench.bench import machine
from workbench.bench.cases import SIZES, Call, Case, NotHere
from workbench.bench.catalogue import BYTES, all_cases, choose, writes
from workbench.bench.evidence import evidence_of
from workbench.bench.history import History, Result, Run, new_id
from workbench.bench.load import Load, closed_loop, open_loop
from workbench.bench.measure import NORMAL, Plan, Sample, measure
from workbench.bench.scratch import PREFIX, scratch
from workbench.bench.servers import Servers
from workbench.bench.stage import Stage
from workbench.bench.statistics import MEDIAN
from workbench.bench.targets import targets
from workbench.errors import ConfigurationError
from workbench.settings import Settings

CALLERS: Final = 2
ARRIVALS: Final = 0.5
"""The open loop's arrivals, as a share of what the closed loop got through."""
_HELD: Final = 1.5
"""A sustained case takes so many times its seconds: the open loop follows, half as long."""
_MOST_LINES: Final = 150_000
"""Lines a second that are more than a cluster on one machine takes."""
_LOADS: Final = 0.15
"""The share of the rounds' time that loads get at most."""
_WRITTEN: Final = 20_000
"""Rows a second that are made and written before anything is timed."""
_SLOW: Final = 25
"""Seconds that a slow case takes, however short the run."""
_SERVER: Final = 20
"""Seconds for making and removing places on a server."""
Said = Callable[[str], None]
Ready = tuple[Case, Call, float]
"""A case with its call and the percentile that matters for it."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to run: stores (none: all that are configured, and reports if wanted), the largest size, cases, how long.

    ``slow``: those cases, too, that take many seconds a call.
    """

    stores: tuple[str, ...] = ()
    rows: int = SIZES["1m"]
    pattern: str | None = None
    plan: Plan = NORMAL
    reports: bool = True
    slow: bool = True


def folder(settings: Settings) -> Path:
    """Where benchmarks keep their history and their scratch places."""
    return settings.data.absolute() / "bench"


def history(settings: Settings) -> History:
    """The runs that were made with this data folder."""
    return History(folder(settings) / "history")


def cases_of(order: Order, settings: Settings) -> list[Case]:
    """The cases of an order.

    Raises:
        ConfigurationError: a store is asked for that is not configured.
        ParameterError: no case fits the pattern.
    """
    servers = Servers(settings)
    configured = ("embedded", *servers.configured, "report")
    wanted = order.stores or configured[: None if order.reports else -1]
    if missing := [store for store in wanted if store not in configured]:
        raise ConfigurationError(f"{missing[0]} is not configured.", servers.remedy(missing[0]))
    known = [case for case in all_cases(wanted, order.rows) if order.slow or not case.slow]
    return choose(known, order.pattern)


def announcement(cases: Sequence[Case], settings: Settings, plan: Plan = NORMAL) -> list[str]:
    """What a run of these cases will write, where and how much, and how long it takes, a sentence each."""
    places = {"mysql": f"schemas {PREFIX}…", "cassandra": f"keyspaces {PREFIX}…"}
    needed: dict[str, list[tuple[int, str, int]]] = {}
    for store, rows, kind, size in writes(cases):
        needed.setdefault(store, []).append((rows, kind, size))
    said = []
    for store, parts in needed.items():
        amounts = ", ".join(f"{rows:,} {kind}" for rows, kind, _ in parts)
        place = places.get(store, f"a folder in {folder(settings) / 'scratch'}")
        total = sum(size for *_, size in parts) / 1e6
        said.append(f"{store}: {amounts} (about {max(total, 1):,.0f} MB) into {place}, removed at the end.")
        if more := _loaded_lines([case for case in cases if case.store == store], plan):
            megabytes = more * BYTES[store] / 1e6
            said[-1] += f" Loads bring up to {more / 1e6:.1f} million lines more meanwhile ({megabytes:,.0f} MB)."
    return [*said, f"It takes about {human.duration(_seconds(cases, plan))}."]


def _loaded_lines(cases: Iterable[Case], plan: Plan) -> float:
    """How many lines are loaded at most while that is timed."""
    seconds = sum(_HELD * plan.sustained_seconds for case in cases if case.sustained)
    return _MOST_LINES * (seconds + sum(_LOADS * plan.seconds for case in cases if case.lines and case.name == "load"))


def _seconds(cases: Sequence[Case], plan: Plan) -> float:
    """About how long a run takes: making data, rounds, slow cases beside them, and what goes on by itself."""
    written = sum(rows for _, rows, _, _ in writes(cases)) / _WRITTEN
    own = sum(_HELD * plan.sustained_seconds for case in cases if case.sustained)
    own += sum(2 * plan.load_seconds for case in cases if case.load)
    slow = sum(_SLOW for case in cases if case.slow)
    servers = sum(_SERVER for store in {case.store for case in cases} if store in ("mysql", "cassandra"))
    return round(written + plan.seconds + own + slow + servers, -1) or 10


def execute(
    order: Order, settings: Settings, *, said: Said = print, progress: Callable[[int, int], None] | None = None
) -> Run:
    """Measure, clean up, keep the run in the history, and return it.

    Args:
        said: called with a sentence when something takes long.
        progress: called with the seconds that have passed, and those planned.

    Raises:
        StoreError: a store refused. Nothing is kept; what was made is removed.
    """
    chosen = cases_of(order, settings)
    servers = Servers(settings)
    watch, begun, started = machine.Watch(), time.monotonic(), datetime.now(UTC)
    with scratch(folder(settings) / "scratch", servers.removers) as place, ExitStack() as stack:
        stage = Stage(place, stack, servers, said)
        ready, left_out = _set_up(chosen, stage)
        said(f"Measuring {len(ready)} cases ...")
        timed = [one for one in ready if not one[0].sustained]
        samples = measure(timed, order.plan, pace=machine.pace, progress=progress)
        notes = {case.id: call.note for case, call, _ in ready}
        results = [_result(sample, notes[sample.case.id]) for sample in samples]
        results += _under_load(timed, order.plan)
        results += _sustained([one for one in ready if one[0].sustained], order.plan, said)
        evidence = {**evidence_of(stage, servers), "left_out": left_out}
        found = machine.fingerprint(servers.describe(stage.used()))
    paces = _in_order(samples)
    run = Run(
        id=new_id(),
        started=started,
        seconds=round(time.monotonic() - begun, 3),
        version=_version(),
        options={"stores": sorted({c.store for c in chosen}), "rows": order.rows, "cases": order.pattern,
                 "seconds": order.plan.seconds, "precision": order.plan.precision, "seed": order.plan.seed},
        machine=found,
        key=machine.key(found),
        pace=float(np.median(paces)),
        remarks=watch.remarks(paces, with_servers=any(case.store in servers.configured for case in chosen)),
        evidence=evidence,
        results=results,
    )  # fmt: skip
    history(settings).add(run)
    return run


def baseline(run: Run, runs: History) -> Run | None:
    """The newest earlier run on the same machine that has a case of this one; None if there is none."""
    names = {result.case for result in run.results}
    for earlier in reversed(runs.runs(key=run.key)):
        if earlier.id < run.id:
            found = runs.get(earlier.id)
            if names & {result.case for result in found.results}:
                return found
    return None


def _share(case: Case) -> float:
    """The percentile whose interval has to become narrow: the highest that a target names, else the median."""
    return max((target.percentile for target in targets() if target.case == case.id), default=MEDIAN)


def _set_up(chosen: Iterable[Case], stage: Stage) -> tuple[list[Ready], dict[str, str]]:
    """The cases that can be measured here, and why the others cannot."""
    ready, left_out = [], {}
    for case in chosen:
        try:
            ready.append((case, case.setup(stage), _share(case)))
        except NotHere as reason:
            left_out[case.id] = str(reason)
            stage.said(f"{case.id} is left out: {reason}.")
    return ready, left_out


def _titled(case: Case, note: str) -> str:
    return f"{case.title} ({note})" if note else case.title


def _result(sample: Sample, note: str) -> Result:
    case, rounds = sample.case, sorted(sample.pace)
    return Result(
        case.id, case.store, case.name, _titled(case, note), case.rows, case.state, sample.share, sample.items,
        case.peer_of, case.peer_kind, sample.seconds, sample.rounds, rounds, [sample.pace[number] for number in rounds],
        sample.server,
    )  # fmt: skip


def _under_load(ready: Iterable[Ready], plan: Plan) -> list[Result]:
    """Closed loop, then open loop at a share of its rate, of the cases that want it."""
    made = []
    for case, call, share in ready:
        if not case.load:
            continue
        closed = closed_loop(call.run, plan.load_seconds, CALLERS)
        opened = open_loop(call.run, plan.load_seconds, CALLERS, closed.rate * ARRIVALS)
        made += [_loaded(case, share, kind, load, call) for kind, load in (("closed", closed), ("open", opened))]
    return made


def _sustained(ready: Sequence[Ready], plan: Plan, said: Said) -> list[Result]:
    """Each case that goes on: as fast as it goes, then half as long at a share of that rate."""
    made = []
    for case, call, share in ready:
        assert call.sustain is not None  # noqa: S101 - a sustained case has it; for the type checker
        said(f"{_titled(case, call.note)}: {1.5 * plan.sustained_seconds:.0f} seconds ...")
        gc.collect()
        held = call.sustain(plan.sustained_seconds, None)
        opened = call.sustain(plan.sustained_seconds / 2, held.rate * call.items * ARRIVALS)
        made += [_loaded(case, share, kind, load, call) for kind, load in (("warm", held), ("open", opened))]
    return made


def _loaded(case: Case, share: float, kind: str, load: Load, call: Call) -> Result:
    return Result(
        case.id, case.store, case.name, _titled(case, call.note), case.rows, kind, share, call.items, "", "",
        load.seconds.tolist(), callers=load.callers, asked_rate=load.asked_rate, rate=load.rate,
    )  # fmt: skip


def _in_order(samples: Sequence[Sample]) -> list[float]:
    """The fixed work's times over the run; one of now, if nothing was timed in rounds."""
    paces: Mapping[int, float] = {number: pace for sample in samples for number, pace in sample.pace.items()}
    return [paces[number] for number in sorted(paces)] or [machine.timed_pace()]


def _version() -> str:
    try:
        return version("dora-workbench")
    except PackageNotFoundError:
        return "unpackaged"
