"""What the data-quality section of a report should say about a repository."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np

from workbench.sources.git_history import NO_LEAD_TIME, History
from workbench.sources.git_references import Tag

_ANCIENT: Final = int(datetime(1990, 1, 1, tzinfo=UTC).timestamp())
_EXAMPLES: Final = 5
_SHORT: Final = 12

Notes = dict[str, int | str]


def history_notes(history: History, now: int) -> Notes:
    """Counts over the deployments that get rows; dates over all commits read. ``now``: seconds since 1970."""
    kept = [deployment for deployment, wanted in zip(history.deployments, history.kept, strict=True) if wanted]
    reasons = [NO_LEAD_TIME[reason] for reason in history.missing[history.missing > 0]]
    verdicts = [revert.verdict for revert in history.reverts]
    negative = [one for one in history.incidents if history.times[one.fixed_by] < history.times[one.failed]]
    authored, committed = history.commits.authored, history.commits.committed
    return {
        "deployments": len(kept),
        "changes": len(history.selection.changes),
        "shared_commits": sum(len(deployment.names) > 1 for deployment in kept),
        "tag_dates_used": sum(deployment.dated_by == "tag" for deployment in kept),
        "commit_dates_used": sum(deployment.dated_by == "commit" for deployment in kept),
        "tag_dates_refused": sum(deployment.refused for deployment in kept),
        "negative_lead_times": reasons.count("negative"),
        "impossible_lead_times": reasons.count("range"),
        "first_deployments": int(np.count_nonzero(history.founds & history.kept)),
        "first_changes": reasons.count("first"),
        "excluded_authors": history.selection.excluded,
        "outside_path": history.selection.outside,
        "merges_left_out": history.selection.merges,
        "negative_recovery_times": len(negative),
        "reverts_unresolved": verdicts.count("unresolved"),
        "reverts_same_deployment": verdicts.count("same deployment"),
        "reverts_of_reverts": verdicts.count("re-lands"),
        "reverts_not_shipped_before": verdicts.count("not shipped before"),
        "unreleased_changes": int(np.count_nonzero((history.owner < 0) & (history.commits.parents <= 1))),
        "future_dates": int(np.count_nonzero((authored > now) | (committed > now))),
        "ancient_dates": int(np.count_nonzero((authored < _ANCIENT) | (committed < _ANCIENT))),
    }


def reference_notes(tags: Sequence[Tag], matched: Sequence[Tag], head: str | None, shallow: bool) -> Notes:
    """What was looked at, and which tags were not taken for deployments."""
    taken = {tag.name for tag in matched}
    ignored = [tag for tag in tags if tag.name not in taken]
    return {
        "tags_matched": len(matched),
        "tags_ignored": len(ignored),
        "ignored_examples": examples(ignored),
        "shallow": int(shallow),
        "head": (head or "")[:_SHORT],
    }


def examples(tags: Sequence[Tag]) -> str:
    """A few names."""
    return ", ".join(tag.name for tag in tags[:_EXAMPLES]) + (", ..." if len(tags) > _EXAMPLES else "")
