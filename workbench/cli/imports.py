"""``workbench import git|events|sample`` and ``workbench remove``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from workbench.cli.output import Data, Json, print_json, print_table, progress

if TYPE_CHECKING:
    from workbench.app import Bench
    from workbench.metrics.ingest import Summary
    from workbench.rows import Extract

app = typer.Typer(
    help="Load deployments, changes and incidents into the store. Example: workbench import git ~/src/shop",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Project = Annotated[str | None, typer.Option("--project", help="Name of the project.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")]
Strict = Annotated[bool, typer.Option("--strict", help="Refuse everything if one row is bad.")]


@app.command("git")
def import_git(
    path: Annotated[Path, typer.Argument(help="A repository: a clone, a bare one, or a folder inside one.")],
    project: Project = None,
    tags: Annotated[
        str | None, typer.Option("--tags", metavar="REGEX", help="Whole names of the tags that are deployments.")
    ] = None,
    deploys: Annotated[Literal["tags", "merges"], typer.Option("--deploys", help="What a deployment is.")] = "tags",
    branch: Annotated[
        str | None, typer.Option("--branch", help="With merges: into which branch (default: HEAD).")
    ] = None,
    time: Annotated[
        Literal["authored", "committed"], typer.Option("--time", help="Where the lead time of a change starts.")
    ] = "authored",
    since: Annotated[
        str | None, typer.Option("--since", metavar="DATE", help="Leave out deployments before it.")
    ] = None,
    folder: Annotated[
        str | None, typer.Option("--path", metavar="DIR", help="Keep only changes that touch it.")
    ] = None,
    exclude_author: Annotated[
        str | None, typer.Option("--exclude-author", metavar="REGEX", help="Leave out these authors (bots).")
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Take deployments, changes and reverts from a git repository.

    Example: workbench import git ~/src/shop --tags 'v[0-9.]+' --exclude-author 'bot@'
    """
    from workbench import connect
    from workbench.metrics.unchanged import confirm
    from workbench.model import parse_date
    from workbench.sources.git import GitOptions, fingerprint, read

    given: dict[str, Any] = {"tags": tags, "since": parse_date(since) if since else None, "project": project}
    given |= {"branch": branch, "path": folder, "exclude_author": exclude_author, "deploys": deploys, "time": time}
    options = GitOptions(**{name: value for name, value in given.items() if value is not None})
    bench = connect(data=data)
    digest = fingerprint(path, options)
    summary = None if dry_run else confirm(bench.metrics, "git", digest, link_hours=bench.settings.link_hours)
    if summary is None:
        with progress("Reading commits") as show:
            extract = read(path, options, progress=show)
        summary = _ingest(bench, extract, strict=False, dry_run=dry_run)
    _print_summaries([summary], as_json)


