"""The three places of the result cache, as regions of dogpile.cache.

Outside of memory a table is Arrow's own stream format, checked when it is read. Nothing is ever unpickled: others may
write to a shared place, and must not have their code run.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from math import ceil
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from dogpile.cache import CacheRegion, make_region, register_backend
from dogpile.cache.api import (
    NO_VALUE,
    BytesBackend,
    CacheBackend,
    CachedValue,
    CacheMutex,
    CantDeserializeException,
)
from dogpile.cache.backends.redis import RedisBackend
from dogpile.cache.region import RegionInvalidationStrategy
from filelock import FileLock, Timeout

_OVERHEAD: Final = 2_048
"""Bytes of an entry beside its table's buffers, about."""
_WAIT: Final = 60.0
"""Seconds to wait for another process that computes the same answer; longer than any statement may take."""
_DIGEST: Final = 16
_STRIPES: Final = 2


def memory_region(seconds: float, size: int) -> CacheRegion:
    """Tables as they are, in this process: the ones used last, up to ``size`` bytes."""
    return _region("workbench.memory", seconds, {"size": size})


def folder_region(path: Path, seconds: float, size: int) -> CacheRegion:
    """One file an answer, for all processes of a machine, up to ``size`` bytes together."""
    return _region("workbench.folder", seconds, {"path": path, "size": size, "seconds": seconds}, **_ARROW)


def redis_region(url: str, seconds: float) -> CacheRegion:
    """A Redis server, for all machines; it drops what is too old. One that does not answer in a second is down."""
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    arguments = {
        "url": url,
        "redis_expiration_time": ceil(seconds),
        "socket_timeout": 1.0,
        "socket_connect_timeout": 1.0,
        "connection_kwargs": {"retry": Retry(NoBackoff(), 0)},
        "distributed_lock": True,
        "thread_local_lock": False,
        "lock_timeout": ceil(_WAIT),
        "lock_sleep": 0.01,
        "lock_prefix": "lock:",
    }
    return _region("workbench.redis", seconds, arguments, key_mangler="workbench:{}".format, **_ARROW)


def _region(backend: str, seconds: float, arguments: Mapping[str, Any], **more: Any) -> CacheRegion:
    return make_region(**more).configure(backend, arguments=arguments, region_invalidator=_Age(seconds))


class _Age(RegionInvalidationStrategy):
    """What is older than the limit is gone. (dogpile's own limit gives old values away while a new one is computed.)"""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def invalidate(self, hard: bool = True) -> None:
        raise NotImplementedError

    def is_invalidated(self, timestamp: float) -> bool:
        return time.time() - timestamp > self._seconds

    is_hard_invalidated = is_invalidated

    def is_soft_invalidated(self, timestamp: float) -> bool:
        return False

    def was_hard_invalidated(self) -> bool:
        return True

    def was_soft_invalidated(self) -> bool:
        return False


