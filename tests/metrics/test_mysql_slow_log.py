"""What is shown of statements in a server's slow query log: no value of anybody, whatever it looks like."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.metrics.mysql_slow_log import query_name, without_values


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ("SELECT a1 FROM t2 WHERE x = 'it''s' AND y > -3.5e2", "SELECT a1 FROM t2 WHERE x = ? AND y > -?"),
        ('SELECT "a -- b", x\'1F\', 0x1f FROM `o\'dd` -- why\n WHERE 1', "SELECT ?, … FROM `o'dd` WHERE ?"),
        ("/* workbench:lead */ SELECT 1 # pw\n+ 2", "SELECT ? + ?"),
        ("SELECT * FROM t WHERE id IN (1, 'b',\n3)", "SELECT * FROM t WHERE id IN (?, …)"),
        ("SELECT 'cut off in the mid", "SELECT ?"),
        ("SELECT 1 /* cut off", "SELECT ?"),
        (r"SELECT 'a\', 'secret', b", "SELECT …"),
        ("SELECT @@version, _utf8mb4'x', t5.a6", "SELECT @@version, _utf8mb4?, t5.a6"),
        ("", ""),
    ],
)  # fmt: skip
def test_values_and_comments_are_left_out(statement: str, shown: str) -> None:
    assert without_values(statement) == shown


@given(st.text(), st.text(), st.integers(0, 200))
def test_no_part_of_a_quoted_text_is_ever_shown(before: str, secret: str, cut: int) -> None:
    """Written as a driver writes it, cut off anywhere, beside any other text."""
    written = "'" + (before + "SECRET" + secret).replace("\\", "\\\\").replace("'", "\\'") + "'"
    doubled = "'" + (before + "SECRET" + secret).replace("\\", "/").replace("'", "''") + "'"
    for text in (written, doubled):
        assert "SECRET" not in without_values(f"SELECT a FROM t WHERE b = 'x' AND c = {text} AND d = 5"[: cut + 20])


def test_the_name_is_that_of_our_own_comment_at_the_beginning() -> None:
    assert query_name("/* workbench:lead_time_ranks */ SELECT 1") == "lead_time_ranks"
    assert query_name("SELECT '/* workbench:other */'") == ""
