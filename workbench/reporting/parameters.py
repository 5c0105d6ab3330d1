"""The parameters of a notebook, checked before a kernel starts."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from workbench.errors import ParameterError, ReportError

TAG = "parameters"


def check_parameters(notebook: Path, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as they will be injected: JSON-plain, dates as ISO text.

    Raises:
        ParameterError: the notebook has no parameter of that name, or the value cannot be written as JSON.
        ReportError: the notebook is missing or cannot be read.
    """
    known = declared_parameters(notebook)
    for name in parameters:
        if name not in known:
            raise _unknown(name, known, notebook)
    return {name: _plain(name, value) for name, value in parameters.items()}


def declared_parameters(notebook: Path) -> tuple[str, ...]:
    """The names assigned in the cell tagged ``parameters``, in their order.

    Raises:
        ReportError: the notebook is missing or cannot be read.
    """
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        sources = ["".join(cell["source"]) for cell in cells if TAG in cell.get("metadata", {}).get("tags", [])]
        tree = ast.parse("\n".join(sources[:1]))
    except OSError as error:
        raise ReportError(
            f"The notebook {notebook} cannot be read: {error.strerror}.",
            "Check the path, or install dora-workbench again.",
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError, SyntaxError):
        raise ReportError(
            f"{notebook} is not a notebook of format 4, or its parameters are not plain assignments.",
            "Restore it, or open and save it in JupyterLab.",
        ) from None
    return tuple(name for statement in tree.body for name in _assigned(statement))


def _assigned(statement: ast.stmt) -> list[str]:
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _unknown(name: str, known: tuple[str, ...], notebook: Path) -> ParameterError:
    close = get_close_matches(name, known, n=1)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    names = ", ".join(known) if known else "none"
    return ParameterError(f"{notebook.name} has no parameter {name!r}.", f"{hint}Its parameters are: {names}.")


def _plain(name: str, value: Any) -> Any:
    value = value.isoformat() if isinstance(value, date) else value
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError):
        raise ParameterError(
            f"The parameter {name!r} cannot be a {type(value).__name__} with this content.",
            "Give text, a finite number, true or false, null, a date, or a list or mapping of those.",
        ) from None
