"""Whatever bytes come: no parser raises, every line is accounted for, and every row fits the schema."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import example, given
from hypothesis import strategies as st

from tests.sources.log_files import load, written
from workbench.errors import SourceError

PIECES = [
    "<34>",
    "<999>",
    "<",
    ">",
    "1 ",
    "Mar  1 10:00:00 ",
    "Feb 29 10:00:00 ",
    "Feb 31 25:61:61 ",
    "2026-03-01T10:00:00",
    ".123456",
    "Z ",
    "+01:00 ",
    "-1",
    "+99:99 ",
    "web-1 ",
    "sshd[7]: ",
    "kernel: [  1.5] ",
    "[",
    "]",
    ":",
    "-",
    " - - - ",
    '[a b="c\\]"] ',
    "session opened for user ",
    "for invalid user x from",
    "\t",
    " ",
    "\r",
    "\n",
    "\n",
    "\n",
    "\0",
    "é",
    "\ufeff",
    "\ud7ff",
]
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=60).map(lambda parts: "".join(parts))
CONTENTS = st.binary(max_size=300) | TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass"))

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["2026-03-01T10:00:00Z", "1740823200123456", 1740823200, "err", "4", "x.service"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
JOURNAL_KEYS = [
    "__REALTIME_TIMESTAMP",
    "__CURSOR",
    "MESSAGE",
    "PRIORITY",
    "_PID",
    "_HOSTNAME",
    "_SYSTEMD_UNIT",
    "SYSLOG_FACILITY",
    "_TRANSPORT",
]
JSON_KEYS = [
    "time",
    "ts",
    "host",
    "level",
    "msg",
    "pid",
    "tags",
    "extra",
    "log_id",
    "source",
    "user",
    "severity",
    "facility",
    "HOST",
    "a'b",
    '"',
    "",
]


def check(content: bytes, **options) -> None:
    """Reads it; only a SourceError may come instead of a full account."""
    with TemporaryDirectory() as folder:
        path = written(Path(folder), content)
        try:
            loaded = load(path, **options)
        except SourceError:
            return
    assert loaded.lines == loaded.accounted
    assert all(reject["reason"] for reject in loaded.rejects)
    assert len({row["log_id"] for row in loaded.rows}) == len(loaded.rows) or options["format"] != "syslog"


@given(CONTENTS, st.sampled_from(["UTC", "Europe/Berlin"]))
@example(b"Mar  1 10:00:00 ", "UTC")
@example(b"<34>1 2026-03-01T10:00:00Z ", "UTC")
@example(b"\r\n \r\n", "UTC")
def test_syslog(content, zone):
    check(content, format="syslog", zone=zone)


def objects(keys):
    """Lines of JSON, with junk between."""
    one = st.dictionaries(st.sampled_from(keys), VALUES, max_size=6).map(json.dumps)
    return st.lists(one | st.text(max_size=10), max_size=8).map(
        lambda lines: "\n".join(lines).encode("utf-8", "surrogatepass")
    )


@given(objects(JOURNAL_KEYS) | CONTENTS)
def test_journald(content):
    check(content, format="journald")


@given(objects(JSON_KEYS) | CONTENTS)
def test_json_lines(content):
    check(content, format="jsonl")


@given(CONTENTS)
def test_format_that_is_told_by_content(content):
    check(content, format=None, zone="America/New_York")


CELLS = [
    (st.text(st.characters(exclude_categories=["Cs"]), max_size=8), pa.string()),
    (st.binary(max_size=8), pa.binary()),
    (st.integers(-(2**63), 2**63 - 1), pa.int64()),
    (st.floats(), pa.float64()),
    (st.booleans(), pa.bool_()),
    (st.integers(-(2**40), 2**42), pa.timestamp("ms", "UTC")),
    (st.integers(-(2**31), 2**31 - 1), pa.date32()),
    (st.lists(st.integers(0, 9), max_size=2), pa.list_(pa.int8())),
    (st.just({"k": "v"}), pa.struct([("k", pa.string())])),
    (st.none(), pa.null()),
]


@st.composite
def tables(draw):
    """Columns of any type under any name, one of them with the time."""
    count = draw(st.integers(0, 4))
    columns = {}
    for name in draw(st.lists(st.sampled_from(JSON_KEYS), unique=True, max_size=5)):
        cells, kind = draw(st.sampled_from(CELLS))
        values = draw(st.lists(st.none() | cells, min_size=count, max_size=count))
        numbers = {pa.timestamp("ms", "UTC"): pa.int64(), pa.date32(): pa.int32()}.get(kind, kind)
        columns[name] = pa.array(values, numbers).cast(kind)
    return pa.table(columns | {"log_timestamp": pa.array([0] * count, pa.timestamp("s"))})


@given(tables())
def test_parquet(table):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "logs.parquet"
        pq.write_table(table, path)
        try:
            loaded = load(path)
        except SourceError:
            return
    assert loaded.lines == loaded.accounted == table.num_rows


@given(st.binary(max_size=200), st.integers(0, 400))
def test_parquet_that_is_damaged(junk, place):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "logs.parquet"
        pq.write_table(pa.table({"time": ["2026-03-01T10:00:00Z"] * 3}), path)
        whole = path.read_bytes()
        path.write_bytes(whole[:place] + junk + whole[place + len(junk) :])
        try:
            loaded = load(path, format="parquet")
        except SourceError:
            return
    assert loaded.lines == loaded.accounted
