"""workbench import logs, workbench logs: as a user types them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

LINES = """\
Mar  1 10:00:00 web-1 sshd[7]: Failed password for invalid user bob from 10.0.0.1 port 5 ssh2
Mar  1 10:00:01 web-1 app: <script>alert(1)</script> \x1b[31mred\x1b[0m
nonsense
<11>Mar  1 10:00:02 web-2 app: broken
"""


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "syslog"
    path.write_text(LINES)
    return path


def test_import_says_what_it_did_and_where_the_rejects_are(workbench, log):
    done = workbench("import", "logs", log, "--year", 2025, "--json")
    assert done.code == 0
    told = done.json
    counts = {name: told[name] for name in ("lines", "rows", "loaded", "skipped", "rejected")}
    assert counts == {"lines": 4, "rows": 3, "loaded": 3, "skipped": 0, "rejected": 1}
    assert (told["first"], told["last"]) == ("2025-03-01T10:00:00", "2025-03-01T10:00:02")
    (path,) = told["reject_files"]
    with Path(path).open(encoding="utf-8") as file:
        (reject,) = csv.DictReader(file)
    assert (reject["file"], reject["line"], reject["text"]) == ("syslog", "3", "nonsense")
    assert "does not begin with a time" in reject["reason"]


def test_import_again_and_from_a_pipe_skips_everything(workbench, log, monkeypatch):
    workbench("import", "logs", log, "--year", 2025)
    assert workbench("import", "logs", log, "--year", 2025, "--json").json["skipped"] == 3
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(LINES.encode()), isatty=lambda: False))
    piped = workbench("import", "logs", "-", "--year", 2025, "--json").json
    assert (piped["loaded"], piped["skipped"], piped["origins"]) == (0, 3, ["standard input"])


def test_dry_run_writes_nothing(workbench, log, tmp_path):
    done = workbench("import", "logs", log, "--dry-run")
    assert "nothing was written" in done.out
    assert not (tmp_path / "data").exists()


def test_text_of_logs_is_inert_in_the_terminal(workbench, log):
    workbench("import", "logs", log, "--year", 2025)
    tail = workbench("logs", "tail", "web-1")
    assert tail.code == 0
    assert "\x1b" not in tail.out
    assert "<script>alert(1)</script>" in tail.out
    assert tail.out.index("sshd[7]") < tail.out.index("script"), "the newest line is the last"


def test_hosts_and_tail(workbench, log):
    workbench("import", "logs", log, "--year", 2025)
    hosts = workbench("logs", "hosts", "--json").json["hosts"]
    assert [(host["hostname"], host["rows"]) for host in hosts] == [("web-1", 2), ("web-2", 1)]
    assert "web-2" in workbench("logs", "hosts").out
    lines = workbench("logs", "tail", "web-2", "--severity", "error", "--json").json["lines"]
    assert [line["message"] for line in lines] == ["broken"]
    assert workbench("logs", "tail", "web-1", "--newest", 1, "--json").json["lines"][0]["process_name"] == "app"
    assert workbench("logs", "tail", "web-1", "--day", "2025-03-02").out == ""


def test_mapping_of_columns(workbench, tmp_path):
    path = tmp_path / "app.jsonl"
    path.write_text(json.dumps({"when": "2025-03-01T10:00:00Z", "event": "hi", "box": "db-1"}) + "\n")
    mapping = ("--map", "log_timestamp=when", "--map", "message=event", "--map", "hostname=box")
    assert workbench("import", "logs", path, *mapping, "--json").json["loaded"] == 1
    assert "hi" in workbench("logs", "tail", "db-1").out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("import", "logs", "missing.log"), 1, "cannot be read"),
        (("import", "logs", "syslog", "--format", "csv"), 2, "no log format"),
        (("import", "logs", "syslog", "--zone", "Mars/Base"), 2, "no time zone"),
        (("import", "logs", "syslog", "--map", "message"), 2, "no mapping"),
        (("import", "logs", "syslog", "--rate", "0"), 2, "not possible"),
        (("import", "logs", "syslog", "--year", "99"), 2, "not possible"),
        (("logs", "tail", "nobody"), 2, "no logs of a host"),
        (("logs", "tail", "nobody", "--day", "someday"), 2, "no day"),
    ],
)
def test_wrong_use_is_one_sentence(workbench, log, arguments, code, said):
    done = workbench(*arguments)
    assert done.code == code
    assert said in done.err
    assert "Traceback" not in done.err


def test_nothing_imported_yet_says_what_to_run(workbench):
    assert "workbench import logs" in workbench("logs", "hosts").out
