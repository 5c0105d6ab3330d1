"""How a MySQL or MariaDB server ran a statement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from workbench.metrics.plan import Plan

if TYPE_CHECKING:
    from sqlalchemy import Connection

_WORTH_A_WORD: Final = 1000
"""Estimated rows from which on reading a whole table is worth a word; smaller ones fit into a few pages."""


def explain(connection: Connection, text: str, values: Mapping[str, Any]) -> Plan:
    """Run a statement (the driver's text) for its plan with measured rows and times."""
    mariadb = connection.dialect.is_mariadb  # type: ignore[attr-defined]
    measured, estimated = (
        ("ANALYZE FORMAT=JSON", "EXPLAIN") if mariadb else ("EXPLAIN ANALYZE", "EXPLAIN FORMAT=TRADITIONAL")
    )
    bound = dict(values) or None
    tree = _text(connection.exec_driver_sql(f"{measured} {text}", bound).cursor.fetchall()[0][0])
    result = connection.exec_driver_sql(f"{estimated} {text}", bound)
    steps = [dict(zip(result.keys(), map(_text, row), strict=True)) for row in result.cursor.fetchall()]
    return Plan(tree, tuple(_full_scans(steps)))


def _full_scans(steps: list[dict[str, str]]) -> Iterator[str]:
    """Tables and indexes that are read from end to end; not what the statement itself made."""
    for step in steps:
        own = step["table"].startswith("<") or "Table function" in step["Extra"]
        if not own and step["type"] in ("ALL", "index") and int(step["rows"] or 0) >= _WORTH_A_WORD:
            what = f"the index {step['key']}" if step["key"] else "the table"
            yield f"{what} of {step['table']} (about {int(step['rows']):,} rows)"


def _text(cell: Any) -> str:
    return cell.decode() if isinstance(cell, bytes) else "" if cell is None else str(cell)
