"""What a run found out beside times: bottlenecks, plans, what servers counted, the machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from workbench import format as human
from workbench.bench import words
from workbench.bench.performance import Performance
from workbench.display.fragment import Column, cut, folded, muted, table, text, unbroken

_MYSQL_REMEDY: Final = " Set WORKBENCH_METRICS_URL and run workbench bench again."


def bottlenecks(it: Performance) -> str:
    """Findings with number, remedy and expected gain."""
    columns = [Column("Where", name=True), Column("Evidence of this run"), Column("Remedy"), Column("Expected gain")]
    rows = [
        [
            text(one.name) + ("" if one.state == "look" else f'<div class="wb-n">{one.state}</div>'),
            text(one.evidence),
            text(one.remedy),
            text(one.gain),
        ]
        for one in it.findings
    ]
    return table(columns, rows)


def plans(it: Performance, store: str = "mysql") -> str:
    """How a store ran the dashboard's questions, as it tells itself."""
    found: list[Mapping[str, Any]] = it.run.evidence.get(store, {}).get("plans", [])
    if not found:
        return muted(f"{text(store)} was not part of this run." + (_MYSQL_REMEDY if store == "mysql" else ""))
    rows: int = it.run.evidence[store]["rows"]
    shown = "".join(folded(plan["query"], f'<pre class="wb-sql">{text(plan["plan"])}</pre>') for plan in found)
    return muted(f"{text(store)}, {rows:,} rows: plans with measured rows and times.") + shown


def statements(it: Performance) -> str:
    """What the MySQL server counted: its costliest statements, and the slowest entries of its slow log."""
    said: Mapping[str, Any] | None = it.run.evidence.get("mysql")
    if said is None:
        return muted("mysql was not part of this run." + _MYSQL_REMEDY)
    notes = "".join(muted(text(note)) for note in said.get("notes", ()))
    return _digests(said.get("digests") or []) + _slow_entries(said.get("slow_log")) + notes


def _digests(found: list[Mapping[str, Any]]) -> str:
    if not found:
        return muted("The server counted no statements.")
    columns = [Column("Statement"), *(Column(name, True) for name in ("Runs", "Mean", "Total", "Rows read a run",
               "Rows sent a run", "Without an index"))]  # fmt: skip
    rows = [
        [
            _statement(one),
            f"{one['runs']:,}",
            unbroken(words.seconds(one["mean_seconds"])),
            unbroken(words.seconds(one["seconds"])),
            *(f"{one[name] / one['runs']:,.0f}" for name in ("rows_examined", "rows_sent")),
            human.share(round(one["without_index"] / one["runs"], 2)),
        ]
        for one in found
    ]
    return table(columns, rows, "Statements that took most of the server's time, whatever their values")


def _statement(one: Mapping[str, Any]) -> str:
    """The name of its file, or its text without values."""
    return f"<strong>{text(one['name'])}</strong>" if one["name"] else cut(one["statement"])


def _slow_entries(said: Mapping[str, Any] | str | None) -> str:
    if not isinstance(said, Mapping) or not said.get("entries"):
        return ""
    columns = [Column("Slow query log"), Column("Took", True), Column("Rows read", True), Column("Rows sent", True)]
    rows = [
        [_statement(one), unbroken(words.seconds(one["seconds"])), f"{one['rows_examined']:,}", f"{one['rows_sent']:,}"]
        for one in said["entries"]
    ]
    return table(columns, rows)


def environment(it: Performance) -> str:
    """The fingerprint, the calibration figure, and what was asked for."""
    run = it.run
    terms = [(name, said) for name, said in _terms(run.machine)]
    terms += [
        ("fingerprint", run.key),
        ("calibration", f"{words.seconds(run.pace)} for the fixed work (arithmetic, objects, memory)"),
        ("dora-workbench", run.version),
        ("asked for", ", ".join(f"{name} {said}" for name, said in run.options.items() if said is not None)),
        ("runs on this machine", f"{len(it.earlier) + 1}"),
    ]
    body = "".join(f"<dt>{text(name)}</dt><dd>{text(said)}</dd>" for name, said in terms)
    return f'<dl class="wb-rules">{body}</dl>'


def _terms(machine: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, said in machine.items():
        if isinstance(said, Mapping):
            yield name, ", ".join(f"{part} {_plain(value)}" for part, value in said.items()) or "none"
        else:
            yield name.replace("_", " "), str(said)


def _plain(value: object) -> str:
    return " ".join(str(part) for part in value.values()) if isinstance(value, Mapping) else str(value)
