"""Small notebooks that the tests of reports make for themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

PLOTLY = "application/vnd.plotly.v1+json"


def code(source: str, *tags: str, outputs: list[Any] | None = None) -> Any:
    """A code cell; of an executed notebook if it has outputs."""
    return new_code_cell(source, metadata={"tags": list(tags)}, outputs=outputs or [])


def text(source: str) -> Any:
    """A markdown cell."""
    return new_markdown_cell(source)


def notebook(*cells: Any, parameters: str = "days = 90") -> Any:
    """A notebook with a title and a parameters cell before these cells."""
    nodes = new_notebook(cells=[text("# Small"), code(parameters, "parameters"), *cells])
    nodes.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    return nodes


def saved(folder: Path, *cells: Any, parameters: str = "days = 90") -> Path:
    """The path of such a notebook, written into the folder."""
    path = folder / "small.ipynb"
    nbformat.write(notebook(*cells, parameters=parameters), path)
    return path


def display(mime: str, data: Any) -> Any:
    """An output of a cell that was executed."""
    return new_output("display_data", data={mime: data})


def chart(title: str = "A chart", colour: str = "#0072b2") -> Any:
    """The output of a plotly figure."""
    trace = {"type": "bar", "x": ["a", "b"], "y": [1, 2], "marker": {"color": colour}}
    return display(PLOTLY, {"data": [trace], "layout": {"title": {"text": title}, "height": 300}})