@app.command("events")
def import_events(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="CSV, JSON Lines or Parquet files, or - for standard input.")
    ],
    kind: Annotated[
        Literal["deployments", "changes", "incidents"] | None,
        typer.Option("--kind", help="If the columns do not tell."),
    ] = None,
    project: Project = None,
    zone: Annotated[str | None, typer.Option("--zone", help="IANA zone of times without an offset.")] = None,
    covers_from: Annotated[
        str | None, typer.Option("--covers-from", metavar="DATE", help="The file knows all from here,")
    ] = None,
    covers_to: Annotated[str | None, typer.Option("--covers-to", metavar="DATE", help="to here (exclusive).")] = None,
    strict: Strict = False,
    dry_run: DryRun = False,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Load files of deployments, changes or incidents, or an exported dora_metrics table (columns: docs/events.md).

    Example: workbench import events deployments.csv incidents.jsonl --project shop --zone Europe/Berlin
    """
    from workbench import connect
    from workbench.metrics.unchanged import marked, recognise
    from workbench.sources.events import EventOptions, fingerprint, read

    bench = connect(data=data)
    covers = _covers(covers_from, covers_to, zone or bench.settings.timezone)
    options = EventOptions(kind=kind, project=project, zone=zone, covers=covers)
    summaries = []
    for file in files:
        mark = fingerprint(file, options)
        summary = (
            None if dry_run or mark is None else recognise(bench.metrics, mark, link_hours=bench.settings.link_hours)
        )
        if summary is None:
            (extract,) = read(["-" if str(file) == "-" else file], options)
            summary = _ingest(bench, marked(extract, mark), strict=strict, dry_run=dry_run)
        summaries.append(summary)
    _print_summaries(summaries, as_json)


@app.command("sample")
def import_sample(as_json: Json = False, data: Data = None) -> None:
    """Load the built-in sample: three invented projects up to today.

    Example: workbench import sample
    """
    from workbench import connect
    from workbench.sources.sample import read_sample

    bench = connect(data=data)
    _print_summaries([_ingest(bench, extract, strict=True, dry_run=False) for extract in read_sample()], as_json)


def remove(
    project: Annotated[str, typer.Argument(help="Name of the project.")],
    source: Annotated[
        Literal["git", "deployments", "changes", "incidents", "export"] | None,
        typer.Option("--source", help="Only what it gave."),
    ] = None,
    incident: Annotated[str | None, typer.Option("--incident", metavar="ID", help="Only this incident.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Take a project, one of its sources, or one incident out of the store. Importing again brings it back.

    Example: workbench remove shop --incident INC-17 --yes
    """
    from workbench import connect
    from workbench.errors import ParameterError
    from workbench.metrics.ingest import remove as take_out

    what = f"incident {incident} of" if incident else f"everything from {source} of" if source else "all of"
    if not yes:
        if not sys.stdin.isatty():
            raise ParameterError(f"This removes {what} project {project!r}.", "Add --yes to do it.")
        typer.confirm(f"Remove {what} project {project!r}?", abort=True)
    bench = connect(data=data)
    rows = take_out(bench.metrics, project, source=source, incident=incident, link_hours=bench.settings.link_hours)
    if as_json:
        print_json({"format": 1, "project": project, "source": source, "incident": incident, "removed": rows})
    else:
        typer.echo(f"Removed {what} project {project}: {rows} rows.")


def _covers(start: str | None, end: str | None, timezone: str) -> tuple[datetime, datetime] | None:
    from workbench.errors import ParameterError
    from workbench.model import window_of

    if start is None and end is None:
        return None
    if start is None or end is None:
        raise ParameterError("A covered time needs both ends.", "Give --covers-from DATE and --covers-to DATE.")
    window = window_of(None, start, end, timezone)
    return window.start, window.end


def _ingest(bench: Bench, extract: Extract, *, strict: bool, dry_run: bool) -> Summary:
    from workbench.metrics.ingest import run

    with progress(f"Writing {extract.origin}") as show:
        return run(
            bench.metrics,
            extract,
            link_hours=bench.settings.link_hours,
            rejects_folder=bench.settings.data / "rejects",
            strict=strict,
            dry_run=dry_run,
            progress=show,
        )


def _print_summaries(summaries: Sequence[Summary], as_json: bool) -> None:
    if as_json:
        print_json({"format": 1, "imports": [summary.as_dict() for summary in summaries]})
        return
    columns = [("from", False), ("what", False), ("projects", False), ("state", False)]
    numbers = ("added", "changed", "removed", "unchanged", "rejected")
    rows = [
        [s.origin, s.source, _names(s.projects), s.state, *(f"{getattr(s, name):,}" for name in numbers)]
        for s in summaries
    ]
    print_table([*columns, *((name, True) for name in numbers)], rows)
    for summary in summaries:
        if summary.reject_file:
            typer.echo(f"{summary.rejected} rows of {summary.origin} were rejected; why: {summary.reject_file}")


def _names(projects: Iterable[str]) -> str:
    names = list(projects)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
