"""Bottlenecks: what teams with this stack run into, each with this run's number, a remedy, and what it should gain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from workbench import format as human
from workbench.bench import words
from workbench.bench.cassandra_findings import cassandra_findings
from workbench.bench.finding import Finding, State
from workbench.bench.history import Run
from workbench.bench.statistics import MEDIAN, percentile
from workbench.bench.summary import Ratio, ratios

_WORTH_IT: Final = 1.2
_MOST_OF_IT: Final = 0.4


def findings(run: Run) -> list[Finding]:
    """All of them: what is worth a look first, then what is fine, then what was not measured."""
    order: dict[State, int] = {"look": 0, "fine": 1, "not measured": 2}
    found = [*_alternatives(run), *_cold(run), *_queues(run), *_mysql(run), *cassandra_findings(run)]
    return sorted(found, key=lambda finding: order[finding.state])


_ALTERNATIVES: Final = {
    "n_plus_one": ("A question for each row (N+1)", "Ask once, with a join."),
    "in_python": ("Aggregating in Python", "Let the store count and sum; fetch the figures, not the rows."),
    "single_indexes": ("Indexes that do not fit the question", "Use the covering index of the migration."),
    "no_indexes": ("No indexes", "Run: workbench migrate."),
    "new_connection": ("A new connection for each question", "Use the pool: one bench for all questions."),
    "recount": ("Counting lines on every read", "Read the counts that loads keep (LogStore.stats)."),
    "allow_filtering": (
        "ALLOW FILTERING without a key",
        "Ask for a host and a day, or let migrate(index=…) index what is rare: it reads every line of the table.",
    ),
    "arrow_filter": ("Reading a whole day to filter it", "Let the server filter inside the partition."),
    "sai": ("An SAI index for a common severity", "Filter inside the partition, and restrict the time: clustering."),
}


def _alternatives(run: Run) -> Iterator[Finding]:
    """Each measured way to the same answer that is slower than ours."""
    for one in ratios(run):
        if one.kind != "alternative" or one.case.name not in _ALTERNATIVES:
            continue
        name, remedy = _ALTERNATIVES[one.case.name]
        least = one.ratio.value if one.ratio.low is None else one.ratio.low  # no interval where rounds are few
        state: State = "look" if (least or 0) > _WORTH_IT else "fine"
        label = f"{name} ({one.case.store}, {one.case.rows:,} rows)"
        evidence = f"{_median(one, ours=False)} against {_median(one, ours=True)}: {words.ratio(one.ratio)}"
        yield Finding(label, state, evidence, remedy if state == "look" else "", _gain(one) if state == "look" else "")


def _median(one: Ratio, *, ours: bool) -> str:
    return words.seconds(percentile((one.base if ours else one.case).values, MEDIAN))


def _gain(one: Ratio) -> str:
    """What the remedy saves of the time where somebody still does it the other way."""
    return f"{human.share(round(1 - 1 / (one.ratio.value or 1), 2))} of that time, where it is done so"


def _cold(run: Run) -> Iterator[Finding]:
    for result in run.results:
        warm = run.result(result.case.removesuffix(":cold"), "warm")
        if result.kind != "cold" or warm is None:
            continue
        cold, usual = percentile(result.values, MEDIAN), percentile(warm.values, MEDIAN)
        if cold > 2 * usual:
            evidence = (
                f"{words.seconds(cold)} for the first dashboard of a process, {words.seconds(usual)} for the next"
            )
            yield Finding(
                f"Cold start ({warm.case})",
                "look",
                evidence,
                "Keep one bench open for many questions.",
                f"{words.seconds(cold - usual)} a question",
            )


def _queues(run: Run) -> Iterator[Finding]:
    for opened in run.results:
        closed = run.result(opened.case, "closed")
        if opened.kind != "open" or closed is None or not len(opened.values):
            continue
        late, usual = percentile(opened.values, 0.99), percentile(closed.values, 0.99)
        arrivals = words.rate(opened.items_a_second(opened.asked_rate))
        evidence = (
            f"at {arrivals} arrivals, p99 from the intended start is {words.seconds(late)}; "
            f"{opened.callers} callers that wait for each other see {words.seconds(usual)}"
        )
        state: State = "look" if late > 2 * usual else "fine"
        yield Finding(
            f"Waiting in line ({opened.case})",
            state,
            evidence,
            "Lower the rate, add callers, or keep answers in a cache." if state == "look" else "",
            "the wait, up to that difference" if state == "look" else "",
        )


def _mysql(run: Run) -> Iterator[Finding]:
    said: Mapping[str, Any] | None = run.evidence.get("mysql")
    if said is None:
        yield Finding("MySQL: indexes, slow queries, pool waits", "not measured", "MySQL was not part of this run.")
        return
    if unused := said.get("unused_indexes"):
        yield Finding(
            "Indexes that no question of this run used",
            "look",
            ", ".join(unused),
            "Drop those that none of your own questions uses: each makes every write slower.",
            "write time and disk; measure with the load case",
        )
    for scan in said.get("full_scans", ()):
        yield Finding(
            f"A question that reads the whole table ({scan['query']})",
            "look",
            scan["evidence"],
            "Give it an index that begins with what it compares.",
            "it grows with the answer, not the table",
        )
    if digests := said.get("digests"):
        yield _costliest(digests)
    if (slow := said.get("slow_log")) is not None:
        yield _slow_log(slow)
    if pool := said.get("pool"):
        yield _pool(pool)


def _costliest(digests: Sequence[Mapping[str, Any]]) -> Finding:
    """The statement that takes most of the server's time; one of the workbench's own questions, where it is known."""
    named = [one for one in digests if one["name"]] or digests
    first, total = max(named, key=lambda one: float(one["seconds"])), sum(one["seconds"] for one in named)
    part = human.share(round(first["seconds"] / total, 2))
    evidence = (
        f"{first['name'] or first['statement'][:60]}: {part} of the time of the questions, {first['runs']:,} runs of "
        f"{words.seconds(first['mean_seconds'])}, {first['rows_examined'] / first['runs']:,.0f} rows read each"
    )
    if first["seconds"] / total < _MOST_OF_IT:
        return Finding("The costliest question", "fine", evidence)
    remedy = "Look at its plan below; keep answers (WORKBENCH_CACHE_SECONDS), or ask for fewer projects and days."
    return Finding("The costliest question", "look", evidence, remedy, f"at most {part} of the server's time")


def _slow_log(said: Mapping[str, Any] | str) -> Finding:
    if isinstance(said, str):
        return Finding("Slow query log", "not measured", said)
    evidence = f"{human.count(said['slow'], 'statement')} over {said['limit']:g} s"
    if not said["slow"]:
        return Finding("Slow query log", "fine", evidence)
    gain = "the time of the slowest questions"
    if entries := said.get("entries"):
        worst = entries[0]
        evidence += f"; the slowest took {words.seconds(worst['seconds'])} and read {worst['rows_examined']:,} rows"
        gain = f"up to {words.seconds(worst['seconds'] - said['limit'])} of the slowest"
    remedy = "See the statements below, and their plans with: workbench dora --profile."
    return Finding("Slow query log", "look", evidence, remedy, gain)


def _pool(said: Mapping[str, Any]) -> Finding:
    name = "Waiting for a connection of the pool"
    waited = f"{said['waits']:,} of {said['checkouts']:,} waited"
    asked = f"{said['people']} callers at once on {said['most']} connections: {waited}"
    if not said["waits"]:
        return Finding(name, "fine", asked)
    evidence = f"{asked}, at most {words.seconds(said['longest'])}"
    return Finding(
        name, "look", evidence, "Raise WORKBENCH_POOL_SIZE to the callers that you expect at once.", "the wait"
    )
