"""A load in a process of its own, so that a test can kill it. Prints how many rows are acknowledged."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

from tests import log_sample
from workbench.logs.cassandra import CassandraLogStore


def main(url: str, state: str, host: str, day: str, count: str) -> None:
    """Load the sample of that host, as slowly as a test needs, and end like any load."""
    rows = log_sample.table(log_sample.rows(host, date.fromisoformat(day), int(count)))
    with CassandraLogStore(url, Path(state), batch_rows=50) as store:
        report = store.load(
            log_sample.batches(rows, host, size=200),
            rows_per_second=4000,
            progress=lambda done, _total: print(done, flush=True),
        )
    print("done", report.loaded, report.skipped, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
