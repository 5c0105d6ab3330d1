"""Alembic's entry: brings the schema of a connection that workbench.metrics.mysql_schema hands over to a revision."""

from __future__ import annotations

from alembic import context

VERSION_TABLE = "workbench_schema"

connection = context.config.attributes.get("connection")
if connection is None:  # only write the SQL, for a DBA
    context.configure(
        dialect_name=context.config.attributes["dialect"],
        as_sql=True,
        literal_binds=True,
        version_table=VERSION_TABLE,
        output_buffer=context.config.output_buffer,
    )
else:
    context.configure(connection=connection, version_table=VERSION_TABLE)
with context.begin_transaction():
    context.run_migrations()
