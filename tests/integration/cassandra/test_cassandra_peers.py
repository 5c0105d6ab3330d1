"""The other loaders that benchmarks compare with load what the workbench reads, value by value."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow.compute as pc
import pytest

from tests import log_sample
from tests.integration.cassandra.conftest import Open
from workbench.bench import log_peers


@pytest.mark.parametrize("name", sorted(log_peers.LOADERS))
def test_a_peer_loads_the_same_rows(name: str, open_store: Open, host: str, first_day: date, tmp_path: Path) -> None:
    program = log_peers.find(name)
    if program is None:
        pytest.skip(f"{name} is not installed ({log_peers.INSTALL})")
    store = open_store()
    plain = log_sample.rows(host, first_day, 400)[len(log_sample.NASTY) :]  # both lose some of the others
    rows = log_sample.table(row | {"process_name": "sshd"} for row in plain)
    log_peers.write_csv(rows, tmp_path / "rows.csv")
    done = log_peers.LOADERS[name](program, store.address, rows.column_names, tmp_path / "rows.csv")
    assert done.rows == rows.num_rows
    assert done.seconds > 0
    one_day = rows.filter(pc.field("log_date") == first_day)
    assert store.partition(host, first_day).equals(log_sample.newest_first(one_day))
