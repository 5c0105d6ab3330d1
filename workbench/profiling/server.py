"""The server's own view of our statements, indexes and tables: as DataFrames, JSON, and a section of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, Final

from workbench.metrics.mysql_monitor import Digest, ServerFacts, Table, UnusedIndex
from workbench.metrics.mysql_slow_log import SlowLog, SlowQuery

if TYPE_CHECKING:
    import pandas as pd

    from workbench.display.fragment import Html

HEADING: Final = "The server\u2019s own view"
_WIDE: Final = 500
"""Characters of a statement that a page holds; the style sheet cuts what is shown."""


class ServerView:
    """What a server says of itself and of one database."""

    def __init__(self, facts: ServerFacts) -> None:
        self.facts = facts

    @property
    def statements(self) -> pd.DataFrame:
        """The statements that took most time, the most expensive first; empty where the server does not say."""
        return _frame(Digest, self.facts.digests or ())

    @property
    def slowest(self) -> pd.DataFrame:
        """The entries of the slow query log that took longest, without values; empty where they cannot be read."""
        return _frame(SlowQuery, self.facts.slowest or ())

    @property
    def unused_indexes(self) -> pd.DataFrame:
        """Indexes that nothing used since the server's start; empty where the server does not say."""
        return _frame(UnusedIndex, self.facts.unused or ())

    @property
    def tables(self) -> pd.DataFrame:
        """Tables of the workbench with their sizes."""
        return _frame(Table, self.facts.sizes)

    def as_json(self) -> dict[str, Any]:
        """For a program; null is what the server does not say."""
        return {"format": 1, **asdict(self.facts)}

    def show(self) -> Html:
        """The view for the end of a notebook cell."""
        from workbench.display.fragment import Html

        return Html(server_html(self.facts))

    def section(self) -> Html:
        """The same under a heading, for a report."""
        from workbench.display.fragment import Html

        return Html(f'<h2 id="server">{HEADING}</h2>{server_html(self.facts)}')

    def _repr_html_(self) -> str:
        return self.show()._repr_html_()

    def __repr__(self) -> str:
        return f"ServerView({self.facts.server} at {self.facts.location})"


def slow_log_text(log: SlowLog) -> str:
    """The slow query log's state in words."""
    place = log.file if "FILE" in log.output else "mysql.slow_log"
    return f"on: statements over {log.seconds:g} s go to {log.output} ({place})" if log.on else "off"


def server_html(facts: ServerFacts) -> str:
    """Two lines and up to four tables; all text escaped. For an element of class wb."""
    from workbench.display.fragment import muted, text

    head = f"<p>{text(facts.server)}, up {facts.uptime_seconds / 3600:,.1f} h.</p>"
    log = f"<p>Slow query log: {text(slow_log_text(facts.slow_log))}</p>"
    notes = "".join(muted(text(note)) for note in facts.notes)
    return head + log + _slowest(facts) + _statements(facts) + _unused(facts) + _sizes(facts) + notes


def _slowest(facts: ServerFacts) -> str:
    from workbench.display.fragment import Column, table, text

    if not facts.slowest:
        return ""
    heads = ("Seconds", "Rows read", "Rows sent")
    columns = [Column("Statement"), Column("Ended (UTC)"), *(Column(head, True) for head in heads)]
    rows = [
        [_name(one), text(f"{one.ended:%Y-%m-%d %H:%M:%S}"), f"{one.seconds:,.3f}", f"{one.rows_examined:,}",
         f"{one.rows_sent:,}"]
        for one in facts.slowest
    ]  # fmt: skip
    return table(columns, rows, "Slowest entries of the slow query log")


def _statements(facts: ServerFacts) -> str:
    from workbench.display.fragment import Column, table

    if not facts.digests:
        return ""
    heads = ("Runs", "Seconds", "Mean ms", "Rows read", "Rows sent", "Scans")
    columns = [Column("Statement"), *(Column(head, True) for head in heads)]
    rows = [
        [_name(one), f"{one.runs:,}", f"{one.seconds:,.3f}",
         f"{1000 * one.mean_seconds:,.2f}", f"{one.rows_examined:,}", f"{one.rows_sent:,}", f"{one.without_index:,}"]
        for one in facts.digests
    ]  # fmt: skip
    return table(columns, rows, "Statements that took most time since the server started")


def _name(one: Digest | SlowQuery) -> str:
    from workbench.display.fragment import cut, text

    return f"<code>{text(one.name)}</code>" if one.name else cut(one.statement[:_WIDE])


def _unused(facts: ServerFacts) -> str:
    from workbench.display.fragment import text

    if facts.unused is None:
        return ""
    names = ", ".join(f"<code>{text(one.table)}.{text(one.index)}</code>" for one in facts.unused)
    return f"<p>Indexes not used since the server started: {names or 'none'}.</p>"


def _sizes(facts: ServerFacts) -> str:
    from workbench.display.fragment import Column, table, text

    columns = [Column("Table"), *(Column(head, True) for head in ("Rows (estimate)", "Data MB", "Index MB"))]
    rows = [
        [text(one.table), f"{one.rows:,}", f"{one.data_bytes / 1e6:,.2f}", f"{one.index_bytes / 1e6:,.2f}"]
        for one in facts.sizes
    ]
    return table(columns, rows, "Tables")


def _frame(kind: type, values: Sequence[Any]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame([asdict(value) for value in values], columns=[field.name for field in fields(kind)])
