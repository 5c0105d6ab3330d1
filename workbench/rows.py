"""The rows that travel from a source to a store: their columns, their types, and the envelope they come in.

``sources`` make an :class:`Extract`, ``metrics`` store it; neither knows the other. Times are naive UTC with
microseconds everywhere below the presentation; a text column that does not apply is null, but for the key columns,
which are ''.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, get_args

import pyarrow as pa

Source = Literal["git", "deployments", "changes", "incidents", "export"]
"""Where a row came from: the git importer, one of the three kinds of events file, or a dora_metrics export."""

SOURCES: Final[tuple[Source, ...]] = get_args(Source)
DERIVED: Final = "derived"
"""The source of rows that the workbench computes itself: a change (of a changes file) that its deployment shipped."""

TIME: Final = pa.timestamp("us")
DURATION: Final = pa.decimal128(12, 2)
NAME_LENGTH: Final = 100
"""Longest project, cycle or feature name, in characters (VARCHAR(100) on a server)."""

FACTS: Final = pa.schema(
    [
        pa.field("project", pa.string(), nullable=False),
        pa.field("cycle_id", pa.string(), nullable=False),
        pa.field("feature_id", pa.string(), nullable=False),
        pa.field("phase_name", pa.string(), nullable=False),
        pa.field("decision", pa.string(), nullable=False),
        pa.field("duration_seconds", DURATION),
        pa.field("charged_to", pa.string()),
        pa.field("link_rule", pa.string()),
        pa.field("fixed_by", pa.string()),
        pa.field("source", pa.string(), nullable=False),
        pa.field("updated_at", TIME),
        pa.field("metadata", pa.string()),
        pa.field("created_at", TIME, nullable=False),
    ]
)
"""dora_metrics: one row a fact (design: docs/architecture.md, "The fact table")."""

FACT_KEY: Final = ("project", "cycle_id", "feature_id", "phase_name")

FEATURES: Final = pa.schema(
    [
        pa.field("project", pa.string(), nullable=False),
        pa.field("feature_id", pa.string(), nullable=False),
        pa.field("title", pa.string()),
        pa.field("author", pa.string()),
        pa.field("team", pa.string()),
        pa.field("url", pa.string()),
        pa.field("source", pa.string(), nullable=False),
        pa.field("updated_at", TIME),
    ]
)
"""Names to show with rows: a change, an incident, or a deployment (feature_id = its cycle_id)."""

LINES: Final = pa.schema([pa.field("line", pa.int64())])
"""Extra column of an extract's facts: the line (1 = first line of the file) that a row was read from; null for git."""

REJECTS: Final = pa.schema(
    [
        pa.field("file", pa.string(), nullable=False),
        pa.field("line", pa.int64()),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("text", pa.string()),
    ]
)
"""Rows that were not loaded, and why."""

IMPORTS: Final = pa.schema(
    [
        pa.field("project", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("origin", pa.string(), nullable=False),
        pa.field("digest", pa.string(), nullable=False),
        pa.field("covered_from", TIME),
        pa.field("covered_to", TIME),
        pa.field("rows_read", pa.int64(), nullable=False),
        pa.field("rejected", pa.int64(), nullable=False),
        pa.field("imported_at", TIME, nullable=False),
        pa.field("notes", pa.string(), nullable=False),
    ]
)
"""One row a project and import: what it covered, so that *no deployments* and *no data* differ. Notes are JSON."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """The time for which a source knows everything of its kind about one project, [start, end), naive UTC."""

    project: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Extract:
    """What one reading of one source says, before it meets what is stored.

    Attributes:
        source: under which name its rows are kept, replaced and removed.
        origin: where it came from, for people (a file or folder name without the machine's path).
        digest: sha256 of the content and of every option that changes its meaning; equal digest = same import.
        facts: FACTS columns plus LINES; charged_to and link_rule are null, linking fills them.
        features: FEATURES columns.
        coverage: one entry for each project that the source speaks of, also one without rows.
        replaces: True if the rows of this source in these projects are replaced as a whole (git), False if they are
            merged by id (events).
        rejects: REJECTS columns.
        notes: per project, what the data-quality section should say: name -> count or text.
    """

    source: Source
    origin: str
    digest: str
    facts: pa.Table
    features: pa.Table
    coverage: tuple[Coverage, ...]
    replaces: bool
    rejects: pa.Table = field(default_factory=REJECTS.empty_table)
    notes: Mapping[str, Mapping[str, int | str]] = field(default_factory=dict)

    @property
    def projects(self) -> tuple[str, ...]:
        """The projects it speaks of, sorted."""
        return tuple(sorted({covered.project for covered in self.coverage}))
