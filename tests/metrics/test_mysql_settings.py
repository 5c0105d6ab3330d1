"""How settings become a connection to MySQL, without a server: where the password comes from, and who sees it."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench import settings
from workbench.errors import ConfigurationError
from workbench.metrics import mysql_engine
from workbench.metrics.mysql_engine import from_settings, parse, place

SECRET = "s3cret/@:"
pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed (extra mysql)")


def load(**given: object) -> settings.Settings:
    return settings.load(metrics_url="mysql://me@db.example:3307/dora", **given)


def test_password_comes_from_the_setting_or_the_first_line_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{SECRET}\r\nsecond line\n")
    for given in ({"metrics_password": SECRET}, {"metrics_password_file": file}):
        connect = from_settings(load(**given))
        assert parse(connect).password == SECRET
        assert SECRET not in repr(connect) + repr(load(**given))


def test_password_of_the_url_wins() -> None:
    url = mysql_engine.parse(mysql_engine.Connect("mysql://me:a%40b@h/db", password="other"))
    assert url.password == "a@b"


def test_password_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="WORKBENCH_METRICS_PASSWORD_FILE"):
        from_settings(load(metrics_password_file=tmp_path / "none"))


def test_nothing_configured() -> None:
    with pytest.raises(ConfigurationError, match="WORKBENCH_METRICS_URL"):
        from_settings(settings.load())


def test_place_names_neither_user_nor_password() -> None:
    assert place(parse(from_settings(load(metrics_password=SECRET)))) == "db.example:3307/dora"


@pytest.mark.parametrize(
    ("server", "limit", "wanted"),
    [
        ("9.7.4", 1.5, "max_execution_time = 1500"),
        ("9.7.4", 1.5, "transaction_read_only = 1"),
        ("10.11.19-MariaDB-0", 1.5, "max_statement_time = 1.500"),
        ("10.11.19-MariaDB-0", 1.5, "tx_read_only = 1"),
    ],
)
def test_each_server_is_told_in_its_own_words(server: str, limit: float, wanted: str) -> None:
    """Milliseconds on MySQL, seconds on MariaDB; a writer has no limit and may write."""
    assert f"SESSION {wanted}" in mysql_engine.session(server, limit)
    assert "read_only" not in mysql_engine.session(server, None)
