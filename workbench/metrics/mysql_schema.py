"""The schema of a MySQL or MariaDB database, brought up and down by Alembic (migrations/)."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final, Literal

from workbench.errors import MissingExtraError, StoreError
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
        StoreError: the server refused.
    """
    engine = mysql_engine.engine(connect, writes=True)
    try:
        with mysql_engine.plainly("The migration", mysql_engine.place(engine.url)), engine.connect() as connection:
            before = current(connection)
            if not before:
                _leave_alone(connection, mysql_engine.place(engine.url))
            config = _config()
            config.attributes["connection"] = connection
            _run(config, before, revision)
            connection.commit()
            return before, current(connection)
    finally:
        engine.dispose()


def sql(server: Server, revision: str = NEWEST, before: str = "") -> str:
    """The statements that :func:`migrate` would run from ``before`` on, for a DBA."""
    config = _config()
    config.output_buffer = io.StringIO()
    config.attributes["dialect"] = server
    _run(config, before, f"{before}:{revision}" if before else revision, as_sql=True)
    return config.output_buffer.getvalue()


def current(connection: Connection) -> str:
    """The revision of a database, '' if the workbench never was in it."""
    from alembic.migration import MigrationContext

    context = MigrationContext.configure(connection, opts={"version_table": "workbench_schema"})
    return context.get_current_revision() or ""


def newest() -> str:
    """The revision that this package needs."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config()).get_current_head() or ""


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
    from alembic.script import ScriptDirectory

    order = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()][::-1]
    target = revision.rpartition(":")[2]
    down = target == NOTHING or (target in order and before in order and order.index(target) < order.index(before))
    if down:
        command.downgrade(config, f"{before or NEWEST}:{target}" if as_sql else target, sql=as_sql)
    else:
        command.upgrade(config, revision, sql=as_sql)


def _config() -> Config:
    try:
        from alembic.config import Config
    except ImportError:
        raise MissingExtraError("alembic", "mysql") from None
    config = Config()
    config.set_main_option("script_location", str(folder("migrations")).replace("%", "%%"))
    return config
