"""log_id: the same for the same line, another for each of identical lines, whatever file and block they come in."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest

from tests.sources.log_files import load, written
from workbench.sources import log_stream

SAME = "Mar  1 10:00:00 web-1 app: again\n"
NEXT = "Mar  1 10:00:01 web-1 app: again\n"


def test_renamed_file_gives_the_same_ids(tmp_path):
    first = load(written(tmp_path, SAME + NEXT))
    assert load(written(tmp_path, SAME + NEXT, name="syslog.1")).column("log_id") == first.column("log_id")
    assert len(set(first.column("log_id"))) == 2


def test_ids_are_uuids_of_version_8(tmp_path):
    (row,) = load(written(tmp_path, SAME)).rows
    assert len(row["log_id"]) == 16
    assert row["log_id"][6] >> 4 == 8
    assert row["log_id"][8] >> 6 == 2


def test_id_does_not_change_with_versions(tmp_path):
    (row,) = load(written(tmp_path, SAME)).rows
    assert row["log_id"].hex() == "d2036c6c85ee8ef89fd74827663c20db", (
        "rows that were stored by an earlier version would be loaded twice"
    )


@pytest.mark.parametrize("block", [50, 100, 333, 4096, 2**20])
def test_identical_lines_of_a_second_are_numbered_across_blocks(tmp_path, monkeypatch, block):
    path = written(tmp_path, NEXT.replace("01", "00", 1) + SAME * 200 + NEXT * 200)
    whole = load(path).column("log_id")
    monkeypatch.setattr(log_stream, "BLOCK", block)
    assert load(path).column("log_id") == whole
    assert len(set(whole)) == 401


def test_lines_before_do_not_change_ids(tmp_path, monkeypatch):
    earlier = "".join(f"Mar  1 09:00:{second:02d} web-1 app: other\n" for second in range(60))
    alone = load(written(tmp_path, SAME * 5 + NEXT)).column("log_id")
    monkeypatch.setattr(log_stream, "BLOCK", 200)
    assert load(written(tmp_path, earlier + SAME * 5 + NEXT)).column("log_id")[60:] == alone


def test_host_and_year_are_part_of_an_id(tmp_path):
    path = written(tmp_path, "Mar  1 10:00:00 app: x\n")
    ids = {load(path, host=host, year=year).rows[0]["log_id"] for host in ("a", "b") for year in (2024, 2025)}
    assert len(ids) == 4


def test_digest_is_of_the_content_and_a_pipe_has_one_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(log_stream, "BLOCK", 100)
    content = SAME * 10
    digests = {batch.digest for name in ("a", "b") for batch in load(written(tmp_path, content, name=name)).batches}
    assert len(digests) == 1
    assert load(written(tmp_path, content + NEXT)).batches[0].digest not in digests
    for _ in range(2):
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(content.encode())))
        digests |= {batch.digest for batch in load(["-"]).batches}
    assert len(digests) == 3


def test_options_that_change_rows_change_digests(tmp_path):
    path = written(tmp_path, SAME)
    digests = {
        load(path, **options).batches[0].digest
        for options in ({}, {"host": "x"}, {"zone": "Asia/Tokyo"}, {"year": 2020})
    }
    assert len(digests) == 4
