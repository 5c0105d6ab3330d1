"""index.html of a reports folder: every run, newest first. It needs no script and makes no request."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from workbench.reporting.record import RunRecord, Unreadable
from workbench.reporting.style import TEMPLATES, page_css


def index_html(runs: Sequence[RunRecord | Unreadable], root: Path) -> str:
    """The page for these runs, whose folders lie below ``root``."""
    page: str = _template().render(runs=[_row(run, root) for run in runs], css=page_css())
    return page


def _row(run: RunRecord | Unreadable, root: Path) -> dict[str, Any]:
    if not isinstance(run, RunRecord):
        return {"state": "unreadable", "title": run.folder.name, "name": run.folder.parent.name, "message": run.reason}
    return {
        "state": run.state,
        "title": run.title,
        "name": run.name,
        "started": run.started,
        "seconds": run.seconds,
        "parameters": {name: json.dumps(value, ensure_ascii=False) for name, value in run.parameters.items()},
        "message": f"{run.error.kind}: {run.error.message}" if run.error else "",
        "page": _link(run.html, root),
        "figures": _link(run.figures, root),
    }


def _link(file: Path | None, root: Path) -> str:
    return quote(file.relative_to(root).as_posix()) if file is not None else ""


@cache
def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader

    return Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True).get_template("index.html.j2")
