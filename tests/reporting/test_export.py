"""What of an executed notebook is in the page, and what is not."""

from __future__ import annotations

import re
from typing import Any

import pytest
from nbformat.v4 import new_output

from tests.reporting.small_notebooks import chart, code, display, notebook, text
from workbench.reporting.export import Page, export_html, figure_json, figure_title, packed_plotly
from workbench.reporting.record import RunRecord

MARKUP = "<script>alert(1)</script>"
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;"


def page(*cells: Any, title: str = "The title", window: str = "", **parameters: Any) -> str:
    return export_html(notebook(*cells), Page(RunRecord.begin("small", title, parameters), window))


def without_style(html: str) -> str:
    return re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)


def test_the_page_says_title_window_time_parameters_and_versions() -> None:
    html = page(window="2026-01-01 up to 2026-02-01 (not included), UTC", projects=["a"], title="Delivery")
    assert "<title>Delivery</title>" in html
    assert re.findall(r"<h1>(.*?)</h1>", html) == ["Delivery"]  # the notebook's own title gives way
    assert "2026-01-01 up to 2026-02-01 (not included), UTC" in html
    assert re.search(r"Made <time datetime=\"20\d\d-", html)
    assert "<code>projects</code></dt><dd><code>[" in html
    assert "papermill 2" in html


def test_prose_and_results_are_shown_and_code_is_folded() -> None:
    html = page(text("Some *prose*."), code("1 + 1", outputs=[display("text/plain", "two")]))
    assert "<em>prose</em>" in html
    assert '<pre class="output">two</pre>' in html
    assert re.search(r'<details class="code"><summary>Show code</summary>.*?<span class="mi">1</span>', html, re.DOTALL)


def test_parameter_cells_warnings_and_tracebacks_are_left_out() -> None:
    error = new_output("error", ename="ValueError", evalue="secret", traceback=["Traceback (most recent call last)"])
    html = page(
        code("injected_one = 3", "injected-parameters"),
        text("before"),
        code("x", outputs=[new_output("stream", name="stderr", text="DeprecationWarning: old"), error]),
        code("hidden()", "hide-cell", outputs=[display("text/plain", "hidden result")]),
    )
    assert "before" in html
    for absent in (
        "days = 90",
        "injected_one",
        "DeprecationWarning",
        "secret",
        "Traceback",
        "hidden()",
        "hidden result",
    ):
        assert absent not in html


def test_the_sections_are_listed_when_there_are_several() -> None:
    html = page(text("## First"), text("## Second *part*"), text("## A & B"))
    toc = re.findall(r"<nav .*?</nav>", html, re.DOTALL)[0]
    anchors = re.findall(r'href="#([^"]+)"', toc)
    assert len(anchors) == 3
    assert all(f'id="{anchor}"' in html for anchor in anchors)
    assert re.findall(r"<a [^>]*>(.*?)</a>", toc) == ["First", "Second <em>part</em>", "A &amp; B"]
    assert "<nav" not in page(text("## Only"))


def test_the_script_is_in_the_page_once_and_only_if_a_chart_is() -> None:
    packed = packed_plotly()
    assert page(code("a", outputs=[chart(), chart()]), code("b", outputs=[chart()])).count(packed) == 1
    plain = page(code("a", outputs=[display("text/plain", "no chart")]))
    assert packed not in plain
    assert len(plain) < 50_000
    assert len(page(code("a", outputs=[chart()]))) < 2_500_000


def test_without_scripts_the_reader_is_told() -> None:
    notes = re.findall(r"<noscript>(.*?)</noscript>", page(code("a", outputs=[chart()])), re.DOTALL)
    assert "Charts need JavaScript, which is off." in notes[0]
    assert "every number is in figures.json" in notes[1]


def test_every_script_that_may_run_carries_the_nonce_of_the_page() -> None:
    html = page(code("a", outputs=[chart()]), code("b", outputs=[display("text/html", MARKUP)]))
    nonce = re.findall(r"script-src 'nonce-([\w-]{20,})'", html)[0]
    scripts = re.findall(r"<script([^>]*)>", html)
    runnable = [attributes for attributes in scripts if "type=" not in attributes and f'nonce="{nonce}"' in attributes]
    assert len(runnable) == 1
    assert nonce not in page(code("a", outputs=[chart()]))  # a new one for every page


def test_a_page_refers_to_nothing_outside() -> None:
    html = page(
        text("## A"), code("a", outputs=[chart(), display("image/svg+xml", "<svg/>"), display("image/png", "aGk=")])
    )
    markup = re.sub(r"<script[^>]*>.*?</script>", "", without_style(html), flags=re.DOTALL)
    assert re.findall(r'(?:src|href|action|data)="(?!#|data:image/)([^"]*)', markup) == []
    assert "default-src 'none'" in html


def test_outside_text_is_escaped_wherever_it_stands() -> None:
    stream = new_output("stream", name="stdout", text=MARKUP)
    outputs = [stream, display("text/plain", MARKUP), chart(title=MARKUP), display("text/markdown", MARKUP)]
    html = page(code("a", outputs=outputs), title=MARKUP, window=MARKUP, project=MARKUP, **{MARKUP: 1})
    assert "alert(1)</script" not in html
    assert html.count(ESCAPED) >= 7


def test_markdown_and_javascript_of_outputs_are_not_rendered() -> None:
    outputs = [display("text/markdown", "**bold**"), display("application/javascript", "alert(1)")]
    html = without_style(page(code("a", outputs=outputs)))
    assert "<strong>" not in html
    assert "alert(1)" not in html


@pytest.mark.parametrize("text_in", ["</script>", "<!--<script>", "a & b", "\u2028", "]]>"])
def test_figure_json_holds_no_markup_and_means_the_same(text_in: str) -> None:
    import json

    packed = figure_json({"data": [{"name": text_in}], "layout": {}, "config": {"plotlyServerURL": "https://x"}})
    assert not set("<>&") & set(packed)
    assert json.loads(packed) == {"data": [{"name": text_in}], "layout": {}}


@pytest.mark.parametrize(
    ("layout", "title"),
    [
        ({"title": {"text": "<b>Lead</b> time"}}, "Lead  time"),
        ({"title": "Plain"}, "Plain"),
        ({"title": None}, "Chart"),
        ({}, "Chart"),
    ],
)
def test_a_chart_has_a_name_for_those_who_do_not_see_it(layout: dict[str, Any], title: str) -> None:
    assert figure_title({"layout": layout}) == title
