"""Importing: plan what an extract changes, then write exactly that plan, one project at a time.

A project is written as a whole or not at all, and an import that was cut off can be run again: what was written is
recognised as unchanged, the rest follows.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from workbench.errors import ParameterError, RejectedRowsError
from workbench.metrics.link import as_given, assemble
from workbench.metrics.merge import merge
from workbench.metrics.protocol import MetricStore, State
from workbench.metrics.rejects import write_rejects
from workbench.model import naive_utc
from workbench.rows import IMPORTS, Extract

REPEATED: Final = "already imported"
WRITERS: Final = 3
"""Projects that are written at the same time: a server spends one core at most on each connection."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What one import did, or with ``dry_run`` would do, in rows of its source.

    ``state`` is ``imported``, ``already imported``, or ``planned`` for a dry run.
    """

    origin: str
    source: str
    projects: tuple[str, ...]
    state: str
    added: int
    changed: int
    removed: int
    unchanged: int
    rejected: int
    reject_file: Path | None
    seconds: float
    notes: Mapping[str, Mapping[str, int | str]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The same for a program."""
        names = ("origin", "source", "state", "added", "changed", "removed", "unchanged", "rejected", "seconds")
        return {
            **{name: getattr(self, name) for name in names},
            "projects": list(self.projects),
            "reject_file": str(self.reject_file) if self.reject_file else None,
            "notes": {project: dict(notes) for project, notes in self.notes.items()},
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import would write: the whole new state of each project, beside the old one."""

    summary: Summary
    old: State
    new: State
    rejects: pa.Table


def run(
    store: MetricStore,
    extract: Extract,
    *,
    link_hours: float,
    rejects_folder: Path,
    strict: bool = False,
    dry_run: bool = False,
    now: datetime | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Import one extract.

    Args:
        link_hours: the largest gap of the time rule (metrics.link).
        rejects_folder: where the reject file goes, if there is a bad row.
        strict: refuse the whole extract if there is a bad row.
        dry_run: plan, write nothing.
        progress: called with (projects written, projects).

    Raises:
        ParameterError: it would replace the history of another repository; nothing was written.
        RejectedRowsError: ``strict`` and there are bad rows; nothing was written.
        StoreError: the store refused; projects not yet written are unchanged.
    """
    started = time.perf_counter()
    with store.lock(extract.projects):
        made = plan(store.read(extract.projects), extract, link_hours=link_hours, now=now)
        if strict and made.rejects.num_rows:
            raise _rejected(made.rejects, extract.origin)
        if dry_run:
            return replace(made.summary, state="planned", seconds=time.perf_counter() - started)
        reject_file = write_rejects(made.rejects, rejects_folder, extract) if made.rejects.num_rows else None
        for number, _ in enumerate(_write(store, made, extract.projects), start=1):
            if progress:
                progress(number, len(extract.projects))
    return replace(made.summary, reject_file=reject_file, seconds=time.perf_counter() - started)


def _write(store: MetricStore, made: Plan, projects: Sequence[str]) -> Iterator[None]:
    """Write what the plan changes, several projects at a time; yields as often as there are projects.

    After a failure no other project is begun.
    """

    def write(project: str) -> None:
        old, new = _of(made.old, project), _of(made.new, project)
        if old != new:
            store.write(project, old, new)

    if len(projects) < 2:  # by the thread that holds the lock
        yield from map(write, projects)
        return
    with ThreadPoolExecutor(WRITERS, "workbench-write") as pool:
        writing = [pool.submit(write, project) for project in projects]
        try:
            for one in as_completed(writing):
                yield one.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _rejected(rejects: pa.Table, origin: str) -> RejectedRowsError:
    first = rejects.slice(0, 1).to_pylist()[0]
    return RejectedRowsError(
        f"{origin} has {rejects.num_rows} bad rows, the first in line {first['line']}: {first['reason']}.",
        "Correct them, or leave out --strict to load the good rows.",
    )


def plan(old: State, extract: Extract, *, link_hours: float, now: datetime | None = None) -> Plan:
    """What importing ``extract`` would change in ``old``, all that is stored of its projects."""
    moment = naive_utc(now or datetime.now(UTC))
    repeated = _is_known(old.imports, extract)
    if repeated and not extract.replaces and linked_alike(old.imports, link_hours):
        return Plan(_summary(extract, REPEATED, unchanged=extract.facts.num_rows), old, old, extract.rejects)
    given = as_given(old.facts)
    _check_same_history(given, extract)
    merged = merge(given, old.features, extract)
    rejects = pa.concat_tables([extract.rejects, merged.rejects])
    imports = _with_import(old.imports, extract, rejects.num_rows, moment, link_hours)
    new = State(assemble(merged.facts, imports, link_hours), merged.features, imports)
    summary = _summary(
        extract,
        REPEATED if repeated and not (merged.added or merged.changed or merged.removed) else "imported",
        added=merged.added,
        changed=merged.changed,
        removed=merged.removed,
        unchanged=merged.unchanged,
        rejected=rejects.num_rows,
    )
    return Plan(summary, old, new, rejects)


def _check_same_history(given: pa.Table, extract: Extract) -> None:
    """Refuse to replace a project's rows by those of another repository, with which they share not one commit."""
    stored = given.filter(pc.equal(given["source"], extract.source))
    if not extract.replaces or not stored.num_rows or not extract.facts.num_rows:
        return
    known, fresh = (
        {name for column in ("cycle_id", "feature_id") for name in table[column].unique().to_pylist() if name}
        for table in (stored, extract.facts)
    )
    if known.isdisjoint(fresh):
        name = extract.projects[0]
        raise ParameterError(
            f"Project {name!r} holds the history of another repository: not one commit is the same.",
            f"Give --project another name, or first run: workbench remove {name} --source {extract.source}.",
        )


def remove(
    store: MetricStore, project: str, *, source: str | None = None, incident: str | None = None, link_hours: float
) -> int:
    """Take a project, one of its sources, or one incident out; the rest is linked again. Returns the rows taken out.

    A source file that is imported again afterwards brings its rows back.

    Raises:
        ParameterError: the store has no such project, source or incident.
    """
    with store.lock([project]):
        old = store.read([project])
        if not old.imports.num_rows and not old.facts.num_rows:
            raise ParameterError(f"There is no project {project!r}.", "Run: workbench projects.")
        given = as_given(old.facts)
        gone = _removed_rows(given, source, incident)
        imports, features = old.imports, old.features
        if incident is not None:
            if not pc.any(gone).as_py():
                raise ParameterError(
                    f"Project {project!r} has no incident {incident!r}.",
                    "In a notebook, dora.rows('recovery_time') lists those that are charged to a deployment.",
                )
            imports = _forget_digests(imports, set(given.filter(gone)["source"].to_pylist()))
            features = features.filter(pc.not_equal(features["feature_id"], incident))
        elif source is not None:
            if source not in imports["source"].to_pylist():
                sources = ", ".join(sorted(set(imports["source"].to_pylist())))
                raise ParameterError(
                    f"Project {project!r} has nothing from {source!r}.", f"It has rows from {sources}."
                )
            imports = imports.filter(pc.not_equal(imports["source"], source))
            features = features.filter(pc.not_equal(features["source"], source))
        else:
            imports, features = imports.slice(0, 0), features.slice(0, 0)
        kept = given.filter(pc.invert(gone))
        store.write(project, old, State(assemble(kept, imports, link_hours), features, imports))
        return int(given.num_rows - kept.num_rows)


def _removed_rows(given: pa.Table, source: str | None, incident: str | None) -> pa.ChunkedArray:
    everything = pc.is_valid(given["project"])
    if incident is not None:
        matches = pc.and_(pc.equal(given["feature_id"], incident), pc.equal(given["phase_name"], "maintenance"))
        return pc.and_(matches, pc.equal(given["source"], source)) if source else matches
    return pc.equal(given["source"], source) if source else everything


def _forget_digests(imports: pa.Table, sources: set[str]) -> pa.Table:
    touched = pc.is_in(imports["source"], value_set=pa.array(sorted(sources), pa.string()))
    digests = pc.if_else(touched, "", imports["digest"])
    return imports.set_column(imports.schema.get_field_index("digest"), IMPORTS.field("digest"), digests)


def _is_known(imports: pa.Table, extract: Extract) -> bool:
    if not extract.projects:  # not one good row, so nothing was stored that could be known
        return False
    known = imports.filter(
        pc.and_(pc.equal(imports["digest"], extract.digest), pc.equal(imports["source"], extract.source))
    )
    return set(extract.projects) <= set(known["project"].to_pylist())


def linked_alike(imports: pa.Table, link_hours: float) -> bool:
    """Whether the stored rows were linked by the time rule with this gap."""
    return all(json.loads(notes).get("link_hours") == link_hours for notes in imports["notes"].to_pylist())


def _with_import(imports: pa.Table, extract: Extract, rejected: int, now: datetime, link_hours: float) -> pa.Table:
    """The stored imports with this one; of a source that replaces, and of the same content, only the newest stays."""
    again = pc.and_(pc.equal(imports["digest"], ""), pc.equal(imports["origin"], extract.origin))  # after a removal
    same = pc.or_(pc.equal(imports["digest"], extract.digest), again)
    ours = pc.and_(
        pc.equal(imports["source"], extract.source), pc.is_valid(imports["digest"]) if extract.replaces else same
    )
    kept = imports.filter(pc.invert(ours)).to_pylist()
    rows = {row["values"]: row["counts"] for row in extract.facts["project"].value_counts().to_pylist()}
    fresh = [
        {
            "project": covered.project,
            "source": extract.source,
            "origin": extract.origin,
            "digest": extract.digest,
            "covered_from": covered.start,
            "covered_to": covered.end,
            "rows_read": rows.get(covered.project, 0),
            "rejected": rejected,
            "imported_at": now,
            "notes": json.dumps({**extract.notes.get(covered.project, {})}, ensure_ascii=False),
        }
        for covered in extract.coverage
    ]
    for row in (*kept, *fresh):
        row["notes"] = json.dumps({**json.loads(row["notes"]), "link_hours": link_hours}, ensure_ascii=False)
    ordered = sorted(
        (*kept, *fresh), key=lambda row: (row["project"], row["source"], row["imported_at"], row["digest"])
    )
    return pa.Table.from_pylist(ordered, IMPORTS)


def _of(state: State, project: str) -> State:
    return State(
        *(table.filter(pc.equal(table["project"], project)) for table in (state.facts, state.features, state.imports))
    )


def _summary(extract: Extract, state: str, **counts: int) -> Summary:
    zero = dict.fromkeys(("added", "changed", "removed", "unchanged", "rejected"), 0) | {
        "rejected": extract.rejects.num_rows
    }
    return Summary(
        origin=extract.origin,
        source=extract.source,
        projects=extract.projects,
        state=state,
        reject_file=None,
        seconds=0.0,
        notes=extract.notes,
        **(zero | counts),
    )
