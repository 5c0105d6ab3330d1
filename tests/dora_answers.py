"""Answers over a store of a test's own: a small month worked out by hand, and names to attack its displays with.

The month of ``shop``, four Monday weeks from 2026-03-02 on, in UTC:

==========  =====================  ========================================================================
deployment  time                   what came of it
==========  =====================  ========================================================================
d1          Tue 3 March, 10:00     changes a (1 h) and b (2 h)
d2          Thu 5 March, 12:00     change c (4 h)
(none)      the week of 9 March
d3          Tue 17 March, 09:00    change d (20 days)
d4          Thu 19 March, 18:00    change e (8 h); INC-1 names it: began 19:00, fixed after 2 h by d5
d5          Fri 20 March, 06:00    change f (30 min); rework, for it fixed INC-1
d6          Tue 24 March, 09:00    change g (16 h); INC-2 began 10:00 on the day after and is still open
==========  =====================  ========================================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests import facts
from workbench import connect
from workbench.app import Dora
from workbench.metrics.embedded import EmbeddedStore

COVERS = ("2025-12-01", "2026-04-10")
WINDOW: Mapping[str, Any] = {"start": "2026-03-02", "end": "2026-03-30"}
NOW = datetime(2026, 4, 10, 12, tzinfo=UTC)
SHA = "0123456789abcdef0123456789abcdef01234567"
HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)">&\'"%{x}'

_HOUR = 3600
_SHIPPED = (
    ("a", "d1", "2026-03-03T10:00", _HOUR),
    ("b", "d1", "2026-03-03T10:00", 2 * _HOUR),
    ("c", "d2", "2026-03-05T12:00", 4 * _HOUR),
    ("d", "d3", "2026-03-17T09:00", 20 * 24 * _HOUR),
    ("e", "d4", "2026-03-19T18:00", 8 * _HOUR),
    ("f", "d5", "2026-03-20T06:00", _HOUR // 2),
    (SHA, "d6", "2026-03-24T09:00", 16 * _HOUR),
)


def month(project: str = facts.PROJECT) -> list[facts.Row]:
    """The rows of the month."""
    return [
        *(facts.shipped(change, cycle, when, seconds, project=project) for change, cycle, when, seconds in _SHIPPED),
        facts.incident("INC-1", "2026-03-19T19:00", 2 * _HOUR, "d4", fixed_by="d5", project=project),
        facts.incident("INC-2", "2026-03-25T10:00", project=project),
    ]


def names(project: str = facts.PROJECT, text: str = "", url: str = "https://example.org/") -> list[dict[str, Any]]:
    """Titles, authors and addresses of changes, deployments and incidents; ``text`` ends each of them."""
    ids = ["a", "b", "c", "d", "e", "f", SHA, "d1", "d2", "d3", "d4", "d5", "d6"]
    return [
        {
            "project": project,
            "feature_id": one,
            "title": f"Title of {one[:4]}{text}",
            "author": f"Ada{text}",
            "url": url + one,
        }
        for one in ids
    ]


def store(
    folder: Path,
    rows: Sequence[facts.Row],
    features: Sequence[Mapping[str, Any]] = (),
    projects: Sequence[str] = (),
    **more: Any,
) -> Path:
    """Import these rows, every source covering the same time, into a store at ``folder``; returns it."""
    extracts = [
        facts.extract(
            source, [row for row in rows if row["source"] == source], COVERS,
            features=features if source == "git" else (), projects=projects, **more,
        )
        for source in ("git", "incidents")
    ]  # fmt: skip
    facts.load(EmbeddedStore(folder), extracts, folder / "rejects", now=NOW)
    return folder


def ask(folder: Path, project: str | Sequence[str] | None = None, **more: Any) -> Dora:
    """The answer about the month, or about another window."""
    return connect(data=folder).dora(project, now=NOW, **{**WINDOW, **more})
