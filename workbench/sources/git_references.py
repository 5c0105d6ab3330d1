"""What a repository points at: its tags, its HEAD, a branch. Cheap to read, and enough to see that nothing changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from workbench.errors import ParameterError
from workbench.sources.git_repository import Repository

_TAG_FORMAT: Final = (
    "%(refname)%00%(objectname)%00%(objecttype)%00%(*objectname)%00%(*objecttype)%00%(taggerdate:unix)%00"
)
_TAG_FIELDS: Final = 6


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag.

    Attributes:
        name: without ``refs/tags/``.
        oid: what the reference itself holds: a tag object, or for a lightweight tag the commit.
        commit: the commit that it means in the end; None for a tag of a file or a folder.
        date: own date of an annotated tag, seconds since 1970; None for a lightweight one, or if the tag has no date.
    """

    name: str
    oid: str
    commit: str | None
    date: int | None


def list_tags(repository: Repository) -> tuple[Tag, ...]:
    """All tags, by name, tags of tags followed to their end.

    Raises:
        SourceError: git failed.
    """
    listed = repository.ask("for-each-ref", f"--format={_TAG_FORMAT}", "refs/tags").decode("utf-8", "replace")
    fields = listed.replace("\0\n", "\0").split("\0")[:-1]
    rows = [fields[start : start + _TAG_FIELDS] for start in range(0, len(fields), _TAG_FIELDS)]
    ends = _ends(repository, [oid for _, oid, _, _, inner, _ in rows if inner == "tag"])
    return tuple(
        Tag(
            name.removeprefix("refs/tags/"),
            oid,
            ends.get(oid, oid if kind == "commit" else target if inner == "commit" else None),
            int(date) if date.isdigit() else None,
        )
        for name, oid, kind, target, inner, date in rows
    )


def branch_tip(repository: Repository, branch: str | None) -> str | None:
    """The commit at the tip of a branch, local or of the remote; without a name that of HEAD, None if it has no commit.

    Raises:
        ParameterError: there is no branch of that name.
    """
    if branch is None:
        return repository.commit("HEAD")
    for prefix in ("refs/heads/", "refs/remotes/origin/", "refs/remotes/"):
        if tip := repository.commit(prefix + branch):
            return tip
    raise ParameterError(
        f"There is no branch {branch!r} in {repository.name}.", "`git branch --all` lists them; give one by --branch."
    )


def _ends(repository: Repository, oids: Sequence[str]) -> Mapping[str, str | None]:
    """Tag object -> the commit that it means, for tags of tags: for-each-ref before git 2.45 follows one step only."""
    if not oids:
        return {}
    asked = "".join(f"{oid}^{{}}\n" for oid in oids).encode()
    answers = repository.ask("cat-file", "--batch-check=%(objecttype) %(objectname)", stdin=asked).decode().splitlines()
    return {
        oid: answer.removeprefix("commit ") if answer.startswith("commit ") else None
        for oid, answer in zip(oids, answers, strict=True)
    }
