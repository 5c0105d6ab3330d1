"""How the command prints: aligned tables, progress on a terminal and plain lines elsewhere, JSON for programs."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

import typer

Data = Annotated[
    str | None, typer.Option("--data", metavar="DIR", help="Folder of the embedded store (WORKBENCH_DATA).")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def printable(text: str) -> str:
    """Text from outside without terminal escapes and other control characters."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def print_json(value: Any) -> None:
    """One JSON document on standard output; times in ISO 8601, those of the stores with their +00:00."""
    print(json.dumps(value, ensure_ascii=False, indent=1, default=_plain))


def _plain(value: Any) -> str | None:
    if not isinstance(value, datetime):
        return str(value)
    if value != value:  # pandas' missing time
        return None
    return value.isoformat() if value.tzinfo else f"{value.isoformat()}+00:00"


def print_table(
    columns: Sequence[tuple[str, bool]],
    rows: Sequence[Sequence[str]],
    title: str | None = None,
    note: str | None = None,
) -> None:
    """An aligned table; ``columns`` are (name, is a number). Without a terminal it is as wide as it needs to be."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title and Text(printable(title)), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name, numeric in columns:
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    console.print(table)
    if note:
        console.print(Text(printable(note)))


@contextmanager
def progress(title: str) -> Iterator[Callable[[int, int | None], None]]:
    """A function (done, total) that shows how far work is, on standard error: a bar on a terminal, else plain lines."""
    if not sys.stderr.isatty():
        yield _plain_progress(title)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=Console(stderr=True), transient=True,
    ) as bar:  # fmt: skip
        task = bar.add_task(printable(title), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _plain_progress(title: str) -> Callable[[int, int | None], None]:
    said = 0

    def show(done: int, total: int | None) -> None:
        nonlocal said
        tenth = 10 * done // total if total else 0
        if tenth > said:
            said = tenth
            print(f"{printable(title)}: {done} of {total}", file=sys.stderr)

    return show
