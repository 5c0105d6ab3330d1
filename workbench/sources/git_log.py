"""Reads commits out of git: one stream, parsed a few megabytes at a time into arrays, so that memory stays small."""

from __future__ import annotations

import re
from binascii import unhexlify
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, Final

from workbench.sources.git_repository import Repository

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

Progress = Callable[[int, int | None], None]

LATEST: Final = 253_402_300_799
"""9999-12-31T23:59:59Z, the last second that a datetime can hold; git can date a commit far beyond."""

# parents, authored, committed, author's name, author's address, subject, message. rev-list prints "commit <id>" before
# each record (only since git 2.33 it can be told not to) and a newline after it, so that is where the id is read from.
_FORMAT: Final = "%x00%P%x00%at%x00%ct%x00%an%x00%ae%x00%s%x00%B%x00"
_FIELDS: Final = 8
_MESSAGE: Final = 7
_HEADER: Final = len("\ncommit ")
_CHUNK: Final = 4 << 20
_REVERT: Final = re.compile(rb"This reverts commit\s+([0-9a-fA-F]{7,64})(?![0-9A-Za-z])")


@dataclass(frozen=True, slots=True)
class Commits:
    """Commits in the order in which git gave them, addressed by their number in it.

    Attributes:
        ids: one row a commit, the bytes of its id.
        parents: number of parents of each.
        edges: numbers of the parents of commit 0, then of commit 1, and so on; -1 for one that is not there.
        authored, committed: seconds since 1970, at least 0 and at most LATEST.
        subject: first paragraph of the message, on one line.
        author, address: name and e-mail address as the commit has them (no mailmap), dictionary-encoded.
        named: (commit, hexadecimal name) for each "This reverts commit <name>" in a message.
    """

    ids: np.ndarray[Any, np.dtype[np.uint8]]
    parents: np.ndarray[Any, np.dtype[np.int64]]
    edges: np.ndarray[Any, np.dtype[np.int64]]
    authored: np.ndarray[Any, np.dtype[np.int64]]
    committed: np.ndarray[Any, np.dtype[np.int64]]
    subject: pa.ChunkedArray
    author: pa.ChunkedArray
    address: pa.ChunkedArray
    named: tuple[tuple[int, str], ...]

    def __len__(self) -> int:
        return len(self.ids)

    def oid(self, commit: int) -> str:
        """The full id of a commit."""
        return bytes(self.ids[commit]).hex()

    def find(self, oids: Sequence[str] | bytes) -> np.ndarray[Any, np.dtype[np.int64]]:
        """The number of each commit, -1 for one that is not there. ``oids``: full ids, or the bytes of all in a row."""
        joined = oids if isinstance(oids, bytes) else unhexlify("".join(oids))
        return _index(joined, self.ids)


