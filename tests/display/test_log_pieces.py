"""Charts and pieces of the report on logs: what they show, of hostile text and of nothing, too."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tests.log_examples import batches, row
from workbench import connect
from workbench.charts.logs import CHARTS, clean
from workbench.display.logs import PIECES
from workbench.errors import ParameterError

HOSTILE = "<script>alert(1)</script>\x1b[31m\x07 \u202e\" onmouseover='x' error"
NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)


@pytest.fixture
def logs(tmp_path):
    return connect(data=str(tmp_path)).logs


@pytest.fixture
def hostile(logs):
    """A report in which every text is hostile, with a burst and new messages."""
    rows = [
        row(n, f"{HOSTILE} {chr(97 + n % 26)}", host=f"h{HOSTILE}"[:60], source=HOSTILE, process_name=HOSTILE)
        for n in range(60)
    ]
    rows += [row(-3600 - n * 3600, "usual", host=f"h{HOSTILE}"[:60]) for n in range(20)]
    rows += [row(n * 3600, "usual", host=f"h{HOSTILE}"[:60]) for n in range(24)]
    logs.store.load(batches(rows))
    return logs.report(start="2026-03-01", end="2026-03-02", now=NOW)


@pytest.fixture
def nothing(logs):
    """A report on a window without lines."""
    logs.store.load(batches([row(0)]))
    return logs.report(start="2026-01-01", end="2026-01-02", now=NOW)


@pytest.mark.parametrize("name", PIECES)
def test_text_of_logs_is_inert_in_every_piece(hostile, name):
    markup = hostile.show(name).markup
    assert markup
    assert "<script" not in markup
    assert not {"\x1b", "\x07", "\u202e"} & set(markup)
    assert "onmouseover='" not in markup


@pytest.mark.parametrize("name", CHARTS)
def test_text_of_logs_is_inert_in_every_chart(hostile, name):
    figure = hostile.chart(name).to_json()
    assert "<script" not in figure
    assert "\\u003cscript" not in figure
    told = json.loads(figure)
    assert told["data"], "the chart has data"
    assert not {"\x1b", "\x07", "\u202e"} & set(json.dumps(told, ensure_ascii=False))


def test_bursts_and_new_messages_are_there(hostile):
    assert len(hostile.bursts) == 1
    assert "60" in hostile.show("bursts").markup
    assert "alert(1)" in hostile.show("new_messages", n=3).markup
    assert "more kinds" in hostile.show("new_messages", n=3).markup


@pytest.mark.parametrize("name", PIECES)
def test_pieces_of_nothing_say_so(nothing, name):
    markup = nothing.show(name).markup
    assert markup
    if name in ("processes", "bursts", "new_messages", "header"):
        assert "no data" in markup.lower()


@pytest.mark.parametrize("name", CHARTS)
def test_charts_of_nothing_say_so(nothing, name):
    figure = nothing.chart(name)
    assert not figure.data
    assert "No data" in figure.layout.annotations[0].text


def test_volume_is_drawn_by_the_hour_for_a_week_and_by_the_day_for_more(logs):
    logs.store.load(batches([row(n * 1800) for n in range(4)], digest="x"))
    week = logs.report(start="2026-02-25", end="2026-03-03", now=NOW).chart("volume_by_severity")
    month = logs.report(start="2026-02-01", end="2026-03-03", now=NOW, timezone="Asia/Kolkata").chart(
        "volume_by_severity"
    )
    assert [list(trace.y) for trace in week.data] == [[2, 2]]
    assert week.data[0].x[0] == "2026-03-01T00:30:00"
    assert [list(trace.y) for trace in month.data] == [[4]]
    assert month.data[0].x[0] == "2026-03-01T12:00:00"


def test_sources_beyond_the_first_are_put_together(logs):
    logs.store.load(batches([row(n * 100 + m, f"{m}", source=f"s{n}") for n in range(8) for m in range(n + 1)]))
    figure = logs.report(start="2026-03-01", end="2026-03-02", now=NOW).chart("volume_by_source")
    assert [(trace.name, sum(trace.y)) for trace in figure.data] == [
        ("s7", 8), ("s6", 7), ("s5", 6), ("s4", 5), ("s3", 4), ("all others", 6),
    ]  # fmt: skip


def test_unknown_names_are_refused(nothing):
    with pytest.raises(ParameterError, match="no chart 'pie'"):
        nothing.chart("pie")
    with pytest.raises(ParameterError, match="no display 'pie'"):
        nothing.show("pie")
    with pytest.raises(ParameterError, match="no option 'm'"):
        nothing.show("processes", m=3)


def test_report_shows_itself_in_a_notebook(hostile):
    assert "wb-header" in hostile._repr_html_()


def test_control_characters_are_shown():
    assert clean("a\x00\x1b\x9b\u2066b\tc\nd") == "a\ufffd\ufffd\ufffd\ufffdb\tc\nd"
    assert clean(None) == ""
