"""Rules over lines, each with an example worked out by hand."""

from __future__ import annotations

from datetime import datetime, timedelta

import pyarrow as pa
import pytest

from workbench.logs.digest import CLOCK, ERRORS
from workbench.logs.findings import _clocks, _gaps, bursts, load_findings
from workbench.logs.overview import VOLUME

START = datetime(2026, 3, 1)


def hour(number: int) -> datetime:
    return START + timedelta(hours=number)


def volume(counts: dict[int, int], host: str = "web-1") -> pa.Table:
    rows = [
        {"host": host, "hour": hour(n), "severity": "info", "source": "app", "lines": count}
        for n, count in counts.items()
    ]
    return pa.Table.from_pylist(rows, schema=VOLUME)


def errors(counts: dict[int, int], host: str = "web-1", process: str = "app") -> pa.Table:
    rows = [{"host": host, "hour": hour(n), "process": process, "lines": count} for n, count in counts.items()]
    return pa.Table.from_pylist(rows, schema=ERRORS)


def test_burst_is_an_hour_that_the_median_hour_does_not_explain():
    usual = dict.fromkeys(range(100), 4)
    found = bursts(errors({**usual, 50: 16, 60: 13}), volume(dict.fromkeys(range(100), 1000)))
    # Poisson(4): P(X >= 16) = 4.89e-6 and P(X >= 13) = 2.74e-4; the limit is 0.01 / 100 hours = 1e-4
    (burst,) = found
    assert (burst.host, burst.hour, burst.lines, burst.usual) == ("web-1", hour(50), 16, 4.0)
    assert burst.chance == pytest.approx(4.89e-6, rel=0.01)


def test_hours_without_errors_count_in_the_median_and_few_errors_are_no_burst():
    quiet = volume(dict.fromkeys(range(24), 10))
    assert bursts(errors({5: 2}), quiet) == ()
    (burst,) = bursts(errors({5: 8}), quiet)
    assert burst.usual == 1.0


def test_burst_names_the_process_with_the_most_error_lines():
    both = pa.concat_tables([errors({5: 20}, process="a"), errors({5: 30}, process="b")])
    (burst,) = bursts(both, volume(dict.fromkeys(range(24), 10)))
    assert (burst.lines, burst.process) == (50, "b")


def test_hosts_are_judged_by_their_own_hours():
    loud = errors(dict.fromkeys(range(24), 50), host="loud")
    quiet = errors({3: 50}, host="quiet")
    lines = pa.concat_tables([volume(dict.fromkeys(range(24), 99), host) for host in ("loud", "quiet")])
    assert [burst.host for burst in bursts(pa.concat_tables([loud, quiet]), lines)] == ["quiet"]


def test_gap_is_as_long_as_the_usual_volume_makes_it_unlikely():
    dense, sparse = volume({0: 10, 1: 10, 3: 10}), volume({0: 2, 1: 2, 5: 2, 9: 2, 14: 2}, host="db")
    (gap,) = _gaps(dense)
    assert (gap.check, gap.count) == ("gap", 1)
    assert "2026-03-01 02:00 to 2026-03-01 03:00" in gap.text
    (long,) = _gaps(sparse)  # 3 empty hours * 2 lines = 6 < 7; 4 * 2 = 8
    assert long.count == 4


def clock(*lines: tuple[float, float]) -> pa.Table:
    rows = [{"host": "h", "moment": START + timedelta(seconds=at), "uptime": up} for at, up in lines]
    return pa.Table.from_pylist(rows, schema=CLOCK)


@pytest.mark.parametrize(
    ("lines", "jumps"),
    [
        ([(0, 100), (60, 160), (120, 220)], 0),
        ([(0, 100), (60, 160), (3720, 220)], 1),
        ([(0, 100), (60, 4000)], 1),
        ([(0, 100), (59, 100)], 0),
        ([(0, 5000), (600, 1), (660, 61)], 0),
    ],
    ids=["steady", "forward", "backward", "within a minute", "reboot"],
)
def test_clock_jumps_where_uptime_and_time_disagree(lines, jumps):
    assert [finding.count for finding in _clocks(clock(*lines))] == [1] * jumps


def test_loads_that_rejected_or_replaced_something_are_told():
    loads = [
        {"rejected": 2, "reasons": {"bad": 2}, "notes": {"replaced_characters": 3}},
        {"rejected": 1, "reasons": {"bad": 1}, "notes": {}},
        {"rejected": 0, "reasons": {}, "notes": {}},
    ]
    rejected, replaced = load_findings(loads)
    assert (rejected.count, replaced.count) == (3, 3)
    assert "bad (3)" in rejected.text
    assert list(load_findings([])) == []
