"""The part of ``workbench migrate`` that makes the keyspace and tables of Cassandra."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from workbench.settings import Settings


@dataclass(frozen=True, slots=True)
class LogTables:
    """How new tables are to be built (workbench.logs.schema.create)."""

    replication: str | None
    parts: int | None
    days: int | None
    window: int | None
    index: tuple[str, ...]


def make(settings: Settings, wanted: LogTables, *, may_ask: bool) -> dict[str, Any] | None:
    """Make what is missing, and tell where and which statements ran; None where logs lie in files.

    Where the keyspace is missing and nobody said its replication, a person at a terminal is asked.
    """
    if settings.logs_url is None:
        return None
    from workbench.logs.cassandra import CassandraLogStore

    asked = wanted.replication or (_ask if may_ask and sys.stdin.isatty() else None)
    with CassandraLogStore(settings.logs_url.get_secret_value(), settings.data / "logs-state") as store:
        done = store.migrate(
            replication=asked, parts=wanted.parts, days=wanted.days, window=wanted.window, index=wanted.index
        )
        return {"location": str(store.address), "statements": done}


def say(made: Mapping[str, Any]) -> str:
    """What was done, for people."""
    if not made["statements"]:
        return f"{made['location']} has its tables already; nothing had to be done."
    return "\n".join([*(f"{text};" for text in made["statements"]), f"{made['location']} has its tables now."])


def _ask(centres: Mapping[str, int]) -> str:
    """The replication that somebody at the terminal wants; the default fits the nodes that there are."""
    from workbench.logs.schema import suggested

    there = ", ".join(f"{name} with {count} {'node' if count == 1 else 'nodes'}" for name, count in centres.items())
    typer.echo(f"The keyspace has to be made. Data centres: {there}.", err=True)
    answer: str = typer.prompt("Replicas in each", default=suggested(centres), err=True)
    return answer
