"""Scratch places: named by a fixed rule, and gone after every end of a run, however hard."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.bench.scratch import PREFIX, check, scratch, sweep
from workbench.bench.stage import child_environment
from workbench.errors import StoreError

ROOT = Path(__file__).resolve().parents[2]
HOLD = (
    "import sys, time\n"
    "from pathlib import Path\n"
    "from workbench.bench.scratch import scratch\n"
    "def remove(name): open(sys.argv[2], 'a').write(name + ' ')\n"
    "with scratch(Path(sys.argv[1]), {'mysql': remove}) as place:\n"
    "    (place.folder / 'rows').write_text('x')\n"
    "    print(place.claim('mysql', '10k'), flush=True)\n"
    "    time.sleep(60)\n"
)


def hold(root: Path, removed: Path) -> tuple[subprocess.Popen[str], str]:
    """A run that has made a folder and a schema, and now takes its time; and the schema's name."""
    environment = child_environment(PYTHONPATH=str(ROOT))
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, root, removed], env=environment, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    with process.stdout as told:
        return process, told.readline().strip()


@pytest.mark.parametrize(
    "name",
    ["shop", "mysql", "workbench", "workbench_bench_", "workbench_bench_0123456789ab; DROP",
     "workbench_bench_0123456789AB", "../workbench_bench_0123456789ab", "workbench_bench_0123456789ab_",
     "workbench_bench_0123456789ab\n"],
)  # fmt: skip
def test_any_other_name_is_refused(name: str) -> None:
    with pytest.raises(StoreError, match="A benchmark may not touch"):
        check(name)


def test_a_run_cleans_up(tmp_path: Path) -> None:
    removed: list[str] = []
    with scratch(tmp_path, {"mysql": removed.append}) as place:
        (place.folder / "rows").write_text("x")
        name = place.claim("mysql", "10k")
        assert name == f"{place.name}_10k"
    assert removed == [name]
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_fails_cleans_up(tmp_path: Path) -> None:
    def fail() -> None:
        with scratch(tmp_path, {}) as place:
            (place.folder / "rows").write_text("x")
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        fail()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_is_stopped_cleans_up(tmp_path: Path, how: signal.Signals) -> None:
    root, removed = tmp_path / "scratch", tmp_path / "removed"
    process, name = hold(root, removed)
    process.send_signal(how)
    process.wait(20)
    assert list(root.iterdir()) == []
    assert removed.read_text().split() == [name]


def test_the_next_run_cleans_up_after_one_that_was_killed(tmp_path: Path) -> None:
    root, removed = tmp_path / "scratch", tmp_path / "removed"
    process, name = hold(root, removed)
    process.kill()
    process.wait(20)
    assert (root / name.removesuffix("_10k") / "rows").exists(), "the kill came too early to show anything"
    later: list[str] = []
    with scratch(root, {"mysql": later.append}) as place:
        place.folder.joinpath("mine").write_text("x")
        assert later == [name]
        assert [path.name for path in root.iterdir() if path.is_dir()] == [place.name]
    assert list(root.iterdir()) == []


def test_a_run_that_is_alive_is_left_alone(tmp_path: Path) -> None:
    root, removed = tmp_path / "scratch", tmp_path / "removed"
    process, name = hold(root, removed)
    try:
        assert sweep(root, {"mysql": lambda _: pytest.fail("removed the schema of a run at work")}) == []
        assert (root / name.removesuffix("_10k") / "rows").exists()
    finally:
        process.kill()
        process.wait(20)


def test_what_cannot_be_removed_now_stays_in_the_ledger(tmp_path: Path) -> None:
    def unreachable(_name: str) -> None:
        raise StoreError("The server cannot be reached.")

    with scratch(tmp_path, {"mysql": unreachable}) as place:
        name = place.claim("mysql", "10k")
    removed: list[str] = []
    assert sweep(tmp_path, {}) == [], "that server is not configured here: it is left for later"
    assert sweep(tmp_path, {"mysql": removed.append}) == [place.name]
    assert removed == [name]
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_that_names_something_else_removes_nothing_of_it(tmp_path: Path) -> None:
    ledger = tmp_path / f"{PREFIX}0123456789ab.json"
    ledger.write_text(json.dumps({"format": 1, "made": [["mysql", "production"]]}))
    sweep(tmp_path, {"mysql": lambda _: pytest.fail("removed a schema that is not a benchmark's")})
