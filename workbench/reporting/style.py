"""The style sheets: one for what the workbench displays anywhere, one for the pages around it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parent.parent
TEMPLATES: Final = _PACKAGE / "reporting" / "templates"


@cache
def fragment_css() -> str:
    """Colours, cards, tables, notes: everything inside an element of class ``wb``, in a page or in JupyterLab."""
    return (_PACKAGE / "assets" / "workbench.css").read_text(encoding="utf-8")


@cache
def page_css() -> str:
    """The page around the fragments: reports and their index. Includes ``fragment_css``."""
    return fragment_css() + (TEMPLATES / "page.css").read_text(encoding="utf-8")
