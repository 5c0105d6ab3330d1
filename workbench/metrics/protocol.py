"""What a metric store must be able to do. Two implementations: embedded (Parquet + DuckDB) and MySQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.metrics.plan import Plan
    from workbench.metrics.queries import Query


@dataclass(frozen=True, slots=True)
class State:
    """All that is stored of some projects: FACTS, FEATURES and IMPORTS tables (workbench.rows)."""

    facts: pa.Table
    features: pa.Table
    imports: pa.Table


@dataclass(frozen=True, slots=True)
class Reading:
    """Where answers come from, of a primary server and a replica of it."""

    server: Literal["primary", "replica"]
    location: str
    """Host, port and database, without user and password."""
    behind_seconds: float | None
    """How far a replica is behind its primary, as it says itself; None where it does not know or may not say."""
    why: str
    """Why the primary answers, as a part of a sentence; '' of a replica."""

    @property
    def text(self) -> str:
        """The same in one sentence."""
        if self.server == "primary":
            return f"Read from the primary {self.location}: {self.why}."
        if self.behind_seconds is None:
            return f"Read from the replica {self.location}; it is not known how far that is behind."
        return f"Read from the replica {self.location}, {self.behind_seconds:g} s behind."


class MetricStore(Protocol):
    """Keeps dora_metrics, features and imports, and answers the questions of queries/."""

    def query(self, query: Query, parameters: Mapping[str, Any]) -> pa.Table:
        """Run one question in one round trip; the answer has the columns and types that the header declares."""

    def projects(self) -> tuple[str, ...]:
        """Names of all stored projects, sorted."""

    def read(self, projects: Sequence[str]) -> State:
        """Everything stored of these projects (unknown ones add nothing)."""

    def write(self, project: str, old: State, new: State) -> None:
        """Replace one project's rows as a whole or not at all.

        ``old`` is what :meth:`read` gave, so that a store can touch only what differs. A new state without rows and
        imports removes the project.
        """

    def lock(self, projects: Sequence[str]) -> AbstractContextManager[None]:
        """Hold these projects for writing; another writer waits, a reader does not."""

    def version(self) -> str:
        """A text that changes whenever anything stored has changed, and is never the same for different data.

        Answers are cached under it, so it must be read from the same server as the answers: a version that runs ahead
        of them would keep an old answer for new."""

    def explain(self, query: Query, parameters: Mapping[str, Any]) -> Plan:
        """Run one question again, for how it is run: operators with their rows and times."""

    def reading(self) -> Reading | None:
        """Where answers come from now, and how old they may be for that; None where there is one place only."""

    def describe(self) -> Mapping[str, str]:
        """What and where it is, for people, without secrets: ``store``, ``location``, ``version``."""
