"""Log files of every format as batches of rows: syslog, journald, JSON Lines and Parquet (docs/logs.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Protocol

import pyarrow as pa

from workbench.log_rows import LOG_ROWS, LogBatch
from workbench.rows import REJECTS
from workbench.sources.log_options import Format, LogOptions
from workbench.sources.log_stream import LONGEST, PARQUET, Block, Source

_TOO_LONG: Final = f"is longer than {LONGEST // 2**20} MiB"
_JOURNAL_KEY: Final = b'"__REALTIME_TIMESTAMP"'


class Reader(Protocol):
    """Understands the blocks of one source, in their order."""

    @property
    def continues(self) -> bool:
        """Whether a line that begins with white space belongs to the one before."""

    @property
    def meaning(self) -> tuple[object, ...]:
        """What else than the content decides the rows."""

    def read(self, block: Block) -> tuple[pa.Table, pa.Table, dict[str, int]]:
        """Rows, rejects and notes of a block."""


def read(paths: Iterable[Path | str], options: LogOptions | None = None) -> Iterator[LogBatch]:
    """Batches of a few ten thousand rows, file after file; ``-`` is standard input. Memory is bounded.

    Raises:
        SourceError: a file cannot be read, or not to its end; the batches before are good.
        ParameterError: an option makes no sense.
    """
    chosen = options or LogOptions()
    chosen.check()
    for path in paths:
        source = Source(path)
        try:
            yield from _batches(source, chosen)
        finally:
            source.close()


def _batches(source: Source, options: LogOptions) -> Iterator[LogBatch]:
    kind = options.format or _format(source.head)
    if kind == "parquet":
        from workbench.sources.log_table import parquet_batches

        yield from parquet_batches(source, options)
        return
    reader = _reader(kind, source, options)
    digest = source.digest(reader.meaning)
    for chunk, block in enumerate(source.blocks(reader.continues)):
        rows, rejects, notes = _too_long(source, block) if block.too_long else reader.read(block)
        yield LogBatch(rows, source.origin, digest, chunk, rejects, block.lines, notes, block.position, source.size)


def _format(head: bytes) -> Format:
    """By the first bytes: Parquet, an object a line, or else syslog."""
    if head.startswith(PARQUET):
        return "parquet"
    first = head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    if not first.startswith(b"{"):
        return "syslog"
    return "journald" if _JOURNAL_KEY in first.split(b"\n", 1)[0] else "jsonl"


def _reader(kind: Format, source: Source, options: LogOptions) -> Reader:
    if kind == "journald":
        from workbench.sources.journald import JournalReader

        return JournalReader(source, options)
    if kind == "jsonl":
        from workbench.sources.log_table import JsonReader

        return JsonReader(source, options)
    from workbench.sources.syslog import SyslogReader

    return SyslogReader(source, options)


def _too_long(source: Source, block: Block) -> tuple[pa.Table, pa.Table, dict[str, int]]:
    from workbench.sources.table import shown

    reject: dict[str, Any] = {
        "file": source.origin,
        "line": block.first_line,
        "reason": _TOO_LONG,
        "text": shown(block.data),
    }
    return LOG_ROWS.empty_table(), pa.Table.from_pylist([reject], schema=REJECTS), {}
