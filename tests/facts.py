"""Small hand-written rows and extracts for tests: deployments, changes, incidents, as sources would give them."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from workbench.metrics import ingest
from workbench.metrics.protocol import MetricStore, State
from workbench.rows import FACTS, FEATURES, LINES, Coverage, Extract, Source

PROJECT = "shop"
NOW = datetime(2025, 6, 1, tzinfo=UTC)
LINK_HOURS = 168.0
Row = dict[str, Any]


def at(text: str) -> datetime:
    """A naive UTC time from its ISO text."""
    return datetime.fromisoformat(text)


def row(source: Source, phase: str, cycle: str, feature: str, when: str | datetime, **more: Any) -> Row:
    """One FACTS row; ``seconds`` is its duration."""
    seconds = more.pop("seconds", None)
    return {
        "project": more.pop("project", PROJECT),
        "cycle_id": cycle,
        "feature_id": feature,
        "phase_name": phase,
        "decision": more.pop("decision", "go"),
        "duration_seconds": None if seconds is None else Decimal(seconds).quantize(Decimal("0.01")),
        "source": source,
        "updated_at": at(updated) if isinstance(updated := more.pop("updated", None), str) else updated,
        "created_at": at(when) if isinstance(when, str) else when,
        **more,
    }


def deployment(cycle: str, when: str | datetime, decision: str = "go", **more: Any) -> Row:
    """A record of a deployments file."""
    return row("deployments", "deployment", cycle, "", when, decision=decision, **more)


def change(feature: str, cycle: str, authored: str | datetime, **more: Any) -> Row:
    """A record of a changes file; its lead time follows from its deployment."""
    return row("changes", "planning", cycle, feature, authored, **more)


def shipped(feature: str, cycle: str, deployed: str | datetime, seconds: int | str | None, **more: Any) -> Row:
    """A change as git gives it: with the deployment that shipped it, and its lead time."""
    return row("git", "deployment", cycle, feature, deployed, seconds=seconds, **more)


def incident(
    feature: str, began: str | datetime, fixed_after: int | str | None = None, names: str = "", **more: Any
) -> Row:
    """A record of an incidents file; open without ``fixed_after`` (seconds)."""
    decision = "open" if fixed_after is None else "fixed"
    return row("incidents", "maintenance", names, feature, began, seconds=fixed_after, decision=decision, **more)


def revert(feature: str, failed: str, when: str | datetime, seconds: int, fixed_by: str, **more: Any) -> Row:
    """An incident as git proves it: a later deployment reverts what this one shipped."""
    return row(
        "git", "maintenance", failed, feature, when, seconds=seconds, decision="fixed", fixed_by=fixed_by, **more
    )


def table(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """FACTS of rows."""
    return pa.Table.from_pylist([dict(one) for one in rows], FACTS)


def extract(
    source: Source,
    rows: Sequence[Mapping[str, Any]],
    covers: tuple[str, str] | None = None,
    *,
    features: Sequence[Mapping[str, Any]] = (),
    projects: Sequence[str] = (),
    digest: str | None = None,
    **more: Any,
) -> Extract:
    """An extract as one source would make it; covers from its first to its last time, if nothing else is said."""
    facts = pa.Table.from_pylist(
        [{**one, "line": number} for number, one in enumerate(rows, start=2)], pa.schema([*FACTS, *LINES])
    )
    names = sorted({one["project"] for one in rows} | set(projects)) or [PROJECT]
    spans = {name: _span([one for one in rows if one["project"] == name], covers) for name in names}
    return Extract(
        source=source,
        origin=more.pop("origin", f"{source}.csv"),
        digest=digest or hashlib.sha256(repr((source, rows, covers)).encode()).hexdigest(),
        facts=facts,
        features=pa.Table.from_pylist([{"source": source, "project": PROJECT, **one} for one in features], FEATURES),
        coverage=tuple(Coverage(name, *span) for name, span in spans.items()),
        replaces=source == "git",
        **more,
    )


def _span(rows: Sequence[Mapping[str, Any]], covers: tuple[str, str] | None) -> tuple[datetime, datetime]:
    if covers:
        return at(covers[0]), at(covers[1])
    times = [one["created_at"] for one in rows] or [datetime(2025, 1, 1)]
    return min(times), max(times) + timedelta(microseconds=1)


def extracts(rows: Sequence[Mapping[str, Any]], covers: tuple[str, str] | None = None) -> list[Extract]:
    """One extract a source of these rows, each covering the same time."""
    sources = list(dict.fromkeys(one["source"] for one in rows))
    return [extract(source, [one for one in rows if one["source"] == source], covers) for source in sources]


def load(
    store: MetricStore,
    given: Iterable[Extract],
    folder: Path,
    *,
    link_hours: float = LINK_HOURS,
    now: datetime = NOW,
    **more: Any,
) -> list[ingest.Summary]:
    """Import extracts in the given order."""
    return [ingest.run(store, one, link_hours=link_hours, rejects_folder=folder, now=now, **more) for one in given]


def load_rows(
    store: MetricStore, rows: Sequence[Mapping[str, Any]], folder: Path, covers: tuple[str, str] | None = None
) -> None:
    """Import rows, one import a source."""
    load(store, extracts(rows, covers), folder)


@contextmanager
def quick_folder() -> Iterator[Path]:
    """A folder for one of many examples: in memory where the system has such a place, as every write is synced."""
    memory = "/dev/shm"
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


def links(state: State) -> dict[str, tuple[str | None, str | None]]:
    """Per incident: what it is charged to, and by which rule."""
    return {
        one["feature_id"]: (one["charged_to"], one["link_rule"])
        for one in state.facts.to_pylist()
        if one["phase_name"] == "maintenance"
    }
