"""The commit graph: in which order deployments came, and which of them was the first to contain each commit.

Every commit is visited once by :func:`claim`, whatever the number of deployments.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from workbench.sources.git_log import Commits


@dataclass(frozen=True, slots=True)
class Graph:
    """Parents by commit number. Most commits have one, so only the further ones of merges are kept apart.

    Attributes:
        first: the first parent of each commit, -1 for a root.
        others: the further parents of merges.
    """

    first: Sequence[int]
    others: Mapping[int, Sequence[int]]

    def parents(self, commit: int) -> Iterator[int]:
        """The parents of a commit, in its own order."""
        if self.first[commit] >= 0:
            yield self.first[commit]
            yield from self.others.get(commit, ())

    def mainline(self, tip: int) -> Iterator[int]:
        """``tip``, its first parent, the first parent of that, and so on."""
        while tip >= 0:
            yield tip
            tip = self.first[tip]


def graph_of(commits: Commits) -> Graph:
    """The graph of all commits read. A parent that is not among them (a damaged repository) is no parent."""
    import numpy as np

    starts = np.cumsum(commits.parents) - commits.parents
    first = np.full(len(commits), -1, np.int64)
    some = commits.parents > 0
    first[some] = commits.edges[starts[some]]
    merges = np.flatnonzero(commits.parents > 1)
    others = {
        int(merge): [int(parent) for parent in commits.edges[start + 1 : start + count] if parent >= 0]
        for merge, start, count in zip(merges, starts[merges], commits.parents[merges], strict=True)
    }
    return Graph(first.tolist(), others)


def in_order(graph: Graph, dates: Mapping[int, int], names: Mapping[int, str]) -> list[int]:
    """Commits from first to last: by date, ties by ancestry, then by name.

    Among commits of one second, names are taken in their order, each preceded by those of its ancestors that are still
    missing, oldest generation first. (Comparing pairs is no way: with c before a, and b beside them, c < a < b < c.)

    Args:
        dates: commit -> seconds.
        names: commit -> name, of the same commits: those to be put in order.
    """
    generation: Sequence[int] = ()
    order: list[int] = []
    for _, group in groupby(sorted(names, key=lambda commit: (dates[commit], names[commit])), dates.__getitem__):
        tied = list(group)
        if len(tied) > 1:
            generation = generation or _generations(graph)
            tied = _ancestors_first(graph, generation, tied, names)
        order.extend(tied)
    return order


def _ancestors_first(
    graph: Graph, generation: Sequence[int], tied: Sequence[int], names: Mapping[int, str]
) -> list[int]:
    lowest = min(generation[commit] for commit in tied)
    members = set(tied)
    seen: set[int] = set()
    order: list[int] = []
    for commit in tied:
        found, ways = [], [commit]
        while ways:
            reached = ways.pop()
            if reached not in seen and generation[reached] >= lowest:  # nobody tied is further up
                seen.add(reached)
                ways.extend(graph.parents(reached))
                if reached in members:
                    found.append(reached)
        order.extend(sorted(found, key=lambda one: (generation[one], names[one])))
    return order


def _generations(graph: Graph) -> list[int]:
    """Length of the longest way to a root: an ancestor's is always smaller.

    Git lists most parents after their children, so from the end to the start most ways have one step.
    """
    generation = [0] * len(graph.first)
    for start in range(len(generation) - 1, -1, -1):
        ways = [start]
        while ways:
            commit = ways[-1]
            parents = [generation[parent] for parent in graph.parents(commit)]
            if 0 in parents:
                ways.extend(parent for parent in graph.parents(commit) if not generation[parent])
            else:
                generation[commit] = 1 + max(parents, default=0)
                ways.pop()
    return generation


@dataclass(frozen=True, slots=True)
class Claims:
    """Which deployment was the first to contain a commit.

    Attributes:
        owner: for each commit the place of that deployment in the order; -1 if none contains it.
        founds: for each deployment, whether it shares no commit with an earlier one: the first of a history.
    """

    owner: np.ndarray[Any, np.dtype[np.int64]]
    founds: tuple[bool, ...]


def claim(graph: Graph, order: Sequence[int]) -> Claims:
    """Give each commit to the first deployment of ``order`` that has it among its ancestors, itself included."""
    import numpy as np

    first, others = graph.first, graph.others
    owner = [-1] * len(first)
    founds = []
    for place, tip in enumerate(order):
        shares = False
        ways = [tip]
        while ways:
            commit = ways.pop()
            while commit >= 0 and owner[commit] < 0:
                owner[commit] = place
                if commit in others:
                    ways.extend(others[commit])
                commit = first[commit]
            shares = shares or (commit >= 0 and owner[commit] != place)
        founds.append(not shares)
    return Claims(np.array(owner, np.int64), tuple(founds))
