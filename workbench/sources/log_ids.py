"""log_id: the same for the same line in the same place, whatever file or pipe it comes through.

It is made of host, second, raw line, and a number that tells identical lines of one second apart. The number runs on
from block to block, so it does not matter where a block ends.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa

from workbench.sources.log_bytes import Numbers
from workbench.sources.table_sql import query

_SECOND: Final = 1000
_MOST_KEPT: Final = 2_000_000
_STEP: Final = np.uint64(0x9E3779B97F4A7C15)
"""An odd number: adding multiples of it gives a different id each time."""
_ENTRY: Final = np.dtype([("key", "<u8"), ("second", "<i8"), ("seen", "<i8")])
_ORDERED: Final = 0.5
"""Lines may be out of order by up to this part of a block."""


class Identities:
    """Gives the lines of one source their ids, block after block."""

    def __init__(self) -> None:
        self._kept = np.zeros(0, dtype=_ENTRY)

    def of(self, hosts: Any, moments: Numbers, raw: Any) -> Any:
        """Ids as Arrow binary(16). ``moments`` are milliseconds UTC; ``raw`` are the whole lines, as text."""
        if not len(raw):
            return pa.array([], pa.binary(16))
        seconds = moments // _SECOND
        keys = _digests(hosts, seconds, raw)
        number = self._numbered(keys, seconds)
        again = number > 0
        keys["low"][again] += number[again].astype(np.uint64) * _STEP
        return _as_uuid(keys)

    def _numbered(self, keys: Any, seconds: Numbers) -> Numbers:
        """How many identical lines of that second came before each line; keeps what later blocks need to know."""
        fresh = np.zeros(len(keys), dtype=_ENTRY)
        fresh["key"], fresh["second"], fresh["seen"] = keys["high"], seconds, 1
        every = np.concatenate([self._kept, fresh])
        order = np.argsort(every["key"], kind="stable")  # stable: identical lines stay in their order
        ordered = every[order]
        firsts = np.flatnonzero(np.append(True, ordered["key"][1:] != ordered["key"][:-1]))
        before = np.cumsum(ordered["seen"]) - ordered["seen"]
        before -= np.repeat(before[firsts], np.diff(np.append(firsts, len(every))))
        number = np.zeros(len(every), dtype=np.int64)
        number[order] = before
        totals = ordered[firsts].copy()
        totals["seen"] = np.add.reduceat(ordered["seen"], firsts)
        fresh_numbers = number[len(self._kept) :]
        self._kept = _still_possible(totals, seconds)
        return fresh_numbers


def _still_possible(totals: Any, seconds: Numbers) -> Any:
    """The lines that a later block may repeat: those of this block's last seconds; more where it is not in order."""
    kept = totals[totals["second"] >= int(np.quantile(seconds, _ORDERED, method="lower"))]
    if len(kept) > _MOST_KEPT:
        kept = kept[np.argsort(kept["second"], kind="stable")[-_MOST_KEPT:]]
    return kept


def of_text(texts: Any) -> Any:
    """Ids from what names a row by itself, such as a journal's cursor, as Arrow binary(16)."""
    return _as_uuid(_halves(query("SELECT unhex(sha256(text)) AS id FROM file", file=pa.table({"text": texts}))["id"]))


def _digests(hosts: Any, seconds: Numbers, raw: Any) -> Any:
    file = pa.table({"host": hosts, "second": seconds, "raw": raw})
    return _halves(query("SELECT unhex(sha256(concat_ws(chr(0), host, second, raw))) AS id FROM file", file=file)["id"])


def _halves(hashes: Any) -> Any:
    """The first 16 bytes of each 32-byte hash as two numbers."""
    fixed = hashes.combine_chunks().cast(pa.binary(32))
    words = np.frombuffer(fixed.buffers()[1], dtype="<u8", count=4 * len(fixed), offset=32 * fixed.offset).reshape(
        -1, 4
    )
    halves = np.zeros(len(words), dtype=[("high", "<u8"), ("low", "<u8")])
    halves["high"], halves["low"] = words[:, 0], words[:, 1]
    return halves


def _as_uuid(keys: Any) -> Any:
    """As UUIDs of version 8 (RFC 9562: custom), which every store sorts by their bytes."""
    octets = np.ascontiguousarray(keys).view(np.uint8).reshape(-1, 16).copy()
    octets[:, 6] = (octets[:, 6] & 0x0F) | 0x80
    octets[:, 8] = (octets[:, 8] & 0x3F) | 0x80
    return pa.Array.from_buffers(pa.binary(16), len(octets), [None, pa.py_buffer(octets)])
