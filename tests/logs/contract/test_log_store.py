"""What every log store must do, whatever it keeps its rows in."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.log_examples import DAY, MIDNIGHT, batches, newest_first, row
from workbench.errors import ParameterError
from workbench.log_rows import LOG_ROWS
from workbench.logs.protocol import HOSTS, STATS


def test_rows_come_back_as_they_were_newest_first(log_store):
    rows = [row(number, f"message {number}") for number in (3, 1, 2)]
    report = log_store.load(batches(rows))
    found = log_store.partition("web-1", DAY)
    assert found.schema == LOG_ROWS
    assert found.to_pylist() == newest_first(rows)
    assert (report.loaded, report.skipped, report.rejected, report.partitions) == (3, 0, 0, 1)
    assert report.seconds > 0


def test_every_column_may_be_missing_that_may(log_store):
    nothing = {field.name: None for field in LOG_ROWS if field.nullable}
    bare = {**row(1), **nothing}
    log_store.load(batches([bare]))
    assert log_store.partition("web-1", DAY).to_pylist() == [bare]


def test_text_of_any_kind_comes_back_unchanged(log_store):
    texts = [
        "<script>alert(1)</script>",
        "\x1b[31mred\x1b[0m",
        "a\0b",
        "'; DROP TABLE x; --",
        "grüß 你好 \U0001f600",
        "x" * 100_000,
        "\r\n\t",
    ]
    rows = [row(number, text, tags=None, extra=None) for number, text in enumerate(texts)]
    log_store.load(batches(rows))
    assert log_store.partition("web-1", DAY).to_pylist() == newest_first(rows)


def test_same_batches_again_change_nothing(log_store):
    rows = [row(number, f"message {number}") for number in range(100)]
    parts = batches(rows[:50], rows[50:])
    log_store.load(parts)
    for resume in (True, False):
        again = log_store.load(parts, resume=resume)
        assert again.loaded + again.skipped == 100
        assert log_store.partition("web-1", DAY).to_pylist() == newest_first(rows)
        assert sum(log_store.stats("web-1", DAY)["rows"].to_pylist()) == 100
        assert log_store.hosts()["rows"].to_pylist() == [100]


def test_same_rows_from_another_file_change_nothing(log_store):
    rows = [row(number, f"message {number}") for number in range(60)]
    log_store.load(batches(rows[:40], digest="syslog"))
    log_store.load(batches(rows[20:], digest="syslog.1"))
    assert log_store.partition("web-1", DAY).to_pylist() == newest_first(rows)
    assert sum(log_store.stats("web-1", DAY)["rows"].to_pylist()) == 60


def test_same_row_twice_in_one_batch_is_one_row(log_store):
    log_store.load(batches([row(1), row(1), row(2)]))
    assert log_store.partition("web-1", DAY).num_rows == 2
    assert sum(log_store.stats("web-1", DAY)["rows"].to_pylist()) == 2


def test_row_that_one_load_brings_twice_far_apart_is_counted_once(log_store):
    rows = [row(number, f"message {number}") for number in range(90)]
    again = [row(86_400 + number, "of another day") for number in range(3)]
    log_store.load(batches(rows[:50], rows[50:], again, rows[7:9]))
    assert log_store.partition("web-1", DAY).to_pylist() == newest_first(rows)
    assert sum(log_store.stats("web-1", DAY)["rows"].to_pylist()) == 90
    assert log_store.hosts()["rows"].to_pylist() == [93]


def test_critical_reads_answer_the_same(log_store):
    rows = [row(number, f"message {number}") for number in range(20)]
    log_store.load(batches(rows))
    for critical in (False, True):
        assert log_store.partition("web-1", DAY, critical=critical).to_pylist() == newest_first(rows)
        assert log_store.stats("web-1", DAY, critical=critical)["rows"].to_pylist() == [20]
        assert log_store.hosts(critical=critical)["rows"].to_pylist() == [20]
        assert sum(one.num_rows for one in log_store.stream("web-1", DAY, critical=critical)) == 20


def test_newest_since_until_severity_and_source(log_store):
    rows = [
        row(
            second,
            f"m{second}",
            severity="error" if second % 3 == 0 else "info",
            source="sshd" if second % 2 else "app",
        )
        for second in range(24)
    ]
    log_store.load(batches(rows))

    def seconds(**asked):
        found = log_store.partition("web-1", DAY, **asked)
        return [(moment - MIDNIGHT).seconds for moment in found["log_timestamp"].to_pylist()]

    assert seconds(newest=3) == [23, 22, 21]
    assert seconds(newest=0) == []
    assert seconds(newest=100) == list(range(23, -1, -1))
    assert seconds(since=MIDNIGHT + timedelta(seconds=20)) == [23, 22, 21, 20]
    assert seconds(until=MIDNIGHT + timedelta(seconds=2)) == [1, 0], "until is exclusive"
    assert seconds(severity="error") == [21, 18, 15, 12, 9, 6, 3, 0]
    assert seconds(source="sshd", severity="error") == [21, 15, 9, 3]
    assert seconds(source="sshd", severity="error", newest=2, until=MIDNIGHT + timedelta(seconds=21)) == [15, 9]
    assert seconds(source="none") == []


def test_times_with_an_offset_are_understood(log_store):
    log_store.load(batches([row(3600)]))
    berlin = timezone(timedelta(hours=1))
    assert log_store.partition("web-1", DAY, since=datetime(2026, 3, 1, 2, tzinfo=berlin)).num_rows == 1
    assert log_store.partition("web-1", DAY, since=datetime(2026, 3, 1, 2, tzinfo=UTC)).num_rows == 0


def test_days_and_hosts_do_not_mix(log_store):
    hosts = [
        "web-1",
        "web-2",
        "WEB-1",
        "web%2D1",
        "wéb",
        "a/b",
        "..",
        "x" * 255,
        "x" * 254 + "y",
        " ",
        "hostname=web-1",
    ]
    moments = [MIDNIGHT - timedelta(milliseconds=1), MIDNIGHT, MIDNIGHT + timedelta(days=1)]
    rows = [row(moment, host=host) for host in hosts for moment in moments]
    report = log_store.load(batches(rows))
    assert report.partitions == len(rows)
    for host in hosts:
        assert [found["hostname"] for found in log_store.partition(host, DAY).to_pylist()] == [host]
    found = log_store.hosts()
    assert found.schema == HOSTS
    assert found["hostname"].to_pylist() == sorted(hosts)
    assert set(found["first_day"].to_pylist()) == {date(2026, 2, 28)}
    assert set(found["last_day"].to_pylist()) == {date(2026, 3, 2)}
    assert set(found["rows"].to_pylist()) == {3}


def test_stats_count_by_hour_severity_and_source(log_store):
    rows = [
        row(0, "a"),
        row(3599, "b"),
        row(3600, "c", severity="error"),
        row(3601, "d", severity="error", source="sshd"),
        row(86_399, "e"),
    ]
    log_store.load(batches(rows[:2], rows[2:]))
    found = log_store.stats("web-1", DAY)
    assert found.schema == STATS
    assert [tuple(one.values()) for one in found.to_pylist()] == [
        (0, "info", "app", 2),
        (1, "error", "app", 1),
        (1, "error", "sshd", 1),
        (23, "info", "app", 1),
    ]


def test_what_is_not_there_is_empty(log_store):
    assert log_store.hosts().equals(HOSTS.empty_table())
    assert log_store.partition("nobody", DAY).equals(LOG_ROWS.empty_table())
    assert log_store.stats("nobody", DAY).equals(STATS.empty_table())
    report = log_store.load(batches([]))
    assert (report.loaded, report.partitions) == (0, 0)
    assert log_store.hosts().num_rows == 0


def test_questions_that_make_no_sense(log_store):
    with pytest.raises(ParameterError, match="-1"):
        log_store.partition("web-1", DAY, newest=-1)
    with pytest.raises(ParameterError, match="loud"):
        log_store.partition("web-1", DAY, severity="loud")


def test_progress_ends_with_all_rows(log_store):
    seen = []
    log_store.load(batches([row(1)], [row(2), row(3)]), progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == 3
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_it_says_what_and_where_it_is(log_store):
    assert {"store", "location", "version"} <= set(log_store.describe())


ROWS = st.lists(
    st.builds(
        row,
        st.integers(0, 3 * 86_400 - 1),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
        host=st.sampled_from(["web-1", "web-2"]),
        severity=st.sampled_from(["info", "error"]),
        source=st.sampled_from(["app", "sshd"]),
    ),
    max_size=40,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(first=ROWS, second=ROWS, newest=st.integers(0, 10), hour=st.integers(0, 23))
def test_any_rows_in_any_order_are_kept_once(log_store, first, second, newest, hour):
    before = {host["hostname"]: host["rows"] for host in log_store.hosts().to_pylist()}
    kept = {}
    for host in before:
        for offset in range(3):
            for one in log_store.partition(host, DAY + timedelta(days=offset)).to_pylist():
                kept[one["hostname"], one["log_timestamp"], one["log_id"]] = one
    log_store.load(batches(first, second, second, digest=uuid4().hex), resume=False)
    for one in [*first, *second]:
        kept.setdefault((one["hostname"], one["log_timestamp"], one["log_id"]), one)
    for host in {key[0] for key in kept}:
        for offset in range(3):
            day = DAY + timedelta(days=offset)
            expected = newest_first([one for one in kept.values() if (one["hostname"], one["log_date"]) == (host, day)])
            found = log_store.partition(host, day).to_pylist()
            names = ("log_timestamp", "log_id", "message")
            assert [[one[name] for name in names] for one in found] == [
                [one[name] for name in names] for one in expected
            ]
            assert log_store.partition(host, day, newest=newest).num_rows == min(newest, len(expected))
            counts = log_store.stats(host, day).to_pylist()
            assert sum(count["rows"] for count in counts if count["hour"] == hour) == sum(
                one["log_timestamp"].hour == hour for one in expected
            )
