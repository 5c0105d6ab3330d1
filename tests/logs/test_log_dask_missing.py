"""bench.logs.dask without Dask."""

from __future__ import annotations

import sys

import pytest

from tests.log_examples import batches, row
from workbench import connect
from workbench.errors import MissingExtraError


def test_the_extra_is_named(tmp_path, monkeypatch):
    logs = connect(data=str(tmp_path)).logs
    logs.store.load(batches([row(1)]))
    monkeypatch.setitem(sys.modules, "dask", None)
    monkeypatch.setitem(sys.modules, "dask.dataframe", None)
    with pytest.raises(MissingExtraError, match=r"dora-workbench\[dask\]"):
        logs.dask()
