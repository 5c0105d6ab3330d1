"""What a log file does not say itself, and the words that its readers share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, get_args

from workbench.errors import ParameterError
from workbench.model import zone

Format = Literal["syslog", "journald", "jsonl", "parquet"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
UNKNOWN_HOST: Final = "unknown"
FACILITIES: Final = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
)  # fmt: skip
"""Syslog facilities 0 to 23 (RFC 5424, 6.2.1) by their usual names."""


@dataclass(frozen=True, slots=True)
class LogOptions:
    """How to read log files.

    Attributes:
        format: None: told from the content.
        host: of lines that name none; None: ``unknown``.
        zone: IANA zone of times without an offset.
        year: of times without a year; None: the year that puts the line nearest before the file's last change (of a
            pipe: before now).
        columns: of JSON Lines and Parquet: column of LOG_ROWS -> name in the file, where the usual names do not fit.
        now: the time of reading, for reproducible answers.
    """

    format: Format | None = None
    host: str | None = None
    zone: str = "UTC"
    year: int | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    now: datetime | None = None

    def check(self) -> None:
        """Raises ParameterError where a value makes no sense."""
        zone(self.zone)
        if self.format is not None and self.format not in FORMATS:
            raise ParameterError(f"There is no log format {self.format!r}.", f"Use one of {', '.join(FORMATS)}.")
        if self.year is not None and not 1970 <= self.year <= 2262:
            raise ParameterError(f"The year {self.year} is not possible.", "Give one from 1970 to 2262.")
        if self.host is not None and (not self.host.strip() or "\0" in self.host):
            raise ParameterError("A host needs a name.", "Give --host NAME.")
