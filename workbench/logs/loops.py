"""Loops over bytes, cell by cell: numba compiles them where it is installed (extra ``fast``).

They are written for the compiler, and would be slow without it; whoever uses them has another way then. Places are
unsigned: a signed index could be negative and count from the end, and asking that of every byte takes three times as
long as copying it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


def walk(data: Array, start: int, rows: int, columns: int) -> tuple[Array, Array]:
    """Where each cell of a page begins and how long it is, by (column, row); -1 for null."""
    starts, lengths = np.empty((columns, rows), np.int64), np.empty((columns, rows), np.int64)
    at = np.uint64(start)
    for row in range(rows):
        for column in range(columns):
            length = np.int64(0)
            for byte in range(np.uint64(4)):
                length = length << 8 | np.int64(data[at + byte])
            at += np.uint64(4)
            starts[column, row] = at
            if length >= 1 << 31:
                length = np.int64(-1)
            else:
                at += np.uint64(length)
            lengths[column, row] = length
    return starts, lengths


def copy(data: Array, starts: Array, lengths: Array, ends: Array) -> Array:
    """The bytes of one column of a page, one after the other."""
    out = np.empty(ends[-1], np.uint8)
    for row in range(len(starts)):
        to, begin = np.uint64(ends[row]), np.uint64(starts[row])
        for byte in range(np.uint64(max(lengths[row], 0))):
            out[to + byte] = data[begin + byte]
    return out


def begin(out: Array, position: Array, prefix: Array) -> None:
    """Write what every row begins with, and move each row's position behind it."""
    size = np.uint64(len(prefix))
    for row in range(len(position)):
        at = np.uint64(position[row])
        for byte in range(size):
            out[at + byte] = prefix[byte]
        position[row] = at + size


def place(out: Array, position: Array, order: Array, lengths: Array, starts: Array, data: Array) -> None:
    """Write one cell a row at its position: 4 bytes of length, and the value if the length is not negative."""
    for turn in range(len(order)):
        row, at = order[turn], np.uint64(position[turn])
        length, first = lengths[row], np.uint64(starts[row])
        for byte in range(4):
            out[at + np.uint64(byte)] = length >> (24 - 8 * byte) & 255
        at += np.uint64(4)
        size = np.uint64(max(length, 0))
        for byte in range(size):
            out[at + byte] = data[first + byte]
        position[turn] = at + size


@dataclass(frozen=True, slots=True)
class Loops:
    """The loops of this module, compiled."""

    walk: Callable[[Array, int, int, int], tuple[Array, Array]]
    copy: Callable[[Array, Array, Array, Array], Array]
    begin: Callable[[Array, Array, Array], None]
    place: Callable[[Array, Array, Array, Array, Array, Array], None]


@cache
def compiled() -> Loops | None:
    """The compiled loops, or None where numba is not installed."""
    try:
        from numba import njit
    except ImportError:
        return None
    fast = njit(cache=True, nogil=True)
    return Loops(fast(walk), fast(copy), fast(begin), fast(place))
