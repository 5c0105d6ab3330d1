"""Log lines as a Dask DataFrame: a host's day a partition, read by the worker that computes with it.

What travels in the graph is where the store is, hosts and days, and what was asked; a password does not. Workers read
the URL of Cassandra from their own settings, and refuse to read from another place than the one that was meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from workbench import settings as configuration
from workbench.errors import ConfigurationError, MissingExtraError
from workbench.logs.protocol import LogStore, columns_of
from workbench.logs.ranges import Part, Range
from workbench.settings import Settings

if TYPE_CHECKING:
    import dask.dataframe as dd
    import pandas as pd
    import pyarrow as pa

_opening = Lock()


@dataclass(frozen=True)
class ReadPart:
    """What a worker does: open the store, once a process, and read one host's day.

    Attributes:
        data: the data folder, which workers of an embedded store have to share.
        address: where Cassandra is, without user and password; None: the store is embedded.
        login: whether a user name is needed, which only the worker's own settings have.
        reading: makes each reading its own, so that results of an earlier one are not taken for this.
    """

    data: str
    address: str | None
    login: bool
    asked: Range
    reading: str = field(default_factory=lambda: uuid4().hex)

    def __call__(self, part: Part, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """The lines of a host and day; ``columns`` is what Dask found that the computation needs."""
        import pyarrow as pa

        names = list(self.asked.schema.names if columns is None else columns)
        asked = Range(
            self.asked.since, self.asked.until, self.asked.severity, self.asked.source,
            tuple(names) or ("log_timestamp",), self.asked.critical,
        )  # fmt: skip
        tables = list(asked.read(_store(self.data, self.address, self.login), part))
        return frame(pa.concat_tables([asked.schema.empty_table(), *tables]))[names]


def frame(table: pa.Table) -> pd.DataFrame:
    """A DataFrame whose types do not depend on what is missing."""
    import pandas as pd

    made: pd.DataFrame = table.to_pandas(types_mapper=pd.ArrowDtype)
    return made


def dask_frame(settings: Settings, asked: Range, parts: Sequence[Part]) -> dd.DataFrame:
    """A DataFrame that nothing has been read for yet.

    Raises:
        MissingExtraError: Dask is not installed.
    """
    try:
        import dask.dataframe as dd
    except ImportError as error:
        raise MissingExtraError("dask", "dask") from error
    nothing = frame(columns_of(asked.columns).empty_table())
    make: Any = dd  # without types of its own
    if not parts:
        lines: dd.DataFrame = make.from_pandas(nothing, npartitions=1)
    else:
        lines = make.from_map(_reader(settings, asked), list(parts), meta=nothing, label="workbench-logs")
    return lines


def _reader(settings: Settings, asked: Range) -> ReadPart:
    data = str(settings.data.absolute())
    if settings.logs_url is None:
        return ReadPart(data, None, False, asked)
    from workbench.logs import address

    place = address.parse(settings.logs_url.get_secret_value())
    return ReadPart(data, place.public, bool(place.user), asked)


@lru_cache(maxsize=8)
def _opened(data: str, url: str | None) -> LogStore:
    if url is None:
        from workbench.logs.embedded import EmbeddedLogStore

        return EmbeddedLogStore(Path(data) / "logs")
    from workbench.logs.cassandra import CassandraLogStore

    return CassandraLogStore(url, Path(data) / "logs-state")


def _store(data: str, public: str | None, login: bool) -> LogStore:
    """The store that was meant, opened once a process.

    Raises:
        ConfigurationError: the worker's settings name none, or another.
    """
    with _opening:
        return _opened(data, _own_url(public) if public and login else public)


def _own_url(public: str) -> str:
    from workbench.logs import address

    url = configuration.load().logs_url
    if url is None:
        raise ConfigurationError(
            f"A Dask worker does not know the login of {public}.",
            "Set WORKBENCH_LOGS_URL for every worker: passwords do not travel with the graph.",
        )
    found: Any = address.parse(url.get_secret_value())
    if found.public != public:
        raise ConfigurationError(
            f"A Dask worker's WORKBENCH_LOGS_URL names {found.public}, not {public}.", "Set it to the same."
        )
    return url.get_secret_value()
