"""Which commits were deployed, and when: commits with a tag, or the merges into a branch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from workbench.sources.git_graph import Graph, in_order
from workbench.sources.git_log import LATEST, Commits
from workbench.sources.git_references import Tag

TAG_DATE_DAYS: Final = 30
"""A tag's own date counts if it lies at most so long after its commit's; later ones are made again, or made up."""

_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment.

    Attributes:
        commit: number of the commit that was deployed.
        names: of its tags, sorted; none if merges are the deployments.
        time: when, seconds since 1970.
        dated_by: where ``time`` is from, an annotated tag or the commit.
        refused: number of its tags whose own date does not count.
    """

    commit: int
    names: tuple[str, ...]
    time: int
    dated_by: Literal["tag", "commit"]
    refused: int = 0


def tagged(commits: Commits, graph: Graph, tags: Sequence[Tag]) -> list[Deployment]:
    """The commits with one of these tags, in the order of :func:`in_order`."""
    groups: dict[int, list[Tag]] = {}
    oids = [tag.commit for tag in tags if tag.commit]
    for tag, commit in zip(tags, commits.find(oids).tolist(), strict=True):
        groups.setdefault(commit, []).append(tag)
    names = {commit: min(tag.name for tag in group) for commit, group in groups.items()}
    dates = _dates(commits, names)
    return [_of_tags(commit, dates[commit], groups[commit]) for commit in in_order(graph, dates, names)]


def merged(commits: Commits, graph: Graph, tip: str) -> list[Deployment]:
    """The merges on the first-parent line of a branch, in the order of :func:`in_order`."""
    start = int(commits.find([tip])[0])
    names = {commit: commits.oid(commit) for commit in graph.mainline(start) if commits.parents[commit] > 1}
    dates = _dates(commits, names)
    return [Deployment(commit, (), dates[commit], "commit") for commit in in_order(graph, dates, names)]


def _dates(commits: Commits, wanted: Iterable[int]) -> dict[int, int]:
    return {commit: int(commits.committed[commit]) for commit in wanted}


def _of_tags(commit: int, committed: int, tags: Sequence[Tag]) -> Deployment:
    names = tuple(sorted(tag.name for tag in tags))
    own = [tag.date for tag in tags if tag.date is not None]
    fitting = [date for date in own if 0 <= date - committed <= TAG_DATE_DAYS * _DAY]
    if fitting:
        return Deployment(commit, names, min(*fitting, LATEST), "tag", len(own) - len(fitting))
    return Deployment(commit, names, committed, "commit", len(own))
