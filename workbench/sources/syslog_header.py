"""The head of syslog lines by columns: priority, time, host, process and id, and where the message begins.

Three forms are told apart line by line: RFC 3164 (``Mar  1 10:00:00 web-1 sshd[7]: …``), the same with an ISO 8601 time
(rsyslog), and RFC 5424 (``<34>1 2026-03-01T10:00:00Z web-1 su 7 ID47 - …``). A ``<34>`` may stand before any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np

from workbench.sources.log_bytes import Mask, Numbers, Text, numbers
from workbench.sources.log_times import Times, classic, iso

NO_TIME: Final = "does not begin with a time (RFC 3164, RFC 5424 or ISO 8601)"
NIL_TIME: Final = "states no time"
NO_DATE: Final = "its date or time does not exist"
ORPHAN: Final = "begins with white space, and nothing stands above it"
TRUNCATED: Final = "ends within the fields of RFC 5424"
NO_PRIORITY: Final = -1
_MOST_PRIORITY: Final = 191
_LONGEST_TAG: Final = 128
_BLANK, _DASH, _OPEN, _COLON = (ord(char) for char in " -[:")


@dataclass(slots=True)
class Header:
    """What stands before the messages. Spans are (start, end) positions; an empty span says that there is none."""

    priority: Numbers
    times: Times
    host: tuple[Numbers, Numbers]
    process: tuple[Numbers, Numbers]
    pid: tuple[Numbers, Numbers]
    message_id: tuple[Numbers, Numbers]
    message: Numbers
    modern: Mask
    refused: Any
    """Why a line is none of syslog, '' where it is one (numpy, text)."""


def read_headers(text: Text, starts: Numbers, ends: Numbers, latest: datetime) -> Header:
    """The heads of these records; ``latest``: see log_times.classic."""
    priority, begin = _priorities(text, starts)
    modern = (priority != NO_PRIORITY) & (text.at(begin) == ord("1")) & (text.at(begin + 1) == _BLANK)
    begin = np.where(modern, begin + 2, begin)
    times = _times(text, begin, latest)
    refused = np.full(len(starts), "", dtype=object)
    refused[~times.exists] = NO_DATE
    refused[~times.shaped] = NO_TIME
    refused[modern & (text.at(begin) == _DASH) & (text.at(begin + 1) == _BLANK)] = NIL_TIME
    lead = text.at(starts)
    refused[(lead == _BLANK) | (lead == ord("\t"))] = ORPHAN
    after = text.at(times.ends)
    refused[times.shaped & (after != _BLANK) & (times.ends < ends)] = NO_TIME
    header = _traditional(text, np.minimum(times.ends + 1, ends), ends, priority, times)
    header.modern, header.refused = modern, refused
    if modern.any():
        _fill_modern(text, np.flatnonzero(modern), ends, header)
    return header


def _priorities(text: Text, starts: Numbers) -> tuple[Numbers, Numbers]:
    """The number in ``<34>`` (-1: none), and where the line goes on."""
    priority = np.full(len(starts), NO_PRIORITY, dtype=np.int64)
    begin = starts.copy()
    rows = np.flatnonzero(text.at(starts) == ord("<"))
    if len(rows):
        first = starts[rows] + 1
        close = text.following(">", first)
        found, good = numbers(text, first, close, 3)
        good &= found <= _MOST_PRIORITY
        priority[rows[good]] = found[good]
        begin[rows[good]] = close[good] + 1
    return priority, begin


def _times(text: Text, begin: Numbers, latest: datetime) -> Times:
    """Each line's time in the form that its first character tells."""
    first = text.at(begin)
    dated = (first >= ord("0")) & (first <= ord("9"))
    if dated.all():
        return iso(text, begin)
    if not dated.any():
        return classic(text, begin, latest)
    by_name, by_number = classic(text, begin, latest), iso(text, begin)
    names = Times.__slots__
    return Times(**{name: np.where(dated, getattr(by_number, name), getattr(by_name, name)) for name in names})


def _traditional(text: Text, begin: Numbers, ends: Numbers, priority: Numbers, times: Times) -> Header:
    """``host process[id]: message``, each of the three first parts optional."""
    word = np.minimum(text.following(" ", begin), ends)
    last = text.at(word - 1)
    hostless = (word <= begin) | (last == _COLON)
    host = (begin, np.where(hostless, begin, word))
    tag = np.where(hostless, begin, np.minimum(word + 1, ends))
    blank = np.minimum(text.following(" ", tag), ends)
    colon, bracket = text.following(":", tag), text.following("[", tag)
    closed = text.following("]", np.minimum(bracket, text.size))
    inner = np.minimum(bracket + 1, closed)
    _, numeric = numbers(text, inner, closed, 9)
    with_pid = (bracket < blank) & (bracket < colon) & (closed < blank) & numeric & (bracket > tag)
    stop = np.where(with_pid, closed + 1, np.where(colon < blank, _last_colon(text, blank), blank))
    named = (
        (text.at(stop) == _COLON) & (stop < ends) & (stop + 1 >= blank) & (stop > tag) & (stop - tag <= _LONGEST_TAG)
    )
    with_pid &= named
    message = np.where(named, stop + 1, tag)
    message += (text.at(message) == _BLANK) & (message < ends)
    process_end = np.where(with_pid, bracket, np.where(named, stop, tag))
    nothing = (tag, tag)
    pid = (np.where(with_pid, inner, tag), np.where(with_pid, closed, tag))
    return Header(priority, times, host, (tag, process_end), pid, nothing, message, nothing[0] < 0, None)


def _last_colon(text: Text, blank: Numbers) -> Numbers:
    """The colon right before the blank that ends a word (a process such as ``foo::bar:``), else the blank."""
    return np.where(text.at(blank - 1) == _COLON, blank - 1, blank)


def _fill_modern(text: Text, rows: Numbers, ends: Numbers, header: Header) -> None:
    """``HOST APP PROCID MSGID STRUCTURED-DATA MESSAGE`` for these rows; ``-`` is none."""
    begin, end = header.times.ends[rows] + 1, ends[rows]
    spans = []
    for _ in range(4):
        stop = np.minimum(text.following(" ", begin), end)
        nil = (stop - begin == 1) & (text.at(begin) == _DASH)
        spans.append((begin, np.where(nil, begin, stop)))
        begin = np.minimum(stop + 1, end)
    good = header.refused[rows] == ""
    header.refused[rows[good & (begin >= end)]] = TRUNCATED
    for name, (first, last) in zip(("host", "process", "pid", "message_id"), spans, strict=True):
        starts, stops = (edge.copy() for edge in getattr(header, name))
        starts[rows], stops[rows] = first, last
        setattr(header, name, (starts, stops))
    header.message = header.message.copy()
    header.message[rows] = begin
