"""How a store ran a statement: a text for people, and what it read from end to end."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_FIRST_OPERATOR: Final = "EXPLAIN_ANALYZE"
_DETAILS: Final = ("Filters", "Conditions", "Join Type", "Groups", "Aggregates", "Order By", "Top")


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of one statement.

    Attributes:
        text: one line an operator, the steps of an operator indented below it.
        full_scans: what was read from end to end although it has parts that could have been left out, one sentence
            each; None where the store cannot tell.
    """

    text: str
    full_scans: tuple[str, ...] | None


def duckdb_plan(answer: str) -> Plan:
    """The plan out of DuckDB's ``EXPLAIN (ANALYZE, FORMAT JSON)``.

    A scan is full if it read every row group of its files although they have more than one each; smaller files have
    nothing that could be left out.
    """
    operators = list(_operators(json.loads(answer)["operator"], 0))
    while operators and operators[0][1]["name"] != _FIRST_OPERATOR:
        operators.pop(0)
    operators = operators[1:]
    base = operators[0][0] if operators else 0
    lines = ["  " * (depth - base) + _line(operator) for depth, operator in operators]
    scans = tuple(sentence for _, operator in operators if (sentence := _full_scan(operator)))
    return Plan("\n".join(lines), scans)


def _operators(nodes: list[dict[str, Any]], depth: int) -> Iterator[tuple[int, dict[str, Any]]]:
    for node in nodes:
        yield depth, node
        yield from _operators(node.get("children", []), depth + 1)


def _line(operator: Mapping[str, Any]) -> str:
    about = operator.get("extra_info", {})
    details = [f"{name.lower()}: {_joined(about[name])}" for name in _DETAILS if about.get(name)]
    if groups := operator.get("total_row_groups_to_scan"):
        details.append(f"row groups: {operator.get('row_groups_scanned', 0)} of {groups}")
    rows = operator.get("intermediate_rows", 0)
    measured = f"{rows:,} rows, {1000 * operator.get('timing', 0.0):.3f} ms"
    return f"{operator['name'].strip()} ({measured})" + (f" {'; '.join(details)}" if details else "")


def _full_scan(operator: Mapping[str, Any]) -> str:
    groups, read = operator.get("total_row_groups_to_scan", 0), operator.get("row_groups_scanned", 0)
    files = int(operator.get("extra_info", {}).get("Total Files Read", 1))
    if groups <= files or read < groups:
        return ""
    return f"all {groups} row groups of {files} {'file' if files == 1 else 'files'} ({operator['rows_scanned']:,} rows)"


def _joined(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value).replace("\n", ", ")
