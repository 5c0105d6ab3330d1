"""Runs the command as a user does: arguments in, output and exit code out."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from workbench.cli import main


@dataclass(frozen=True)
class Done:
    """What a command left: exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


Command = Callable[..., Done]


@pytest.fixture
def workbench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command, on a store and a report folder of this test's own."""
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("WORKBENCH_OUT", str(tmp_path / "reports"))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["workbench", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        code = ended.value.code
        return Done(code if isinstance(code, int) else 0 if code is None else 1, printed.out, printed.err)

    return run


DEPLOYMENTS = """\
id,deployed_at,decision,title
d1,2025-03-03T10:00:00Z,go,first
d2,2025-03-05T10:00:00Z,go,second
d3,2025-03-12T10:00:00Z,no-go,third
"""
CHANGES = """\
id,deployment,authored_at,title
c1,d1,2025-03-03T08:00:00Z,two hours
c2,d2,2025-03-05T06:00:00Z,four hours
c3,d3,2025-03-12T00:00:00Z,ten hours
"""
INCIDENTS = """\
id,began_at,resolved_at,deployment
i1,2025-03-05T11:00:00Z,2025-03-05T12:00:00Z,d2
"""
MARCH = ("--start", "2025-03-03", "--end", "2025-03-17")


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Three small events files of a project: three deployments, three changes, one incident."""
    texts = {"deployments": DEPLOYMENTS, "changes": CHANGES, "incidents": INCIDENTS}
    made = {}
    for name, text in texts.items():
        made[name] = tmp_path / f"{name}.csv"
        made[name].write_text(text)
    return made
