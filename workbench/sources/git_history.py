"""A repository's history as the metrics see it: deployments in order, what each shipped and how fast, what failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from workbench.sources.git_deployments import Deployment
from workbench.sources.git_graph import Graph, claim
from workbench.sources.git_log import Commits
from workbench.sources.git_options import GitOptions
from workbench.sources.git_reverts import Incident, Revert, incidents, judge
from workbench.sources.git_selection import Selection, select

Array = np.ndarray[Any, np.dtype[Any]]

LONGEST: Final = 9_999_999_999
"""Seconds, 317 years: what the column for durations holds. A longer one is a date gone wrong."""

NO_LEAD_TIME: Final = (None, "first", "negative", "range")
"""Why a change has no lead time: its deployment is the first of a history, or came before it, or LONGEST after it."""


@dataclass(frozen=True, slots=True)
class History:
    """What rows and notes are made from. Deployments are addressed by their place in the order.

    Attributes:
        commits: everything read.
        deployments: all, in order.
        kept: for each deployment, whether it gets rows.
        founds: for each deployment, whether it shares no commit with an earlier one.
        owner: for each commit, the first deployment that contains it; -1 for none.
        selection: the changes of kept deployments.
        lead: for each change, seconds from its begin to its deployment.
        missing: for each change, where in NO_LEAD_TIME the reason stands for which ``lead`` does not count.
        reverts: those that kept deployments ship (and that touch the path, if one is given).
        rework: for each deployment, whether it ships a revert of something shipped earlier.
        incidents: those whose failed deployment is kept.
    """

    commits: Commits
    deployments: Sequence[Deployment]
    kept: Array
    founds: Array
    owner: Array
    selection: Selection
    lead: Array
    missing: Array
    reverts: Sequence[Revert]
    rework: Array
    incidents: Sequence[Incident]

    @property
    def tips(self) -> Array:
        """For each deployment, the number of its commit."""
        return np.array([deployment.commit for deployment in self.deployments], np.int64)

    @property
    def times(self) -> Array:
        """For each deployment, its time in seconds since 1970."""
        return _times(self.deployments)

    def oid(self, commit: int) -> str:
        """The full id of a commit."""
        return self.commits.oid(commit)


def history_of(
    commits: Commits, graph: Graph, deployments: Sequence[Deployment], options: GitOptions, touched: Array | None
) -> History:
    """Put it all together.

    Args:
        deployments: in order.
        touched: for each commit, whether it touches the path; None without one.
    """
    claims = claim(graph, [deployment.commit for deployment in deployments])
    owner, times, founds = claims.owner, _times(deployments), np.array(claims.founds, np.bool_)
    kept = times >= options.begin
    selection = select(commits, owner, kept, touched, options.author_pattern)

    places = owner[selection.changes]
    lead = times[places] - (commits.authored if options.time == "authored" else commits.committed)[selection.changes]
    missing = np.select([founds[places], lead < 0, lead > LONGEST], [1, 2, 3], 0)

    shipped = [one for one in judge(commits, graph, owner) if owner[one.commit] >= 0]
    reverts = [one for one in shipped if touched is None or touched[one.commit]]
    rework = np.zeros(len(deployments), np.bool_)
    rework[[int(owner[one.commit]) for one in reverts if one.verdict == "failure"]] = True
    return History(
        commits=commits,
        deployments=deployments,
        kept=kept,
        founds=founds,
        owner=owner,
        selection=selection,
        lead=lead,
        missing=missing,
        reverts=[one for one in reverts if kept[owner[one.commit]]],
        rework=rework,
        incidents=[one for one in incidents(reverts, commits, owner) if kept[one.failed]],
    )


def _times(deployments: Sequence[Deployment]) -> Array:
    return np.array([deployment.time for deployment in deployments], np.int64)
