"""Pages in a real browser: charts drawn, nothing asked for, nothing from outside run, room on a phone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_output

from tests.browser import chromium, dump_dom, page_requests, print_pdf, screenshot
from tests.reporting.small_notebooks import chart, code, display, notebook, text
from workbench.reporting.export import Page, export_html
from workbench.reporting.record import RunRecord

pytestmark = pytest.mark.browser

OWN = "document.title='owned'"
ATTACK = (
    f'<script>{OWN}</script><img src="x" onerror="{OWN}"><a href="javascript:{OWN}">x</a><svg onload="{OWN}"></svg>'
)
DARK = "--blink-settings=preferredColorScheme=0"
LIGHT = "--blink-settings=preferredColorScheme=1"
WIDE = '<table class="wb-table"><tbody><tr>' + "<td>12345678901234567890</td>" * 12 + "</tr></tbody></table>"


@pytest.fixture(scope="module", autouse=True)
def _browser() -> None:
    chromium()


def write(folder: Path, *cells: Any, title: str = "Small") -> Path:
    path = folder / "page.html"
    page = Page(RunRecord.begin("small", title, {"project": title}), "a window")
    path.write_text(export_html(notebook(*cells), page), encoding="utf-8")
    return path


def with_script(path: Path, script: str) -> Path:
    """The page, with a script of ours that its own policy lets run."""
    html = path.read_text(encoding="utf-8")
    nonce = re.findall(r"script-src 'nonce-([\w-]+)'", html)[0]
    changed = path.with_name("with-script.html")
    changed.write_text(html.replace("</body>", f'<script nonce="{nonce}">{script}</script></body>'), encoding="utf-8")
    return changed


def figures_of(dom: str) -> list[str]:
    return re.findall(r"<figure .*?</figure>", dom, re.DOTALL)


def title_of(dom: str) -> str:
    return str(re.findall(r"<title>(.*?)</title>", dom)[0])


def test_every_chart_is_drawn_and_nothing_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, code("a", outputs=[chart(), chart()]), text("## B"), code("b", outputs=[chart("Third")]))
    dom = dump_dom(path)
    figures = figures_of(dom)
    assert [figure.count('class="main-svg"') > 0 for figure in figures] == [True] * 3
    assert [figure.count('class="point"') for figure in figures] == [2] * 3  # the two bars of each
    assert re.search(r'<p [^>]*hidden="" id="no-charts"', dom)
    assert not re.search(r"sendChartToCloud|Share chart", re.sub(r"<script.*?</script>", "", dom, flags=re.DOTALL))
    assert page_requests(path) == []


def test_a_page_that_asks_for_something_would_be_noticed(tmp_path: Path) -> None:
    path = tmp_path / "asks.html"
    path.write_text('<img src="http://127.0.0.1:9/pixel.png">', encoding="utf-8")
    assert page_requests(path) == ["http://127.0.0.1:9/pixel.png"]


def test_the_policy_stops_requests_that_markup_tries(tmp_path: Path) -> None:
    outputs = [
        display(
            "text/html", '<img src="http://127.0.0.1:9/pixel.png"><link rel="stylesheet" href="http://127.0.0.1:9/x">'
        )
    ]
    assert page_requests(write(tmp_path, code("a", outputs=outputs))) == []


def test_nothing_from_outside_runs(tmp_path: Path) -> None:
    figure = chart(title=ATTACK)
    figure.data["application/vnd.plotly.v1+json"]["data"][0].update(name=ATTACK, text=[ATTACK] * 2, hovertext=ATTACK)
    outputs = [figure, new_output("stream", name="stdout", text=ATTACK), display("text/plain", ATTACK)]
    outputs += [display("text/html", ATTACK), display("image/svg+xml", f"<svg><script>{OWN}</script></svg>")]
    path = write(tmp_path, code("a", outputs=outputs), title=f"Title {ATTACK}")
    dom = dump_dom(path)
    assert title_of(dom).startswith("Title &lt;script&gt;")
    [figure_dom] = figures_of(dom)
    assert 'class="main-svg"' in figure_dom
    assert not re.search(r'<a [^>]*href="javascript:', re.sub(r"<script.*?</script>", "", figure_dom, flags=re.DOTALL))


def test_the_attack_would_work_without_the_policy(tmp_path: Path) -> None:
    path = write(tmp_path, code("a", outputs=[display("text/html", ATTACK)]))
    html = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"<meta [^>]*Content-Security-Policy[^>]*>", "", html), encoding="utf-8")
    assert title_of(dump_dom(path)) == "owned"


def test_charts_follow_the_colour_scheme(tmp_path: Path) -> None:
    path = write(tmp_path, code("a", outputs=[chart(colour="#0072b2")]))
    light, dark = dump_dom(path, LIGHT), dump_dom(path, DARK)
    assert "fill: rgb(0, 114, 178)" in light
    assert "fill: rgb(86, 180, 233)" in dark
    assert "fill: rgb(0, 114, 178)" not in dark


def test_a_browser_that_cannot_unpack_says_so(tmp_path: Path) -> None:
    path = write(tmp_path, code("a", outputs=[chart()]))
    html = path.read_text(encoding="utf-8")
    path.write_text(html.replace("DecompressionStream", "MissingStream"), encoding="utf-8")
    dom = dump_dom(path)
    assert 'id="no-charts">' in dom
    assert "main-svg" not in dom


@pytest.mark.parametrize("width", [500, 1280])
def test_the_page_never_scrolls_sideways(tmp_path: Path, width: int) -> None:
    cells = [
        code("x = " + "'long' + " * 80 + "''", outputs=[chart(), display("text/html", f'<div class="wb">{WIDE}</div>')])
    ]
    path = write(tmp_path, *cells, text("word" * 100), title="A" * 200)
    measure = (
        "setTimeout(() => { document.title = [document.documentElement.scrollWidth, innerWidth].join(' of ') }, 3000)"
    )
    dom = dump_dom(with_script(path, measure), f"--window-size={width},900")
    used, room = map(int, title_of(dom).split(" of "))
    assert used <= room


def test_a_picture_and_a_print_can_be_made(tmp_path: Path) -> None:
    path = write(tmp_path, code("a", outputs=[chart()]))
    screenshot(path, tmp_path / "a.png", 600, 400, dark=True)
    print_pdf(path, tmp_path / "a.pdf")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
