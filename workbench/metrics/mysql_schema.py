"""The schema of a MySQL or MariaDB database, brought up and down by Alembic (migrations/)."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final, Literal

from workbench.errors import MissingExtraError, ParameterError, StoreError
from workbench.files import folder
from workbench.metrics import mysql_engine

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

Server = Literal["mysql", "mariadb"]

TABLES: Final = ("data_version", "imports", "features", "dora_metrics")
NEWEST: Final = "head"
NOTHING: Final = "base"


def migrate(connect: mysql_engine.Connect, revision: str = NEWEST) -> tuple[str, str]:
    """Bring the schema to a revision, up or down (``base`` drops every table of the workbench).

    Returns:
        The revision before and after; '' is an empty database.

    Raises:
        ParameterError: there is no such revision.
        StoreError: the server refused, or a newer workbench set the database up.
    """
    check(revision)
    engine = mysql_engine.engine(connect, writes=True)
    where = mysql_engine.place(engine.url)
    try:
        with mysql_engine.plainly("The migration", where), engine.connect() as connection:
            before = current(connection)
            if not before:
                _leave_alone(connection, where)
            if before and before not in revisions():
                raise StoreError(f"The database {where} was set up by a newer workbench.", "Upgrade dora-workbench.")
            config = _config()
            config.attributes["connection"] = connection
            _run(config, before, revision)
            connection.commit()
            return before, current(connection)
    finally:
        engine.dispose()


def sql(server: Server, revision: str = NEWEST, before: str = "") -> str:
    """The statements that :func:`migrate` would run from ``before`` on, for a DBA.

    Raises:
        ParameterError: there is no such revision.
    """
    check(revision)
    check(before or NOTHING)
    config = _config()
    config.output_buffer = io.StringIO()
    config.attributes["dialect"] = server
    _run(config, before, revision, as_sql=True)
    return config.output_buffer.getvalue()


def current(connection: Connection) -> str:
    """The revision of a database, '' if the workbench never was in it."""
    from alembic.migration import MigrationContext

    context = MigrationContext.configure(connection, opts={"version_table": "workbench_schema"})
    return context.get_current_revision() or ""


def now(connect: mysql_engine.Connect) -> str:
    """The revision of a database, '' if the workbench never was in it.

    Raises:
        StoreError: the server refused.
    """
    engine = mysql_engine.engine(connect, writes=False)
    try:
        with mysql_engine.plainly("A look at the schema", mysql_engine.place(engine.url)), engine.connect() as found:
            return current(found)
    finally:
        engine.dispose()


def newest() -> str:
    """The revision that this package needs."""
    return revisions()[-1]


def revisions() -> list[str]:
    """Every revision that this package knows, the oldest first."""
    from alembic.script import ScriptDirectory

    return [script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()][::-1]


def check(revision: str) -> None:
    """Raise ParameterError unless there is such a revision."""
    if revision not in (known := [NOTHING, *revisions(), NEWEST]):
        raise ParameterError(f"There is no revision {revision!r}.", f"There are: {', '.join(known)}.")


def goes_down(before: str, revision: str) -> bool:
    """Whether bringing a database from ``before`` ('': an empty one) to a revision takes tables or columns away."""
    order = ["", *revisions()]
    target = {NOTHING: "", NEWEST: order[-1]}.get(revision, revision)
    return before in order and order.index(target) < order.index(before)


def _leave_alone(connection: Connection, where: str) -> None:
    """Refuse a dora_metrics table that the workbench did not make or not finish: it would only seem to be ours."""
    sql = (
        "SELECT (SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = %s), "
        "(SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = %s "
        "AND index_name = 'dora_metrics_window')"
    )
    found, ours = connection.exec_driver_sql(sql, ("dora_metrics", "dora_metrics")).cursor.fetchall()[0]
    if int(found) and not int(ours):
        raise StoreError(
            f"The database {where} has a table dora_metrics of another application.",
            "Bring it to the workbench's schema with workbench migrate --adopt, or set WORKBENCH_LEGACY_PROJECT to "
            "read it as it is.",
        )


def _run(config: Config, before: str, revision: str, *, as_sql: bool = False) -> None:
    from alembic import command

    if goes_down(before, revision):
        command.downgrade(config, f"{before}:{revision}" if as_sql else revision, sql=as_sql)
    elif revision != NOTHING:
        command.upgrade(config, f"{before}:{revision}" if as_sql and before else revision, sql=as_sql)


def _config() -> Config:
    try:
        from alembic.config import Config
    except ImportError:
        raise MissingExtraError("alembic", "mysql") from None
    config = Config()
    config.set_main_option("script_location", str(folder("migrations")).replace("%", "%%"))
    return config
