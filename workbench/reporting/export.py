"""An executed notebook to one HTML file that needs nothing else: no network, no server, no font.

plotly's own script is in the file once, compressed, and the browser unpacks it. A policy inside the page forbids every
request, and every script that does not carry the nonce of this file: markup that slipped through cannot run.
"""

from __future__ import annotations

import base64
import gzip
import json
import logging
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from workbench.reporting.record import RunRecord
from workbench.reporting.style import TEMPLATES, page_css

PLOTLY: Final = "application/vnd.plotly.v1+json"
_SHOWN_TYPES: Final = [PLOTLY, "text/html", "image/svg+xml", "image/png", "image/jpeg", "text/plain"]
"""What an output may be shown as, best first. Markdown and scripts of outputs are not: they may carry outside text."""
_SCRIPT_GOES_HERE: Final = "@@plotly-script@@"
_LOG: Final = logging.getLogger("workbench.reporting")
_HEIGHT: Final = 450
"""Pixels of a figure that says nothing: plotly's own default."""

_TITLE: Final = re.compile(r"\A\s*# .*\n?")
_SECTION: Final = re.compile(r'<h2 id="(?P<anchor>[^"]*)">(?P<text>.*?)(?:<a class="anchor-link".*?)?</h2>', re.DOTALL)
_FOR_HTML: Final = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


@dataclass(frozen=True, slots=True)
class Page:
    """What the page says around the notebook's cells."""

    record: RunRecord
    window: str = ""


def export_html(notebook: Any, page: Page) -> str:
    """The page. Code is folded; standard error, tracebacks, parameter cells and papermill's marks are left out.

    Args:
        notebook: the executed notebook's nodes.
    """
    shown = _shown(notebook)
    resources = {
        "page": page,
        "css": page_css(),
        "script": (TEMPLATES / "report" / "charts.js").read_text(encoding="utf-8"),
        "nonce": secrets.token_urlsafe(18),
        "plotly": _SCRIPT_GOES_HERE if _has_figures(shown) else "",
        "metadata": {"name": page.record.name},
    }
    html: str = exporter().from_notebook_node(shown, resources)[0]
    return html.replace(_SCRIPT_GOES_HERE, packed_plotly(), 1) if resources["plotly"] else html


def warm_up() -> None:
    """Load and compile what an export needs, so that it is ready when the cells have run: a page of one line."""
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    cells = [new_markdown_cell("## Title"), new_code_cell("pass")]
    metadata = {"language_info": {"name": "python", "pygments_lexer": "ipython3"}}
    export_html(new_notebook(cells=cells, metadata=metadata), Page(RunRecord.begin("warm-up", "", {})))
    packed_plotly()


@cache
def packed_plotly() -> str:
    """plotly's script as the page carries it: gzip, then base64 (2.0 MB of 4.8 MB; a higher level gains 0.2 %)."""
    script = files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()
    return base64.b64encode(gzip.compress(script, 6, mtime=0)).decode("ascii")


@cache
def exporter() -> Any:
    """nbconvert's HTML exporter with our template; no Jupyter configuration of the user is read."""
    from nbconvert.exporters import HTMLExporter
    from traitlets.config import Config

    config = Config({"NbConvertBase": {"display_data_priority": _SHOWN_TYPES}})
    return HTMLExporter(
        config=config,
        log=_LOG,
        template_name="report",
        extra_template_basedirs=[str(TEMPLATES)],
        filters={"figure_json": figure_json, "figure_height": figure_height, "figure_title": figure_title,
                 "sections": sections, "base64": _base64},
    )  # fmt: skip


def figure_json(figure: Mapping[str, Any]) -> str:
    """Data and layout as JSON that no HTML parser can mistake for markup."""
    wanted = {"data": figure.get("data", []), "layout": figure.get("layout", {})}
    return json.dumps(wanted, separators=(",", ":")).translate(_FOR_HTML)


def figure_height(figure: Mapping[str, Any]) -> int:
    """Pixels to keep free for a figure, so that the page does not jump when it is drawn."""
    height = figure.get("layout", {}).get("height")
    return round(height) if isinstance(height, int | float) else _HEIGHT


def figure_title(figure: Mapping[str, Any]) -> str:
    """The figure's title as plain text, for readers that do not see it."""
    title = figure.get("layout", {}).get("title") or {}
    text = title.get("text") if isinstance(title, dict) else title
    return re.sub(r"<[^<>]*>", " ", str(text or "")).strip() or "Chart"


def sections(body: str) -> list[tuple[str, str]]:
    """Anchor and title (both HTML) of the second-level headings of a rendered body."""
    return [(match["anchor"], match["text"]) for match in _SECTION.finditer(body)]


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _shown(notebook: Any) -> Any:
    """A copy that holds only what readers see."""
    from nbformat import from_dict

    nodes = from_dict({**notebook, "cells": [cell for cell in notebook.cells if not _is_machinery(cell)]})
    for cell in nodes.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if _is_for_readers(output)]
    for cell in nodes.cells[:1]:  # the page has a title of its own
        if cell.cell_type == "markdown":
            cell.source = _TITLE.sub("", cell.source)
    nodes.cells = [cell for cell in nodes.cells if cell.source.strip() or cell.get("outputs")]
    return nodes


def _is_machinery(cell: Any) -> bool:
    tags: set[str] = set(cell.metadata.get("tags", []))
    return bool(tags & {"parameters", "injected-parameters", "papermill-error-cell-tag", "hide-cell", "remove-cell"})


def _is_for_readers(output: Any) -> bool:
    if output.output_type == "stream":
        return bool(output.name != "stderr")
    return any(mime in output.get("data", {}) for mime in _SHOWN_TYPES)


def _has_figures(notebook: Any) -> bool:
    return any(PLOTLY in output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", []))
