"""What the displays say, and that nothing from outside is ever markup in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path

import pytest

from tests import dora_answers as answers
from tests import facts
from workbench.app import Dora
from workbench.display import PIECES
from workbench.display.fragment import Html, link
from workbench.display.marks import change_mark
from workbench.display.sparkline import sparkline
from workbench.errors import ParameterError
from workbench.model import METRICS, Figure, Metric

VOID = {"br", "img", "path", "meta", "link", "input"}
NO_VALUE = re.compile(r'<span class="wb-none">no data</span>')


class Markup(HTMLParser):
    """Reads a fragment as a browser would, and keeps its tags, attributes and text."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.parts: list[str] = []
        self.open: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    @property
    def text(self) -> str:
        """The text that is read, on one line."""
        return re.sub(r"\s+", " ", " ".join(self.parts)).strip()

    @property
    def addresses(self) -> list[str | None]:
        """Where its links lead."""
        return [value for name, value in self.attributes if name == "href"]


def seen(answer: Dora, piece: str, **options: object) -> Markup:
    """A piece as its reader gets it."""
    markup = Markup(answer.show(piece, **options).markup)
    assert markup.open == [], "an element is not closed"
    return markup


def cards(answer: Dora) -> dict[str, str]:
    """The text of each card by its metric."""
    sections = re.findall(r"<section.*?</section>", answer.show("cards").markup, flags=re.DOTALL)
    return dict(zip(METRICS, (Markup(section).text for section in sections), strict=True))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [*answers.month(), *answers.month("till")]
    return answers.store(tmp_path_factory.mktemp("display"), rows, answers.names(), projects=["quiet"])


@pytest.fixture(scope="module")
def month(folder: Path) -> Dora:
    return answers.ask(folder, "shop", edition="2023")


def test_cards_say_value_level_interval_count_and_trend(month: Dora) -> None:
    said = cards(month)
    assert "1.5 per week" in said["deployment_frequency"]
    assert "high 2023" in said["deployment_frequency"]
    assert "CI 0.55–3.3 per week" in said["deployment_frequency"]
    assert "6 deployments" in said["deployment_frequency"]
    assert "4 h" in said["lead_time"]
    assert "median of 7 changes" in said["lead_time"]
    assert "33.3 %" in said["change_fail_rate"]
    assert "low 2023" in said["change_fail_rate"]
    assert "no level in edition 2023" in said["rework_rate"]
    assert month.show("cards").markup.count("<svg") == 5


def test_open_incidents_stand_beside_the_recovery_time(month: Dora) -> None:
    assert "2 h" in cards(month)["recovery_time"]
    assert "too few for an interval" in cards(month)["recovery_time"]
    assert "1 still open, the oldest for 4 d 14 h" in cards(month)["recovery_time"]


@pytest.mark.parametrize(
    ("window", "metric", "said", "direction"),
    [
        ({"start": "2026-03-16", "end": "2026-03-23"}, "deployment_frequency", "no comparison", None),  # none before
        ({"start": "2026-03-23", "end": "2026-03-30"}, "deployment_frequency", "▼ 66.7 %, within the interval", "same"),
        ({"start": "2026-03-23", "end": "2026-03-30"}, "lead_time", "▲ 100 %, too few to tell", "same"),
        ({"start": "2026-03-23", "end": "2026-03-30"}, "change_fail_rate", "▲ 66.7 pp, within the interval", "same"),
        ({"start": "2026-03-23", "end": "2026-03-30"}, "rework_rate", "▼ 33.3 pp, within the interval", "same"),
    ],
)
def test_a_change_says_whether_it_is_better(
    folder: Path, window: dict[str, str], metric: str, said: str, direction: str | None
) -> None:
    answer = answers.ask(folder, "shop", **window)
    assert said in cards(answer)[metric]
    if direction:
        assert f'data-direction="{direction}"' in answer.show("cards").markup


@pytest.mark.parametrize(
    ("metric", "change", "said", "direction"),
    [
        ("deployment_frequency", 0.5, "▲ 50 %, better", "better"),
        ("deployment_frequency", -0.5, "▼ 50 %, worse", "worse"),
        ("lead_time", 0.5, "▲ 50 %, worse", "worse"),
        ("recovery_time", -0.5, "▼ 50 %, better", "better"),
    ],
)
def test_a_change_beyond_the_interval_is_judged(metric: Metric, change: float, said: str, direction: str) -> None:
    made = Figure("shop", metric, "median", 10, "seconds", 9, 9.0, 11.0, None, 5.0 if change > 0 else 20.0, change, "")
    mark = Markup(change_mark(made))
    assert "".join(mark.parts) == said
    assert ("data-direction", direction) in mark.attributes


