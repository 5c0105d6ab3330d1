"""Recognises by its digest what was imported before: an unchanged repository or file is not read again."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from workbench.metrics import queries
from workbench.metrics.ingest import REPEATED, Summary, linked_alike
from workbench.metrics.protocol import MetricStore
from workbench.model import naive_utc
from workbench.rows import IMPORTS, Extract, Source


def confirm(
    store: MetricStore, source: Source, digest: str, *, link_hours: float, now: datetime | None = None
) -> Summary | None:
    """Say that a source is still as it was imported: only its coverage grows to now. None if it was not imported so.

    Makes the import of an unchanged repository cost no reading of its history.
    """
    started = time.perf_counter()
    moment = naive_utc(now or datetime.now(UTC))
    records = store.query(queries.get("import_records"), {"projects": list(store.projects()), "size": 100_000})
    same = pc.and_(pc.equal(records["digest"], digest), pc.equal(records["source"], source))
    project = next(iter(records.filter(same)["project"].to_pylist()), None)
    if project is None:
        return None
    with store.lock([project]):
        old = store.read([project])
        record = next(
            (row for row in old.imports.to_pylist() if (row["source"], row["digest"]) == (source, digest)), None
        )
        if record is None or not linked_alike(old.imports, link_hours):
            return None
        rows = [
            {**row, "covered_to": max(row["covered_to"], moment), "imported_at": moment} if row == record else row
            for row in old.imports.to_pylist()
        ]
        store.write(project, old, replace(old, imports=pa.Table.from_pylist(rows, IMPORTS)))
    return _repeated(record["origin"], source, (project,), record["rows_read"], started)


def recognise(store: MetricStore, fingerprint: str, *, link_hours: float) -> Summary | None:
    """Say that a file was imported as it is, so that it need not be parsed again; None if it was not, or only in part.

    Looks for imports that :func:`marked` with this fingerprint; a file with rejected rows is always read again, so that
    its reject file is there.
    """
    started = time.perf_counter()
    records = store.query(
        queries.get("import_records"), {"projects": list(store.projects()), "size": 100_000}
    ).to_pylist()
    notes = {index: json.loads(record["notes"]) for index, record in enumerate(records)}
    ours = [record for index, record in enumerate(records) if notes[index].get("file") == fingerprint]
    whole = [note for note in notes.values() if note.get("file") == fingerprint and note["file_projects"] == len(ours)]
    if not ours or len(whole) < len(ours) or any(record["rejected"] or not record["digest"] for record in ours):
        return None
    if any(note.get("link_hours") != link_hours for note in whole):
        return None
    return _repeated(
        ours[0]["origin"],
        ours[0]["source"],
        tuple(sorted(record["project"] for record in ours)),
        sum(record["rows_read"] for record in ours),
        started,
    )


def marked(extract: Extract, fingerprint: str | None) -> Extract:
    """The extract with the fingerprint of its file in its notes, for :func:`recognise`."""
    if fingerprint is None:
        return extract
    mark: dict[str, int | str] = {"file": fingerprint, "file_projects": len(extract.projects)}
    return replace(extract, notes={name: {**extract.notes.get(name, {}), **mark} for name in extract.projects})


def _repeated(origin: str, source: str, projects: Sequence[str], rows: int, started: float) -> Summary:
    """Nothing changed; ``started`` is by perf_counter."""
    return Summary(
        origin=origin, source=source, projects=tuple(projects), state=REPEATED, added=0, changed=0, removed=0,
        unchanged=rows, rejected=0, reject_file=None, seconds=time.perf_counter() - started,
    )  # fmt: skip
