"""What a load remembers of a source survives anything but is never trusted blindly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workbench.logs.checkpoint import Checkpoint


def opened(folder: Path, table: str = "t1", digest: str = "d1") -> Checkpoint:
    checkpoint = Checkpoint(folder, table, "syslog", digest)
    checkpoint.read()
    return checkpoint


def test_chunks_are_found_again(tmp_path: Path) -> None:
    first = opened(tmp_path)
    for chunk in (0, 1, 2, 7, 5):
        first.add(chunk)
    first.save()
    assert opened(tmp_path).chunks == {0, 1, 2, 5, 7}
    assert json.loads(first.path.read_text())["chunks"] == [[0, 2], [5, 5], [7, 7]]


@pytest.mark.parametrize(("table", "digest"), [("t2", "d1"), ("t1", "d2")])
def test_another_table_or_content_starts_anew(tmp_path: Path, table: str, digest: str) -> None:
    first = opened(tmp_path)
    first.add(0)
    first.save()
    assert opened(tmp_path, table, digest).chunks == set()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": 1}', '{"format": 99, "table": "t1", "digest": "d1", "chunks": [[0, 9]]}']
)
def test_a_file_that_cannot_be_used_means_that_nothing_was_loaded(tmp_path: Path, text: str) -> None:
    checkpoint = opened(tmp_path)
    checkpoint.path.write_text(text)
    assert opened(tmp_path).chunks == set()


def test_no_half_written_file_is_left(tmp_path: Path) -> None:
    checkpoint = opened(tmp_path)
    checkpoint.add(3)
    checkpoint.save()
    assert [path.name for path in tmp_path.iterdir()] == [checkpoint.path.name]
