"""Syslog lines by hand: what each form of line means."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tests.sources.log_files import load, written


def one(folder: Path, line: str, **options):
    """The row of a file of one line."""
    loaded = load(written(folder, line + "\n"), **options)
    assert loaded.rejects == []
    assert len(loaded.rows) == 1
    return loaded.rows[0]


def test_rfc_3164_line_as_most_systems_write_it(tmp_path):
    row = one(
        tmp_path, "Mar  1 10:00:09 web-1 sshd[4711]: Failed password for invalid user bob from 10.0.0.7 port 5 ssh2"
    )
    assert row["hostname"] == "web-1"
    assert row["log_timestamp"] == datetime(2026, 3, 1, 10, 0, 9)
    assert row["log_date"] == date(2026, 3, 1)
    assert (row["source"], row["process_name"], row["process_id"]) == ("sshd", "sshd", 4711)
    assert row["message"] == "Failed password for invalid user bob from 10.0.0.7 port 5 ssh2"
    assert row["user_name"] == "bob"
    assert (row["severity"], row["facility"]) == ("info", None)
    assert json.loads(row["extra"]) == {"severity": "assumed"}


def test_priority_states_facility_and_severity(tmp_path):
    row = one(tmp_path, "<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8")
    assert (row["facility"], row["severity"], row["extra"]) == ("auth", "critical", None)  # 34 = 4 * 8 + 2
    assert row["message"] == "'su root' failed for lonvick on /dev/pts/8"


def test_rfc_5424_with_structured_data(tmp_path):
    line = (
        "<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog 77 ID47 "
        '[exampleSDID@32473 iut="3" eventID="10\\]11"][x@1] An application event'
    )
    row = one(tmp_path, line)
    assert row["log_timestamp"] == datetime(2003, 10, 11, 22, 14, 15, 3000)
    assert (row["hostname"], row["process_name"], row["process_id"]) == ("mymachine.example.com", "evntslog", 77)
    assert (row["facility"], row["severity"], row["message"]) == ("local4", "notice", "An application event")
    assert json.loads(row["extra"]) == {
        "message_id": "ID47",
        "structured_data": '[exampleSDID@32473 iut="3" eventID="10\\]11"][x@1]',
    }


def test_rfc_5424_nil_values_and_byte_order_mark(tmp_path):
    row = one(tmp_path, "<34>1 2003-10-11T22:14:15+02:00 - - - - - \ufeffhello", host="db-1")
    assert (row["hostname"], row["process_name"], row["process_id"], row["extra"]) == ("db-1", None, None, None)
    assert (row["message"], row["log_timestamp"]) == ("hello", datetime(2003, 10, 11, 20, 14, 15))


def test_rfc_5424_without_message(tmp_path):
    assert one(tmp_path, "<34>1 2003-10-11T22:14:15Z h a 1 m -")["message"] == ""


def test_rsyslog_iso_time_of_debian_12(tmp_path):
    row = one(tmp_path, "2026-03-01T10:00:00.123999+01:00 web-1 kernel: [  123.456789] oom-killer invoked")
    assert row["log_timestamp"] == datetime(2026, 3, 1, 9, 0, 0, 123000)
    assert (row["source"], row["message"]) == ("kernel", "oom-killer invoked")
    assert json.loads(row["extra"]) == {"severity": "assumed", "uptime_seconds": 123.456789}


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("web-1 CRON[12]: (root) CMD (true)", ("web-1", "cron", "CRON", 12, "root", "(root) CMD (true)")),
        (
            "web-1 sudo:   deploy : TTY=pts/0 ; USER=root",
            ("web-1", "sudo", "sudo", None, "deploy", "  deploy : TTY=pts/0 ; USER=root"),
        ),
        (
            "web-1 sudo: pam_unix(sudo:session): session opened for user root(uid=0) by deploy(uid=1000)",
            (
                "web-1",
                "sudo",
                "sudo",
                None,
                "root",
                "pam_unix(sudo:session): session opened for user root(uid=0) by deploy(uid=1000)",
            ),
        ),
        (
            "web-1 sshd[7]: Accepted publickey for ann from 10.0.0.1 port 22 ssh2",
            ("web-1", "sshd", "sshd", 7, "ann", "Accepted publickey for ann from 10.0.0.1 port 22 ssh2"),
        ),
        (
            "web-1 sshd[7]: Connection closed by authenticating user eve 10.0.0.1 port 22 [preauth]",
            (
                "web-1",
                "sshd",
                "sshd",
                7,
                "eve",
                "Connection closed by authenticating user eve 10.0.0.1 port 22 [preauth]",
            ),
        ),
        (
            "web-1 sshd[7]: Server listening on 0.0.0.0 port 22.",
            ("web-1", "sshd", "sshd", 7, None, "Server listening on 0.0.0.0 port 22."),
        ),
        (
            "web-1 postfix/smtpd[8]: connect from unknown",
            ("web-1", "postfix", "postfix/smtpd", 8, None, "connect from unknown"),
        ),
        (
            "web-1 /usr/sbin/irqbalance: Balancing",
            ("web-1", "irqbalance", "/usr/sbin/irqbalance", None, None, "Balancing"),
        ),
        ("web-1 foo[main]: hello", ("web-1", "foo", "foo[main]", None, None, "hello")),
        ("web-1 last message repeated 3 times", ("web-1", "syslog", None, None, None, "last message repeated 3 times")),
        ("web-1 http://x.org/ is down", ("web-1", "syslog", None, None, None, "http://x.org/ is down")),
        ("web-1 app: ", ("web-1", "app", "app", None, None, "")),
        ("web-1", ("web-1", "syslog", None, None, None, "")),
        ("web-1 app[99999999999]: x", ("web-1", "app", "app[99999999999]", None, None, "x")),
    ],
)
def test_process_user_and_message(tmp_path, rest, expected):
    row = one(tmp_path, f"Mar  1 10:00:00 {rest}")
    names = ("hostname", "source", "process_name", "process_id", "user_name", "message")
    assert tuple(row[name] for name in names) == expected


def test_host_that_is_missing_is_named_by_option_and_counted(tmp_path):
    path = written(tmp_path, "Mar  1 10:00:00 sshd[8]: hi\nMar  1 10:00:00 web-1 sshd[8]: hi\n")
    loaded = load(path)
    assert loaded.column("hostname") == ["unknown", "web-1"]
    assert loaded.notes["missing_host"] == 1
    assert load(path, host="db-1").column("hostname") == ["db-1", "web-1"]


# --- years and zones ---


def test_year_is_the_latest_that_does_not_lie_after_the_last_change(tmp_path):
    content = "Dec 31 23:59:59 h a: x\nJan  1 00:00:00 h a: y\nJan  3 10:00:00 h a: z\n"
    path = written(tmp_path, content, modified=datetime(2026, 1, 2, 12, tzinfo=UTC))
    years = [moment.year for moment in load(path).column("log_timestamp")]
    assert years == [2025, 2026, 2026], "a line within a day after the file's last change is of the same year"


def test_year_of_a_pipe_is_seen_from_now_and_a_stated_one_wins(tmp_path):
    path = written(tmp_path, "Aug  1 00:00:00 h a: x\nDec 31 23:59:59 h a: y\n")
    assert [moment.year for moment in load(path).column("log_timestamp")] == [2025, 2025]
    assert [moment.year for moment in load(path, year=2019).column("log_timestamp")] == [2019, 2019]


def test_29_february_is_of_the_latest_leap_year(tmp_path):
    assert one(tmp_path, "Feb 29 10:00:00 h a: x")["log_timestamp"] == datetime(2024, 2, 29, 10)


def test_zone_of_times_without_offset_with_daylight_saving(tmp_path):
    content = "Mar 29 01:59:59 h a: before\nMar 29 02:30:00 h a: skipped\nMar 29 03:00:00 h a: after\n"
    loaded = load(written(tmp_path, content), zone="Europe/Berlin")
    assert loaded.column("log_timestamp") == [datetime(2026, 3, 29, 0, 59, 59), datetime(2026, 3, 29, 1)]
    assert [reject["reason"] for reject in loaded.rejects] == [
        "its time does not exist in Europe/Berlin (clocks went forward)"
    ]
    repeated = written(tmp_path, "Oct 26 02:30:00 h a: x\n")
    assert load(repeated, zone="Europe/Berlin").column("log_timestamp") == [datetime(2025, 10, 26, 0, 30)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T10:00:00Z", datetime(2026, 3, 1, 10)),
        ("2026-03-01 10:00:00.5+0530", datetime(2026, 3, 1, 4, 30, 0, 500000)),
        ("2026-03-01T10:00:00.123456789-08", datetime(2026, 3, 1, 18, 0, 0, 123000)),
        ("2026-03-01T10:00:00", datetime(2026, 3, 1, 9)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1)),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1)),
        ("2262-12-31T23:59:59.999Z", datetime(2262, 12, 31, 23, 59, 59, 999000)),
    ],
)
def test_iso_times(tmp_path, text, expected):
    assert one(tmp_path, f"{text} h a: x", zone="Europe/Berlin")["log_timestamp"] == expected


# --- what is refused ---


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("hello world", "does not begin with a time"),
        ("<34>su: no time at all", "does not begin with a time"),
        ("<192>Mar  1 10:00:00 h a: priority out of range", "does not begin with a time"),
        ("Mar  1 10:00:00x h a: glued", "does not begin with a time"),
        ("2026-03-01T10:00:00+25:00 h a: x", "does not begin with a time"),
        ("Feb 30 10:00:00 h a: x", "does not exist"),
        ("Mar  1 24:00:00 h a: x", "does not exist"),
        ("1969-12-31T23:59:59Z h a: x", "does not exist"),
        ("2026-13-01T10:00:00Z h a: x", "does not exist"),
        ("<34>1 - h a 1 m - x", "states no time"),
        ("<34>1 2026-03-01T10:00:00Z h a", "ends within the fields"),
        ('<34>1 2026-03-01T10:00:00Z h a 1 m [x y="1" x', "structured data"),
        ("\tcontinues nothing", "nothing stands above it"),
        (f"Mar  1 10:00:00 {'h' * 256} a: x", "255 characters"),
    ],
)
def test_line_that_is_refused_says_why_and_where_and_stops_nothing(tmp_path, line, reason):
    good = "Mar  1 10:00:00 h a: good"
    top = [] if line.startswith("\t") else [good]
    loaded = load(written(tmp_path, "\n".join([*top, line, good]) + "\n"))
    (reject,) = loaded.rejects
    assert reason in reject["reason"]
    assert (reject["file"], reject["line"], reject["text"]) == ("syslog", len(top) + 1, line[:500])
    assert loaded.column("message") == ["good"] * (len(top) + 1)


# --- lines that are odd ---


def test_lines_that_begin_with_white_space_belong_to_the_message_above(tmp_path):
    content = "Mar  1 10:00:00 h java[1]: Exception\n\tat a.b\n    at c.d\n\nMar  1 10:00:01 h java[1]: next\n\n"
    loaded = load(written(tmp_path, content))
    assert loaded.column("message") == ["Exception\n\tat a.b\n    at c.d", "next"]
    assert loaded.notes == {"continued": 2, "blank": 2, "replaced_characters": 0, "missing_host": 0}
    assert loaded.accounted == loaded.lines == 6


def test_crlf_is_no_part_of_a_message(tmp_path):
    unix = "Mar  1 10:00:00 h a: x\nMar  1 10:00:00 h java: y\n\tz\n"
    windows = load(written(tmp_path, unix.replace("\n", "\r\n"))).rows
    assert [row["message"] for row in windows] == ["x", "y\n\tz"]
    assert windows[0]["log_id"] == load(written(tmp_path, unix)).rows[0]["log_id"]


def test_junk_becomes_replacement_characters_and_is_counted(tmp_path):
    loaded = load(
        written(tmp_path, b"Mar  1 10:00:00 h a: x\0y\xff\xfez \xe4\xbd\xa0\nMar  1 10:00:00 h a: \x1b[31mred\n")
    )
    assert loaded.column("message") == ["x\ufffdy\ufffd\ufffdz \u4f60", "\x1b[31mred"]
    assert loaded.notes["replaced_characters"] == 3


def test_multibyte_text_at_every_field(tmp_path):
    row = one(tmp_path, "Mar  1 10:00:00 wéb sérvice[1]: grüß dich — 你好")
    assert (row["hostname"], row["process_name"], row["message"]) == ("wéb", "sérvice", "grüß dich — 你好")


def test_line_of_a_megabyte(tmp_path):
    long = "y" * 2**20
    loaded = load(written(tmp_path, f"Mar  1 10:00:00 h a: {long}\nMar  1 10:00:01 h a: next\n"))
    assert loaded.column("message") == [long, "next"]
    refused = load(written(tmp_path, f"{long}\n")).rejects
    assert [len(reject["text"]) for reject in refused] == [500]


def test_last_line_needs_no_line_break(tmp_path):
    assert load(written(tmp_path, "Mar  1 10:00:00 h a: x")).column("message") == ["x"]


def test_empty_file_is_no_error(tmp_path):
    assert load(written(tmp_path, "")).rows == []
    assert load(written(tmp_path, "\n\n")).notes["blank"] == 2
