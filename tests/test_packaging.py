"""What is shipped: the wheel, its files, and the locks that the set-up installs from."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from workbench import files

ROOT = Path(__file__).resolve().parent.parent
FILES = "workbench/_files/"
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PIN = re.compile(r"^(?P<requirement>[a-z0-9-]+==[^ ]+(?: ; [^\\]+)?) \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Standard output of a command that has to succeed, run far from this checkout and from coverage."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("COVERAGE_", "COV_", "PYTHONPATH"))}
    done = subprocess.run(command, cwd=cwd, env=inherited | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the sdist: so the sdist holds what a build needs. Downloads nothing."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed wheel, and nothing else of this project."""
    site = tmp_path_factory.mktemp("site")
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile")
    run(*pip, "--target", site, wheel, cwd=site)
    return site


def test_wheel_holds_the_package_and_its_files_only(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    strays = {name.split("/")[0] for name in names} - {"workbench", "dora_workbench-0.1.0.dist-info"}
    assert not strays, f"the wheel would install {strays} for everybody"
    assert "workbench/py.typed" in names, "without py.typed, users' type checkers ignore the annotations"


@pytest.mark.parametrize(("folder", "inside"), [("workbench", ""), ("queries", FILES), ("notebooks", FILES)])
def test_wheel_holds_every_file_of(wheel: Path, folder: str, inside: str) -> None:
    tracked = run("git", "ls-files", folder, cwd=ROOT).splitlines()
    assert tracked, f"{folder}/ is empty"
    missing = {inside + name for name in tracked} - set(zipfile.ZipFile(wheel).namelist())
    assert not missing, f"an installed workbench lacks {missing}"


def test_installed_package_finds_its_own_files(installed: Path, tmp_path: Path) -> None:
    code = "from workbench import files; print(files.__file__, files.folder('queries'), files.folder('notebooks'))"
    module, queries, notebooks = run(sys.executable, "-c", code, cwd=tmp_path, PYTHONPATH=str(installed)).split()
    assert Path(module).is_relative_to(installed), "the test looked at the checkout, not at the wheel"
    assert Path(queries) == installed / "workbench/_files/queries"
    assert Path(notebooks) == installed / "workbench/_files/notebooks"


def test_installed_command_starts_anywhere(installed: Path, tmp_path: Path) -> None:
    assert "import" in run(installed / "bin/workbench", "--help", cwd=tmp_path, PYTHONPATH=str(installed))


def test_checkout_uses_its_own_files() -> None:
    assert files.folder("queries") == ROOT / "queries"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_lock_is_only_pins_and_hashes(lock: Path) -> None:
    """So no host, index or path of the machine that made it, and no requirement that pip would take unchecked."""
    lines = lock.read_text().splitlines()
    strange = [line for line in lines if not PIN.match(line) and not HASH.match(line)]
    assert not strange, f"{lock.name} holds more than pins and hashes: {strange[:3]}"
    unchecked = [a for a, b in zip(lines, [*lines[1:], ""], strict=True) if PIN.match(a) and not HASH.match(b)]
    assert not unchecked, f"{lock.name} has no hash for {unchecked}"


def pins(lock: str) -> dict[str, list[Requirement]]:
    found: dict[str, list[Requirement]] = {}
    for line in (ROOT / "requirements" / lock).read_text().splitlines():
        if match := PIN.match(line):
            pin = Requirement(match["requirement"])
            found.setdefault(canonicalize_name(pin.name), []).append(pin)
    return found


def wanted(lock: str) -> list[Requirement]:
    """What pyproject.toml asks of a lock."""
    said = project()
    groups = said["dependency-groups"]
    more = {
        "run.txt": groups["build"],
        "test.txt": [*groups["build"], *(each for each in groups["dev"] if isinstance(each, str))],
        "lab.txt": [*groups["build"], *said["project"]["optional-dependencies"]["lab"]],
        "mysql.txt": said["project"]["optional-dependencies"]["mysql"],
    }
    return [Requirement(text) for text in [*said["project"]["dependencies"], *more[lock]]]


@pytest.mark.parametrize("lock", ["run.txt", "test.txt", "lab.txt", "mysql.txt"])
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_lock_satisfies_what_the_project_declares(lock: str, python: str) -> None:
    environment = {"python_version": python, "python_full_version": f"{python}.9"}
    pinned = pins(lock)
    for requirement in wanted(lock):
        valid = [
            pin
            for pin in pinned.get(canonicalize_name(requirement.name), [])
            if pin.marker is None or pin.marker.evaluate(environment)
        ]
        assert len(valid) == 1, f"{lock} should pin {requirement.name} once for Python {python}; run make lock"
        version = str(valid[0].specifier).removeprefix("==")
        assert requirement.specifier.contains(version), f"{lock} pins {version}, not {requirement}; run make lock"


def test_every_lock_agrees_with_the_one_that_runs() -> None:
    """The set-up installs them over each other: a package must not go up and down."""
    for name in ("test.txt", "lab.txt", "mysql.txt"):
        other = pins(name)
        for package, entries in pins("run.txt").items():
            versions = {str(pin.specifier) for pin in entries}
            assert {str(pin.specifier) for pin in other[package]} == versions, f"{name} pins another {package}"
