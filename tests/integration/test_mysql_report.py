"""The report over a server: the same page, with the server's own view before the last section."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.cli.conftest import Command
from workbench.metrics.mysql_engine import Connect
from workbench.profiling.server import HEADING


def test_report_finds_the_password_file_that_was_named_from_here(
    workbench: Command, monkeypatch: pytest.MonkeyPatch, connect: Connect, tmp_path: Path
) -> None:
    """Its kernel works in a folder of its own; the password is in no file of the report."""
    there = make_url(connect.url)
    monkeypatch.chdir(tmp_path)
    Path("secret").write_text(f"{there.password}\n")
    monkeypatch.setenv("WORKBENCH_METRICS_URL", f"mysql://{there.username}@{there.host}:{there.port}/{there.database}")
    monkeypatch.setenv("WORKBENCH_METRICS_PASSWORD_FILE", "secret")
    assert workbench("import", "sample").code == 0
    done = workbench("report", "dora", "--project", "checkout", "--json")
    assert done.code == 0, done.err
    texts = [path.read_text(errors="replace") for path in Path(done.json["html"]).parent.iterdir() if path.is_file()]
    assert len(texts) >= 3
    assert not any(str(there.password) in text for text in texts)


def test_report_shows_the_server_and_what_it_was_asked(
    workbench: Command, monkeypatch: pytest.MonkeyPatch, connect: Connect, kind: str
) -> None:
    monkeypatch.setenv("WORKBENCH_METRICS_URL", connect.url)
    assert workbench("import", "sample").code == 0
    done = workbench("report", "dora", "--project", "checkout", "--json")
    assert done.code == 0, done.err
    page = Path(done.json["html"]).read_text(encoding="utf-8")
    headings = re.findall(r"<h2 id=[^>]*>(.*?)<", page)
    assert headings[-2:] == [HEADING, "What the store was asked"]
    assert "lead_time_ranks" in page.rpartition(headings[-1])[2], "the statements are named"
    assert ("performance_schema = ON" in page) == (kind == "mariadb")
    assert str(make_url(connect.url).password) not in page
