"""A block of text as arrays: where bytes stand, and columns cut out of it. Nothing here runs once a line."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

_PADDING: Final = 64
"""Zero bytes behind the text, so that a window over the last line needs no special case."""
_INLINE: Final = 12
"""Bytes that an Arrow string view holds by itself."""


class Text:
    """UTF-8 text and the places in it. Positions count bytes from 0."""

    def __init__(self, data: bytes) -> None:
        self.size = len(data)
        self._buffer = pa.py_buffer(data + bytes(_PADDING))
        self.bytes: Bytes = np.frombuffer(self._buffer, dtype=np.uint8)
        self._places: dict[int, Numbers] = {}

    def places(self, char: str) -> Numbers:
        """Every position of an ASCII character, ascending."""
        code = ord(char)
        if code not in self._places:
            self._places[code] = np.flatnonzero(self.bytes[: self.size] == code)
        return self._places[code]

    def following(self, char: str, positions: Numbers) -> Numbers:
        """The first such character at or after each position; the text's size where there is none."""
        places = np.append(self.places(char), self.size)
        found: Numbers = places[np.searchsorted(places[:-1], positions)]
        return found

    def at(self, positions: Numbers) -> Bytes:
        """The bytes at these positions; 0 behind the end."""
        return self.bytes[np.clip(positions, 0, self.size)]

    def window(self, positions: Numbers, width: int) -> Bytes:
        """The ``width`` (at most 64) bytes from each position on, a row each."""
        every = np.lib.stride_tricks.sliding_window_view(self.bytes, width)
        return every[np.minimum(positions, self.size)]

    def slices(self, starts: Numbers, ends: Numbers, missing: Mask | None = None) -> Any:
        """The text from each start to its end (exclusive) as Arrow strings; null where ``missing``."""
        views = self._views(starts, np.maximum(ends - starts, 0))
        validity = None if missing is None else pa.py_buffer(np.packbits(~missing, bitorder="little"))
        buffers = [validity, pa.py_buffer(views), self._buffer]
        array = pa.Array.from_buffers(pa.string_view(), len(starts), buffers)
        return array.cast(pa.string())

    def _views(self, starts: Numbers, lengths: Numbers) -> npt.NDArray[np.int32]:
        """Arrow's layout of string views: the length, then the text itself or its first bytes, buffer and offset."""
        views = np.zeros((len(starts), 4), dtype=np.int32)
        views[:, 0] = lengths
        head = self.window(starts, _INLINE)
        head[np.arange(_INLINE) >= lengths[:, None]] = 0
        views[:, 1:] = head.view(np.int32)
        long = lengths > _INLINE
        views[long, 2] = 0
        views[long, 3] = starts[long]
        return views


def digits(columns: Bytes) -> tuple[Numbers, Mask]:
    """The number that each row of ASCII digits spells, and whether all of them are digits."""
    values = columns.astype(np.int64) - ord("0")
    good: Mask = np.all((values >= 0) & (values <= 9), axis=1)
    number = np.zeros(len(columns), dtype=np.int64)
    for place in range(columns.shape[1]):
        number = number * 10 + values[:, place]
    return number, good


def numbers(text: Text, starts: Numbers, ends: Numbers, most: int) -> tuple[Numbers, Mask]:
    """Numbers of 1 to ``most`` digits from each start to its end, and whether there is one."""
    lengths = ends - starts
    columns = text.window(starts, most)
    inside = np.arange(most) < lengths[:, None]
    values = columns.astype(np.int64) - ord("0")
    good = (lengths >= 1) & (lengths <= most) & (((values >= 0) & (values <= 9)) | ~inside).all(axis=1)
    number = np.zeros(len(starts), dtype=np.int64)
    for place in range(most):
        number = np.where(inside[:, place], number * 10 + values[:, place], number)
    return number, good


@cache
def month_codes() -> tuple[Numbers, Numbers]:
    """The three letters of each English month as one number, sorted, and the month (1 to 12) of each."""
    names = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    codes = np.array([int.from_bytes(name.encode(), "big") for name in names], dtype=np.int64)
    order = np.argsort(codes)
    return codes[order], (order + 1).astype(np.int64)
