"""A profile as text for a terminal and as HTML for a notebook or a report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from workbench.metrics.statements import Statement

if TYPE_CHECKING:
    from workbench.profiling.profile import Profile

MOST: Final = 200
"""Statements that are listed; a loop of thousands is one flag, not a page."""
_WIDTH: Final = 200
_CUT: Final = 90


def profile_html(profile: Profile) -> str:
    """A paragraph, what looks wrong, and a table of the statements; all text escaped. For an element of class wb."""
    from workbench.display.fragment import Column, muted, note, table, text

    columns = [Column("Statement"), Column("Parameters"), Column("Rows", True), Column("ms", True), Column("Cached")]
    listed = profile.statements[:MOST]
    rows = [[_name_html(one), _parameters_html(one), *map(text, _figures(one))] for one in listed]
    more = muted(text(_more(profile))) if _more(profile) else ""
    flags = "".join(note(text(flag.text), "warning") for flag in profile.flags)
    return f"<p>{text(summary(profile))}</p>{flags}{table(columns, rows) if rows else ''}{more}"


def profile_text(profile: Profile) -> str:
    """The same as an aligned table of plain text, without control characters."""
    from io import StringIO

    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, numeric in (("statement", False), ("rows", True), ("ms", True), ("cached", False), ("parameters", False)):
        table.add_column(name, justify="right" if numeric else "left", no_wrap=True)
    for one in profile.statements[:MOST]:
        table.add_row(*map(Text, (one.file or one.query, *_figures(one), _cut(_printable(_parameters(one))))))
    console = Console(file=StringIO(), width=_WIDTH, color_system=None, highlight=False)
    console.print(Text(summary(profile)))
    if profile.statements:
        console.print(table)
    for line in (*(flag.text for flag in profile.flags), _more(profile), *_plans(profile.statements[:MOST])):
        if line:
            console.print(Text(_printable(line)), soft_wrap=True)
    return "\n".join(line.rstrip() for line in console.file.getvalue().rstrip().splitlines())  # type: ignore[attr-defined]


def summary(profile: Profile) -> str:
    """One sentence: how many statements, how long, how many out of the cache."""
    statements = profile.statements
    hits = sum(one.cached is True for one in statements)
    asked = sum(one.seconds for one in statements)
    count = f"{len(statements)} statement{'' if len(statements) == 1 else 's'}"
    return f"{count} in {profile.seconds:.3f} s, {asked:.3f} s of it waiting for answers; {hits} out of the cache."


def _figures(one: Statement) -> tuple[str, str, str]:
    cached = {True: "yes", False: "no", None: ""}[one.cached]
    return "" if one.rows is None else f"{one.rows:,}", f"{1000 * one.seconds:.2f}", cached


def _more(profile: Profile) -> str:
    more = len(profile.statements) - MOST
    return f"And {more:,} more statements: .frame has them all." if more > 0 else ""


def _plans(statements: Sequence[Statement]) -> list[str]:
    return [f"\n{one.file}\n{one.plan.text}" for one in statements if one.plan]


def _parameters(one: Statement) -> str:
    return ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in one.parameters.items())


def _cut(value: str) -> str:
    return value if len(value) <= _CUT else value[:_CUT] + "…"


def _printable(value: str) -> str:
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in value)


def _name_html(one: Statement) -> str:
    from workbench.display.fragment import text

    name = f"<code>{text(one.file or one.query)}</code>"
    if one.plan is None:
        return name
    return f'{name}<details><summary>Plan</summary><pre class="wb-sql">{text(one.plan.text)}</pre></details>'


def _parameters_html(one: Statement) -> str:
    from workbench.display.fragment import text

    if not one.parameters:
        return ""
    return f"<details><summary>{len(one.parameters)}</summary><code>{text(_parameters(one))}</code></details>"
