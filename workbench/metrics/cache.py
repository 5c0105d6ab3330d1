"""A store that remembers answers for a while: the figures of one question are computed once, not once a reader.

An answer is kept under the question's text, its parameters, and the version of the store's data, which is read before
the answer is computed. So an import is seen at once, by every process, and what lies under a version is never older.
Sums and counts are kept; pages of rows (questions with a cursor) and large answers (result_cache.LARGEST) are not.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from workbench.metrics.protocol import MetricStore, Reading, State
from workbench.metrics.queries import Query

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.metrics.plan import Plan
    from workbench.metrics.result_cache import ResultCache

FORMAT: Final = 1
"""Changes with the meaning of what is kept: other versions of the workbench may use the same place."""


class CachedStore:
    """Another store, with its answers kept. Implements MetricStore; safe to use from threads."""

    def __init__(self, store: MetricStore, cache: ResultCache, *, check_seconds: float = 0.0) -> None:
        self._store = store
        self._cache = cache
        self._version = _Version(store.version, check_seconds)
        self._renewed: set[str] | None = None

    def refreshed(self) -> CachedStore:
        """The same store, which computes each answer anew once, and keeps it for everybody."""
        other = copy(self)
        other._renewed = set()
        return other

    def query(self, query: Query, parameters: Mapping[str, Any]) -> pa.Table:
        """Run one question, or give its answer of a moment ago."""
        return self.answer(query, parameters)[0]

    def answer(self, query: Query, parameters: Mapping[str, Any]) -> tuple[pa.Table, bool | None]:
        """The answer, and whether it came out of the cache; None for a question whose answers are never kept."""
        if query.paged:
            return self._store.query(query, parameters), None
        key = self._key(query, parameters)
        renew = self._renewed is not None and key not in self._renewed
        found = self._cache.get(key, lambda: self._store.query(query, parameters), renew=renew)
        if self._renewed is not None:
            self._renewed.add(key)
        return found

    def _key(self, query: Query, parameters: Mapping[str, Any]) -> str:
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in parameters.items()}
        asked = (FORMAT, self._place, self._version.read(), query.name, query.sql, query.columns, sorted(plain.items()))
        return hashlib.sha256(repr(asked).encode()).hexdigest()

    @cached_property
    def _place(self) -> str:
        """Stores that share a cache have the same version now and then, but never the same place."""
        about = self._store.describe()
        return f"{about['store']} {about['location']}"

    def projects(self) -> tuple[str, ...]:
        """Names of all stored projects, sorted."""
        return self._store.projects()

    def read(self, projects: Sequence[str]) -> State:
        """Everything stored of these projects."""
        return self._store.read(projects)

    def write(self, project: str, old: State, new: State) -> None:
        """Replace one project's rows as a whole or not at all."""
        try:
            self._store.write(project, old, new)
        finally:
            self._version.forget()

    def lock(self, projects: Sequence[str]) -> AbstractContextManager[None]:
        """Hold these projects for writing."""
        return self._store.lock(projects)

    def version(self) -> str:
        """A text that changes whenever anything stored has changed; always read now."""
        return self._store.version()

    def explain(self, query: Query, parameters: Mapping[str, Any]) -> Plan:
        """How one question is run when it is not cached."""
        return self._store.explain(query, parameters)

    def reading(self) -> Reading | None:
        """Where what is not cached comes from."""
        return self._store.reading()

    def describe(self) -> Mapping[str, str]:
        """What and where it is."""
        return self._store.describe()


class _Version:
    """The store's version; read for every question, or at most once in ``seconds`` where that costs a round trip.

    Then another process's import is seen up to so much later; one of this process still at once.
    """

    def __init__(self, read: Callable[[], str], seconds: float) -> None:
        self._read = read
        self._seconds = seconds
        self._guard = threading.Lock()
        self._known: tuple[float, str] | None = None
        self._writes = 0

    def read(self) -> str:
        known = self._known
        if known and time.monotonic() - known[0] < self._seconds:
            return known[1]
        moment, writes = time.monotonic(), self._writes
        version = self._read()
        with self._guard:
            if writes == self._writes:  # else this process wrote meanwhile, and the version may be the old one
                self._known = (moment, version)
        return version

    def forget(self) -> None:
        with self._guard:
            self._writes += 1
            self._known = None
