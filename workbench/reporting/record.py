"""The record of a run (run.json): what was asked, what came of it, and with which versions."""

from __future__ import annotations

import json
import platform
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, Literal, get_args

State = Literal["running", "done", "failed"]

FORMAT: Final = 1
FILE_NAME: Final = "run.json"
FIGURES: Final = "figures.json"
_PACKAGES: Final = {"workbench": "dora-workbench", "duckdb": "duckdb", "plotly": "plotly", "papermill": "papermill"}


@dataclass(frozen=True, slots=True)
class RunError:
    """Why a run failed: the kind of error, its message, and the code cell (counted from 1) where it happened."""

    kind: str
    message: str
    cell: int | None = None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run of a report. Times are UTC; ``seconds`` is the whole run; ``files`` are names inside ``folder``."""

    id: str
    name: str
    title: str
    state: State
    parameters: Mapping[str, Any]
    started: datetime
    finished: datetime | None = None
    seconds: float | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    error: RunError | None = None
    files: tuple[str, ...] = ()
    folder: Path | None = None

    @classmethod
    def begin(cls, name: str, title: str, parameters: Mapping[str, Any]) -> RunRecord:
        """The record of a run that starts now; its id sorts by time and is safe as a file name."""
        now = datetime.now(UTC)
        return cls(
            f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}", name, title, "running", parameters, now, versions=versions()
        )

    def end(self, *, error: RunError | None = None, files: tuple[str, ...] = ()) -> RunRecord:
        """The record of the same run, ended now: failed if there is an error, else done."""
        now = datetime.now(UTC)
        return replace(
            self,
            state="failed" if error else "done",
            finished=now,
            seconds=round((now - self.started).total_seconds(), 3),
            error=error,
            files=files,
        )

    @property
    def html(self) -> Path | None:
        """The page, where there is one."""
        return self._file(f"{self.name}.html")

    @property
    def figures(self) -> Path | None:
        """The file with every number, where the notebook left one."""
        return self._file(FIGURES)

    def _file(self, name: str) -> Path | None:
        return self.folder / name if self.folder is not None and name in self.files else None

    def to_json(self) -> str:
        """The text of run.json; the folder is where the file is, so it is not in it."""
        values = asdict(self)
        del values["folder"]
        return json.dumps({"format": FORMAT, **values}, indent=2, default=datetime.isoformat, ensure_ascii=False) + "\n"


def read_record(folder: Path) -> RunRecord:
    """The record in a run's folder.

    Raises:
        ValueError: there is none, or this version cannot read it.
    """
    try:
        values = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
        if values.pop("format") != FORMAT or values["state"] not in get_args(State):
            raise ValueError("another format")
        known = {entry.name for entry in fields(RunRecord)} - {"folder"}
        values = {name: values[name] for name in known}
        values["started"] = datetime.fromisoformat(values["started"])
        values["finished"] = datetime.fromisoformat(values["finished"]) if values["finished"] else None
        values["error"] = RunError(**values["error"]) if values["error"] else None
        values["parameters"], values["versions"] = dict(values["parameters"]), dict(values["versions"])
        values["files"] = tuple(map(str, values["files"]))
        return RunRecord(**values, folder=folder)
    except (OSError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{folder / FILE_NAME} cannot be read: {error}.") from None


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that make a report."""
    return {"python": platform.python_version(), **{name: _version(package) for name, package in _PACKAGES.items()}}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A run whose record cannot be read."""

    folder: Path
    reason: str