@dataclass(slots=True)
class _Parts:
    """What has been parsed so far, one entry a chunk."""

    count: int = 0
    ids: list[bytes] = field(default_factory=list)
    parents: list[np.ndarray[Any, Any]] = field(default_factory=list)
    edges: list[bytes] = field(default_factory=list)
    authored: list[np.ndarray[Any, Any]] = field(default_factory=list)
    committed: list[np.ndarray[Any, Any]] = field(default_factory=list)
    subject: list[pa.Array] = field(default_factory=list)
    author: list[pa.Array] = field(default_factory=list)
    address: list[pa.Array] = field(default_factory=list)
    named: list[tuple[int, str]] = field(default_factory=list)

    def add(self, chunk: bytes, fields: Sequence[bytes], width: int) -> None:
        """Take the records of one chunk: ``fields`` holds _FIELDS a record; ``width`` is the length of an id in hex."""
        import numpy as np

        headers = np.frombuffer(b"".join(fields[0::_FIELDS]), np.uint8).reshape(-1, _HEADER + width + 1)
        self.ids.append(unhexlify(headers[:, _HEADER:-1].tobytes()))
        parents = fields[1::_FIELDS]
        self.parents.append((np.fromiter(map(len, parents), np.int64, len(parents)) + 1) // (width + 1))
        self.edges.append(unhexlify(b"".join(parents).replace(b" ", b"")))
        self.authored.append(_seconds(fields[2::_FIELDS]))
        self.committed.append(_seconds(fields[3::_FIELDS]))
        self.author.append(_text(fields[4::_FIELDS]).dictionary_encode())
        self.address.append(_text(fields[5::_FIELDS]).dictionary_encode())
        self.subject.append(_text(fields[6::_FIELDS]))
        self.named.extend((self.count + commit, name) for commit, name in _named(chunk))
        self.count += len(headers)


def read_commits(repository: Repository, tips: Iterable[str], progress: Progress | None = None) -> Commits:
    """All commits that can be reached from ``tips`` (full ids), each once.

    Args:
        progress: called with the number of commits read so far, and None for a total that git does not know.

    Raises:
        SourceError: git failed.
    """
    parts = _Parts()
    arguments = ("rev-list", "--stdin", "--encoding=UTF-8", f"--format={_FORMAT}")
    with repository.stream(*arguments, stdin="\n".join([*tips, ""]).encode()) as output:
        for chunk, fields in _records(output):
            parts.add(chunk, fields, fields[0].index(b"\n", 1) - _HEADER)
            if progress:
                progress(parts.count, None)
    return _joined(parts)


def touching(repository: Repository, commits: Commits, path: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """For each commit, whether it changes something at or below ``path`` (from the top of the repository).

    Git's default follows only one side of a merge if the other left the path as it is in the end, and loses what was
    done and undone there; ``--full-history`` follows all. A merge counts if it brings a change to one of its parents.
    """
    import numpy as np

    tips = commits.ids[~np.isin(np.arange(len(commits)), commits.edges)]
    stdin = "".join(f"{oid.tobytes().hex()}\n" for oid in tips).encode()
    listed = repository.ask("rev-list", "--stdin", "--full-history", "--", f":(top,literal){path}", stdin=stdin)
    touched = np.zeros(len(commits), np.bool_)
    touched[commits.find(unhexlify(listed.replace(b"\n", b"")))] = True
    return touched


def _records(output: IO[bytes]) -> Iterator[tuple[bytes, Sequence[bytes]]]:
    """Chunks that end with a whole record, and their fields."""
    rest = b"\n"  # so that the first header looks like all others
    while read := output.read(_CHUNK):
        chunk = rest + read
        fields = chunk.split(b"\0")
        whole = (len(fields) - 1) // _FIELDS * _FIELDS
        rest = b"\0".join(fields[whole:])
        if whole:
            yield chunk[: len(chunk) - len(rest)], fields[:whole]


def _named(chunk: bytes) -> Iterator[tuple[int, str]]:
    """(record, hexadecimal name) for each revert that a message of the chunk declares; subjects repeat the message."""
    nuls = position = 0
    for match in _REVERT.finditer(chunk):
        nuls += chunk.count(b"\0", position, match.start())
        position = match.start()
        record, place = divmod(nuls, _FIELDS)
        if place == _MESSAGE:
            yield record, match[1].decode().lower()


def _seconds(numbers: Sequence[bytes]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Git's numbers; -1 where a damaged commit has none, at most LATEST."""
    import numpy as np

    try:
        return np.minimum(np.fromiter(map(int, numbers), np.int64, len(numbers)), LATEST)
    except (ValueError, OverflowError):
        return np.array([min(int(number), LATEST) if number.isdigit() else -1 for number in numbers], np.int64)


def _text(values: Sequence[bytes]) -> pa.Array:
    """Text of any origin as valid UTF-8: git has recoded what declares an encoding, the rest is repaired."""
    import pyarrow as pa

    column = pa.array(values, pa.binary())
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([value.decode("utf-8", "replace") for value in values], pa.string())


def _joined(parts: _Parts) -> Commits:
    import numpy as np
    import pyarrow as pa

    width = len(parts.ids[0]) // len(parts.parents[0]) if parts.count else 20
    ids = np.frombuffer(b"".join(parts.ids), np.uint8).reshape(-1, width)
    empty = [np.zeros(0, np.int64)]
    authored, committed = np.concatenate(empty + parts.authored), np.concatenate(empty + parts.committed)
    encoded = pa.dictionary(pa.int32(), pa.string())
    return Commits(
        ids=ids,
        parents=np.concatenate(empty + parts.parents),
        edges=_index(b"".join(parts.edges), ids),
        authored=np.maximum(np.where(authored < 0, committed, authored), 0),
        committed=np.maximum(np.where(committed < 0, authored, committed), 0),
        subject=pa.chunked_array(parts.subject, pa.string()),
        author=pa.chunked_array(parts.author, encoded).unify_dictionaries(),
        address=pa.chunked_array(parts.address, encoded).unify_dictionaries(),
        named=tuple(parts.named),
    )


def _index(joined: bytes, ids: np.ndarray[Any, np.dtype[np.uint8]]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Where each id of ``joined`` stands in ``ids``; -1 for one that does not."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    width = ids.shape[1]
    kind = pa.binary(width)
    wanted = pa.FixedSizeBinaryArray.from_buffers(kind, len(joined) // width, [None, pa.py_buffer(joined)])
    known = pa.FixedSizeBinaryArray.from_buffers(kind, len(ids), [None, pa.py_buffer(ids.tobytes())])
    return np.asarray(pc.index_in(wanted, known).fill_null(-1)).astype(np.int64)
