"""The DORA report from the store to the page: every section, every chart, and nothing from outside that runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests import dora_answers as answers
from tests import facts
from tests.browser import chromium, dump_dom, page_requests
from workbench.report_parameters import DoraParameters
from workbench.reporting.dora import make_report

SECTIONS = (
    "At a glance",
    "Trends",
    "Distribution of lead times",
    "Deployments and recoveries",
    "Slowest changes",
    "Failed deployments",
    "All figures",
    "Data quality",
    "How these numbers were made",
    "What the store was asked",
)


def report(folder: Path, **parameters: object) -> tuple[Path, dict[str, object]]:
    """The page and the figures of a report over the store in ``folder``."""
    checked = DoraParameters.check(**{**answers.WINDOW, **parameters})
    made = make_report(checked, data=str(folder / "data"), out=str(folder / "reports"))
    figures = json.loads(Path(made["figures"]).read_text(encoding="utf-8"))
    return Path(made["html"]), figures


def sections(page: str) -> list[str]:
    return re.findall(r'<h2 id="[^"]*">(.*?)<', page)


@pytest.mark.browser
def test_a_report_over_hostile_projects_draws_every_chart_asks_for_nothing_and_runs_nothing(tmp_path: Path) -> None:
    chromium()
    projects = [answers.HOSTILE, "other"]
    rows = [row for project in projects for row in answers.month(project)]
    answers.store(tmp_path / "data", rows, answers.names(answers.HOSTILE, answers.HOSTILE, "javascript:alert(1)//"))
    html, figures = report(tmp_path, project=projects, timezone="Europe/Berlin", pooled=True)
    dom = dump_dom(html)
    assert dom.count("<figure") == 8
    assert len(re.findall(r'<figure .*?class="main-svg".*?</figure>', dom, re.DOTALL)) == 8
    assert "could not be drawn" not in dom.split("<script", 1)[0]
    assert page_requests(html) == []
    page = html.read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "<img" not in page
    assert not re.search(r'href="\s*javascript', page)
    assert sections(page) == [*SECTIONS[:6], "Projects compared", *SECTIONS[6:]]
    assert len(page) < 2_500_000
    assert figures["window"] == {
        "start": "2026-03-02T00:00:00+01:00",
        "end": "2026-03-30T00:00:00+02:00",
        "timezone": "Europe/Berlin",
    }


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "There was no deployment that could fail."),
        ([facts.shipped("a", "d1", "2026-03-03T10:00", None)], "None of 1 deployment is known to have failed."),
    ],
    ids=["no deployments", "one deployment"],
)
def test_next_to_nothing_is_a_report_that_says_so(tmp_path: Path, rows: list[facts.Row], said: str) -> None:
    answers.store(tmp_path / "data", rows, projects=["shop"])
    html, figures = report(tmp_path)
    page = html.read_text(encoding="utf-8")
    assert sections(page) == list(SECTIONS)
    assert said in page
    assert "Traceback" not in page
    rates = [f for f in figures["figures"] if f["metric"] == "lead_time"]  # type: ignore[attr-defined]
    assert [rate["value"] for rate in rates] == [None, None, None]
