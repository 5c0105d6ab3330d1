"""Questions as files: reads queries/*.sql, checks each header against its SQL, and binds parameters.

A file starts with a header, which is also the question's definition in the docs and the report::

    -- name: deployment_counts
    -- How many deployments each span had.            (one sentence)
    -- param projects text[]: the projects asked for
    -- column deployments integer [deployments]: how many
    -- grain: one row a project and span

and goes on with one SELECT in MySQL's dialect. Parameter types: ``text``, ``integer``, ``decimal``, ``datetime`` (naive
UTC), ``text[]`` (expands inside IN), ``json`` (rows for JSON_TABLE: see :func:`bins`), ``spans`` (of time, as
:func:`spans` writes them: see :class:`Pieces`). Column types: ``text``, ``integer``, ``decimal`` (12,2), ``total``
(38,2, a sum of decimals), ``datetime``.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import ParameterError, QueryError
from workbench.files import folder

if TYPE_CHECKING:
    import pyarrow as pa

PYTHON_TYPES: Final[dict[str, type | tuple[type, ...]]] = {
    "text": str,
    "integer": int,
    "decimal": (int, Decimal),
    "datetime": datetime,
    "text[]": (list, tuple),
    "json": str,
    "spans": str,
}
EDGES: Final = "_edges"
"""What the name of the second placeholder of a ``spans`` parameter ends with."""
CURSOR: Final = "after_"
"""How the parameters begin that say where the page before ended."""
COLUMN_TYPES: Final = ("text", "integer", "decimal", "total", "datetime")

_EPOCH: Final = datetime(1970, 1, 1)
_MICROSECOND: Final = timedelta(microseconds=1)
_NAME = re.compile(r"name:\s*(?P<name>[a-z][a-z0-9_]*)\s*$")
_PARAM = re.compile(r"param\s+(?P<name>[a-z][a-z0-9_]*)\s+(?P<type>\S+?):\s*(?P<text>.+)$")
_COLUMN = re.compile(
    r"column\s+(?P<name>[a-z][a-z0-9_]*)\s+(?P<type>[a-z]+)(?:\s+\[(?P<unit>[^\]]+)\])?(?::\s*(?P<text>.+))?$"
)
_GRAIN = re.compile(r"grain:\s*(?P<text>.+)$")
_KEYWORD = re.compile(r"(name|grain):|(param|column)\s")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A declared parameter; ``text`` says what it means."""

    name: str
    type: str
    text: str

    @property
    def placeholders(self) -> tuple[str, ...]:
        """The names under which SQL uses it."""
        return (self.name, self.name + EDGES) if self.type == "spans" else (self.name,)


@dataclass(frozen=True, slots=True)
class Column:
    """A declared result column."""

    name: str
    type: str
    unit: str
    text: str


@dataclass(frozen=True, slots=True)
class Query:
    """One checked file of queries/. ``sql`` is the file's text without the header, comments kept.

    ``duckdb`` is the text of the same name in queries/duckdb/, where DuckDB has a much faster way to the same answer.
    """

    name: str
    sentence: str
    parameters: tuple[Parameter, ...]
    columns: tuple[Column, ...]
    grain: str
    sql: str
    path: str
    duckdb: str | None = None

    @property
    def paged(self) -> bool:
        """Whether it answers with pages of rows, and not with sums and counts."""
        return any(parameter.name.startswith(CURSOR) for parameter in self.parameters)

    def bind(self, given: Mapping[str, Any], text: str | None = None) -> tuple[str, dict[str, Any]]:
        """SQL (or another ``text`` of it), list parameters expanded to ``:name_0, :name_1`` …, and the values by name.

        The query's name goes in front as a comment, so that it can be found in a server's own logs.

        Raises:
            ParameterError: a parameter is missing, unknown, or of another type than declared.
        """
        declared = {parameter.name: parameter for parameter in self.parameters}
        if unknown := sorted(set(given) - set(declared)):
            raise ParameterError(
                f"Query {self.name} has no parameter {', '.join(unknown)}.",
                f"It takes {', '.join(declared) or 'none'}.",
            )
        if missing := sorted(set(declared) - set(given)):
            raise ParameterError(f"Query {self.name} needs {', '.join(missing)}.", f"It takes {', '.join(declared)}.")
        values: dict[str, Any] = {}
        lengths: dict[str, int] = {}
        for name, parameter in declared.items():
            value = given[name]
            _check_type(self.name, parameter, value)
            if parameter.type == "text[]":
                lengths[name] = len(value)
                values.update({f"{name}_{index}": item for index, item in enumerate(value)})
            elif parameter.type == "spans":
                pieces = _pieces(value)
                lengths[name + EDGES] = len(pieces.edges)
                values |= {name: pieces.spans} | {f"{name}{EDGES}_{n}": edge for n, edge in enumerate(pieces.edges)}
            else:
                values[name] = value
        return f"/* workbench:{self.name} */ {_expand(text or self.sql, tuple(lengths.items()))}", values

    def arrow_schema(self) -> pa.Schema:
        """The declared result columns as Arrow types; every store casts its answer to them."""
        import pyarrow as pa

        types = {
            "text": pa.string(),
            "integer": pa.int64(),
            "decimal": pa.decimal128(12, 2),
            "total": pa.decimal128(38, 2),
            "datetime": pa.timestamp("us"),
        }
        return pa.schema([(column.name, types[column.type]) for column in self.columns])


