"""Where blocks end, what is unpacked, and that neither shows in the rows."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest

from tests.sources.log_files import load, written
from workbench.errors import SourceError
from workbench.sources import log_stream
from workbench.sources.logs import read

LINES = "".join(
    f"Mar  1 10:{number // 60:02d}:{number % 60:02d} web-{number % 3} app[{number}]: message {number}\n"
    + ("\tcontinued\n" if number % 7 == 0 else "")
    for number in range(600)
)


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of 100 bytes, so that every border is met."""
    monkeypatch.setattr(log_stream, "BLOCK", 100)


def packed_zstd(folder: Path, content: bytes) -> bytes:
    path = folder / "plain.zst"
    with pa.output_stream(str(path), compression="zstd") as packed:
        packed.write(content)
    return path.read_bytes()


def without_time(loaded):
    return [{name: value for name, value in row.items() if name != "ingested_at"} for row in loaded.rows]


def test_blocks_of_any_size_give_the_same_rows(tmp_path, monkeypatch):
    path = written(tmp_path, LINES)
    whole = load(path)
    for size in (60, 61, 100, 1000, 4096):
        monkeypatch.setattr(log_stream, "BLOCK", size)
        parts = load(path)
        assert len(parts.batches) > 1
        assert without_time(parts) == without_time(whole), f"blocks of {size} bytes"
        assert parts.lines == whole.lines == LINES.count("\n")


def test_gzip_and_zstd_are_told_by_their_first_bytes(tmp_path):
    plain = load(written(tmp_path, LINES))
    for content in (gzip.compress(LINES.encode()), packed_zstd(tmp_path, LINES.encode())):
        packed = load(written(tmp_path, content, name="syslog"))
        assert without_time(packed) == without_time(plain)
    members = gzip.compress(LINES[:200].encode()) + gzip.compress(LINES[200:].encode())
    assert without_time(load(written(tmp_path, members))) == without_time(plain), "gzip of two members"


def test_standard_input_gives_the_same_rows(tmp_path, monkeypatch):
    plain = load(written(tmp_path, LINES))
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BufferedReader(io.BytesIO(LINES.encode()))))
    piped = load(["-"])
    assert without_time(piped) == without_time(plain)
    assert piped.batches[0].origin == "standard input"
    assert piped.batches[0].size is None


@pytest.mark.parametrize("cut", [20, -9])
def test_packed_file_that_is_cut_off_says_so_after_its_good_lines(tmp_path, small_blocks, cut):
    path = written(tmp_path, gzip.compress(LINES.encode())[:cut])
    with pytest.raises(SourceError, match="damaged or cut off"):
        load(path)


def test_zstd_that_is_damaged_is_a_source_error(tmp_path):
    content = bytearray(packed_zstd(tmp_path, LINES.encode()))
    content[20] ^= 0xFF
    with pytest.raises(SourceError):
        load(written(tmp_path, bytes(content)))


def test_line_that_is_too_long_is_refused_and_the_next_is_read(tmp_path, small_blocks, monkeypatch):
    monkeypatch.setattr(log_stream, "LONGEST", 300)
    good = "Mar  1 10:00:00 h a: good\n"
    loaded = load(written(tmp_path, good + "x" * 1000 + "\n" + good + "y" * 1000))
    assert loaded.column("message") == ["good", "good"]
    assert [reject["line"] for reject in loaded.rejects] == [2, 4]
    assert all("is longer than" in reject["reason"] for reject in loaded.rejects)
    assert loaded.lines == loaded.accounted == 4


def test_message_of_endless_lines_needs_no_endless_memory(tmp_path, small_blocks, monkeypatch):
    monkeypatch.setattr(log_stream, "LONGEST", 300)
    loaded = load(written(tmp_path, "Mar  1 10:00:00 h a: begin\n" + "\tmore\n" * 500))
    assert loaded.lines == loaded.accounted == 501
    assert loaded.rows[0]["message"].startswith("begin\n\tmore")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("system.journal", b"LPKSHHRH" + bytes(100), "journalctl"),
        ("log.txt", "\ufeffMar  1 10:00:00 h a: x".encode("utf-16"), "UTF-16"),
        ("missing", None, "cannot be read"),
        ("folder", "folder", "cannot be read"),
    ],
)
def test_file_that_no_line_can_be_read_from(tmp_path, name, content, message):
    path = tmp_path / name
    if content == "folder":
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(SourceError, match=message):
        load(path)


def test_byte_order_mark_is_no_part_of_the_first_line(tmp_path):
    assert load(written(tmp_path, "\ufeffMar  1 10:00:00 h a: x\n")).column("message") == ["x"]


def test_lines_that_are_added_while_a_file_is_read_are_left_to_the_next_time(tmp_path, small_blocks):
    path = written(tmp_path, LINES)
    batches = read([path])
    first = next(batches)
    with path.open("a") as file:
        file.write("Mar  1 11:00:00 h a: late\n")
    rows = [row["message"] for batch in [first, *batches] for row in batch.rows.to_pylist()]
    assert len(rows) == 600
    assert "late" not in rows


def test_position_grows_to_the_size(tmp_path, small_blocks):
    loaded = load(written(tmp_path, LINES))
    places = [batch.position for batch in loaded.batches]
    assert places == sorted(places)
    assert places[-1] == loaded.batches[-1].size == len(LINES.encode())
