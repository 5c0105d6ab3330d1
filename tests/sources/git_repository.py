"""Makes small git repositories with fixed dates, commit by commit, and reads what the workbench says about them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from workbench.rows import Extract
from workbench.sources.git import GitOptions, read

START = 1_600_000_000
"""2020-09-13T12:26:40Z, hour 0 of all test histories."""

HOUR = 3_600
NOW = datetime(2021, 9, 1, tzinfo=UTC)
GIT = ("git", "-c", "core.fsync=none")
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
ADA = "Ada <ada@example.org>"


def moment(hour: float) -> datetime:
    """Hour of a test history -> naive UTC, as rows have it."""
    return datetime.fromtimestamp(START, UTC).replace(tzinfo=None) + timedelta(hours=hour)


def run_git(folder: Path, *arguments: str, stdin: str = "", **environment: str) -> str:
    """Standard output of a git command."""
    done = subprocess.run(
        [*GIT, "-C", str(folder), *arguments],
        input=stdin.encode(),
        capture_output=True,
        check=True,
        env={**os.environ, **environment},
    )
    return done.stdout.decode().strip()


@dataclass
class Builder:
    """A live ``git fast-import``: every commit's id is known as soon as it is made, so messages can name it."""

    folder: Path
    process: subprocess.Popen[bytes]
    made: int = 0
    marks: dict[str, int] = field(default_factory=dict)

    def commit(
        self,
        message: str | bytes = "Change",
        *parents: str,
        at: float = 0,
        authored: float | None = None,
        author: str | bytes = ADA,
        touch: str | None = None,
        remove: str | None = None,
        encoding: str | None = None,
        raw_dates: tuple[str, str] | None = None,
    ) -> str:
        """A commit at that hour; authored an hour earlier unless told otherwise. Each one changes a file of its own."""
        self.made += 1
        begun = START + int((at - 1 if authored is None else authored) * HOUR)
        dates = raw_dates or (f"{begun} +0000", f"{START + int(at * HOUR)} +0000")
        self._say("" if parents else "reset refs/scratch\n\n")
        self._say(f"commit refs/scratch\nmark :{self.made}\nauthor ", author, f" {dates[0]}\n")
        self._say(f"committer {ADA} {dates[1]}\n", f"encoding {encoding}\n" if encoding else "")
        text = message.encode() if isinstance(message, str) else message
        self._say(f"data {len(text)}\n", text, "\n")
        self._say(*(f"{'merge' if place else 'from'} :{self.marks[parent]}\n" for place, parent in enumerate(parents)))
        name = touch or f"files/{self.made}"
        written = f"M 100644 inline {name}\ndata {len(str(self.made))}\n{self.made}\n"
        self._say(f"D {remove}\n" if remove else written)
        self._say(f"get-mark :{self.made}\n")
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.flush()
        oid = self.process.stdout.readline().decode().strip()
        self.marks[oid] = self.made
        return oid

    def merge(self, *parents: str, at: float = 0, message: str | bytes = "Merge") -> str:
        """A commit of several parents."""
        return self.commit(message, *parents, at=at)

    def tag(self, name: str, commit: str, at: float | None = None) -> None:
        """A tag: annotated with its own date, or lightweight without one."""
        if at is None:
            self._say(f"reset refs/tags/{name}\nfrom :{self.marks[commit]}\n\n")
        else:
            dated = f"tagger {ADA} {START + int(at * HOUR)} +0000\n"
            self._say(f"tag {name}\nfrom :{self.marks[commit]}\n{dated}data 0\n\n")

    def head(self, commit: str) -> None:
        """Where the branch main, and so HEAD, points."""
        self._say(f"reset refs/heads/main\nfrom :{self.marks[commit]}\n\n")

    def chain(self, count: int, *parents: str, at: float = 0) -> list[str]:
        """``count`` commits in a row, one an hour."""
        made: list[str] = []
        for number in range(count):
            made.append(self.commit(f"Change {number}", *(made[-1:] or parents), at=at + number))
        return made

    def _say(self, *parts: str | bytes) -> None:
        assert self.process.stdin is not None
        for part in parts:
            self.process.stdin.write(part.encode() if isinstance(part, str) else part)


