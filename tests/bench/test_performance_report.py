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
    assert next(judged.verdict for _, judged in last.verdicts) == "missed"
    rows = last.show("verdicts").markup.split("<tr>")[2:]
    said = [next(word for word in ("missed", "undecided", "met") if f">{word}<" in row) for row in rows]
    assert said == sorted(said, key=["missed", "undecided", "met"].index)


def test_what_team_and_project_ask_of_one_number_stands_side_by_side(last: Performance) -> None:
    rows = [text_of(row) for row in last.show("verdicts").markup.split("<tr>")[2:]]
    (both,) = [row for row in rows if "dashboard@10k" in row]
    assert "&lt; 100 ms met &lt; 5.00 ms" in both.replace("  ", " "), both


def test_the_headline_names_what_is_missed_most_and_what_became_slower(runs: list[Run]) -> None:
    slow = Performance(runs[6], runs[:6])
    said = text_of(slow.show("headline").markup)
    missed = sum(judged.verdict == "missed" for _, judged in slow.verdicts)
    assert f"{missed} of 5 targets" in said
    assert "Furthest off is embedded/count_and_average@10k" in said, "30 ms for 20, the others are closer"
    assert "1 case is slower than in the run before, embedded/dashboard@10k by 1.3" in said
    assert "first run on this machine" in text_of(Performance(runs[0], []).show("headline").markup)


def test_steps_of_the_history_are_listed_and_this_run_is_laid_over_all_earlier_ones(last: Performance) -> None:
    assert [(case, found.id) for case, found, _ in last.change_points] == [
        ("embedded/dashboard@10k", last.earlier[6].id)
    ]
    assert f"embedded/dashboard@10k {last.earlier[6].id} slower 1.3" in text_of(last.show("changes").markup)
    before, now = last.chart("merged").data[:2]
    assert (before.name, now.name) == (f"{len(last.earlier)} earlier runs", "this run")
    for shape in (before, now):
        assert sum(shape.y) == pytest.approx(1), "some times are in no bin"


def test_what_the_server_counted_is_shown(last: Performance) -> None:
    said = text_of(last.show("statements").markup)
    assert "deployment_counts 200 15.0 ms 3.00 s 450 1 0 %" in said
    assert "SELECT &lt;all&gt; FROM dora_metrics 2.50 s 120,000 7" in said


def test_every_number_of_the_result_table_is_one_of_the_summary(last: Performance) -> None:
    said = text_of(last.show("results").markup)
    from workbench.bench import words

    for line in last.lines:
        assert words.seconds(line.median.value) in said
        assert words.seconds(line.p99) in said


def test_growth_says_the_exponent(last: Performance) -> None:
    chart = last.chart("growth")
    name, _ = [trace.name for trace in chart.data]
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
    slow = by_name["Slow query log"]
    assert slow.evidence == "3 statements over 1 s; the slowest took 2.50 s and read 120,000 rows"
    assert slow.gain == "up to 1.50 s of the slowest"
    costly = by_name["The costliest question"]
    assert costly.evidence.startswith("deployment_counts: 75 % of the time of the questions, 200 runs of 15.0 ms, 450 ")
    assert costly.gain == "at most 75 % of the server's time", "LOAD DATA is no question of a reader"
    assert by_name["Waiting in line"].state == "look"


def test_what_was_not_measured_is_said(last: Performance, runs: list[Run]) -> None:
    assert "Left out. cassandra/dsbulk@100k: dsbulk is not &lt;installed&gt;." in last.show("results").markup
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
    assert "<all>" not in markup
    assert "<DATA>" not in markup
    assert "<estimates>" not in markup


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
