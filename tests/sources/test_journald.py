"""journalctl -o json, entry by entry."""

from __future__ import annotations

import json
from datetime import datetime

from tests.sources.log_files import load, written

ENTRY = {
    "__REALTIME_TIMESTAMP": "1740823200123456",
    "__CURSOR": "s=1;i=2;b=3",
    "_HOSTNAME": "web-1",
    "MESSAGE": "Failed password for bob from 10.0.0.7 port 5 ssh2",
    "PRIORITY": "4",
    "SYSLOG_FACILITY": "10",
    "_SYSTEMD_UNIT": "ssh.service",
    "SYSLOG_IDENTIFIER": "sshd",
    "_PID": "77",
    "_TRANSPORT": "syslog",
}


def journal(folder, *entries):
    lines = [entry if isinstance(entry, str) else json.dumps(entry) for entry in entries]
    return load(written(folder, "\n".join(lines) + "\n", name="journal.json"))


def test_entry(tmp_path):
    (row,) = journal(tmp_path, ENTRY).rows
    assert row["log_timestamp"] == datetime(2025, 3, 1, 10, 0, 0, 123000)
    assert (row["hostname"], row["source"], row["process_name"], row["process_id"]) == ("web-1", "ssh", "sshd", 77)
    assert (row["severity"], row["facility"], row["user_name"]) == ("warning", "authpriv", "bob")
    assert json.loads(row["extra"]) == {"unit": "ssh.service", "transport": "syslog"}


def test_cursor_names_the_row_whatever_else_changes(tmp_path):
    (first,) = journal(tmp_path, ENTRY).rows
    (second,) = journal(tmp_path, {**ENTRY, "_BOOT_ID": "x"}).rows
    (third,) = journal(tmp_path, {**ENTRY, "__CURSOR": "s=1;i=3;b=3"}).rows
    assert first["log_id"] == second["log_id"] != third["log_id"]


def test_entries_without_cursor_are_told_apart(tmp_path):
    entry = {name: value for name, value in ENTRY.items() if name != "__CURSOR"}
    assert len(set(journal(tmp_path, entry, entry).column("log_id"))) == 2


def test_messages_of_bytes_of_several_texts_and_of_none(tmp_path):
    messages = [[27, 91, 51, 49, 109, 0, 255], ["a", "b"], None, "[1,2]", {"x": 1}]
    loaded = journal(tmp_path, *({**ENTRY, "MESSAGE": message} for message in messages))
    assert loaded.column("message") == ["\x1b[31m\ufffd\ufffd", "a\nb", None, "[1,2]", '{"x":1}']


def test_source_is_the_unit_the_kernel_or_the_program(tmp_path):
    plain = {"__REALTIME_TIMESTAMP": "1", "MESSAGE": "x"}
    loaded = journal(
        tmp_path,
        {**plain, "_TRANSPORT": "kernel", "SYSLOG_IDENTIFIER": "kernel"},
        {**plain, "_SYSTEMD_UNIT": "getty@tty1.service"},
        {**plain, "_SYSTEMD_UNIT": "session-1.scope", "SYSLOG_IDENTIFIER": "sudo"},
        {**plain, "SYSLOG_IDENTIFIER": "MyApp"},
        {**plain, "_COMM": "bash"},
        plain,
    )
    assert loaded.column("source") == ["kernel", "getty", "session-1.scope", "myapp", "bash", "journald"]
    assert loaded.notes["missing_host"] == 6


def test_numbers_out_of_range_are_left_out(tmp_path):
    loaded = journal(tmp_path, {**ENTRY, "PRIORITY": "9", "SYSLOG_FACILITY": "99", "_PID": "x"})
    (row,) = loaded.rows
    assert (row["severity"], row["facility"], row["process_id"]) == ("info", None, None)
    assert json.loads(row["extra"])["severity"] == "assumed"


def test_lines_that_are_no_entry_are_refused(tmp_path):
    bad = [
        '{"MESSAGE": "no time"}',
        "nope",
        "[1]",
        '{"__REALTIME_TIMESTAMP": "-5"}',
        '{"__REALTIME_TIMESTAMP": "99999999999999999"}',
    ]
    loaded = journal(tmp_path, ENTRY, *bad, "", ENTRY)
    assert [reject["line"] for reject in loaded.rejects] == [2, 3, 4, 5, 6]
    assert len(loaded.rows) == 2
    assert loaded.lines == loaded.accounted == 8
