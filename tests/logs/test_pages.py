"""Pages decoded by columns say what the driver's own types wrote, compiled and plain alike."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.logs import loops, pages

ROWS = [
    ("web-1", date(2026, 11, 1), datetime(2026, 11, 1, 12, 0, 0, 1000), b"\x01" * 16, 7, True, 2.5, "grüße\0<script>"),
    ("", date(1969, 12, 31), None, None, None, False, None, None),
    ("web-2", None, datetime(1969, 12, 31, 23, 59, 59, 999000), b"\xff" * 16, -1, None, -0.5, ""),
]
KINDS = ("varchar", "date", "timestamp", "uuid", "int", "boolean", "double", "varchar")


@dataclass
class FakePage:
    names: tuple[str, ...]
    types: tuple[str, ...]
    rows: int
    data: bytes
    start: int


def cell(kind: str, value: Any) -> bytes:
    """A value as the protocol's specification says (native protocol v4, section 6)."""
    if value is None:
        return struct.pack(">i", -1)
    epoch = datetime(1970, 1, 1)
    body: bytes = {
        "varchar": lambda: value.encode(),
        "date": lambda: struct.pack(">I", (value - epoch.date()).days + 2**31),
        "timestamp": lambda: struct.pack(">q", (value - epoch) // (datetime(1970, 1, 1, 0, 0, 0, 1000) - epoch)),
        "uuid": lambda: value,
        "int": lambda: struct.pack(">i", value),
        "boolean": lambda: bytes([value]),
        "double": lambda: struct.pack(">d", value),
    }[kind]()
    return struct.pack(">i", len(body)) + body


def page(kinds: tuple[str, ...], rows: list[tuple[Any, ...]], before: bytes = b"meta") -> FakePage:
    data = before + b"".join(cell(kind, value) for row in rows for kind, value in zip(kinds, row, strict=True))
    return FakePage(tuple(f"c{i}" for i in range(len(kinds))), kinds, len(rows), data, len(before))


@pytest.fixture(params=["compiled", "plain"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "plain":
        monkeypatch.setattr(loops, "compiled", lambda: None)
    else:
        pytest.importorskip("numba", reason="numba is not installed (extra fast)")
    return str(request.param)


def test_values_come_back(way: str) -> None:
    table = pages.decode(page(KINDS, ROWS))
    table.validate(full=True)
    assert [tuple(row.values()) for row in table.to_pylist()] == ROWS, way


def test_an_empty_page_has_its_columns(way: str) -> None:
    table = pages.decode(page(KINDS, []))
    assert table.num_rows == 0, way
    assert table.schema.field("c1").type == pa.date32()


@given(st.lists(st.tuples(st.none() | st.text(max_size=20), st.none() | st.integers(-(2**31), 2**31 - 1)), max_size=30))
def test_compiled_and_plain_walks_agree(rows: list[tuple[Any, ...]]) -> None:
    loop = loops.compiled()
    if loop is None:
        pytest.skip("numba is not installed (extra fast)")
    made = page(("varchar", "int"), rows)
    data = np.frombuffer(made.data, np.uint8)
    plain = pages.walk_plain(data, made.start, made.rows, 2)
    fast = loop.walk(data, made.start, made.rows, 2)
    np.testing.assert_array_equal(plain[0], fast[0])
    np.testing.assert_array_equal(plain[1], fast[1])
    ends = np.concatenate(([0], np.cumsum(np.maximum(plain[1][0], 0))))
    np.testing.assert_array_equal(
        pages.copy_plain(data, plain[0][0], plain[1][0], ends),
        loop.copy(data, plain[0][0], plain[1][0], ends),
    )
