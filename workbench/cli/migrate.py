"""``workbench migrate``: make the tables of a MySQL or MariaDB database, and bring them up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

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
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Make the tables of the MySQL or MariaDB database that WORKBENCH_METRICS_URL names, or bring them up to date.

    Example: workbench migrate --sql --server mariadb > schema.sql
    """
    from workbench import settings

    found = settings.load(data=data, legacy_project=project)
    if adopt:
        _adopt(found, as_json)
    elif sql:
        _print_sql(_server(found, server), to, since, as_json)
    elif found.metrics_url is None:
        answer = {"format": 1, "store": "embedded", "location": str(found.data), "before": None, "after": None}
        sentence = f"The embedded store in {found.data} needs no migration; WORKBENCH_METRICS_URL names no database."
        print_json(answer) if as_json else typer.echo(sentence)
    else:
        _migrate(found, to, yes, as_json)


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


def _migrate(settings: Settings, to: str, yes: bool, as_json: bool) -> None:
    from workbench.errors import ParameterError
    from workbench.metrics import mysql_engine, mysql_schema

    connect = mysql_engine.from_settings(settings)
    where = mysql_engine.place(mysql_engine.parse(connect))
    mysql_schema.check(to)
    if not yes and mysql_schema.goes_down(mysql_schema.now(connect), to):
        raise ParameterError(
            f"Taking {where} down to {to} removes tables or columns with what is in them.",
            "Make a backup, and add --yes.",
        )
    before, after = mysql_schema.migrate(connect, to)
    if as_json:
        print_json({"format": 1, "store": "mysql", "location": where, "before": before, "after": after})
    elif before == after:
        typer.echo(f"{where} is at {after or 'base'} already; nothing had to be done.")
    else:
        typer.echo(f"{where} went from {before or 'no tables of the workbench'} to {after or 'none'}.")


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
