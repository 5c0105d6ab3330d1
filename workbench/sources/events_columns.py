"""What the columns of an events file may be called, and which kind of file they make it (docs/events.md lists them)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from workbench.errors import SourceError

Kind = Literal["deployments", "changes", "incidents"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

Names = Mapping[str, tuple[str, ...]]
"""A column, and what else it may be called; the first one that a file has is taken."""

_SHARED: Final[Names] = {
    "project": ("service", "repository", "repo", "application"),
    "title": ("summary", "subject", "name"),
    "author": ("created_by", "deployed_by"),
    "team": (),
    "url": ("link", "html_url", "web_url"),
    "updated_at": ("modified_at", "last_updated"),
}


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of one kind of file.

    Attributes:
        names: columns and their other names.
        required: of each group, at least one column.
        telling: names that only this kind of file has.
        times: columns that hold times.
    """

    names: Names
    required: tuple[tuple[str, ...], ...]
    telling: tuple[str, ...]
    times: tuple[str, ...]


LAYOUTS: Final[dict[Kind, Layout]] = {
    "deployments": Layout(
        names={
            "id": ("deployment_id", "deploy_id", "deployment"),
            "deployed_at": ("deploy_time", "deployment_time", "released_at", "finished_at", "created_at"),
            "decision": (),
            "status": ("state", "result", "outcome", "conclusion"),
            "environment": ("env",),
            **_SHARED,
        },
        required=(("id",), ("deployed_at",)),
        telling=("deployed_at", "deploy_time", "deployment_time", "released_at", "environment", "env"),
        times=("deployed_at", "updated_at"),
    ),
    "changes": Layout(
        names={
            "id": ("change_id", "sha", "commit"),
            "deployment": ("deployment_id", "deploy_id"),
            "authored_at": ("author_date", "authored_date"),
            "committed_at": ("commit_date", "committed_date", "committer_date"),
            **_SHARED,
        },
        required=(("id",), ("deployment",), ("authored_at", "committed_at")),
        telling=("authored_at", "author_date", "authored_date", "committed_at", "commit_date", "committed_date"),
        times=("authored_at", "committed_at", "updated_at"),
    ),
    "incidents": Layout(
        names={
            "id": ("incident_id", "incident", "key", "number"),
            "began_at": ("started_at", "start_time", "opened_at", "detected_at", "created_at"),
            "resolved_at": ("fixed_at", "recovered_at", "closed_at", "ended_at", "end_time", "finished_at"),
            "deployment": ("deployment_id", "deploy_id", "caused_by"),
            "fixed_by": ("fixed_by_deployment",),
            "status": ("state",),
            **_SHARED,
        },
        required=(("id",), ("began_at",)),
        telling=(
            "began_at",
            "resolved_at",
            "recovered_at",
            "detected_at",
            "opened_at",
            "fixed_at",
            "fixed_by",
            "incident_id",
        ),
        times=("began_at", "resolved_at", "updated_at"),
    ),
}

_FILE_WORDS: Final[dict[Kind, tuple[str, ...]]] = {
    "deployments": ("deploy", "release"),
    "changes": ("change", "commit"),
    "incidents": ("incident", "outage"),
}


def find(names: Names, present: Sequence[str]) -> dict[str, str | None]:
    """Which of a file's columns each name means (None: it has none); case, ``_``, ``-`` and spaces do not count."""
    given: dict[str, str] = {}
    for name in present:
        given.setdefault(_plain(name), name)
    return {
        column: next((given[_plain(name)] for name in (column, *others) if _plain(name) in given), None)
        for column, others in names.items()
    }


def recognise(present: Sequence[str], file: str) -> Kind:
    """The kind of file that has these columns; where several fit, the one that the file's name speaks of.

    Raises:
        SourceError: none fits, or it stays ambiguous.
    """
    fitting = [kind for kind in KINDS if not _lacks(kind, present)]
    plain = {_plain(name) for name in present}
    telling = [kind for kind in fitting if any(_plain(name) in plain for name in LAYOUTS[kind].telling)]
    named = [kind for kind in telling or fitting if any(word in file.lower() for word in _FILE_WORDS[kind])]
    for candidates in (telling, named, fitting):
        if len(candidates) == 1:
            return candidates[0]
    shown = ", ".join(present[:20]) or "none"
    if fitting:
        raise SourceError(
            f"{file} could be {' or '.join(telling or fitting)}, by its columns ({shown}).", "Say which with --kind."
        )
    needs = "; ".join(f"{kind}: {_needs(kind)}" for kind in KINDS)
    raise SourceError(f"The columns of {file} ({shown}) fit no kind of events file.", f"Needed are: {needs}.")


def columns_of(kind: Kind, present: Sequence[str], file: str) -> dict[str, str | None]:
    """Which of a file's columns is meant by each column of that kind.

    Raises:
        SourceError: a required one is missing.
    """
    lacking = _lacks(kind, present)
    if lacking:
        raise SourceError(
            f"{file} has no column {' or '.join(lacking)}, which a file of {kind} needs.",
            "Rename its columns as docs/events.md says, or give another --kind.",
        )
    return find(LAYOUTS[kind].names, present)


def _lacks(kind: Kind, present: Sequence[str]) -> tuple[str, ...]:
    """The first group of required columns of which there is none; () if all are there."""
    found = find(LAYOUTS[kind].names, present)
    return next((group for group in LAYOUTS[kind].required if not any(found[name] for name in group)), ())


def _needs(kind: Kind) -> str:
    return ", ".join(" or ".join(group) for group in LAYOUTS[kind].required)


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
