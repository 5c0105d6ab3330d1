"""Query files: what a header says, what is refused and where, and which colons are placeholders."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import ParameterError, QueryError
from workbench.files import folder
from workbench.metrics import queries

BAD = Path(__file__).parent / "bad_queries"
HEADER = """-- name: good
-- It says
-- something.
-- param a text: first
-- column n integer [days]: how many
-- grain: one row
"""


BAD_FILES = [
    ("undeclared", "8:47", "parameter :until is not declared"),
    ("unused", "1:1", "parameter projects is declared but not used"),
    ("open_quote", "7:3", "a quote or comment does not end"),
    ("open_comment", "6:22", "a quote or comment does not end"),
    ("escaped_quote", "6:20", "a quote or comment does not end"),
    ("parameter_type", "3:1", "parameter type 'date' is unknown"),
    ("parameter_twice", "4:1", "parameter a is declared twice"),
    ("column_type", "3:1", "column type 'float' is unknown"),
    ("column_form", "3:1", "cannot be read: column N-N integer"),
    ("name_form", "1:1", "cannot be read: name: Bad Name"),
    ("no_name", "1:1", "the header has no name"),
    ("no_sentence", "1:1", "the header has no sentence"),
    ("no_columns", "1:1", "the header has no columns"),
    ("no_grain", "1:1", "the header has no grain"),
    ("no_header", "1:1", "the header has no name"),
    ("empty", "1:1", "the header has no name"),
    ("no_sql", "1:1", "there is no SQL below the header"),
]


@pytest.mark.parametrize(("name", "place", "says"), BAD_FILES)
def test_a_bad_file_is_named_with_line_and_column(name: str, place: str, says: str) -> None:
    with pytest.raises(QueryError) as caught:
        queries.parse((BAD / f"{name}.sql").read_text(encoding="utf-8"), f"{name}.sql")
    assert str(caught.value).startswith(f"{name}.sql:{place}: ")
    assert says in str(caught.value)


def test_every_bad_file_is_tried() -> None:
    assert {path.stem for path in BAD.glob("*.sql")} == {name for name, _, _ in BAD_FILES}


def test_two_files_with_one_name_are_refused(tmp_path: Path) -> None:
    for name in ("one.sql", "two.sql"):
        (tmp_path / name).write_text(HEADER + "SELECT :a AS n")
    with pytest.raises(QueryError, match=r"two\.sql:1:1: query good is also in one\.sql"):
        queries.load_folder(tmp_path)


def test_header_becomes_the_definition() -> None:
    query = queries.parse(HEADER + "SELECT :a AS n -- why\n", "good.sql")
    assert (query.name, query.sentence, query.grain) == ("good", "It says something.", "one row")
    assert query.parameters == (queries.Parameter("a", "text", "first"),)
    assert query.columns == (queries.Column("n", "integer", "days", "how many"),)
    assert query.sql == "SELECT :a AS n -- why"  # comments are kept


def test_every_query_of_the_package_is_named_like_its_file() -> None:
    assert {path.stem for path in folder("queries").glob("*.sql")} == set(queries.load())


def test_readme_shows_a_header_that_can_be_read() -> None:
    text = (folder("queries") / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    query = queries.parse(example, "example.sql")
    assert {one.type for one in query.parameters} | {one.type for one in query.columns} <= {
        *queries.PYTHON_TYPES,
        *queries.COLUMN_TYPES,
    }
    for kind in (*queries.PYTHON_TYPES, *queries.COLUMN_TYPES):
        assert f"`{kind}`" in text


def test_unknown_query_names_the_known_ones() -> None:
    with pytest.raises(QueryError, match="deployment_counts"):
        queries.get("nothing")


def test_lists_expand_and_empty_ones_match_nothing() -> None:
    query = queries.parse(HEADER.replace("a text:", "a text[]:") + "SELECT 1 AS n WHERE x IN (:a) OR ':a' = y", "x")
    sql, values = query.bind({"a": ["p", "q"]})
    assert sql.endswith("SELECT 1 AS n WHERE x IN (:a_0, :a_1) OR ':a' = y")
    assert values == {"a_0": "p", "a_1": "q"}
    sql, values = query.bind({"a": ()})
    assert sql.endswith("SELECT 1 AS n WHERE x IN (NULL) OR ':a' = y")
    assert values == {}


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("text", ["", "x"], [1, None, ["x"]]),
        ("integer", [0, -5], [True, 1.0, "1"]),
        ("decimal", [1, Decimal("1.5")], [1.5, "1", False]),
        ("datetime", [datetime(2025, 1, 1)], [datetime(2025, 1, 1, tzinfo=UTC), "2025-01-01"]),
        ("text[]", [[], ["a"], ("b",)], ["a", [1], {"a"}]),
        ("json", ["[]"], [[], {}]),
    ],
)
def test_parameters_have_the_declared_type(kind: str, good: list[object], bad: list[object]) -> None:
    query = queries.parse(HEADER.replace("a text:", f"a {kind}:") + "SELECT :a AS n", "x")
    for value in good:
        query.bind({"a": value})
    for value in bad:
        with pytest.raises(ParameterError, match=re.escape(f"must be {kind}")):
            query.bind({"a": value})


def test_spans_and_bins_are_what_json_table_reads() -> None:
    edges = [(3, datetime(2025, 1, 1), datetime(2025, 1, 2, 0, 0, 0, 5))]
    assert json.loads(queries.spans(edges, [7])) == [
        {"span": 3, "starts": "2025-01-01 00:00:00.000000", "ends": "2025-01-02 00:00:00.000005", "part": 7}
    ]
    assert json.loads(queries.bins([0, 60, Decimal("3600.50")])) == [
        {"bin": 0, "low": "0", "high": "60"},
        {"bin": 1, "low": "60", "high": "3600.50"},
    ]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 9)), max_size=6), st.integers(-1, 30))
def test_a_moment_is_in_the_spans_of_its_piece(given_spans: list[tuple[int, int]], hour: int) -> None:
    """Spans that overlap, touch or leave gaps: what SQL is given finds exactly those that hold a moment."""
    start = datetime(2025, 1, 1)
    edges = [(n, start + timedelta(hours=a), start + timedelta(hours=a + d)) for n, (a, d) in enumerate(given_spans)]
    query = queries.parse(HEADER.replace("a text:", "a spans:") + "SELECT INTERVAL(1, :a_edges) AS n, :a AS s", "x")
    sql, values = query.bind({"a": queries.spans(edges)})
    bound = [values[f"a_edges_{n}"] for n in range(len(values) - 1)]
    assert bound == sorted(set(bound))
    assert sql.count(":a_edges_") == len(bound)
    moment = start + timedelta(hours=hour)
    piece = sum(edge <= (moment - datetime(1970, 1, 1)) // timedelta(microseconds=1) for edge in bound)
    found = [one["span"] for one in json.loads(values["a"]) if one["piece"] == piece]
    assert found == [n for n, a, b in edges if a <= moment < b]


@pytest.mark.parametrize(
    "text", ["", "{", "5", "[1]", '[{"span": 0}]', '[{"span":0,"part":0,"starts":"x","ends":"y"}]']
)
def test_spans_that_cannot_be_read_are_refused(text: str) -> None:
    query = queries.parse(HEADER.replace("a text:", "a spans:") + "SELECT INTERVAL(1, :a_edges) AS n, :a AS s", "x")
    with pytest.raises(ParameterError, match="no spans of time"):
        query.bind({"a": text})


def test_both_placeholders_of_spans_are_used() -> None:
    with pytest.raises(QueryError, match="a_edges is declared but not used"):
        queries.parse(HEADER.replace("a text:", "a spans:") + "SELECT :a AS n", "x")


# Pieces of SQL with the placeholders that they hold; joined by spaces or newlines in any order.
PIECES = [
    ("SELECT", []),
    (":alpha", ["alpha"]),
    ("(:beta_2)", ["beta_2"]),
    ("x = :gamma,", ["gamma"]),
    ("':quoted'", []),
    ("'it''s :quoted'", []),
    (r"'back\' :quoted'", []),
    (r"'\\'", []),
    ('":quoted"', []),
    ("`:quoted`", []),
    ("/* :comment 'x */", []),
    ("-- :comment '\n", []),
    ('# :comment "\n', []),
    ("a::int", []),
    ("1:2", []),
    (": spaced", []),
    ("@x := 5", []),
    ("'$.path'", []),
    (":delta::text", ["delta"]),
]


@given(st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from([" ", "\n", "  \t"])), max_size=12))
def test_placeholders_are_found_outside_quotes_and_comments_only(
    parts: list[tuple[tuple[str, list[str]], str]],
) -> None:
    sql = "".join(text + space for (text, _), space in parts)
    expected = [name for (_, names), _ in parts for name in names]
    found = list(queries.placeholders(sql))
    assert [name for name, _ in found] == expected
    assert all(sql[offset : offset + 1 + len(name)] == f":{name}" for name, offset in found)


def test_duckdbs_own_text_uses_the_same_parameters(tmp_path: Path) -> None:
    header = "-- name: q\n-- One.\n-- param a integer: it\n-- column n integer\n-- grain: one row\n"
    (tmp_path / "q.sql").write_text(f"{header}SELECT :a AS n\n")
    (tmp_path / "duckdb").mkdir()
    (tmp_path / "duckdb" / "q.sql").write_text("SELECT :a + 0 AS n\n")
    query = queries.load_folder(tmp_path)["q"]
    assert query.bind({"a": 1}, query.duckdb)[0].endswith("SELECT :a + 0 AS n\n")
    (tmp_path / "duckdb" / "q.sql").write_text("SELECT :b AS n\n")
    with pytest.raises(QueryError, match=r"duckdb/q.sql:1:1: its parameters differ from q.sql: a, b"):
        queries.load_folder(tmp_path)
