"""Where benchmarks write: a folder, a schema, a keyspace of their own, with names that nothing else may have.

What a run is about to make is written into a ledger first, and a lock beside it is held for as long as the run lives. A
run that ends in any way cleans up; one that was killed cannot, so the next one finds its ledger with a lock that nobody
holds, and removes what that names. Any other name is refused, whatever the ledger says.

::

    <data>/bench/scratch/<name>.json, <name>.lock, <name>/
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Final

from workbench.durable import replace_json
from workbench.errors import StoreError, WorkbenchError

PREFIX: Final = "workbench_bench_"
_NAME: Final = re.compile(rf"{PREFIX}[0-9a-f]{{12}}(_[a-z0-9_]{{0,11}}[a-z0-9])?")
Remover = Callable[[str], None]
"""Removes the schema or keyspace of that name, if it exists."""


def check(name: str) -> str:
    """The name, if a benchmark may make and remove it.

    Raises:
        StoreError: it is not one of ours.
    """
    if not _NAME.fullmatch(name):
        raise StoreError(
            f"A benchmark may not touch {name!r}.", f"It works only in names of its own, which begin with {PREFIX}."
        )
    return name


class Scratch:
    """What one run made. ``folder`` is its own; ``claim`` is called before a schema or keyspace is made."""

    def __init__(self, root: Path, name: str, removers: Mapping[str, Remover]) -> None:
        self.name = check(name)
        self._root = root
        self._removers = removers
        self._made: list[tuple[str, str]] = []
        self._write()

    @property
    def folder(self) -> Path:
        """A folder for files, on the disk of the embedded store."""
        place = self._root / self.name
        place.mkdir(exist_ok=True)
        return place

    def claim(self, store: str, suffix: str) -> str:
        """The name of a schema or keyspace that this run is about to make; it is in the ledger when this returns."""
        name = check(f"{self.name}_{suffix}")
        self._made.append((store, name))
        self._write()
        return name

    def _write(self) -> None:
        replace_json(self._root / f"{self.name}.json", {"format": 1, "made": self._made})


@contextmanager
def scratch(root: Path, removers: Mapping[str, Remover]) -> Iterator[Scratch]:
    """Names for one run; what it made is removed when the block ends, by whatever end, SIGTERM and SIGHUP included.

    Args:
        root: folder of ledgers and files.
        removers: for each store of servers, how to remove a name there.

    Raises:
        StoreError: the folder cannot be written.
    """
    from filelock import FileLock

    try:
        root.mkdir(parents=True, exist_ok=True)
        sweep(root, removers)
        name = PREFIX + secrets.token_hex(6)
        lock = FileLock(root / f"{name}.lock")
        lock.acquire(timeout=0)
    except OSError as error:
        raise StoreError(
            f"{root} cannot be written: {error.strerror or error}.", "Choose another folder with --data."
        ) from None
    try:
        with _ended_by_signals():
            yield Scratch(root, name, removers)
    finally:
        with _deaf():
            _remove(root, name, removers)
            lock.release()
            (root / f"{name}.lock").unlink(missing_ok=True)


def sweep(root: Path, removers: Mapping[str, Remover]) -> list[str]:
    """Remove what killed runs left, and return their names; what cannot be removed now stays in its ledger."""
    from filelock import FileLock, Timeout

    swept = []
    for ledger in sorted(root.glob(f"{PREFIX}*.json")):
        name = ledger.stem
        if not _NAME.fullmatch(name):
            continue
        lock = FileLock(root / f"{name}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:  # that run is alive
            continue
        try:
            if _remove(root, name, removers):
                swept.append(name)
        finally:
            lock.release()
            if not ledger.exists():
                (root / f"{name}.lock").unlink(missing_ok=True)
    return swept


def _remove(root: Path, name: str, removers: Mapping[str, Remover]) -> bool:
    """Remove all that a ledger names, then the ledger; whether all of it is gone."""
    ledger = root / f"{name}.json"
    try:
        made = [
            (str(store), check(str(made))) for store, made in json.loads(ledger.read_text(encoding="utf-8"))["made"]
        ]
    except (OSError, ValueError, KeyError, TypeError, StoreError):
        made = []
    kept = [each for store, each in made if not _try(removers.get(store), each)]
    place = root / name
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place, ignore_errors=True)
    if not kept and not place.exists():
        ledger.unlink(missing_ok=True)
    return not kept and not place.exists()


def _try(remover: Remover | None, name: str) -> bool:
    if remover is None:  # that server is not configured today
        return False
    try:
        remover(name)
    except WorkbenchError:
        return False
    return True


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block as Ctrl-C does, so that it cleans up."""

    def stop(number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    with _handling({signal.SIGTERM: stop, signal.SIGHUP: stop}):
        yield


@contextmanager
def _deaf() -> Iterator[None]:
    """Keep a second Ctrl-C from stopping the clean-up."""
    with _handling(dict.fromkeys((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), signal.SIG_IGN)):
        yield


@contextmanager
def _handling(
    handlers: Mapping[signal.Signals, Callable[[int, FrameType | None], None] | signal.Handlers],
) -> Iterator[None]:
    before = {}
    with suppress(ValueError):  # only the main thread may; elsewhere signals go where they went
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