def test_no_data_is_said_in_words_with_its_reason_and_is_no_zero(folder: Path) -> None:
    said = cards(answers.ask(folder, "quiet"))
    assert "0 per week" in said["deployment_frequency"]  # covered, and nothing was deployed
    assert "no data No change of this window has a lead time." in said["lead_time"]
    assert "no data There was no deployment that could fail." in said["change_fail_rate"]
    assert "no data No fixed incident" in said["recovery_time"]
    assert "10/10" not in " ".join(said.values())


def test_an_uncovered_window_has_no_values_at_all(folder: Path) -> None:
    said = cards(answers.ask(folder, "shop", start="2020-01-01", end="2020-02-01"))
    assert all("no data No imported source covers deployments" in text for text in said.values()), said


def test_one_deployment_gives_no_level_where_an_interval_says_little(tmp_path: Path) -> None:
    rows = [facts.shipped("a", "d1", "2026-03-03T10:00", None)]
    answer = answers.ask(answers.store(tmp_path, rows), start="2026-03-02", end="2026-03-09")
    said = cards(answer)
    assert "1 deployment" in said["deployment_frequency"]
    assert "no level: fewer than 28 covered days" in said["deployment_frequency"]
    assert "no data" in said["lead_time"]
    for piece in PIECES:
        seen(answer, piece)


def test_few_projects_have_cards_and_many_a_table(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = answers.ask(folder)
    assert answer.show("cards").markup.count("<section") == 15
    assert answer.show("cards", project="till").markup.count("<section") == 5
    monkeypatch.setattr(import_module("workbench.display.cards"), "MOST_PROJECTS", 2)
    assert "<section" not in answer.show("cards").markup
    assert answer.show("cards").markup.count("<tr>") == 4
    assert answers.ask(folder, pooled=True).show("cards").markup.count("<section") == 5


def test_the_comparison_has_a_row_a_project_and_nothing_for_one(folder: Path) -> None:
    said = seen(answers.ask(folder, pooled=True), "comparison").text
    assert "All projects together 3 per week" in said
    assert answers.ask(folder, "shop").show("comparison").markup == ""
    assert answers.ask(folder, "shop").show("comparison")._repr_html_() == ""


def test_the_slowest_changes_come_first_with_ids_and_links(month: Dora) -> None:
    shown = seen(month, "slowest_changes", n=3)
    assert re.findall(r"\d+ (?:d|h)\b", shown.text)[:3] == ["20 d", "16 h", "8 h"]
    assert "Title of d Ada" in shown.text
    assert answers.SHA not in shown.text
    assert answers.SHA[:10] in shown.text
    assert ("title", answers.SHA) in shown.attributes
    assert "https://example.org/d" in shown.addresses


def test_failed_deployments_say_why_and_how_long(month: Dora) -> None:
    rows = re.findall(r"<tr>.*?</tr>", month.show("failed_deployments").markup)
    first, second = (Markup(row).text for row in rows[1:])
    assert first == "2026-03-24 09:00 Title of d6 d6 an incident began soon after it 1 1 (1 open) open"
    assert second == "2026-03-19 18:00 Title of d4 d4 an incident names it 1 1 2 h"


def test_a_table_that_is_cut_says_so(month: Dora) -> None:
    assert "The newest 1; all of them" in seen(month, "failed_deployments", n=1).text
    assert "The newest" not in seen(month, "failed_deployments", n=2).text


def test_times_are_in_the_zone_of_the_report(folder: Path) -> None:
    said = seen(answers.ask(folder, "shop", timezone="Asia/Tokyo"), "failed_deployments").text
    assert "2026-03-24 18:00" in said


def test_every_figure_is_in_the_table(month: Dora) -> None:
    assert month.show("figures").markup.count("<tr>") == 1 + len(month.measurement.figures)


def test_the_quality_section_lists_findings_coverage_and_stray_incidents(tmp_path: Path) -> None:
    rows = [*answers.month(), facts.incident("INC-9", "2026-03-16T10:00", names="d99")]
    said = seen(answers.ask(answers.store(tmp_path, rows)), "quality").text
    assert "warning Incidents of the window charged to no deployment" in said
    assert "2025-12-01 00:00 to 2026-04-10 00:00" in said
    assert "INC-9" in said
    assert "it names a deployment that is not stored" in said


def test_the_rules_show_every_statement_with_its_parameters(month: Dora) -> None:
    month.show("slowest_changes", n=3)
    said = seen(month, "rules").text
    for asked in month.asked:
        assert f"{asked.query}: " in said
    assert "slowest_changes: 3 rows" in said
    assert ":projects shop" in said
    assert "changes that are shipped together are not" in said
    assert "at most 168 hours before it began" in said
    assert "DORA 2023 clusters" in said
    assert "DuckDB" in said


def test_sample_data_are_announced_first(tmp_path: Path) -> None:
    sample = answers.store(tmp_path, answers.month(), notes={"shop": {"sample": 1}})
    shown = answers.ask(sample).show("header").markup
    assert shown.startswith('<p class="wb-note" data-kind="sample">This is sample data')


def test_real_data_have_no_banner(month: Dora) -> None:
    said = seen(month, "header").text
    assert said == "Project shop Window 2026-03-02 to 2026-03-29 (28 days, UTC) Asked 2026-04-10 12:00"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Dora:
    projects = [answers.HOSTILE, "other"]
    rows = [row for project in projects for row in answers.month(project)]
    rows.append(facts.incident(answers.HOSTILE, "2026-03-09T10:00", names="nowhere", project=answers.HOSTILE))
    features = answers.names(answers.HOSTILE, answers.HOSTILE, "javascript:alert(1)//")
    return answers.ask(answers.store(tmp_path_factory.mktemp("hostile"), rows, features), projects, pooled=True)


def _pieces(answer: Dora) -> Iterator[tuple[str, str]]:
    yield "itself", answer._repr_html_()
    for piece in PIECES:
        yield piece, answer.show(piece).markup


def test_outside_text_is_never_markup(hostile: Dora) -> None:
    for piece, markup in _pieces(hostile):
        read = Markup(re.sub(r"<style>.*?</style>", "", markup, flags=re.DOTALL))
        assert not {"script", "img", "iframe"} & set(read.tags), piece
        assert not [name for name, _ in read.attributes if name.startswith("on")], piece
        assert not [address for address in read.addresses if not (address or "").startswith("https://")], piece


@pytest.mark.parametrize("piece", ["header", "cards", "comparison", "slowest_changes", "failed_deployments", "quality"])
def test_outside_text_is_read_as_it_is(hostile: Dora, piece: str) -> None:
    assert answers.HOSTILE in seen(hostile, piece).text


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "JAVASCRIPT:alert(1)", " javascript:alert(1)", "data:text/html,x", "//host/x", "/x", "",
     "http://[bad", "https://", "vbscript:x", None],
)  # fmt: skip
def test_only_web_addresses_become_links(address: str | None) -> None:
    assert link("label", address) == "label"