def _check_type(query: str, parameter: Parameter, value: Any) -> None:
    wanted = PYTHON_TYPES[parameter.type]
    fits = isinstance(value, wanted) and not isinstance(value, bool)
    if fits and parameter.type == "text[]":
        fits = all(isinstance(item, str) for item in value)
    if fits and parameter.type == "datetime":
        fits = value.tzinfo is None
    if not fits:
        raise ParameterError(
            f"Parameter {parameter.name} of query {query} must be {parameter.type}, not {type(value).__name__}.",
            "Times are naive UTC." if parameter.type == "datetime" else "",
        )


def spans(edges: Iterable[tuple[int, datetime, datetime]], groups: Sequence[int] | None = None) -> str:
    """[start, end) spans (naive UTC), each with its number, as the JSON that JSON_TABLE reads in the queries.

    ``groups`` optionally puts each span into a group (days into weeks).
    """
    return json.dumps(
        [
            {
                "span": number,
                "starts": start.isoformat(" ", "microseconds"),
                "ends": end.isoformat(" ", "microseconds"),
                "part": groups[index] if groups else number,
            }
            for index, (number, start, end) in enumerate(edges)
        ]
    )


@dataclass(frozen=True, slots=True)
class Pieces:
    """Spans cut at every edge of any of them, so that a moment lies in one piece, which SQL finds without comparing.

    ``edges``: every start and end, ascending, in microseconds since 1970; ``INTERVAL(…, :NAME_edges)`` of a moment is
    the number of its piece. ``spans``: JSON for ``JSON_TABLE(:NAME …)``, a row (span, part, piece) for each piece that
    lies in a span.
    """

    edges: tuple[int, ...]
    spans: str


@lru_cache(maxsize=64)
def _pieces(text: str) -> Pieces:
    read = [(one["span"], one["part"], *map(_microseconds, (one["starts"], one["ends"]))) for one in json.loads(text)]
    edges = sorted({edge for *_, start, end in read for edge in (start, end)})
    rows = [
        {"span": span, "part": part, "piece": piece}
        for span, part, start, end in read
        for piece in range(bisect_right(edges, start), bisect_right(edges, end))
    ]
    return Pieces(tuple(edges), json.dumps(rows, separators=(",", ":")))


def _microseconds(text: str) -> int:
    return (datetime.fromisoformat(text) - _EPOCH) // _MICROSECOND


def bins(edges: Sequence[Decimal | int]) -> str:
    """Consecutive [low, high) bins of seconds as the JSON that the histogram query reads."""
    pairs = enumerate(pairwise(edges))
    return json.dumps([{"bin": number, "low": str(low), "high": str(high)} for number, (low, high) in pairs])


@cache
def load() -> Mapping[str, Query]:
    """Every query of the package by name, read once a process."""
    return load_folder(folder("queries"))


def get(name: str) -> Query:
    """The query of that name.

    Raises:
        QueryError: there is none.
    """
    try:
        return load()[name]
    except KeyError:
        raise QueryError(
            f"There is no query {name!r} in queries/.", f"There are: {', '.join(sorted(load()))}."
        ) from None


def load_folder(path: Path) -> dict[str, Query]:
    """Read and check every .sql file of a folder, in name order.

    Raises:
        QueryError: with file, line and column: a header that cannot be read, a duplicate name, a parameter that is used
            but not declared or declared but not used, a quote or comment that does not end.
    """
    found: dict[str, Query] = {}
    for file in sorted(path.glob("*.sql")):
        query = parse(file.read_text(encoding="utf-8"), file.name)
        if query.name in found:
            raise QueryError(f"{file.name}:1:1: query {query.name} is also in {found[query.name].path}.", "Rename one.")
        found[query.name] = _with_own_text(query, path / "duckdb" / file.name)
    return found


def _with_own_text(query: Query, file: Path) -> Query:
    """The query with DuckDB's own text of it, if there is one: it must use the same parameters."""
    if not file.is_file():
        return query
    text = file.read_text(encoding="utf-8")
    used, declared = {name for name, _ in placeholders(text)}, _declared(query)
    if used != declared:
        odd = ", ".join(sorted(used ^ declared))
        raise QueryError(
            f"duckdb/{file.name}:1:1: its parameters differ from {query.path}: {odd}.", "Use the same ones."
        )
    return replace(query, duckdb=text)


