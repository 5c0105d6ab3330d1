"""``workbench monitor mysql|cassandra``: what the servers themselves say about our statements and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.output import Data, Json, print_json, print_table

if TYPE_CHECKING:
    from workbench.metrics.mysql_monitor import ServerFacts

app = typer.Typer(help="Ask a server for its own view.", no_args_is_help=True, rich_markup_mode=None)
_WIDE = 90
_CASSANDRA_NUMBERS = {
    "size_mib": "MiB",
    "largest_partition_mib": "largest partition MiB",
    "reads": "reads",
    "read_p99_ms": "p99 ms",
    "writes": "writes",
    "write_p99_ms": "p99 ms",
    "tombstones_p99": "tombstones p99",
    "sstable_tasks": "compactions",
    "pending_compactions": "waiting",
}


@app.command("mysql")
def mysql(
    slow_log: Annotated[
        float | None,
        typer.Option("--slow-log", metavar="SECONDS", help="First switch the slow query log on, from this time on."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", help="How many statements to list.")] = 20,
    as_json: Json = False,
) -> None:
    """Print the slow query log with its slowest entries, the statements that took most time, unused indexes and sizes.

    Example: workbench monitor mysql --slow-log 0.5
    """
    from workbench import connect

    view = connect().monitor(slow_log=slow_log, limit=limit)
    if as_json:
        print_json(view.as_json())
    else:
        _print(view.facts)


@app.command("cassandra")
def cassandra(as_json: Json = False, data: Data = None) -> None:
    """Print sizes, latencies, tombstones and compaction of the log tables on every node.

    Example: workbench monitor cassandra --json
    """
    from workbench import connect

    frame = connect(data=data).logs.monitor()
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    if as_json:
        print_json({"format": 1, "tables": rows})
        return
    shown = [
        [row["table_name"], row["node"], *("" if row[n] is None else f"{row[n]:,.4g}" for n in _CASSANDRA_NUMBERS)]
        for row in rows
    ]
    columns = [("table", False), ("node", False), *((said, True) for said in _CASSANDRA_NUMBERS.values())]
    print_table(columns, shown, title="Log tables, node by node", note="--json has every figure.")


def _print(facts: ServerFacts) -> None:
    typer.echo(f"{facts.server}, {facts.location}, up {facts.uptime_seconds / 3600:.1f} h")
    _print_slow_log(facts)
    if facts.slowest:
        entries = [
            [one.name or "", f"{one.ended:%Y-%m-%d %H:%M:%S}", f"{one.seconds:,.3f}", f"{one.rows_examined:,}",
             f"{one.rows_sent:,}", _short(one.statement)]
            for one in facts.slowest
        ]  # fmt: skip
        figures = [(name, True) for name in ("seconds", "rows read", "rows sent")]
        heads = [("query", False), ("ended (UTC)", False), *figures, ("statement", False)]
        print_table(heads, entries, title="Slowest entries of the slow query log")
    if facts.digests:
        cells = [
            [one.name or "", f"{one.runs:,}", f"{one.seconds:,.3f}", f"{1000 * one.mean_seconds:,.2f}",
             f"{one.rows_examined:,}", f"{one.rows_sent:,}", f"{one.without_index:,}", _short(one.statement)]
            for one in facts.digests
        ]  # fmt: skip
        names = ("runs", "seconds", "mean ms", "rows read", "rows sent", "scans")
        columns = [("query", False), *((name, True) for name in names), ("statement", False)]
        print_table(columns, cells, title="Statements by time")
    if facts.unused is not None:
        lines = [[one.table, one.index] for one in facts.unused]
        print_table([("table", False), ("index", False)], lines, title="Unused indexes")
    sizes = [[one.table, f"{one.rows:,}", f"{one.data_bytes:,}", f"{one.index_bytes:,}"] for one in facts.sizes]
    columns = [("table", False), ("rows (estimate)", True), ("data bytes", True), ("index bytes", True)]
    print_table(columns, sizes, title="Tables")
    for note in facts.notes:
        typer.echo(note)


def _print_slow_log(facts: ServerFacts) -> None:
    from workbench.profiling.server import slow_log_text

    log = facts.slow_log
    typer.echo(f"Slow query log: {slow_log_text(log)}")
    if log.wanted:
        typer.echo(f"This user may not switch it on. For a DBA: {log.wanted}")
    elif not log.on:
        typer.echo("Switch it on: workbench monitor mysql --slow-log SECONDS")


def _short(text: str) -> str:
    return text if len(text) <= _WIDE else text[: _WIDE - 1] + "…"
