"""How a repository is read: which tags are deployments, which commits are changes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final, Literal, get_args

from workbench.errors import ParameterError
from workbench.rows import NAME_LENGTH

DEFAULT_TAGS: Final[str] = (
    r"(?:v|release[-_]v?)?"
    r"(?:[0-9]+(?:\.[0-9]+){0,3}(?:\.post[0-9]+)?(?:\+[0-9A-Za-z.-]+)?"  # 1.2.3, 1.2, 123, 2024.1.15, 1.0.post1, 1.2+7
    r"|[0-9]{4}-[0-9]{2}(?:-[0-9]{2})?(?:[-.][0-9]+)?"  # 2024-01-15, 2024-01-15.2
    r"|[0-9]{8}[-_.T][0-9]{1,6}Z?)"  # 20240115-1, 20240115T103000
)
"""Tags that are deployments unless ``--tags`` says otherwise. The whole name must match, so pre-releases are none."""

Deploys = Literal["tags", "merges"]
LeadFrom = Literal["authored", "committed"]


@dataclass(frozen=True, slots=True)
class GitOptions:
    """How a repository is read.

    Attributes:
        project: name of the project; default: the repository's folder.
        tags: regular expression that the whole name of a tag must match to be a deployment.
        deploys: what a deployment is, a commit with such a tag or a first-parent merge into ``branch``.
        branch: for merges; default: the branch of HEAD.
        time: when a change's lead time begins.
        since: deployments before this day (UTC) get no rows, but still count as predecessors.
        path: only changes that touch this file or folder, from the top of the repository.
        exclude_author: regular expression; changes whose "Name <email>" has a match are left out, and counted.

    Raises:
        ParameterError: a value makes no sense; the message names the option as the command line spells it.
    """

    project: str | None = None
    tags: str = DEFAULT_TAGS
    deploys: Deploys = "tags"
    branch: str | None = None
    time: LeadFrom = "authored"
    since: date | None = None
    path: str | None = None
    exclude_author: str | None = None

    def __post_init__(self) -> None:
        _pattern("--tags", self.tags)
        _pattern("--exclude-author", self.exclude_author or "")
        _one_of("--deploys", self.deploys, get_args(Deploys))
        _one_of("--time", self.time, get_args(LeadFrom))
        if self.branch is not None and self.deploys != "merges":
            raise ParameterError(
                "--branch only means something with --deploys merges.", "Add that, or leave --branch out."
            )
        if self.path is not None and not self.folder:
            raise ParameterError(
                f"--path {self.path!r} is not a place inside the repository.",
                "Give a file or folder as seen from the top of the repository, such as packages/server.",
            )

    @property
    def tag_pattern(self) -> re.Pattern[str]:
        """For the whole name of a tag."""
        return _pattern("--tags", self.tags)

    @property
    def author_pattern(self) -> re.Pattern[str] | None:
        """To be searched in "Name <email>"."""
        return None if self.exclude_author is None else _pattern("--exclude-author", self.exclude_author)

    @property
    def folder(self) -> str | None:
        """``path`` as git spells it; None without one, or if it leads nowhere inside the repository."""
        parts = [part for part in (self.path or "").split("/") if part not in ("", ".")]
        inside = parts and ".." not in parts and not (self.path or "").startswith("/")
        return "/".join(parts) if inside else None

    @property
    def begin(self) -> int:
        """``since`` as seconds since 1970; 0 without one."""
        return 0 if self.since is None else int(datetime.combine(self.since, time(), tzinfo=UTC).timestamp())

    def name(self, default: str) -> str:
        """The project's name.

        Raises:
            ParameterError: it is empty or too long for a store.
        """
        project = default if self.project is None else self.project
        if not 0 < len(project) <= NAME_LENGTH:
            raise ParameterError(
                f"A project cannot be named {project!r}."
                if len(project) < NAME_LENGTH
                else "The project's name is too long.",
                f"Give a name of 1 to {NAME_LENGTH} characters by --project.",
            )
        return project


def _pattern(option: str, expression: str) -> re.Pattern[str]:
    try:
        return re.compile(expression)
    except (re.error, RecursionError, OverflowError) as error:
        raise ParameterError(
            f"{option} {expression!r} is not a regular expression: {error}.",
            "Correct it; a dot, plus or bracket that is meant as such needs a backslash before it.",
        ) from None


def _one_of(option: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ParameterError(f"{option} cannot be {value!r}.", f"Use {' or '.join(known)}.")