def test_links_do_not_say_where_they_come_from() -> None:
    assert link("x", 'https://host/"a') == (
        '<a href="https://host/&quot;a" rel="noopener noreferrer" target="_blank">x</a>'
    )


def test_a_fragment_brings_its_style_only_where_no_page_has_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert Html("<p>x</p>")._repr_html_().startswith("<style>")
    monkeypatch.setenv("WORKBENCH_RUN_FOLDER", str(tmp_path))
    assert Html("<p>x</p>")._repr_html_() == '<div class="wb"><p>x</p></div>'


def test_an_answer_shows_its_header_cards_and_warnings_once_styled(folder: Path) -> None:
    shown = answers.ask(folder, "shop", start="2026-04-01", end="2026-05-01")._repr_html_()
    assert shown.count("<style>") == 1
    assert shown.count("<section") == 5
    assert "about the data." in shown


def test_a_sparkline_is_broken_at_gaps_and_pale_where_weeks_are_cut(folder: Path) -> None:
    cut = answers.ask(folder, "shop", start="2026-03-03", end="2026-03-30")
    line = sparkline([p for p in cut.measurement.trend if (p.metric, p.statistic) == ("lead_time", "median")])
    strokes = re.findall(r'd="([^"]+)"', line)[1:]
    assert len(strokes) == 2  # the step between the last two weeks, and the first week alone
    assert strokes[0].count("M") == 1
    assert strokes[1].endswith("h0")
    assert sparkline([]) == ""


def test_unknown_pieces_options_and_projects_are_refused_with_what_there_is(month: Dora) -> None:
    with pytest.raises(ParameterError, match="There are: header, cards"):
        month.show("pie")
    with pytest.raises(ParameterError, match="It has: n"):
        month.show("slowest_changes", size=3)
    with pytest.raises(ParameterError, match="They are: shop"):
        month.show("cards", project="nowhere")


def test_hundreds_of_projects_are_cut_and_the_cut_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = answers.ask(folder)
    for module in ("tables", "rules", "quality"):
        monkeypatch.setattr(import_module(f"workbench.display.{module}"), "MOST_PROJECTS", 2)
    for piece in ("comparison", "figures", "quality", "rules"):
        said = seen(answer, piece).text
        assert "The 2 of 3 projects with the most deployments; figures.json has all of them." in said, piece
