"""``workbench bench`` and ``workbench bench compare``: measure, judge against targets, and find regressions."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.output import Data, Json, print_json, print_table, progress

if TYPE_CHECKING:
    from workbench.bench.cases import Case
    from workbench.bench.compare import Comparison
    from workbench.bench.history import History, Run
    from workbench.bench.run import Order
    from workbench.bench.summary import Line
    from workbench.bench.targets import Target

app = typer.Typer(
    help="Measure the stores that are configured, and compare runs.", invoke_without_command=True, rich_markup_mode=None
)
FailOn = Annotated[
    str | None, typer.Option("--fail-on", metavar="regression", help="Exit with 1 if a case became slower.")
]


@app.callback()
def bench(
    context: typer.Context,
    store: Annotated[
        list[str] | None,
        typer.Option(
            "--store", metavar="embedded|mysql|cassandra|report", help="May be repeated (default: all configured)."
        ),
    ] = None,
    case: Annotated[
        str | None, typer.Option("--case", metavar="PATTERN", help="Only cases whose name holds it, or fits with *.")
    ] = None,
    rows: Annotated[
        str | None, typer.Option("--rows", metavar="10k|100k|1m|10m", help="The largest size (default 1m).")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Under a minute: wide intervals, no reports.")] = False,
    thorough: Annotated[bool, typer.Option("--thorough", help="Ten minutes and more: narrow intervals.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="Print the cases and what they would write, and end.")] = False,
    fail_on: FailOn = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Measure with generated data in places of its own, keep the result, and compare it with the last run before.

    Example: workbench bench --store embedded --case dashboard --rows 10m
    """
    if context.invoked_subcommand:
        return
    from workbench import settings
    from workbench.bench import run as runs
    from workbench.bench.compare import compare

    _check_fail_on(fail_on)
    order, here = _order(store, case, rows, quick, thorough), settings.load(data=data)
    cases = runs.cases_of(order, here)
    _say("\n".join(runs.announcement(cases, here, order.plan)))
    if listed:
        _print_cases(cases)
        return
    with progress("Measuring (seconds)") as show:
        done = runs.execute(order, here, said=_say, progress=show)
    earlier = runs.baseline(done, runs.history(here))
    comparison = compare(earlier, done) if earlier else None
    if as_json:
        from workbench.bench.summary import as_json as in_json

        print_json(in_json(done, comparison))
    else:
        _print_run(done)
        _print_comparison(comparison, only_changes=True)
    _fail_if_slower(comparison, fail_on)


