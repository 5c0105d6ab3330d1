"""``workbench migrate`` where there is no server, and the SQL that it prints."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Command

pytest.importorskip("alembic", reason="alembic is not installed (extra mysql)")


def test_embedded_store_needs_nothing(workbench: Command) -> None:
    done = workbench("migrate")
    assert done.code == 0
    assert done.out.count("\n") == 1
    assert "needs no migration" in done.out
    assert workbench("migrate", "--json").json["store"] == "embedded"


@pytest.mark.parametrize(
    ("server", "collation"), [("mysql", "utf8mb4_0900_bin"), ("mariadb", "utf8mb4_nopad_bin")], ids=str
)
def test_sql_is_for_the_server_of_the_option_or_of_the_url(
    workbench: Command, monkeypatch: pytest.MonkeyPatch, server: str, collation: str
) -> None:
    """The URL leads nowhere: nobody is asked."""
    by_option = workbench("migrate", "--sql", "--server", server)
    assert by_option.code == 0
    assert f"COLLATE {collation}" in by_option.out
    monkeypatch.setenv("WORKBENCH_METRICS_URL", f"{server}://nobody:secret@nowhere.invalid/dora")
    by_url = workbench("migrate", "--sql")
    assert by_url.out == by_option.out
    assert "secret" not in by_url.out
    assert workbench("migrate", "--sql", "--json").json["sql"] in by_url.out


def test_sql_of_the_way_down_is_from_a_revision(workbench: Command) -> None:
    down = workbench("migrate", "--sql", "--server", "mysql", "--from", "0001", "--to", "base")
    assert "DROP TABLE IF EXISTS dora_metrics" in down.out
    assert "CREATE TABLE" not in down.out


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--sql",), "--server"),
        (("--sql", "--server", "oracle"), "oracle"),
        (("--sql", "--server", "mysql", "--to", "nosuch"), "nosuch"),
        (("--sql", "--server", "mysql", "--from", "nosuch"), "nosuch"),
    ],
)
def test_wrong_use_ends_with_2(workbench: Command, arguments: tuple[str, ...], word: str) -> None:
    done = workbench("migrate", *arguments)
    assert done.code == 2
    assert word in done.err
