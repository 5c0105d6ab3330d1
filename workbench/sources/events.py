"""Events files: deployments, changes and incidents as CSV, JSON Lines or Parquet (docs/events.md)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from workbench.errors import SourceError
from workbench.rows import Extract
from workbench.sources import events_columns, export
from workbench.sources.events_columns import Kind
from workbench.sources.events_rows import candidates
from workbench.sources.events_settle import Meaning, check_covers, extract
from workbench.sources.table import Opened, open_records

_KEYS: Final[dict[Kind, tuple[str, ...]]] = {
    "deployments": ("cycle_id",),
    "changes": ("feature_id",),
    "incidents": ("feature_id",),
}


@dataclass(frozen=True, slots=True)
class EventOptions:
    """What a file does not say itself.

    Attributes:
        kind: what the file holds; None: recognised from its columns, then its name.
        project: of records that name none.
        zone: IANA zone of times without an offset; None: an offset is required.
        covers: the time that the files cover, [start, end), aware; None: from the first to the last time in them.
    """

    kind: Kind | None = None
    project: str | None = None
    zone: str | None = None
    covers: tuple[datetime, datetime] | None = None


def fingerprint(path: Path | str, options: EventOptions) -> str | None:
    """What tells an unchanged file read with the same options, without parsing it; None for standard input.

    Raises:
        SourceError: the file cannot be read.
    """
    if str(path) == "-":
        return None
    whole = hashlib.sha256(repr(options).encode("utf-8", "surrogatepass"))
    try:
        with Path(path).open("rb") as file:
            while block := file.read(1 << 20):
                whole.update(block)
    except OSError as error:
        raise SourceError(
            f"{path} cannot be read: {error.strerror or error}.", "Check its name and its permissions."
        ) from None
    return whole.hexdigest()


def read(paths: Sequence[Path | str], options: EventOptions | None = None) -> tuple[Extract, ...]:
    """One extract a file; ``-`` is standard input. A dora_metrics export among them is read as such.

    Raises:
        SourceError: a file cannot be read, or its kind is not clear.
        ParameterError: the zone or the covered time makes no sense.
    """
    chosen = options or EventOptions()
    check_covers(chosen.covers)
    if chosen.zone is not None:
        from workbench.model import zone

        zone(chosen.zone)
    return tuple(_read_one(open_records(path), chosen) for path in paths)


def _read_one(opened: Opened, options: EventOptions) -> Extract:
    names = opened.records.names
    if options.kind is None and export.looks_like_export(names):
        return export.extract_from(opened, options.project, options.zone or "UTC", options.covers)
    kind = options.kind or events_columns.recognise(names, opened.origin)
    columns = events_columns.columns_of(kind, names, opened.origin)
    rows = candidates(kind, opened.records, columns, options.project, options.zone)
    notes: dict[str, int | str] = {}
    if kind == "deployments" and (columns["decision"] or columns["status"]):
        notes["knows_failures"] = 1
    ignored = [name for name in names if name not in columns.values()]
    if ignored:
        notes["ignored_columns"] = ", ".join(ignored)
    meaning = Meaning(kind, _KEYS[kind], options.project, options.covers, notes)
    return extract(opened, rows, meaning, opened.digest(kind, options.project, options.zone, options.covers))
