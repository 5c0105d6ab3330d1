"""A git repository on this machine, asked through git's own plumbing commands.

Only plumbing runs (``rev-list``, ``for-each-ref``, ``cat-file``): unlike ``git log`` it does not listen to the user's
``log.*``, ``color.*`` or ``format.*`` settings, so the same repository gives the same rows everywhere. The user's
configuration is still read, because ``safe.directory`` lives there: who may read whose repository stays git's decision.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final

from workbench.errors import SourceError

# What points git at another repository, or changes how it reads this one. Hooks and CI jobs run with some of these set.
_NOT_INHERITED: Final = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_CONFIG",
        "GIT_DIR",
        "GIT_GLOB_PATHSPECS",
        "GIT_GRAFT_FILE",
        "GIT_ICASE_PATHSPECS",
        "GIT_INDEX_FILE",
        "GIT_LITERAL_PATHSPECS",
        "GIT_NAMESPACE",
        "GIT_NOGLOB_PATHSPECS",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
        "LANGUAGE",
    }
)
_ENVIRONMENT: Final = {
    "LC_ALL": "C",  # messages that can be recognised
    "GIT_GRAFT_FILE": os.devnull,  # history as it was committed, not as somebody's machine has it rearranged
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",  # never goes to the network ...
    "GIT_OPTIONAL_LOCKS": "0",  # ... or writes
    "GIT_TERMINAL_PROMPT": "0",
}
# A partial clone fetches what it lacks. An older git ignores GIT_NO_LAZY_FETCH, but can be denied every protocol.
_COMMAND: Final = ("git", "--no-pager", "-c", "protocol.allow=never")
_CLONE: Final = "Give the path of a local clone; `git clone` makes one."
_ASK_OWNER: Final = "Ask its owner for permission."
_NAMELESS: Final = frozenset({"repo", "repository", "git"})


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository that git can read.

    Attributes:
        top: the top of the work tree; of a bare repository its folder.
        name: what people call it: the folder's name, without ``.git``.
        boundary: hash of where a shallow clone ends, '' if the history is whole.
    """

    top: Path
    name: str
    boundary: str

    @contextmanager
    def stream(self, *arguments: str, stdin: bytes = b"") -> Iterator[IO[bytes]]:
        """Git's standard output while it runs; to be read to its end.

        Raises:
            SourceError: git failed, or is not installed.
        """
        with _run(self.top, arguments, stdin) as output:
            yield output

    def ask(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """All that git prints.

        Raises:
            SourceError: git failed.
        """
        return _ask(self.top, arguments, stdin)

    def commit(self, revision: str) -> str | None:
        """The full id of the commit that ``revision`` (a full ref name or HEAD) means; None if there is none."""
        found = self.ask(
            "cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=f"{revision}^{{commit}}\n".encode()
        )
        oid, _, kind = found.decode("ascii", "replace").strip().partition(" ")
        return oid if kind == "commit" else None

    def setting(self, name: str) -> str | None:
        """One value of git's configuration; None if it is not set."""
        listed = self.ask("config", "--null", "--list")
        values = dict(entry.partition(b"\n")[::2] for entry in listed.split(b"\0"))
        value = values.get(name.encode())
        return None if value is None else value.decode("utf-8", "replace")


def open_repository(path: str | Path) -> Repository:
    """The repository at ``path``: its top folder, a folder inside it, its ``.git`` folder, or a bare one.

    Raises:
        SourceError: there is none, it may not be read, or git is not installed.
    """
    place = Path(path)
    try:
        found = place.is_dir()
    except OSError as error:
        raise SourceError(f"{_shown(place)} cannot be read: {error.strerror}.", _ASK_OWNER) from None
    if not found:
        raise SourceError(f"There is no folder {_shown(place)}.", _CLONE)
    in_work_tree = _ask(place, ("rev-parse", "--is-inside-work-tree")) == b"true\n"
    answer = _ask(place, ("rev-parse", "--show-toplevel" if in_work_tree else "--absolute-git-dir"))
    top = Path(os.fsdecode(answer.removesuffix(b"\n")))
    return Repository(top, _name(top), _boundary(top))


def _name(top: Path) -> str:
    folder = top.parent if top.name == ".git" else top
    name = folder.name.removesuffix(".git")
    if name.lower() in _NAMELESS and folder.parent.name:
        name = folder.parent.name
    return os.fsencode(name).decode("utf-8", "replace")


def _boundary(top: Path) -> str:
    if _ask(top, ("rev-parse", "--is-shallow-repository")) != b"true\n":
        return ""
    file = os.fsdecode(_ask(top, ("rev-parse", "--git-path", "shallow")).removesuffix(b"\n"))
    return hashlib.sha256((top / file).read_bytes()).hexdigest()


def _ask(folder: Path, arguments: tuple[str, ...], stdin: bytes = b"") -> bytes:
    with _run(folder, arguments, stdin) as output:
        return output.read()


@contextmanager
def _run(folder: Path, arguments: tuple[str, ...], stdin: bytes) -> Iterator[IO[bytes]]:
    """Input and complaints go through files: with three pipes and one reader, each side could wait for the other."""
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED} | _ENVIRONMENT
    with TemporaryFile() as given, TemporaryFile() as complaints:
        given.write(stdin)
        given.seek(0)
        try:
            process = subprocess.Popen(
                (*_COMMAND, "-C", str(folder), *arguments),
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=complaints,
                env=environment,
            )
        except FileNotFoundError:
            raise SourceError("The program git was not found.", "Install git, or put it on the PATH.") from None
        assert process.stdout is not None  # noqa: S101 - it was asked for, two lines above
        try:
            with process.stdout as output:
                yield output
            failed = process.wait() != 0
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if failed:
            complaints.seek(0)
            raise _failure(folder, complaints.read().decode("utf-8", "replace"))


def _failure(folder: Path, complaint: str) -> SourceError:
    """Git's complaint as one sentence with a remedy."""
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    reason = next((line for line in lines if line.startswith("fatal: ")), lines[-1] if lines else "it gave no reason")
    reason = reason.removeprefix("fatal: ").removeprefix("error: ").rstrip(".")
    place = _shown(folder)
    if "dubious ownership" in complaint:
        return SourceError(
            f"Git does not read {place}, because another user owns it.",
            f"If you trust it: git config --global --add safe.directory {place}",
        )
    if "not a git repository" in complaint:
        return SourceError(f"{place} is not a git repository.", _CLONE)
    if "ermission denied" in complaint:
        return SourceError(f"{place} cannot be read: {reason}.", _ASK_OWNER)
    return SourceError(
        f"Git could not read {place}: {reason}.",
        "Try `git fsck` there; in a partial clone, fetch what is missing (git fetch --refetch --no-filter).",
    )


def _shown(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "replace")
