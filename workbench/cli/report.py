"""``workbench report dora|logs|performance``: run the notebook, leave one HTML file, end with its path."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from workbench.cli.ask import Bucket, Days, Edition, End, Pooled, Projects, Start, Timezone
from workbench.cli.output import Data, Json, print_json, progress

app = typer.Typer(
    help="Make a report: one self-contained HTML file. Example: workbench report dora --days 90",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Out = Annotated[str | None, typer.Option("--out", metavar="DIR", help="Folder for reports (WORKBENCH_OUT).")]


@app.command("dora")
def dora(
    project: Projects = None,
    days: Days = None,
    start: Start = None,
    end: End = None,
    timezone: Timezone = None,
    bucket: Bucket = "week",
    edition: Edition = None,
    pooled: Pooled = False,
    as_json: Json = False,
    data: Data = None,
    out: Out = None,
) -> None:
    """Make the DORA report. The last line printed is the path of the file to open.

    Example: workbench report dora --project shop --days 180 --bucket month --out /srv/reports
    """
    from workbench.report_parameters import DoraParameters
    from workbench.reporting.dora import make_report

    values = {"project": project, "days": days, "start": start, "end": end, "timezone": timezone}
    parameters = DoraParameters.check(**values, bucket=bucket, edition=edition, pooled=pooled)
    with progress("Running the notebook") as show:
        record = make_report(parameters, data=data, out=out, progress=lambda done, total, _: show(done, total))
    _print(record, as_json)


@app.command("logs")
def logs(
    host: Annotated[
        list[str] | None, typer.Option("--host", metavar="NAME", help="A host; may be repeated (default: all).")
    ] = None,
    days: Annotated[
        int | None, typer.Option("--days", metavar="N", help="The N complete days before today (default 7).")
    ] = None,
    start: Start = None,
    end: End = None,
    timezone: Timezone = None,
    newest: Annotated[
        int | None, typer.Option("--newest", metavar="N", help="Lines of a host and day that are read for their words.")
    ] = None,
    as_json: Json = False,
    data: Data = None,
    out: Out = None,
) -> None:
    """Make the report on infrastructure logs. The last line printed is the path of the file to open.

    Example: workbench report logs --host web-1 --host db-1 --days 3
    """
    from workbench.reporting.logs import make_report

    values = {"host": host, "days": days, "start": start, "end": end, "timezone": timezone, "newest": newest}
    with progress("Running the notebook") as show:
        record = make_report(values, data=data, out=out, progress=lambda done, total, _: show(done, total))
    _print(record, as_json)


@app.command("performance")
def performance(
    run: Annotated[
        str | None, typer.Option("--run", metavar="ID", help="A benchmark run (default: the latest), or its file.")
    ] = None,
    as_json: Json = False,
    data: Data = None,
    out: Out = None,
) -> None:
    """Make the performance report of a benchmark run. The last line printed is the path of the file to open.

    Example: workbench bench --rows 1m; workbench report performance
    """
    from workbench.bench.report import make_report

    with progress("Running the notebook") as show:
        record = make_report(run, data=data, out=out, progress=lambda done, total, _: show(done, total))
    _print(record, as_json)


def _print(record: dict[str, Any], as_json: bool) -> None:
    """The run for a program, or the path of the page as the last line."""
    if as_json:
        print_json(record)
    else:
        typer.echo(record["html"])
