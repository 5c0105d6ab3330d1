"""A store that tells of every statement: to open profiles and to the query log. If nobody listens, it costs nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from workbench.errors import WorkbenchError
from workbench.metrics.cache import CachedStore
from workbench.metrics.plan import Plan
from workbench.metrics.protocol import MetricStore, Reading, State
from workbench.metrics.queries import Query
from workbench.metrics.statements import Statement, key_of, masked, shown

if TYPE_CHECKING:
    import pyarrow as pa

_T = TypeVar("_T")


class Listener(Protocol):
    """Wants to know of statements."""

    plans: bool
    """Whether it wants to know how they were run, too."""

    def tell(self, statement: Statement) -> None:
        """Take note of a statement; called in the thread that asked, must not raise."""


class Listeners:
    """Who listens now; a store and its refreshed view share them."""

    def __init__(self, *always: Listener) -> None:
        self.now: tuple[Listener, ...] = always
        self._guard = threading.Lock()

    def add(self, listener: Listener) -> None:
        """Tell it from now on of the statements of every thread."""
        with self._guard:
            self.now = (*self.now, listener)

    def remove(self, listener: Listener) -> None:
        """Tell it no longer."""
        with self._guard:
            self.now = tuple(other for other in self.now if other is not listener)


class RecordedStore:
    """Another store, whose statements are told to listeners. Implements MetricStore; safe to use from threads."""

    def __init__(self, store: MetricStore, listeners: Listeners) -> None:
        self._store = store
        self.listeners = listeners

    def refreshed(self) -> RecordedStore:
        """The same store, which computes every answer anew and keeps it for everybody."""
        store = self._store.refreshed() if isinstance(self._store, CachedStore) else self._store
        return RecordedStore(store, self.listeners)

    def query(self, query: Query, parameters: Mapping[str, Any]) -> pa.Table:
        """Run one question."""
        if not self.listeners.now:
            return self._store.query(query, parameters)
        return self._told(
            (query.name, query.path, query.sql),
            parameters,
            lambda: self._answer(query, parameters),
            lambda table: table.num_rows,
            lambda: self._store.explain(query, parameters),
        )

    def _answer(self, query: Query, parameters: Mapping[str, Any]) -> tuple[pa.Table, bool | None]:
        if isinstance(self._store, CachedStore):
            return self._store.answer(query, parameters)
        return self._store.query(query, parameters), None

    def projects(self) -> tuple[str, ...]:
        """Names of all stored projects, sorted."""
        return self._step("projects", {}, self._store.projects, len)

    def read(self, projects: Sequence[str]) -> State:
        """Everything stored of these projects."""
        about = {"projects": list(projects)}
        return self._step("read", about, lambda: self._store.read(projects), lambda state: state.facts.num_rows)

    def write(self, project: str, old: State, new: State) -> None:
        """Replace one project's rows as a whole or not at all."""
        about = {"project": project}
        self._step("write", about, lambda: self._store.write(project, old, new), lambda _: new.facts.num_rows)

    def lock(self, projects: Sequence[str]) -> AbstractContextManager[None]:
        """Hold these projects for writing."""
        return self._store.lock(projects)

    def version(self) -> str:
        """A text that changes whenever anything stored has changed."""
        return self._store.version()

    def explain(self, query: Query, parameters: Mapping[str, Any]) -> Plan:
        """Run one question again, for how it is run."""
        return self._store.explain(query, parameters)

    def reading(self) -> Reading | None:
        """Where answers come from."""
        return self._store.reading()

    def describe(self) -> Mapping[str, str]:
        """What and where it is."""
        return self._store.describe()

    def _step(self, name: str, parameters: Mapping[str, Any], act: Callable[[], _T], rows: Callable[[_T], int]) -> _T:
        if not self.listeners.now:
            return act()
        return self._told((f"store.{name}", "", ""), parameters, lambda: (act(), None), rows)

    def _told(
        self,
        text: tuple[str, str, str],
        parameters: Mapping[str, Any],
        act: Callable[[], tuple[_T, bool | None]],
        rows: Callable[[_T], int],
        explain: Callable[[], Plan] | None = None,
    ) -> _T:
        """Do it, and tell of it; also of a failure, which goes on."""
        listeners = self.listeners.now
        began, started = datetime.now(UTC), time.perf_counter_ns()
        cached, count, error, plan = None, None, "", None
        try:
            result, cached = act()
            count = rows(result)
        except Exception as failure:
            error = _reason(failure)
            raise
        finally:
            seconds = (time.perf_counter_ns() - started) / 1e9
            if explain and not cached and not error and any(listener.plans for listener in listeners):
                plan = _plan(explain)
            statement = Statement(
                *text, shown(parameters), key_of(parameters), count, seconds, cached, error, plan,
                threading.current_thread().name, began,
            )  # fmt: skip
            for listener in listeners:
                listener.tell(statement)
        return result


def _plan(explain: Callable[[], Plan]) -> Plan:
    try:
        return explain()
    except WorkbenchError as error:  # the answer is there; only the account of it is not
        return Plan(f"There is no plan: {masked(error.what)}", None)


def _reason(error: Exception) -> str:
    kind = type(error).__name__
    return f"{kind}: {masked(error.what)}" if isinstance(error, WorkbenchError) else kind
