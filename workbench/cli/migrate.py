"""``workbench migrate``: make the tables of the servers that are configured, and bring them up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from workbench.cli.migrate_logs import LogTables, make, say
from workbench.cli.output import Data, Json, print_json

if TYPE_CHECKING:
    from workbench.settings import Settings


def migrate(
    to: Annotated[
        str, typer.Option("--to", metavar="REVISION", help="Another revision than the newest; base removes all tables.")
    ] = "head",
    sql: Annotated[bool, typer.Option("--sql", help="Only print the SQL, for a DBA; no server is asked.")] = False,
    server: Annotated[
        Literal["mysql", "mariadb"] | None,
        typer.Option("--server", help="Whose SQL to print (default: what the URL says)."),
    ] = None,
    since: Annotated[
        str, typer.Option("--from", metavar="REVISION", help="With --sql: where the database is now (default: empty).")
    ] = "base",
    yes: Annotated[bool, typer.Option("--yes", help="Also go down, which removes tables with their rows.")] = False,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Bring the dora_metrics table of a Django application to our schema.")
    ] = False,
    project: Annotated[
        str | None,
        typer.Option("--project", metavar="NAME", help="With --adopt: whose its rows are (WORKBENCH_LEGACY_PROJECT)."),
    ] = None,
    replication: Annotated[
        str | None,
        typer.Option(
            "--replication", metavar="DC:N", help="Cassandra, for a new keyspace: such as dc1:3 or dc1:3,dc2:3."
        ),
    ] = None,
    parts: Annotated[
        int | None,
        typer.Option("--parts", metavar="N", help="Cassandra: parts of a day (1), more for hosts above 100 MB a day."),
    ] = None,
    days: Annotated[
        int | None, typer.Option("--days", metavar="N", help="Cassandra: how long a line is kept (90).")
    ] = None,
    window: Annotated[
        int | None, typer.Option("--window", metavar="N", help="Cassandra: days of a compaction window (1).")
    ] = None,
    index: Annotated[
        list[str] | None,
        typer.Option(
            "--index", metavar="severity|source", help="Cassandra 5.0: also index it; each write pays for it."
        ),
    ] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Make the tables of the database and the Cassandra that are configured, or bring them up to date.

    WORKBENCH_METRICS_URL names a MySQL or MariaDB database, WORKBENCH_LOGS_URL a Cassandra; what is there stays.

    Example: workbench migrate --replication dc1:3   or   workbench migrate --sql --server mariadb > schema.sql
    """
    from workbench import settings

    found = settings.load(data=data, legacy_project=project)
    if adopt:
        _adopt(found, as_json)
    elif sql:
        _print_sql(_server(found, server), to, since, as_json)
    else:
        wanted = LogTables(replication, parts, days, window, tuple(index or ()))
        _migrate(found, to, yes, wanted, as_json)


def _server(settings: Settings, named: Literal["mysql", "mariadb"] | None) -> Literal["mysql", "mariadb"]:
    from workbench.errors import ParameterError

    if named:
        return named
    if settings.metrics_url is None:
        raise ParameterError("The SQL differs from server to server.", "Add --server mysql or --server mariadb.")
    return "mariadb" if settings.metrics_url.get_secret_value().startswith("mariadb") else "mysql"


def _print_sql(server: Literal["mysql", "mariadb"], to: str, since: str, as_json: bool) -> None:
    from workbench.metrics import mysql_schema

    text = mysql_schema.sql(server, to, "" if since == mysql_schema.NOTHING else since)
    if as_json:
        print_json({"format": 1, "server": server, "from": since, "to": to, "sql": text})
    else:
        typer.echo(f"-- {server}: from {since} to {to}\n\n{text}", nl=False)


def _migrate(settings: Settings, to: str, yes: bool, wanted: LogTables, as_json: bool) -> None:
    """Both servers, the database first; a way down is the database's alone."""
    answer, sentence = _database(settings, to, yes)
    logs = make(settings, wanted, may_ask=not as_json) if to == "head" else None
    if as_json:
        print_json({"format": 1, **answer, "logs": logs})
        return
    if settings.metrics_url is not None or logs is None:
        typer.echo(sentence)
    if logs is not None:
        typer.echo(say(logs))


def _database(settings: Settings, to: str, yes: bool) -> tuple[dict[str, Any], str]:
    """Bring the database to a revision; what was done, for a program and for people."""
    from workbench.errors import ParameterError
    from workbench.metrics import mysql_engine, mysql_schema

    if settings.metrics_url is None:
        answer = {"store": "embedded", "location": str(settings.data), "before": None, "after": None}
        return answer, (
            f"The embedded store in {settings.data} needs no migration; neither WORKBENCH_METRICS_URL nor "
            "WORKBENCH_LOGS_URL names a server."
        )
    connect = mysql_engine.from_settings(settings)
    where = mysql_engine.place(mysql_engine.parse(connect))
    mysql_schema.check(to)
    if not yes and mysql_schema.goes_down(mysql_schema.now(connect), to):
        raise ParameterError(
            f"Taking {where} down to {to} removes tables or columns with what is in them.",
            "Make a backup, and add --yes.",
        )
    before, after = mysql_schema.migrate(connect, to)
    if before == after:
        sentence = f"{where} is at {after or 'base'} already; nothing had to be done."
    else:
        sentence = f"{where} went from {before or 'no tables of the workbench'} to {after or 'none'}."
    return {"store": "mysql", "location": where, "before": before, "after": after}, sentence


def _adopt(settings: Settings, as_json: bool) -> None:
    from workbench.errors import ParameterError
    from workbench.metrics import mysql_adopt, mysql_engine
    from workbench.sources.export import from_table

    connect = mysql_engine.from_settings(settings)
    if settings.legacy_project is None:
        raise ParameterError("Adopted rows belong to a project.", "Add --project NAME.")
    done = mysql_adopt.adopt(
        connect,
        from_table,
        project=settings.legacy_project,
        link_hours=settings.link_hours,
        rejects_folder=settings.data / "rejects",
        progress=lambda step: typer.echo(f"Now: {step}", err=True),
    )
    where = mysql_engine.place(mysql_engine.parse(connect))
    if as_json:
        steps = [{"step": step, "how": how} for step, how in done.steps]
        about = {"format": 1, "store": "mysql", "location": where, "project": settings.legacy_project}
        print_json({**about, "steps": steps, "rows": done.rows.as_dict()})
        return
    for step, how in done.steps:
        typer.echo(f"{step}: {how}")
    typer.echo(f"{where} is adopted as project {settings.legacy_project}: {done.rows.state}.")
    typer.echo("No longer set WORKBENCH_LEGACY_PROJECT; the table now is the workbench's own.")