def parse(text: str, path: str) -> Query:
    """Read one file's text. ``path`` is only used in messages; for errors see :func:`load_folder`."""
    lines = text.splitlines()
    length = next((n for n, line in enumerate(lines) if not line.startswith("--")), len(lines))
    fields: dict[str, Any] = {"sentence": [], "parameters": [], "columns": []}
    for number, line in enumerate(lines[:length], start=1):
        _read_header_line(line[2:].strip(), fields, f"{path}:{number}:1")
    for needed in ("name", "sentence", "grain", "columns"):
        if not fields.get(needed):
            raise QueryError(f"{path}:1:1: the header has no {needed}.", "See queries/README.md for its form.")
    body = "\n".join(lines[length:]).strip()
    if not body:
        raise QueryError(f"{path}:1:1: there is no SQL below the header.", "See queries/README.md for its form.")
    query = Query(
        name=fields["name"],
        sentence=" ".join(fields["sentence"]),
        parameters=tuple(fields["parameters"]),
        columns=tuple(fields["columns"]),
        grain=fields["grain"],
        sql=body,
        path=path,
    )
    _check_parameters(query, first_line=length + 1)
    return query


def _read_header_line(line: str, fields: dict[str, Any], where: str) -> None:
    if not line:
        return
    if match := _NAME.match(line):
        fields["name"] = match["name"]
    elif match := _GRAIN.match(line):
        fields["grain"] = match["text"]
    elif match := _PARAM.match(line):
        if match["type"] not in PYTHON_TYPES:
            raise QueryError(
                f"{where}: parameter type {match['type']!r} is unknown.", f"Use {', '.join(PYTHON_TYPES)}."
            )
        if any(known.name == match["name"] for known in fields["parameters"]):
            raise QueryError(f"{where}: parameter {match['name']} is declared twice.", "Remove one.")
        fields["parameters"].append(Parameter(match["name"], match["type"], match["text"]))
    elif match := _COLUMN.match(line):
        if match["type"] not in COLUMN_TYPES:
            raise QueryError(f"{where}: column type {match['type']!r} is unknown.", f"Use {', '.join(COLUMN_TYPES)}.")
        fields["columns"].append(Column(match["name"], match["type"], match["unit"] or "", match["text"] or ""))
    elif _KEYWORD.match(line):
        raise QueryError(f"{where}: header line cannot be read: {line}", "See queries/README.md for its form.")
    else:
        fields["sentence"].append(line)


def placeholders(sql: str) -> Iterator[tuple[str, int]]:
    """Each ``:name`` of MySQL text, outside quotes and comments, with the offset of its colon."""
    from sqlglot import TokenType, tokenize

    for colon, word in pairwise(tokenize(sql, dialect="mysql")):
        adjacent = colon.token_type is TokenType.COLON and word.start == colon.end + 1
        if adjacent and word.text.isidentifier() and sql[word.start : word.end + 1] == word.text:  # not :"name"
            yield word.text, colon.start


def _declared(query: Query) -> set[str]:
    """Every placeholder that its text has to use."""
    return {name for parameter in query.parameters for name in parameter.placeholders}


def _check_parameters(query: Query, first_line: int) -> None:
    from sqlglot.errors import TokenError

    def where(offset: int) -> str:
        line = query.sql.count("\n", 0, offset)
        return f"{query.path}:{first_line + line}:{offset - query.sql.rfind(chr(10), 0, offset)}"

    try:
        found = list(placeholders(query.sql))
    except TokenError:
        raise QueryError(f"{where(_unclosed(query.sql))}: a quote or comment does not end.", "Close it.") from None
    declared = _declared(query)
    used = {name for name, _ in found}
    for name, offset in found:
        if name not in declared:
            raise QueryError(
                f"{where(offset)}: parameter :{name} is not declared.",
                f"Add a header line: -- param {name} TYPE: meaning.",
            )
    if unused := sorted(declared - used):
        raise QueryError(
            f"{query.path}:1:1: parameter {unused[0]} is declared but not used.", "Remove it from the header."
        )


def _unclosed(sql: str) -> int:
    """Where the quote or comment begins that never ends: the end of the longest text before it that can be read."""
    from sqlglot import tokenize
    from sqlglot.errors import TokenError

    for end in range(len(sql) - 1, 0, -1):
        try:
            tokenize(sql[:end], dialect="mysql")
        except TokenError:
            continue
        return end - sql.startswith("/*", end - 1)  # a slash alone can be read
    return 0


@cache
def _expand(sql: str, lengths: tuple[tuple[str, int], ...]) -> str:
    sizes = dict(lengths)
    parts, end = [], 0
    for name, offset in placeholders(sql):
        if name in sizes:
            names = [f":{name}_{index}" for index in range(sizes[name])]
            parts += [sql[end:offset], ", ".join(names) or "NULL"]
            end = offset + 1 + len(name)
    return "".join([*parts, sql[end:]])