@contextmanager
def building(folder: Path, *, bare: bool = True) -> Iterator[Builder]:
    """A new repository to be filled; it is complete when the block ends."""
    subprocess.run([*GIT, "init", "-q", "-b", "main", *(["--bare"] if bare else []), str(folder)], check=True)
    process = subprocess.Popen(
        [*GIT, "-C", str(folder), "fast-import", "--quiet", "--force", "--date-format=raw-permissive"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        yield Builder(folder, process)
    assert process.returncode == 0


@dataclass(frozen=True)
class Told:
    """What the workbench says about a repository, ready to be compared."""

    extract: Extract

    @property
    def rows(self) -> list[dict[str, Any]]:
        """All facts."""
        return list(self.extract.facts.to_pylist())

    def of(self, phase: str) -> list[dict[str, Any]]:
        """The facts of one phase."""
        return [row for row in self.rows if row["phase_name"] == phase]

    @property
    def shipped(self) -> dict[str, set[str]]:
        """Deployment -> its changes."""
        found: dict[str, set[str]] = {}
        for row in self.of("deployment"):
            found.setdefault(row["cycle_id"], set()).update({row["feature_id"]} - {""})
        return found

    @property
    def hours(self) -> dict[str, float | None]:
        """Change -> lead time in hours."""
        return {
            row["feature_id"]: in_hours(row["duration_seconds"]) for row in self.of("deployment") if row["feature_id"]
        }

    @property
    def decisions(self) -> dict[str, str]:
        """Deployment -> go or rework."""
        return {row["cycle_id"]: row["decision"] for row in self.of("deployment")}

    @property
    def deployed_at(self) -> dict[str, datetime]:
        """Deployment -> its time."""
        return {row["cycle_id"]: row["created_at"] for row in self.of("deployment")}

    @property
    def incidents(self) -> list[tuple[str, str, str, float | None]]:
        """(failed deployment, incident, deployment that fixed it, hours)."""
        return [
            (row["cycle_id"], row["feature_id"], row["fixed_by"], in_hours(row["duration_seconds"]))
            for row in self.of("maintenance")
        ]

    @property
    def notes(self) -> Mapping[str, int | str]:
        """Of the only project."""
        (project,) = self.extract.projects
        return self.extract.notes[project]

    @property
    def features(self) -> dict[str, dict[str, Any]]:
        """Id -> what is said about it; fails if an id is there twice."""
        rows = self.extract.features.to_pylist()
        found = {row["feature_id"]: row for row in rows}
        assert len(found) == len(rows), "a feature has two rows"
        return found


def raw_commit(
    author: str = f"{ADA} {START} +0000", committer: str | None = None, message: str = "", *parents: str
) -> str:
    """A commit object of the empty tree, line by line, also such as git would refuse to make."""
    lines = [f"tree {EMPTY_TREE}", *(f"parent {parent}" for parent in parents)]
    return "\n".join([*lines, f"author {author}", f"committer {committer or author}", "", message])


def store(folder: Path, commit: str) -> str:
    """Write a raw commit without asking whether it makes sense; its id."""
    run_git(folder, "hash-object", "-t", "tree", "-w", "--stdin")
    return run_git(folder, "hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=commit)


def in_hours(seconds: Decimal | None) -> float | None:
    """A duration of a row."""
    return None if seconds is None else float(seconds) / HOUR


def tell(folder: Path, options: GitOptions | None = None) -> Told:
    """Read a repository as of NOW."""
    return Told(read(folder, options or GitOptions(), now=NOW))


def ancestors(folder: Path, tips: Iterable[str]) -> Sequence[frozenset[str]]:
    """For each commit, what git itself says can be reached from it."""
    return [frozenset(run_git(folder, "rev-list", tip).splitlines()) for tip in tips]
