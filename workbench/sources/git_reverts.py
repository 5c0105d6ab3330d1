"""Reverts as a sign of failure: what "This reverts commit <name>" says about the deployments that shipped both.

Excluded authors' reverts count like all others: who took a change back does not alter that it had to be taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np

    from workbench.sources.git_graph import Graph
    from workbench.sources.git_log import Commits

    Array = np.ndarray[Any, np.dtype[Any]]

Verdict = Literal["failure", "re-lands", "same deployment", "not shipped before", "unresolved"]


@dataclass(frozen=True, slots=True)
class Revert:
    """One commit that says it reverts another.

    Attributes:
        commit: the commit that says so.
        reverted: the one that it names; None if the name fits no commit, or several.
        verdict: what follows. Only a ``failure`` counts: the reverted commit had been shipped by an earlier deployment.
    """

    commit: int
    reverted: int | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Incident:
    """A deployment of which something was reverted later, with its first fix. Deployments are places in the order."""

    failed: int
    fixed_by: int
    revert: Revert


def judge(commits: Commits, graph: Graph, owner: Array) -> list[Revert]:
    """All reverts among the commits, each with its verdict.

    A revert of a revert brings the change back and is no failure; a revert of that is one again, of the deployment that
    brought it back. In general: what a revert takes back must not itself be a revert that counts.

    Args:
        owner: for each commit the place of the deployment that shipped it, -1 for none.
    """
    found = _resolve(commits)
    takes_back = _TakesBack(commits, graph, found)
    return [
        Revert(commit, None, "unresolved")
        if reverted is None
        else Revert(commit, reverted, _verdict(int(owner[commit]), int(owner[reverted]), takes_back(reverted)))
        for commit, reverted in found
    ]


def incidents(reverts: Iterable[Revert], commits: Commits, owner: Array) -> list[Incident]:
    """One for each failed deployment, by its place: closed by the first deployment that ships a revert of its changes.

    Of several reverts in that deployment, the oldest, then the smallest id, gives the incident its name.
    """
    first: dict[int, tuple[tuple[int, int, bytes], Incident]] = {}
    for revert in reverts:
        if revert.verdict == "failure" and revert.reverted is not None:
            failed, fixed_by = int(owner[revert.reverted]), int(owner[revert.commit])
            rank = (fixed_by, int(commits.committed[revert.commit]), commits.ids[revert.commit].tobytes())
            if failed not in first or rank < first[failed][0]:
                first[failed] = (rank, Incident(failed, fixed_by, revert))
    return [incident for _, (_, incident) in sorted(first.items())]


def _verdict(shipped: int, reverted: int, again: bool) -> Verdict:
    """``shipped``: which deployment shipped the revert, ``reverted``: and what it takes back; -1 for none."""
    if again:
        return "re-lands"
    if shipped < 0 or reverted < 0 or shipped < reverted:
        return "not shipped before"
    return "same deployment" if shipped == reverted else "failure"


class _TakesBack:
    """Whether a commit takes something back: a revert does, the revert of such a one does not, and so on.

    A merge that says nothing itself does what its branch does: if it brought reverts only, it takes back what they do.
    """

    def __init__(self, commits: Commits, graph: Graph, found: Iterable[tuple[int, int | None]]) -> None:
        self._committed = commits.committed
        self._graph = graph
        self._named: dict[int, list[int | None]] = {}
        for commit, reverted in found:
            self._named.setdefault(commit, []).append(reverted)
        self._known: dict[int, bool] = {}

    def __call__(self, commit: int) -> bool:
        """Without recursion: a chain of reverts can be longer than Python's stack is deep."""
        ways = [] if commit in self._known else [commit]
        while ways:
            asked = ways[-1]
            needed = self._named[asked] if asked in self._named else self._brought(asked)
            missing = next((one for one in needed if one is not None and one not in self._known), None)
            if missing is not None:
                self._known[missing] = False  # until known better: abbreviated names could be made to lead in a circle
                ways.append(missing)
                continue
            answers = [one is not None and self._known[one] for one in needed]
            self._known[asked] = not all(answers) if asked in self._named else bool(answers) and all(answers)
            ways.pop()
        return self._known[commit]

    def _brought(self, merge: int) -> Sequence[int]:
        """The reverts that a merge brought into its first parent's line, if it brought nothing else."""
        sides = list(self._graph.parents(merge))
        if len(sides) != 2:
            return []
        brought: list[int] = []
        for commit in self._graph.mainline(sides[1]):
            if commit not in self._named:
                return brought if brought and self._on_line(sides[0], commit) else []
            brought.append(commit)
        return []

    def _on_line(self, tip: int, commit: int) -> bool:
        for passed in self._graph.mainline(tip):
            if passed == commit or self._committed[passed] < self._committed[commit]:
                return passed == commit
        return False


def _resolve(commits: Commits) -> list[tuple[int, int | None]]:
    """(commit, reverted commit) for each name in a message; None where it is not the start of exactly one id."""
    import numpy as np

    if not commits.named:
        return []
    starts = np.ascontiguousarray(commits.ids[:, :8]).view(">u8").ravel()
    order = np.argsort(starts, kind="stable")
    keys = starts[order].astype(np.uint64)
    found = [(commit, _only(name, commits, order, keys)) for commit, name in commits.named]
    return list(dict.fromkeys(found))  # a message may say it twice


def _only(name: str, commits: Commits, order: Array, keys: Array) -> int | None:
    import numpy as np

    low, high = (np.uint64(int(name[:16].ljust(16, digit), 16)) for digit in "0f")
    near = order[np.searchsorted(keys, low, "left") : np.searchsorted(keys, high, "right")]
    fitting = [int(commit) for commit in near if commits.oid(commit).startswith(name)]
    return fitting[0] if len(fitting) == 1 else None
