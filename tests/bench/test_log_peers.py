"""What other loaders are given, and what is made of what they say."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from workbench.bench import log_peers
from workbench.errors import StoreError
from workbench.log_rows import LOG_ROWS
from workbench.logs.address import parse

ADDRESS = parse("cassandra://reader:top-secret@127.0.0.1:9999/scratch?dc=dc1")
COPIED = "Processed: 70 rows\n70 rows imported from 1 files in 0 day, 0 hour, 1 minute, and 10.500 seconds (0 skipped)."
LOADED = """ total | failed | rows/s | p50ms |  p99ms | p999ms | batches
   700 |      0 |  1,283 | 39.61 | 478.15 | 629.15 |    6.37
 total | failed | rows/s | p50ms |  p99ms | p999ms | batches
 5,000 |      0 |  2,500 | 22.14 | 306.18 | 532.68 |    6.36
Operation LOAD_1 completed successfully in 2 seconds."""


def program(path: Path, says: str, code: int = 0) -> Path:
    """A program that prints its arguments and then these words."""
    path.write_text(f"#!/bin/sh\necho \"$@\" > {path}.seen\ncat <<'END'\n{says}\nEND\nexit {code}\n")
    path.chmod(0o755)
    return path


def test_rows_become_lines_that_both_programs_read(tmp_path: Path) -> None:
    at = datetime(2026, 11, 1, 9, 30, 0, 250_000, UTC).replace(tzinfo=None)
    row = dict.fromkeys(LOG_ROWS.names) | {
        "hostname": "web-1", "log_date": date(2026, 11, 1), "bucket": 0, "log_timestamp": at,
        "log_id": bytes(range(16)), "severity": "info", "source": "a,b", "message": 'said "no"', "process_id": 7,
        "tags": "", "ingested_at": at,
    }  # fmt: skip
    log_peers.write_csv(pa.Table.from_pylist([row], LOG_ROWS), tmp_path / "rows.csv")
    header, line = (tmp_path / "rows.csv").read_text().splitlines()
    values = dict(zip(header.split(","), line.replace('"a,b"', "a;b").split(","), strict=True))
    assert values["log_id"] == "00010203-0405-0607-0809-0a0b0c0d0e0f"
    assert values["log_timestamp"] == values["ingested_at"] == "2026-11-01 09:30:00.250+0000"
    assert values["message"] == '"said ""no"""', "quotes are doubled, never escaped by a backslash"
    assert (values["source"], values["user_name"], values["tags"]) == ("a;b", "", '""')


def test_their_own_clocks_count(tmp_path: Path) -> None:
    copied = log_peers.copy_from(program(tmp_path / "cqlsh", COPIED), ADDRESS, ["hostname"], tmp_path / "rows.csv")
    assert (copied.rows, copied.seconds) == (70, 70.5)
    brief = COPIED.replace("0 day, 0 hour, 1 minute, and 10.500 seconds", "0.364 seconds")
    assert log_peers.copy_from(program(tmp_path / "brief", brief), ADDRESS, [], tmp_path / "rows.csv").seconds == 0.364
    loaded = log_peers.bulk_load(program(tmp_path / "dsbulk", LOADED), ADDRESS, ["hostname"], tmp_path / "rows.csv")
    assert (loaded.rows, loaded.seconds) == (5000, 2.0)


@pytest.mark.parametrize("name", sorted(log_peers.LOADERS))
def test_the_password_stands_in_no_command_line(tmp_path: Path, name: str) -> None:
    run = program(tmp_path / name, COPIED + "\n" + LOADED)
    log_peers.LOADERS[name](run, ADDRESS, ["hostname"], tmp_path / "rows.csv")
    assert "top-secret" not in (tmp_path / f"{name}.seen").read_text()


@pytest.mark.parametrize("name", sorted(log_peers.LOADERS))
@pytest.mark.parametrize(("says", "code"), [("Connection refused", 1), ("nothing to see", 0)])
def test_a_peer_that_fails_is_said_in_a_sentence(tmp_path: Path, name: str, says: str, code: int) -> None:
    with pytest.raises(StoreError, match=f"{name} did not load the rows: {says}"):
        log_peers.LOADERS[name](program(tmp_path / name, says, code), ADDRESS, ["hostname"], tmp_path / "rows.csv")


def test_rows_that_failed_are_no_load(tmp_path: Path) -> None:
    run = program(tmp_path / "dsbulk", LOADED.replace("5,000 |      0", "5,000 |      3"))
    with pytest.raises(StoreError, match="dsbulk did not load"):
        log_peers.bulk_load(run, ADDRESS, ["hostname"], tmp_path / "rows.csv")


def test_a_program_on_the_path_comes_before_the_installed_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert log_peers.find("cqlsh") is None
    installed = tmp_path / "cache/dora-workbench/peers/cqlsh-6.2.2/bin"
    for folder in (installed, tmp_path / "path"):
        folder.mkdir(parents=True)
        if folder == installed:
            program(folder / "cqlsh", "")
            assert log_peers.find("cqlsh") == installed / "cqlsh"
    program(tmp_path / "path" / "cqlsh", "")
    assert log_peers.find("cqlsh") == tmp_path / "path" / "cqlsh"
