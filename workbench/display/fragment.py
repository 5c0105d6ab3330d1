"""Pieces of HTML: text is escaped on the way in, and the style sheet comes along where no page has it."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from workbench import format as human
from workbench.settings import run_folder

_CSS: Final = Path(__file__).resolve().parent.parent / "assets" / "workbench.css"


@dataclass(frozen=True, slots=True)
class Html:
    """Markup that is ready to be shown; a notebook cell that ends with one shows it."""

    markup: str

    def _repr_html_(self) -> str:
        # a report's page has the style sheet itself; a notebook may show any cell without the others
        style = "" if run_folder() else f"<style>{_css()}</style>"
        return f'{style}<div class="wb">{self.markup}</div>' if self.markup else ""

    def __repr__(self) -> str:
        return f"Html({len(self.markup)} characters)"


@cache
def _css() -> str:
    return _CSS.read_text(encoding="utf-8")


def text(value: object) -> str:
    """Any text from outside, harmless as content and inside a quoted attribute."""
    return html.escape(str(value), quote=True)


def unbroken(value: str) -> str:
    """Numbers that stay beside their units: a line may break at a dash only. Gives markup."""
    return text(value).replace(" ", "&nbsp;").replace("&nbsp;–&nbsp;", "&nbsp;– ")


def link(label: str, url: str | None) -> str:
    """A link for http and https; any other address is left out. ``label`` is markup."""
    if url is None or not _is_web(url):
        return label
    return f'<a href="{text(url)}" rel="noopener noreferrer" target="_blank">{label}</a>'


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def identifier(name: str) -> str:
    """A name of a row: hashes are shortened, the whole is in the tooltip."""
    short = human.short_id(name)
    whole = f' title="{text(name)}"' if short != name else ""
    return f'<code class="wb-id"{whole}>{text(short)}</code>'


def cut(value: str | None) -> str:
    """A title of any length, whole; the style sheet cuts what is shown."""
    return f'<span class="wb-cut" title="{text(value)}">{text(value)}</span>' if value else ""


def note(markup: str, kind: str = "info") -> str:
    """A paragraph set apart: info, warning or sample."""
    return f'<p class="wb-note" data-kind="{kind}">{markup}</p>'


def muted(markup: str) -> str:
    """A small remark."""
    return f'<p class="wb-remark">{markup}</p>'


def folded(head: str, body: str) -> str:
    """Markup that opens on demand, under a heading of plain text."""
    return f'<details class="wb-fold"><summary>{text(head)}</summary>{body}</details>'


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; ``numeric`` ones are right-aligned with figures of one width, ``name`` ones stand out."""

    head: str
    numeric: bool = False
    name: bool = False


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]], caption: str = "") -> str:
    """A table; cells and caption are markup."""
    head = "".join(f'<th scope="col"{_class(column)}>{text(column.head)}</th>' for column in columns)
    body = "".join(
        f"<tr>{''.join(f'<td{_class(column)}>{cell}</td>' for column, cell in zip(columns, row, strict=True))}</tr>"
        for row in rows
    )
    title = f"<caption>{caption}</caption>" if caption else ""
    return f'<table class="wb-table">{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _class(column: Column) -> str:
    return ' class="num"' if column.numeric else ' class="wb-name"' if column.name else ""
