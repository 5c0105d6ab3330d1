"""Deployments, changes and reverts of a git repository, as rows. The rules are in docs/metrics.md, "From git".

One pass over the commit graph: the cost follows the number of commits, not commits times tags. Nothing is written or
fetched, nobody is asked for a password; the repository may be bare, shallow or a monorepo.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from workbench.errors import ParameterError, SourceError
from workbench.model import naive_utc
from workbench.rows import Coverage, Extract
from workbench.sources.git_log import Progress, read_commits, touching
from workbench.sources.git_options import DEFAULT_TAGS, GitOptions
from workbench.sources.git_references import Tag, branch_tip, list_tags
from workbench.sources.git_remote import commit_address
from workbench.sources.git_repository import Repository, open_repository

if TYPE_CHECKING:
    import numpy as np

    from workbench.sources.git_deployments import Deployment
    from workbench.sources.git_graph import Graph
    from workbench.sources.git_log import Commits

__all__ = ["DEFAULT_TAGS", "GitOptions", "fingerprint", "read"]

_RULES: Final = 1
"""Goes up when the same repository gives other rows, so that it is read again."""

_EPOCH: Final = datetime(1970, 1, 1)  # naive UTC, as rows have it


def read(
    path: str | Path,
    options: GitOptions = GitOptions(),  # noqa: B008 - frozen
    *,
    now: datetime | None = None,
    progress: Progress | None = None,
) -> Extract:
    """Deployments, changes and reverts of one repository.

    Args:
        now: until when the repository is known (default: the time of this call); a time without an offset is UTC.
        progress: called with the number of commits read so far and None, as git does not know the total.

    Raises:
        ParameterError: an option makes no sense for this repository.
        SourceError: the repository cannot be read, or has no deployment.
    """
    from workbench.sources.git_graph import graph_of
    from workbench.sources.git_history import history_of
    from workbench.sources.git_notes import history_notes, reference_notes
    from workbench.sources.git_rows import facts, features

    until = _naive(now)
    origin = _look(path, options)
    _require(origin, options)
    tips = {tag.commit for tag in origin.matched if tag.commit} | ({origin.head} if origin.head else set())
    commits = read_commits(origin.repository, sorted(tips), progress)
    graph = graph_of(commits)
    touched = _touched(origin, commits, options)
    history = history_of(commits, graph, _deployments(origin, commits, graph, options), options, touched)
    start = max(int(history.times.min()), options.begin)
    known = history_notes(history, int((until - _EPOCH).total_seconds()))
    shallow = bool(origin.repository.boundary)
    return Extract(
        source="git",
        origin=origin.repository.name,
        digest=origin.digest,
        facts=facts(history, origin.project),
        features=features(history, origin.project, origin.web),
        coverage=(Coverage(origin.project, min(_EPOCH + timedelta(seconds=start), until), until),),
        replaces=True,
        notes={origin.project: known | reference_notes(origin.tags, origin.matched, origin.head, shallow)},
    )


def fingerprint(path: str | Path, options: GitOptions = GitOptions()) -> str:  # noqa: B008 - frozen
    """The digest that :func:`read` would give, from references and options alone: equal means that nothing changed.

    Raises:
        ParameterError: an option makes no sense for this repository.
        SourceError: the repository cannot be read.
    """
    return _look(path, options).digest


@dataclass(frozen=True, slots=True)
class _Origin:
    """A repository before its commits are read.

    Attributes:
        tags: all; none if merges are the deployments.
        matched: those that are deployments.
        head: the commit of HEAD, or of the branch whose merges are deployments; None if there is none.
        web: what to put a commit's id behind; None if its page is not known.
    """

    repository: Repository
    project: str
    tags: tuple[Tag, ...]
    matched: tuple[Tag, ...]
    head: str | None
    web: str | None
    digest: str


def _look(path: str | Path, options: GitOptions) -> _Origin:
    repository = open_repository(path)
    project = options.name(repository.name)
    tags = list_tags(repository) if options.deploys == "tags" else ()
    matched = tuple(tag for tag in tags if tag.commit and options.tag_pattern.fullmatch(tag.name))
    head = branch_tip(repository, options.branch)
    web = commit_address(repository.setting("remote.origin.url"))
    meaning = {
        "rules": _RULES,
        "project": project,
        "deploys": options.tags if options.deploys == "tags" else None,
        "time": options.time,
        "since": options.begin,
        "path": options.folder,
        "exclude": options.exclude_author,
        "tags": [(tag.name, tag.oid) for tag in tags],
        "repository": (head, repository.boundary, web),
    }
    digest = hashlib.sha256(json.dumps(meaning).encode()).hexdigest()
    return _Origin(repository, project, tags, matched, head, web, digest)


def _require(origin: _Origin, options: GitOptions) -> None:
    """Say before reading that there is nothing to read."""
    from workbench.sources.git_notes import examples

    name, tags = origin.repository.name, origin.tags
    if not origin.head and not tags:
        raise SourceError(
            f"The repository {name} has no commit where HEAD points.", "Commit something, or switch to a branch."
        )
    if options.deploys == "tags" and not origin.matched:
        raise SourceError(
            f"No tag of {name} marks a deployment: "
            + (f"of {len(tags)} tags ({examples(tags)}) none matches the pattern." if tags else "it has no tags."),
            "Give the pattern by --tags REGEX, or take merges into the branch as deployments by --deploys merges.",
        )


def _deployments(origin: _Origin, commits: Commits, graph: Graph, options: GitOptions) -> list[Deployment]:
    from workbench.sources.git_deployments import merged, tagged

    if options.deploys == "tags":
        return tagged(commits, graph, origin.matched)
    if origin.head and (found := merged(commits, graph, origin.head)):
        return found
    raise SourceError(
        f"No merge is on the first-parent line of {options.branch or 'HEAD'} in {origin.repository.name}.",
        "Name another branch by --branch, or take tags as deployments by --deploys tags (and --tags REGEX).",
    )


def _touched(origin: _Origin, commits: Commits, options: GitOptions) -> np.ndarray | None:
    if options.folder is None:
        return None
    touched = touching(origin.repository, commits, options.folder)
    if not touched.any():
        raise ParameterError(
            f"No commit of {origin.repository.name} touches --path {options.path!r}.",
            "Give a file or folder as seen from the top of the repository, spelled as git has it.",
        )
    return touched


def _naive(now: datetime | None) -> datetime:
    if now is None or now.tzinfo:
        return naive_utc(now or datetime.now(UTC))
    return now
