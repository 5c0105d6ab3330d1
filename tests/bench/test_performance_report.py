"""The performance report: what its pieces say, that outside text cannot harm it, and a real run of the notebook."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.bench.simulated_history import EVIDENCE, run
from workbench.bench.charts import CHARTS
from workbench.bench.display import PIECES
from workbench.bench.history import History, Run
from workbench.bench.performance import Performance, performance
from workbench.bench.report import make_report
from workbench.errors import ParameterError


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    """Twelve runs on one machine; from the seventh on the dashboard takes a third longer."""
    return [run(seed, slower=1.33 if seed >= 6 else 1.0, evidence=EVIDENCE) for seed in range(12)]


@pytest.fixture(scope="module")
def last(runs: list[Run]) -> Performance:
    """The last of them."""
    return Performance(runs[-1], runs[:-1])


def text_of(markup: str) -> str:
    """What a reader sees."""
    return (
        re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", markup)).replace("\N{NO-BREAK SPACE}", " ").replace("&nbsp;", " ")
    )


def test_verdicts_are_at_the_top_and_name_what_is_missed_first(last: Performance) -> None:
    assert "Targets met" in text_of(last.show("cards").markup)
    said = text_of(last.show("verdicts").markup)
    assert said.index("missed") < said.index(" met")
    assert next(judged.verdict for _, judged in last.verdicts) == "missed"


def test_every_number_of_the_result_table_is_one_of_the_summary(last: Performance) -> None:
    said = text_of(last.show("results").markup)
    from workbench.bench import words

    for line in last.lines:
        assert words.seconds(line.median.value) in said
        assert words.seconds(line.p99) in said


def test_growth_says_the_exponent(last: Performance) -> None:
    chart = last.chart("growth")
    (name,) = [trace.name for trace in chart.data]
    assert re.fullmatch(r"embedded, warm: b = 0\.\d\d \(-?\d+\.\d\d – \d+\.\d\d\)", name)
    assert chart.layout.xaxis.type == chart.layout.yaxis.type == "log"


def test_history_marks_the_run_from_which_on_it_was_slower(last: Performance) -> None:
    chart = last.chart("history")
    marked = [shape.x0 for shape in chart.layout.shapes]
    assert 5.5 in marked, "the seventh run (number 6) is the first slow one"
    assert any("slower: 1.3" in note.text for note in chart.layout.annotations)


def test_a_first_run_has_no_history_and_says_so(runs: list[Run]) -> None:
    first = Performance(runs[0], [])
    assert "first run" in text_of(first.show("changes").markup)
    assert "first run" in first.chart("history").layout.annotations[0].text
    assert "no earlier run" in text_of(first.show("cards").markup)


def test_bottlenecks_have_number_remedy_and_gain(last: Performance) -> None:
    by_name = {one.name.split(" (")[0]: one for one in last.findings}
    loop = by_name["A question for each row"]
    assert loop.state == "look"
    assert "times" in loop.evidence
    assert (loop.remedy, loop.gain[-1]) == ("Ask once, with a join.", "o")
    assert by_name["Large partitions"].evidence == "the largest is 250 MiB; the limit is 100 MiB"
    assert by_name["Cassandra: compaction"].remedy == "Use windows of 3 days."
    assert "120 of 900 waited, at most 12.0 ms" in by_name["Waiting for a connection of the pool"].evidence
    assert by_name["Slow query log"].evidence == "3 statements over 1.0 s"
    assert by_name["Waiting in line"].state == "look"


def test_what_was_not_measured_is_said(runs: list[Run]) -> None:
    bare = Performance(run(30), [])
    assert {one.name.split(":")[0] for one in bare.findings if one.state == "not measured"} == {"MySQL", "Cassandra"}
    assert "not part of this run" in bare.show("plans").markup
    assert "not part of this run" in bare.show("cassandra").markup


@pytest.mark.parametrize("name", sorted(PIECES))
def test_no_piece_lets_markup_of_outside_text_through(last: Performance, name: str) -> None:
    markup = last.show(name).markup
    assert markup
    assert "<CPU>" not in markup
    assert "<range>" not in markup


@pytest.mark.parametrize("name", sorted(CHARTS))
def test_every_chart_is_the_same_each_time_and_has_a_title(last: Performance, name: str) -> None:
    one, again = last.chart(name).to_json(), last.chart(name).to_json()
    assert one == again
    assert last.chart(name).layout.title.text


def test_unknown_pieces_and_charts_are_refused(last: Performance) -> None:
    with pytest.raises(ParameterError, match="There is no chart 'x'"):
        last.chart("x")
    with pytest.raises(ParameterError, match="There is no display 'x'"):
        last.show("x")


def test_noise_of_the_machine_is_at_the_top(runs: list[Run]) -> None:
    noisy = Performance(run(31, remarks=["other programs used 57% of the processors"]), [])
    assert "was not quiet" in noisy.show("header").markup


def test_report_of_a_real_notebook_run(tmp_path: Path, runs: list[Run]) -> None:
    data = tmp_path / "data"
    for one in runs[-9:]:
        History(data / "bench" / "history").add(one)
    made = make_report(data=str(data), out=str(tmp_path / "reports"))
    page = Path(made["html"]).read_text(encoding="utf-8")
    figures = json.loads(Path(made["figures"]).read_text(encoding="utf-8"))
    assert figures["run"]["id"] == runs[-1].id
    assert figures == json.loads(json.dumps(performance(data=str(data)).as_json()))
    assert len(re.findall(r'<figure [^>]*class="chart"', page)) == len(CHARTS)
    for heading in (
        "Verdicts",
        "Every case",
        "Distributions",
        "Growth with rows",
        "What changed",
        "Bottlenecks",
        "Environment",
    ):
        assert f">{heading}" in page


def test_report_without_a_run_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="Make one with: workbench bench"):
        make_report(data=str(tmp_path), out=str(tmp_path / "reports"))
