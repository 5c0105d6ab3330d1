"""``workbench import logs`` and ``workbench logs hosts|tail``."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.output import Data, Json, print_json, print_table, printable, progress
from workbench.format import count

if TYPE_CHECKING:
    from workbench.logs.intake import Summary

app = typer.Typer(help="Look at infrastructure logs.", no_args_is_help=True, rich_markup_mode=None)

_NOTES = {
    "missing_host": "rows name no host",
    "replaced_characters": "characters were no UTF-8 or NUL, and were replaced",
    "continued": "lines belong to the message above them",
}


def import_logs(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE…", help="Log files, packed by gzip or zstd or not; - is standard input."),
    ],
    format: Annotated[
        str | None,
        typer.Option("--format", metavar="syslog|journald|jsonl|parquet", help="If the content does not tell."),
    ] = None,
    host: Annotated[str | None, typer.Option("--host", metavar="NAME", help="Host of lines that name none.")] = None,
    zone: Annotated[str | None, typer.Option("--zone", help="IANA zone of times without an offset.")] = None,
    year: Annotated[int | None, typer.Option("--year", help="Year of times that state none.")] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="COLUMN=NAME", help="JSON Lines, Parquet: which name a column of the rows has there."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read everything, write nothing.")] = False,
    rate: Annotated[
        float | None, typer.Option("--rate", metavar="ROWS/S", help="At most so many rows a second.")
    ] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Load infrastructure logs: syslog, journald, JSON Lines, Parquet (docs/logs.md). Loading them again is safe.

    Example: workbench import logs /var/log/syslog*   or   journalctl -o json | workbench import logs -
    """
    from workbench import connect

    bench = connect(data=data)
    with progress("Loading logs (bytes)") as show:
        summary = bench.logs.load(
            [str(file) for file in files], format=format, host=host, zone=zone, year=year, mapping=_mapping(mapping),
            dry_run=dry_run, rate=rate, progress=show,
        )  # fmt: skip
    if as_json:
        print_json({"format": 1, **summary.as_dict()})
    else:
        _print_summary(summary)


def _mapping(given: list[str] | None) -> dict[str, str]:
    from workbench.errors import ParameterError

    pairs = [pair.partition("=") for pair in given or []]
    if bad := next((pair for pair in pairs if not all(pair)), None):
        raise ParameterError(f"--map {''.join(bad)} is no mapping.", "Write it as --map message=event.")
    return {column: name for column, _, name in pairs}


def _print_summary(summary: Summary) -> None:
    pace = f"{summary.rows / summary.seconds:,.0f} rows/s" if summary.seconds else ""
    names = ("lines", "rows", "loaded", "skipped", "rejected")
    numbers = [f"{getattr(summary, name):,}" for name in names]
    origins = ", ".join(summary.origins[:3]) + (
        f" and {len(summary.origins) - 3} more" if len(summary.origins) > 3 else ""
    )
    columns = [("from", False), *((name, True) for name in names), ("time", True), ("pace", True)]
    print_table(columns, [[origins or "nothing", *numbers, f"{summary.seconds:.1f} s", pace]])
    if summary.dry_run:
        typer.echo("Dry run: nothing was written.")
    if summary.first and summary.last:
        typer.echo(f"Times: {summary.first:%Y-%m-%d %H:%M:%S} to {summary.last:%Y-%m-%d %H:%M:%S} UTC.")
    for name, said in _NOTES.items():
        if summary.notes[name]:
            typer.echo(f"{summary.notes[name]:,} {said}.")
    if summary.expired:
        typer.echo(f"{count(summary.expired, 'row')} older than the store keeps lines, left out.")
    for reason, lines in summary.reasons.most_common(5):
        typer.echo(printable(f"Rejected: {count(lines, 'line')}: {reason}."))
    for path in summary.reject_files:
        typer.echo(f"Why and where: {path}")


@app.command("hosts")
def hosts(as_json: Json = False, data: Data = None) -> None:
    """List the hosts with logs, their days, and how many lines they have.

    Example: workbench logs hosts
    """
    from workbench import connect

    found = connect(data=data).logs.hosts().to_pylist()
    if as_json:
        print_json({"format": 1, "hosts": found})
        return
    columns = [("host", False), ("first day", False), ("last day", False), ("lines", True)]
    print_table(columns, [[h["hostname"], str(h["first_day"]), str(h["last_day"]), _counted(h["rows"])] for h in found])
    if not found:
        typer.echo("No logs have been imported yet. Run: workbench import logs FILE…")


def _counted(rows: int | None) -> str:
    return "not counted" if rows is None else f"{rows:,}"


@app.command("tail")
def tail(
    host: Annotated[str, typer.Argument(help="Name of the host.")],
    day: Annotated[str | None, typer.Option("--day", metavar="DATE", help="UTC day (default: its last one).")] = None,
    severity: Annotated[
        str | None, typer.Option("--severity", metavar="WORD", help="Only lines of it, such as error.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", metavar="NAME", help="Only lines of it, such as sshd.")
    ] = None,
    newest: Annotated[int, typer.Option("--newest", metavar="N", help="How many lines.")] = 20,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Print the newest lines of a host, the newest last; times are UTC.

    Example: workbench logs tail web-1 --severity error --newest 50
    """
    from workbench import connect

    logs = connect(data=data).logs
    chosen = day or _last_day(logs.hosts().to_pylist(), host)
    rows = logs.partition(host, chosen, newest=newest, severity=severity, source=source).to_pylist()[::-1]
    if as_json:
        print_json({"format": 1, "host": host, "day": str(chosen), "lines": [_plain(row) for row in rows]})
        return
    for row in rows:
        process = row["process_name"] or row["source"]
        number = f"[{row['process_id']}]" if row["process_id"] is not None else ""
        message = (row["message"] or "").replace("\n", "\n    ")
        print(printable(f"{row['log_timestamp']:%Y-%m-%d %H:%M:%S} {row['severity']:<9} {process}{number}: {message}"))


def _last_day(hosts: list[dict[str, Any]], name: str) -> date:
    from workbench.errors import ParameterError

    days = {host["hostname"]: host["last_day"] for host in hosts}
    if name not in days:
        shown = ", ".join(list(days)[:10]) or "none yet; run: workbench import logs FILE…"
        raise ParameterError(f"There are no logs of a host {name!r}.", f"There are: {shown}.")
    last: date = days[name]
    return last


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    from uuid import UUID

    return {**row, "log_id": str(UUID(bytes=row["log_id"]))}
