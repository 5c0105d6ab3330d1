"""The set-up that a user types: `make` and the scripts behind it. What it installs is tried by running it (.ci/run)."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ECHO = """#!/bin/sh
if [ "$1" = projects ]; then echo "$STORED"; else printf '<%s>' "$@"; echo; fi
"""

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def echoing(tmp_path: Path) -> Path:
    """A folder with a `workbench` that prints what it was given, each argument between < and >."""
    command = tmp_path / "bin" / "workbench"
    command.parent.mkdir()
    command.write_text(ECHO)
    command.chmod(0o755)
    return command.parent


def make_report(echoing: Path, *values: str, stored: str = "[]") -> subprocess.CompletedProcess[str]:
    """`make report` with nothing to install, and with the echoing command in place of the installed one."""
    command = ["make", "--silent", "-C", str(ROOT), "report", "RUN=", f'ACTIVE=PATH="{echoing}:$$PATH"', *values]
    environment = os.environ | {"STORED": stored, "MAKEFLAGS": ""}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_report_passes_values_on_untouched(echoing: Path, tmp_path: Path) -> None:
    repository = tmp_path / 'it\'s $HOME $(touch pwned) "mine"'
    repository.mkdir()
    hostile = f"a; $(shell touch {tmp_path}/pwned) `touch {tmp_path}/pwned` $x"
    done = make_report(echoing, f"REPO={repository}", f"PROJECT={hostile}", r"TAGS=v[0-9.]+$", "DAYS=9")
    assert done.stdout.splitlines() == [
        rf"<import><git><--project={hostile}><--tags=v[0-9.]+$><--><{repository}>",
        f"<report><dora><--project={hostile}><--days=9>",
    ]
    assert not (tmp_path / "pwned").exists(), "a value was run as a command"


def test_report_names_a_project_after_its_folder(echoing: Path, tmp_path: Path) -> None:
    bare = tmp_path / "shop.git"
    bare.mkdir()
    assert make_report(echoing, f"REPO={bare}").stdout.splitlines()[-1] == "<report><dora><--project=shop>"


@pytest.mark.parametrize(
    ("stored", "steps"),
    [
        ("[]", ["<import><sample>", "<report><dora>"]),
        ('{"format": 1,\n "projects": []}', ["<import><sample>", "<report><dora>"]),
        ('["shop"]', ["<report><dora>"]),
        ('{"format": 1, "projects": ["shop"]}', ["<report><dora>"]),
    ],
)
def test_report_falls_back_to_the_sample_only_when_nothing_is_stored(
    echoing: Path, stored: str, steps: list[str]
) -> None:
    assert make_report(echoing, stored=stored).stdout.splitlines() == steps


def test_report_says_when_the_repository_is_not_there(echoing: Path) -> None:
    done = make_report(echoing, "REPO=/no/such/place")
    assert done.returncode != 0
    assert "There is no folder /no/such/place." in done.stderr


def test_set_up_refuses_an_old_python_in_one_sentence(tmp_path: Path) -> None:
    old = tmp_path / "python"
    old.write_text('#!/bin/sh\nif [ "$1" = -V ]; then echo Python 3.9.2; fi\nexit 1\n')  # fails the version check
    old.chmod(0o755)
    done = subprocess.run(
        [ROOT / "scripts/make-venv", old, tmp_path / "venv"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Python 3.9.2, and 3.11 or later is needed" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_skipped_browser_and_server_tests_fail_where_nothing_may_be_skipped(tmp_path: Path) -> None:
    """What .ci/run relies on, tried on a small suite with this suite's conftest.py."""
    shutil.copy(ROOT / "tests/conftest.py", tmp_path)
    (tmp_path / "test_module.py").write_text("import pytest\npytest.importorskip('no_such_module')\n")
    (tmp_path / "test_skips.py").write_text(
        "import pytest\n"
        "@pytest.mark.browser\ndef test_called(): pytest.skip('no browser')\n"
        "@pytest.mark.integration\n@pytest.mark.skipif(True, reason='no server')\ndef test_marked(): ...\n"
        "@pytest.mark.browser\n@pytest.mark.xfail\ndef test_expected(): assert False\n"
        "def test_other(): pytest.skip('another platform')\n"
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n  browser\n  integration\n")

    def summary(**environment: str) -> str:
        command = ["pytest", "-p", "no:cacheprovider", "-p", "no:cov", "--continue-on-collection-errors"]
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("COV", "PYTEST", "WORKBENCH"))}
        done = subprocess.run(
            command, cwd=tmp_path, env=inherited | environment, capture_output=True, text=True, check=False
        )
        return done.stdout.splitlines()[-1]

    assert "4 skipped, 1 xfailed" in summary()
    assert "1 failed, 1 skipped, 1 xfailed, 2 errors" in summary(WORKBENCH_NO_SKIPS="1")
