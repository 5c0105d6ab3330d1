"""MySQL text to DuckDB text: the only place that knows how the two differ. Each difference has a test."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from workbench.metrics.queries import placeholders

if TYPE_CHECKING:
    from sqlglot import exp

_DUCKDB_JSON_TYPES: Final = {"INT": "BIGINT", "DATETIME": "TIMESTAMP", "DECIMAL": "DECIMAL(12,2)", "VARCHAR": "VARCHAR"}


@cache
def dollars(sql: str) -> str:
    """DuckDB text whose parameters are written as in all query files: ``:name`` becomes ``$name``."""
    parts, end = [], 0
    for _, offset in placeholders(sql):
        parts += [sql[end:offset], "$"]
        end = offset + 1
    return "".join([*parts, sql[end:]])


@cache
def to_duckdb(sql: str) -> str:
    """The DuckDB text of one MySQL SELECT; ``:name`` becomes ``$name``, comments stay.

    sqlglot writes almost all of it. JSON_TABLE, which it passes through, becomes an unnested from_json; the function
    INTERVAL(x, a, b, …), which counts the edges that x has reached, a CASE for each half of them.
    """
    import sqlglot
    from sqlglot import exp

    tree = sqlglot.parse_one(sql, read="mysql")
    for table in list(tree.find_all(exp.JSONTable)):
        structure = {
            definition.name: _DUCKDB_JSON_TYPES[definition.args["kind"].this.name]
            for definition in table.find_all(exp.JSONColumnDef)
        }
        shape = "[{" + ", ".join(f'"{name}": "{kind}"' for name, kind in structure.items()) + "}]"
        rows = sqlglot.parse_one(
            f"SELECT UNNEST(FROM_JSON({table.this.sql('duckdb')}, '{shape}'), recursive := TRUE)", read="duckdb"
        )
        alias = table.args.get("alias")
        table.replace(exp.Subquery(this=rows, alias=alias and alias.copy()))
    for call in list(tree.find_all(exp.Interval)):
        if isinstance(call.this, exp.Tuple):
            value, *edges = call.this.expressions
            call.replace(_reached(value, edges))
    for join in tree.find_all(exp.Join):
        if join.kind == "STRAIGHT_JOIN":  # tells MySQL's optimiser an order; the answer is that of JOIN
            join.set("kind", None)
    return tree.sql(dialect="duckdb", pretty=True)


def _reached(value: exp.Expression, edges: list[exp.Expression], before: int = 0) -> exp.Expression:
    """How many of the ascending edges a value has reached: a search by halves, which DuckDB does for whole columns."""
    from sqlglot import exp

    if not edges:
        return exp.Literal.number(before)
    middle = len(edges) // 2
    below = _reached(value, edges[:middle], before)
    above = _reached(value, edges[middle + 1 :], before + middle + 1)
    return exp.Case().when(exp.LT(this=value.copy(), expression=edges[middle].copy()), below).else_(above)