@app.command("compare")
def compare_runs(
    old: Annotated[str, typer.Argument(help="A run: its id or the begin of it, previous, or a file of a history.")],
    new: Annotated[str, typer.Argument(help="The run to compare with it: the same, or latest.")] = "latest",
    fail_on: FailOn = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Compare two runs, case by case; regressions are judged only within one machine and set of versions.

    Example: workbench bench compare previous latest --fail-on regression
    """
    from workbench import settings
    from workbench.bench import run as runs
    from workbench.bench.compare import compare

    _check_fail_on(fail_on)
    history: History = runs.history(settings.load(data=data))
    comparison = compare(history.get(old), history.get(new))
    if as_json:
        from workbench.bench.summary import comparison_json

        print_json(comparison_json(comparison))
    else:
        _print_comparison(comparison)
    _fail_if_slower(comparison, fail_on)


def _order(store: list[str] | None, case: str | None, rows: str | None, quick: bool, thorough: bool) -> Order:
    from workbench.bench import measure
    from workbench.bench.cases import SIZES
    from workbench.bench.catalogue import STORES
    from workbench.bench.run import Order
    from workbench.errors import ParameterError

    if quick and thorough:
        raise ParameterError("--quick and --thorough exclude each other.", "Give one.")
    if rows is not None and rows not in SIZES:
        raise ParameterError(f"--rows cannot be {rows!r}.", f"Use one of {', '.join(SIZES)}.")
    if unknown := [name for name in store or () if name not in STORES]:
        raise ParameterError(f"There is no store {unknown[0]!r}.", f"Use {', '.join(STORES)}.")
    plan = measure.QUICK if quick else measure.THOROUGH if thorough else measure.NORMAL
    size = SIZES[rows or ("100k" if quick else "1m")]
    return Order(tuple(store or ()), size, case, plan, reports=not quick, slow=not quick)


def _check_fail_on(fail_on: str | None) -> None:
    from workbench.errors import ParameterError

    if fail_on not in (None, "regression"):
        raise ParameterError(f"--fail-on cannot be {fail_on!r}.", "Use --fail-on regression.")


def _fail_if_slower(comparison: Comparison | None, fail_on: str | None) -> None:
    if fail_on is None:
        return
    if comparison is None:
        _say("There is no earlier run on this machine to compare with.")
    elif comparison.differences:
        _say("The runs come from different machines or versions, so nothing was judged.")
    elif comparison.regressions:
        _say(f"Slower than before: {', '.join(change.case for change in comparison.regressions)}.")
        raise typer.Exit(1)


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _print_cases(cases: list[Case]) -> None:
    from workbench.bench.targets import SOURCES, targets

    limits: dict[tuple[str, str], list[str]] = {}
    for target in targets():
        limits.setdefault((target.case, target.source), []).append(_limit(target))
    rows = [[case.id, case.title, *("; ".join(limits.get((case.id, by), [])) for by in SOURCES)] for case in cases]
    note = "Targets are on the 95th percentile, unless they say otherwise."
    print_table([("case", False), ("what", False), *((f"the {by} asks", False) for by in SOURCES)], rows, note=note)


def _limit(target: Target) -> str:
    from workbench.bench import words

    limit = f"≥ {words.rate(target.limit)}" if target.at_least else f"< {words.seconds(target.limit)}"
    return limit if (share := words.share(target)) == "p95" else f"{limit} {share}"


def _print_run(run: Run) -> None:
    from workbench.bench.summary import lines, ratios
    from workbench.bench.words import ratio

    numbers = ("n", "min", "median", "p95", "p99")
    columns = [
        ("case", False),
        ("", False),
        *((name, True) for name in numbers),
        ("95 % of median", True),
        ("target", False),
    ]
    print_table(columns, [_row(line) for line in lines(run)], title=f"Run {run.id}, {run.seconds:.0f} s")
    compared = [[one.case.case, ratio(one.ratio), one.base.case, one.kind] for one in ratios(run)]
    if compared:
        print_table([("case", False), ("took", False), ("of", False), ("kind", False)], compared)
    for remark in run.remarks:
        typer.echo(f"Noisy: {remark}. Measure again on a quiet machine before you rely on these figures.")


def _row(line: Line) -> list[str]:
    from workbench.bench import words

    judged = [f"{_limit(one.target)} {one.verdict}" for one in line.judged]
    kind = {"warm": "", "cold": "cold", "closed": "closed loop", "open": "open loop"}[line.result.kind]
    if line.result.rate is not None:
        kind = f"{kind or 'closed loop'}, {words.rate(line.result.items_a_second(line.result.rate))}"
    times = (line.minimum, line.median.value, line.p95, line.p99)
    return [line.result.case, kind, f"{line.n:,}", *map(words.seconds, times),
            words.span(line.median.low, line.median.high), "; ".join(judged)]  # fmt: skip


def _print_comparison(comparison: Comparison | None, *, only_changes: bool = False) -> None:
    if comparison is None:
        return
    from workbench.bench import compare, words
    from workbench.model import Estimate

    shown = [c for c in comparison.changes if not only_changes or c.judgement in ("slower", "faster")]
    rows = [
        [c.case, words.seconds(c.old_median), words.seconds(c.new_median),
         words.ratio(Estimate(c.ratio, 0, c.low, c.high)),
         c.judgement + (f" ({c.reason})" if c.reason else "")]
        for c in shown
    ]  # fmt: skip
    title = f"{comparison.old.id} and {comparison.new.id}"
    if rows:
        print_table(
            [("case", False), ("old", True), ("new", True), ("new / old", True), ("judgement", False)],
            rows,
            title=title,
        )
    else:
        typer.echo(f"{title}: no case is known to be slower or faster.")
    for difference in comparison.differences:
        typer.echo(f"Not judged, the machines differ: {difference}.")
    typer.echo(
        "Ratios are in units of a fixed piece of work. Slower: the whole interval is above "
        f"{1 + compare.MARGIN:.2f}, also without those units. An unchanged program is flagged in at most "
        f"{100 * compare.FALSE_ALARMS:.0f} % of comparisons."
    )
