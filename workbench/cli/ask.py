"""``workbench dora``, ``workbench projects`` and ``workbench doctor``: questions whose answer is a table."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from workbench.cli.output import Data, Json, print_json, print_table

if TYPE_CHECKING:
    from workbench.app import Dora

Projects = Annotated[
    list[str] | None, typer.Option("--project", metavar="NAME", help="A project; may be repeated (default: all).")
]
Days = Annotated[int | None, typer.Option("--days", metavar="N", help="The N complete days before today (default 90).")]
Start = Annotated[str | None, typer.Option("--start", metavar="DATE", help="First day, instead of --days.")]
End = Annotated[str | None, typer.Option("--end", metavar="DATE", help="Day after the last one (exclusive).")]
Timezone = Annotated[
    str | None, typer.Option("--timezone", metavar="ZONE", help="IANA zone in which days are counted.")
]
Bucket = Annotated[Literal["day", "week", "month"], typer.Option("--bucket", help="Step of the trend.")]
Edition = Annotated[
    str | None, typer.Option("--edition", metavar="YEAR", help="Edition of the levels: 2025, 2023 or 2021.")
]
Pooled = Annotated[bool, typer.Option("--pooled", help="Add figures over all these projects together.")]
Refresh = Annotated[bool, typer.Option("--refresh", help="Compute everything anew, also what is in the cache.")]
Profiled = Annotated[bool, typer.Option("--profile", help="Print every statement with its time, on standard error.")]

_METRIC_NAMES = {
    "deployment_frequency": "Deployment frequency",
    "lead_time": "Lead time for changes",
    "change_fail_rate": "Change fail rate",
    "recovery_time": "Failed deployment recovery time",
    "rework_rate": "Rework rate",
}


def dora(
    project: Projects = None,
    days: Days = None,
    start: Start = None,
    end: End = None,
    timezone: Timezone = None,
    bucket: Bucket = "week",
    edition: Edition = None,
    pooled: Pooled = False,
    refresh: Refresh = False,
    profile: Profiled = False,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Print the five DORA metrics with counts, 95 % intervals, levels and the change against the window before.

    Example: workbench dora --project shop --days 90 --timezone Europe/Berlin
    """
    from workbench import connect

    bench = connect(data=data)
    with bench.profile() if profile else nullcontext() as profiled:
        answer = bench.dora(
            project or None,
            days=days,
            start=start,
            end=end,
            timezone=timezone,
            bucket=bucket,
            edition=edition,
            pooled=pooled,
            refresh=refresh,
        )
        if as_json:
            print_json(answer.as_json())
        else:
            _print_figures(answer)
    if profiled:
        typer.echo(str(profiled), err=True)


def _print_figures(answer: Dora) -> None:
    from workbench import format as human
    from workbench.metrics.levels import edition

    window = answer.window
    print_title = f"{window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M} (exclusive), {window.timezone}"
    names = [*answer.projects, None] if answer.question.pooled else list(answer.projects)
    for name in names:
        rows = [
            [
                _METRIC_NAMES[figure.metric],
                figure.statistic.replace("_", " "),
                human.value(figure.value, figure.unit) if figure.value is not None else "no data",
                figure.level or "",
                f"{figure.n:,}",
                human.interval(figure.low, figure.high, figure.unit),
                human.change(figure),
            ]
            for figure in answer.measurement.figures
            if figure.project == name
        ]
        columns = [
            ("metric", False),
            ("statistic", False),
            ("value", True),
            ("level", True),
            ("n", True),
            ("95 % interval", True),
            ("change", True),
        ]
        print_table(columns, rows, title=f"{name or 'All together'}: {print_title}")
    incidents = answer.measurement.incidents
    levels = edition(answer.question.edition)
    typer.echo(f"Levels: {levels.name}. Change: against the {window.days} days before.")
    if incidents.open or incidents.unlinked:
        typer.echo(
            f"Incidents of this window: {incidents.open} still open, {incidents.unlinked} charged to no deployment."
        )
    if answer.inspection.reading:
        typer.echo(answer.inspection.reading.text)
    for finding in answer.inspection.findings:
        if finding.severity == "warning":
            typer.echo(f"{finding.project}: {finding.text}")


def projects(as_json: Json = False, data: Data = None) -> None:
    """List the projects in the store with their counts.

    Example: workbench projects --json
    """
    from workbench import connect

    bench = connect(data=data)
    found = [dict(row) for row in bench.projects().to_dict("records")] if bench.metrics.projects() else []
    if as_json:
        print_json({"format": 1, "projects": found})
        return
    numbers = ("deployments", "changes", "incidents")
    rows = [
        [
            str(row["project"]),
            *(f"{row[name]:,}" for name in numbers),
            _day(row["first_deployment"]),
            _day(row["last_deployment"]),
        ]
        for row in found
    ]
    print_table(
        [("project", False), *((name, True) for name in numbers), ("first deployment", False), ("last", False)], rows
    )
    if not found:
        typer.echo("Nothing has been imported yet. Run: workbench import git PATH, or workbench import sample.")


def _day(moment: object) -> str:
    text = str(moment)
    return "" if text == "NaT" else text[:10]


def doctor(as_json: Json = False, data: Data = None) -> None:
    """Check what is configured, what works, and say what to do about the rest. Exit code 1 if there is a problem.

    Example: workbench doctor
    """
    from workbench import settings
    from workbench.doctor import examine, worst

    checks = examine(settings.load(data=data))
    if as_json:
        print_json({"format": 1, "state": worst(checks), "checks": [
            {"name": c.name, "state": c.state, "detail": c.detail, "remedy": c.remedy} for c in checks
        ]})  # fmt: skip
    else:
        print_table([("check", False), ("state", False), ("what", False), ("what to do", False)],
                    [[c.name, c.state, c.detail, c.remedy] for c in checks])  # fmt: skip
    if worst(checks) == "problem":
        raise typer.Exit(1)
