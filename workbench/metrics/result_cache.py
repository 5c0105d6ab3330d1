"""Where answers are kept: in memory, in a folder, or in Redis. Whatever happens to it, questions are answered."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from workbench.errors import MissingExtraError
from workbench.settings import FILE, REDIS

if TYPE_CHECKING:
    import pyarrow as pa
    from dogpile.cache import CacheRegion

LARGEST: Final = 1 << 20
"""Bytes of the largest answer that is kept: sums and counts are far smaller."""

_PAUSE: Final = 30.0
"""Seconds for which a place that failed is left alone: a server that is down must not delay every question."""

_log = logging.getLogger("workbench.cache")


class ResultCache:
    """Answers by key, kept for some seconds, computed by one at a time; the others wait for that one.

    Args:
        where: ``memory``, ``file:`` and a folder, or the URL of a Redis server.
        seconds: how long an answer is good.
        size: bytes that memory or folder may take; the answers unused for longest go first.

    Raises:
        MissingExtraError: Redis is asked for and its client is not installed.
    """

    def __init__(self, where: str, seconds: float, size: int) -> None:
        if where.startswith(REDIS) and find_spec("redis") is None:
            raise MissingExtraError("redis", "redis")
        self._where, self._seconds, self._size = where, seconds, size
        self._paused_until = 0.0
        self._warned = False
        self._guard = threading.Lock()
        self._opened: CacheRegion | None = None

    def get(self, key: str, compute: Callable[[], pa.Table], *, renew: bool = False) -> tuple[pa.Table, bool]:
        """The answer under a key, and whether it was there. ``renew`` computes it anyway, and keeps it.

        What ``compute`` raises is raised; what the place of the cache raises is said once, and the answer computed.
        """
        work = _Work(compute)
        if time.monotonic() < self._paused_until:
            return work(), False
        try:
            if renew:
                self._keep(key, work())
                return work.result, False
            table = self._region.get_or_create(key, work, should_cache_fn=_is_small)
        except Exception as error:
            if work.failed:
                raise
            self._pause(error)
            return (work.result if work.done else work()), False
        return table, not work.done

    @property
    def place(self) -> str:
        """Where answers are kept, for people: no user, no password."""
        return _place(self._where)

    def trial(self) -> str:
        """Keep a small answer, read it back and remove it; '' if all of that works, else the kind of failure."""
        import pyarrow as pa

        answer = pa.table({"n": [1]})
        key = f"trial-{secrets.token_hex(16)}"
        try:
            self._region.set(key, answer)
            found = self._region.get(key)
            self._region.delete(key)
        except Exception as error:  # the error's own text might hold the URL
            return type(error).__name__
        return "" if answer.equals(found) else "what was kept is not there"

    def close(self) -> None:
        """Let go of connections; the cache can still be used."""
        with self._guard:
            opened, self._opened = self._opened, None
        if opened is not None and self._where.startswith(REDIS):
            opened.actual_backend.close()

    def _keep(self, key: str, table: pa.Table) -> None:
        if _is_small(table):
            self._region.set(key, table)
        else:
            self._region.delete(key)

    @property
    def _region(self) -> CacheRegion:
        with self._guard:
            if self._opened is None:
                self._opened = self._open()
            return self._opened

    def _open(self) -> CacheRegion:
        from workbench.metrics import cache_places

        if self._where.startswith(FILE):
            return cache_places.folder_region(Path(self._where.removeprefix(FILE)), self._seconds, self._size)
        if self._where.startswith(REDIS):
            return cache_places.redis_region(self._where, self._seconds)
        return cache_places.memory_region(self._seconds, self._size)

    def _pause(self, error: Exception) -> None:
        with self._guard:
            self._paused_until = time.monotonic() + _PAUSE
            said, self._warned = self._warned, True
        if not said:  # the error's own text might hold the URL
            _log.warning(
                "The result cache %s cannot be used (%s); answers are computed each time. Check the setting 'cache'.",
                self.place, type(error).__name__,
            )  # fmt: skip


@cache
def shared(where: str, seconds: float, size: int) -> ResultCache:
    """One cache a process and place: whoever connects again finds the answers of before."""
    return ResultCache(where, seconds, size)


class _Work:
    """A computation that can be told apart from the cache around it: was it done, and was it what failed?"""

    def __init__(self, compute: Callable[[], pa.Table]) -> None:
        self._compute = compute
        self.done = self.failed = False
        self.result: pa.Table = None

    def __call__(self) -> pa.Table:
        try:
            self.result = self._compute()
        except BaseException:
            self.failed = True
            raise
        self.done = True
        return self.result


def _is_small(table: pa.Table) -> bool:
    return bool(table.get_total_buffer_size() <= LARGEST)


def _place(where: str) -> str:
    """Where it is, for people: no user, no password."""
    if where.startswith(REDIS):
        url = urlsplit(where)
        return f"{url.scheme}://{url.hostname or ''}{f':{url.port}' if url.port else ''}{url.path}"
    return where