def to_bytes(table: pa.Table) -> bytes:
    """A table as an Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def from_bytes(data: bytes) -> pa.Table:
    """The table of an Arrow stream, checked to the last offset.

    Raises:
        CantDeserializeException: it is none; the answer is then computed.
    """
    try:
        with pa.ipc.open_stream(data) as reader:
            table = reader.read_all()
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError):
        raise CantDeserializeException from None
    return table


_ARROW: Final[Mapping[str, Any]] = {"serializer": to_bytes, "deserializer": from_bytes}


class MemoryPlace(CacheBackend):
    """The entries used last, in a dict."""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self._limit: int = arguments["size"]
        self._entries: OrderedDict[str, tuple[int, CachedValue]] = OrderedDict()
        self._size = 0
        self._guard = threading.Lock()

    def get(self, key: str) -> Any:
        """The value, which is then the one used last."""
        with self._guard:
            if key not in self._entries:
                return NO_VALUE
            self._entries.move_to_end(key)
            return self._entries[key][1]

    def set(self, key: str, value: Any) -> None:
        """Keep a value, and let go of those unused for longest until there is room."""
        size = value.payload.get_total_buffer_size() + _OVERHEAD
        with self._guard:
            self._drop(key)
            self._entries[key] = (size, value)
            self._size += size
            while self._size > self._limit:
                self._drop(next(iter(self._entries)))

    def delete(self, key: str) -> None:
        """Let go of a value, if it is there."""
        with self._guard:
            self._drop(key)

    def _drop(self, key: str) -> None:
        size, _ = self._entries.pop(key, (0, None))
        self._size -= size


class FolderPlace(BytesBackend):
    """One file a value, replaced as a whole; one that a crash has torn does not fit its digest and is no value."""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self._path: Path = arguments["path"]
        self._limit: int = arguments["size"]
        self._seconds: float = arguments["seconds"]

    def get_mutex(self, key: str) -> _FileMutex:
        """A lock that a killed process gives back; keys that begin alike share one, so that the files stay few."""
        locks = self._path / "locks"
        locks.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _FileMutex(locks / f"{key[:_STRIPES]}.lock")

    def get_serialized(self, key: str) -> Any:
        """The bytes, if they are there and whole."""
        try:
            data = self._file(key).read_bytes()
        except FileNotFoundError:
            return NO_VALUE
        digest, content = data[:_DIGEST], data[_DIGEST:]
        return content if digest == _digest(content) else NO_VALUE

    def set_serialized(self, key: str, value: bytes) -> None:
        """Keep bytes, and remove what is too old or too much."""
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = self._path / f"{key}.{os.getpid()}.{threading.get_ident()}.tmp"
        try:
            temporary.write_bytes(_digest(value) + value)
            temporary.replace(self._file(key))
        finally:
            temporary.unlink(missing_ok=True)
        self._sweep()

    def delete(self, key: str) -> None:
        """Remove a value, if it is there."""
        self._file(key).unlink(missing_ok=True)

    def _file(self, key: str) -> Path:
        return self._path / f"{key}.arrow"

    def _sweep(self) -> None:
        oldest = time.time() - self._seconds - _WAIT
        kept: list[tuple[float, int, Path]] = []
        for path in (path for path in self._path.iterdir() if path.suffix in (".arrow", ".tmp")):
            try:
                status = path.stat()
            except FileNotFoundError:  # another process sweeps, too
                continue
            if status.st_mtime < oldest:
                path.unlink(missing_ok=True)
            elif path.suffix == ".arrow":  # a young temporary file is somebody's work
                kept.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in kept)
        for _, size, path in sorted(kept):
            if total <= self._limit:
                break
            path.unlink(missing_ok=True)
            total -= size


class RedisPlace(RedisBackend):
    """dogpile's own, without a command that Redis has retired (SETEX)."""

    def set_serialized(self, key: str, value: bytes) -> None:
        """Keep bytes for as long as they are good."""
        self.writer_client.set(key, value, ex=self.redis_expiration_time)

    def close(self) -> None:
        """Close its connections."""
        self.writer_client.close()


class _FileMutex(CacheMutex):
    """A lock of threads and processes in the form that dogpile wants."""

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(path, poll_interval=0.01)

    def acquire(self, wait: bool = True) -> bool:
        """Wait for the lock; a holder that takes longer than any statement may is an error of the place."""
        try:
            self._lock.acquire(timeout=_WAIT if wait else 0)
        except Timeout:
            if wait:
                raise
            return False
        return True

    def release(self) -> None:
        """Give it back."""
        self._lock.release()

    def locked(self) -> bool:
        """Whether this process holds it."""
        return self._lock.is_locked


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST).digest()


register_backend("workbench.memory", __name__, "MemoryPlace")  # type: ignore[no-untyped-call]
register_backend("workbench.redis", __name__, "RedisPlace")  # type: ignore[no-untyped-call]
register_backend("workbench.folder", __name__, "FolderPlace")  # type: ignore[no-untyped-call]
