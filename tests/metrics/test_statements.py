"""What is told of a statement: secrets masked, long texts cut, keys told apart; and how a server's log can tell it."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.april import some_parameters
from workbench.metrics import queries
from workbench.metrics.dialect import to_duckdb
from workbench.metrics.statements import key_of, shown


def test_secrets_are_masked_and_long_texts_cut() -> None:
    given = {
        "password": "hunter2", "api_key": "hunter2", "origin": "see https://ann:hunter2@example.com/x",
        "projects": ["a", "mysql://root:hunter2@db/x"], "spans": "x" * 5000, "n": 3, "at": datetime(2025, 1, 2),
    }  # fmt: skip
    told = shown(given)
    assert "hunter2" not in str(told)
    assert told["password"] == told["api_key"] == "***"
    assert told["origin"] == "see https://***@example.com/x"
    assert told["spans"] == "x" * 300 + "… 5000 characters"
    assert (told["n"], told["at"]) == (3, "2025-01-02 00:00:00")


def test_keys_differ_by_what_is_asked_for_but_not_by_the_cursor() -> None:
    assert key_of({"projects": ["a"], "after_at": 1}) == key_of({"projects": ["a"], "after_at": 2})
    assert key_of({"spans": "x" * 5000 + "a"}) != key_of({"spans": "x" * 5000 + "b"})


@pytest.mark.parametrize("name", sorted(queries.load()))
def test_a_statement_carries_the_name_of_its_question(name: str) -> None:
    """In the text for every server, so that it is found in the server's own logs."""
    sql, _ = queries.get(name).bind(some_parameters(name))
    assert sql.startswith(f"/* workbench:{name} */")
    assert f"/* workbench:{name} */" in to_duckdb(sql)
