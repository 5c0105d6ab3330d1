"""A primary server for writing and a replica of it for reading, as one store.

What this process has written, or has seen on the primary, it never sees undone: the replica is asked again only once it
has applied everything that the primary had by then. So a version of the data that was read from one server never runs
ahead of the answers of the other, and the cache stays right.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final, TypeVar

from workbench.metrics.mysql import MySQLStore
from workbench.metrics.mysql_engine import ServerUnavailable
from workbench.metrics.protocol import Reading, State
from workbench.metrics.queries import Query

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.metrics.plan import Plan

_T = TypeVar("_T")
_LATE_SECONDS: Final = 5.0
"""How long a replica that did not catch up in time is left alone, so that not every question waits for it."""

_log = logging.getLogger(__name__)


class ReplicatedStore:
    """Reads go to the replica, writes to the primary. A MetricStore; safe to use from threads.

    Args:
        wait_seconds: how long a read waits for the replica to have what this process has written.
        retry_seconds: how long a replica that cannot be used is left alone.
    """

    def __init__(
        self, primary: MySQLStore, replica: MySQLStore, *, wait_seconds: float = 1.0, retry_seconds: float = 30.0
    ) -> None:
        self.primary = primary
        self.replica = replica
        self._wait_seconds = wait_seconds
        self._retry_seconds = retry_seconds
        self._guard = threading.Lock()
        self._seen = self._applied = object()  # marks of the primary: the newest, and the one the replica has reached
        self._alone_until = 0.0
        self._warned = False
        self._why = ""

    def close(self) -> None:
        """Close idle connections; the store can still be used."""
        self.primary.close()
        self.replica.close()

    # -- reading -----------------------------------------------------------------------------------------------------

    def query(self, query: Query, parameters: Mapping[str, Any]) -> pa.Table:
        """Run one question."""
        return self._read(lambda store: store.query(query, parameters))

    def projects(self) -> tuple[str, ...]:
        """Names of all stored projects, sorted."""
        return self._read(lambda store: store.projects())

    def version(self) -> str:
        """The version of what the next question will be answered from, or an older one."""
        return self._read(lambda store: store.version())

    def explain(self, query: Query, parameters: Mapping[str, Any]) -> Plan:
        """Run one question again for its plan."""
        return self._read(lambda store: store.explain(query, parameters))

    def describe(self) -> Mapping[str, str]:
        """Kind and version of the server that answers, and where both are."""
        about = self._read(lambda store: store.describe())
        return {**about, "location": f"{self.primary.place}, read from {self.replica.place}"}

    def reading(self) -> Reading:
        """Which server answers now; of the replica, how far it is behind, of the primary, why it has to."""

        def asked(store: MySQLStore) -> Reading:
            if store is self.replica:
                return Reading("replica", store.place, store.lag(), "")
            return Reading("primary", store.place, None, self._why)

        return self._read(asked)

    def _read(self, action: Callable[[MySQLStore], _T]) -> _T:
        if self._is_current():
            try:
                answer = action(self.replica)
            except ServerUnavailable as error:
                self._leave_alone(error)
            else:
                self._warned = False
                return answer
        answer = action(self.primary)
        self._mark()
        return answer

    def _is_current(self) -> bool:
        """Whether the replica can be asked, and has everything that this process has written or seen."""
        if time.monotonic() < self._alone_until:
            return False
        if self._seen is self._applied:
            return True
        with self._guard:
            if time.monotonic() < self._alone_until:  # another thread has found out meanwhile
                return False
            seen = self._seen
            if seen is self._applied:
                return True
            if not self._catches_up():
                return False
            self._applied = seen
            return True

    def _catches_up(self) -> bool:
        position = self.primary.position()
        if not position:
            _log.warning("The primary keeps no transaction ids (GTID), so this process reads from it after a write.")
            self._why = "it keeps no transaction ids (GTID), so nothing proves that the replica has what was written"
            self._alone_until = math.inf
            return False
        try:
            reached = self.replica.reaches(position, self._wait_seconds)
        except ServerUnavailable as error:
            self._leave_alone(error)
            return False
        if not reached:
            self._why = f"the replica {self.replica.place} has not caught up with what this process wrote or saw"
            self._alone_until = time.monotonic() + _LATE_SECONDS
        return reached

    def _leave_alone(self, error: ServerUnavailable) -> None:
        self._alone_until = time.monotonic() + self._retry_seconds
        self._why = f"the replica is not used, {error.what.rstrip('.')}"
        if not self._warned:
            _log.warning("The replica is not used, the primary answers: %s", error.what)
        self._warned = True

    def _mark(self) -> None:
        self._seen = object()

    # -- writing -----------------------------------------------------------------------------------------------------

    def read(self, projects: Sequence[str]) -> State:
        """Everything stored of these projects, from the primary: what is written next is compared with it."""
        return self.primary.read(projects)

    def write(self, project: str, old: State, new: State) -> None:
        """Replace one project's rows as a whole or not at all."""
        try:
            self.primary.write(project, old, new)
        finally:  # a connection that is lost at the commit may have written
            self._mark()

    def lock(self, projects: Sequence[str]) -> AbstractContextManager[None]:
        """Hold these projects for writing."""
        return self.primary.lock(projects)
