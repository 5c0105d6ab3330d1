"""Which cases there are (``metric_cases``, ``log_cases`` …), what they write, and how some of them are chosen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Final

from workbench.bench.cases import Case
from workbench.bench.log_cases import log_cases
from workbench.bench.metric_cases import metric_cases
from workbench.bench.report_cases import report_cases
from workbench.errors import ParameterError

STORES: Final = ("embedded", "mysql", "cassandra", "report")


def all_cases(stores: Sequence[str], rows: int) -> list[Case]:
    """Every case of these stores up to so many rows, in the order of the report."""
    made: list[Case] = []
    for store in STORES:
        if store not in stores:
            continue
        if store in ("embedded", "mysql"):
            made += metric_cases(store, rows)
        if store == "mysql":
            from workbench.bench.mysql_cases import mysql_cases

            made += mysql_cases(rows)
        if store in ("embedded", "cassandra"):
            made += log_cases(store, rows)
        if store == "cassandra":
            from workbench.bench.cassandra_cases import cassandra_cases
            from workbench.bench.cassandra_loads import load_peers, sustained_loads

            made += [*cassandra_cases(rows), *load_peers(rows), *sustained_loads(rows)]
        if store == "report":
            made += report_cases()
    return made


BYTES: Final = {"embedded": 100, "mysql": 700, "cassandra": 300, "report": 100}
"""What a row or line takes on disk, with its indexes; measured."""


def writes(cases: Iterable[Case]) -> list[tuple[str, int, str, int]]:
    """What these cases need: store, rows, of what, and about how many bytes."""
    needed = dict.fromkeys((case.store, case.rows, "lines of logs" if case.lines else "rows") for case in cases)
    return [(store, rows, kind, rows * BYTES[store]) for store, rows, kind in needed]


def choose(cases: Iterable[Case], pattern: str | None) -> list[Case]:
    """The cases whose id holds the text, or fits it if it has ``*``; with each, what it is compared with.

    Raises:
        ParameterError: none does.
    """
    known = list(cases)
    if pattern is None:
        return known
    wanted = pattern.casefold()
    glob = wanted if set("*?[") & set(wanted) else f"*{wanted}*"
    families = {case.family for case in known if fnmatchcase(case.id.casefold(), glob)}
    if not families:
        raise ParameterError(f"No case fits {pattern!r}.", "See them with: workbench bench --list.")
    return [case for case in known if case.family in families]
