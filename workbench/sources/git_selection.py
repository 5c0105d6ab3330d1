"""Which commits are changes, and how many were left out for which reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from workbench.sources.git_log import Commits

    Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Selection:
    """Changes among the commits of the deployments that get rows.

    Attributes:
        changes: their numbers, by deployment, then newest first.
        merges: commits left out because they are merges.
        outside: left out because they touch nothing of the path.
        excluded: of the rest, left out because of their author.
    """

    changes: Array
    merges: int
    outside: int
    excluded: int


def select(
    commits: Commits, owner: Array, kept: Array, touched: Array | None, exclude: re.Pattern[str] | None
) -> Selection:
    """The changes.

    Args:
        owner: for each commit the deployment that shipped it, -1 for none.
        kept: for each deployment, whether it gets rows.
        touched: for each commit, whether it touches the path; None takes all.
        exclude: searched in "Name <email>" of the author.
    """
    import numpy as np

    shipped = np.flatnonzero((owner >= 0) & kept[owner])
    single = shipped[commits.parents[shipped] <= 1]
    inside = single if touched is None else single[touched[single]]
    wanted = inside if exclude is None else inside[~_written_by(commits, exclude)[inside]]
    return Selection(
        changes=wanted[np.argsort(owner[wanted], kind="stable")],
        merges=len(shipped) - len(single),
        outside=len(single) - len(inside),
        excluded=len(inside) - len(wanted),
    )


def _written_by(commits: Commits, pattern: re.Pattern[str]) -> Array:
    """For each commit, whether the pattern is found in its author; every author is looked at once."""
    import numpy as np

    name, address = commits.author.combine_chunks(), commits.address.combine_chunks()
    pairs = np.asarray(name.indices, np.int64) * len(address.dictionary) + np.asarray(address.indices)
    authors, which = np.unique(pairs, return_inverse=True)
    names, addresses = name.dictionary.to_pylist(), address.dictionary.to_pylist()
    told = (divmod(int(author), len(addresses)) for author in authors)
    found = [pattern.search(f"{names[one]} <{addresses[other]}>") is not None for one, other in told]
    return np.array(found, np.bool_)[which]
