"""``workbench dora``, ``projects``, ``doctor``, and how the command ends when something is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import MARCH, Command


def test_figures_as_json_are_those_worked_out_by_hand(workbench: Command, files: dict[str, Path]) -> None:
    """Two covered weeks: 3 deployments, d2 failed (named), d3 by its own decision; lead times 2, 4 and 10 hours."""
    covers = ("--covers-from", "2025-03-01", "--covers-to", "2025-04-01")
    workbench("import", "events", *files.values(), "--project", "shop", *covers)
    answer = workbench("dora", *MARCH, "--json").json
    assert answer["format"] == 1
    assert answer["window"] == {
        "start": "2025-03-03T00:00:00+00:00",
        "end": "2025-03-17T00:00:00+00:00",
        "timezone": "UTC",
    }
    values = {(one["metric"], one["statistic"]): one["value"] for one in answer["figures"]}
    assert values["deployment_frequency", "per_week"] == 1.5
    assert values["deployment_frequency", "median_days_per_week"] == 1.5
    assert values["lead_time", "median"] == 4 * 3600
    assert values["lead_time", "p90"] == 10 * 3600
    assert values["change_fail_rate", "rate"] == pytest.approx(2 / 3)
    assert values["recovery_time", "median"] == 3600
    assert values["rework_rate", "rate"] == 0
    assert answer["incidents"] == {"open": 0, "oldest_seconds": None, "unlinked": 0}


def test_the_table_shows_value_count_and_interval(workbench: Command, files: dict[str, Path]) -> None:
    workbench("import", "events", *files.values(), "--project", "shop")
    out = workbench("dora", *MARCH).out
    line = next(line for line in out.splitlines() if "Lead time" in line and "median" in line)
    assert "4 h" in line
    assert " 3 " in line, "the number of changes"
    assert "no data" not in line


def test_nothing_imported_says_what_to_run(workbench: Command) -> None:
    done = workbench("dora")
    assert done.code == 1
    assert "workbench import" in done.err


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--project", "nosuch"), "nosuch"),
        (("--days", "0"), "days"),
        (("--start", "2025-03-03"), "--end"),
        (("--start", "March", "--end", "2025-04-01"), "March"),
        (("--timezone", "Mars/Olympus"), "Mars/Olympus"),
        (("--bucket", "year"), "year"),
        (("--edition", "1999"), "1999"),
        (("--days", "many"), "--days"),
        (("--nosuch",), "--nosuch"),
    ],
)
def test_wrong_use_ends_with_2_and_names_what_is_wrong(
    workbench: Command, files: dict[str, Path], arguments: tuple[str, ...], word: str
) -> None:
    workbench("import", "events", files["deployments"], "--project", "shop")
    done = workbench("dora", *arguments)
    assert done.code == 2
    assert word in done.err
    assert "Traceback" not in done.err


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-c",
        "from workbench.cli import main; main()",
        "dora",
        "--debug",
        "--data",
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Traceback" in done.stderr
    assert "StoreError" in done.stderr


def test_terminal_escapes_in_names_are_inert(workbench: Command, tmp_path: Path) -> None:
    file = tmp_path / "deployments.csv"
    file.write_text("id,deployed_at,project\nd1,2025-03-03T10:00:00Z,\x1b[31mred\x07\n")
    workbench("import", "events", file)
    out = workbench("projects").out
    assert "red" in out
    assert "\x1b" not in out
    assert "\x07" not in out


def test_doctor_is_content_with_an_empty_store_and_says_what_to_do(workbench: Command) -> None:
    done = workbench("doctor", "--json")
    assert done.code == 0
    checks = {one["name"]: one for one in done.json["checks"]}
    assert checks["projects"]["state"] == "note"
    assert "workbench import" in checks["projects"]["remedy"]
    assert checks["metric store"]["state"] == "ok"


def test_doctor_finds_a_folder_that_cannot_be_written(workbench: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = workbench("doctor", "--data", tmp_path / "file" / "data", "--json")
    assert done.code == 1
    assert {one["name"]: one["state"] for one in done.json["checks"]}["data folder"] == "problem"


def test_doctor_reports_rejected_rows(workbench: Command, tmp_path: Path) -> None:
    file = tmp_path / "deployments.csv"
    file.write_text("id,deployed_at\nd1,2025-03-03T10:00:00Z\nd2,never\n")
    workbench("import", "events", file, "--project", "shop")
    checks = {one["name"]: one for one in workbench("doctor", "--json").json["checks"]}
    assert "1 rows" in checks["rejected rows"]["detail"]


@pytest.mark.parametrize(
    "command",
    [
        ("import", "git"),
        ("import", "events"),
        ("import", "sample"),
        ("remove",),
        ("dora",),
        ("report", "dora"),
        ("projects",),
        ("doctor",),
    ],
)
def test_every_command_has_help_with_an_example(workbench: Command, command: tuple[str, ...]) -> None:
    done = workbench(*command, "--help")
    assert done.code == 0
    assert f"Example: workbench {' '.join(command)}" in " ".join(done.out.split())


def test_help_loads_no_heavy_library() -> None:
    """Start-up counts: the command's help must not load what only answers need."""
    code = (
        "import sys; sys.argv = ['workbench', '--help']\n"
        "from workbench.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = {'pandas', 'pyarrow', 'duckdb', 'plotly', 'scipy', 'sqlglot', 'papermill', 'numpy'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
