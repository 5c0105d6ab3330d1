"""Times of the logs room on this machine: parsing RFC 3164 on one core, loading the embedded store, reading it.

    taskset -c 0 python benchmarks/logs.py [LINES]

Wall time says little where others use the same core, so lines a second of processor time stand beside it.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from workbench.logs.embedded import EmbeddedLogStore
from workbench.sources.log_options import LogOptions
from workbench.sources.logs import read

FIRST = datetime(2026, 3, 1)
DAY = date(2026, 3, 1)
MESSAGES = (
    "kernel: [{n}.123456] usb 1-1: new high-speed USB device number {k} using xhci_hcd",
    "sshd[{p}]: Failed password for invalid user bob{k} from 10.0.{k}.7 port {p} ssh2",
    "CRON[{p}]: (root) CMD (command -v debian-sa1 > /dev/null && debian-sa1 1 1)",
    "systemd[1]: Started Session {p} of user deploy.",
    "dhclient[{p}]: DHCPREQUEST of 10.0.{k}.9 on eth0 to 10.0.0.1 port 67 (xid=0x{p:08x})",
    'nginx[{p}]: 10.0.{k}.1 - - "GET /index.html HTTP/1.1" 200 {p} "-" "Mozilla/5.0"',
)


def write_lines(path: Path, count: int, first: datetime = FIRST) -> None:
    """A day of three hosts, in order of time."""
    chance = random.Random(1)  # noqa: S311 - a benchmark
    with path.open("w", encoding="ascii") as file:
        for number in range(count):
            moment = first + timedelta(seconds=86_399 * number / count)
            k, p = chance.randrange(250), chance.randrange(100_000)
            message = chance.choice(MESSAGES).format(n=number, k=k, p=p)
            file.write(f"{moment:%b} {moment.day:2d} {moment:%H:%M:%S} web-{k % 3} {message}\n")


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """The answer, wall seconds, and processor seconds of all threads."""
    wall, processor = time.perf_counter(), time.process_time()
    answer = work()
    return answer, time.perf_counter() - wall, time.process_time() - processor


def main() -> None:
    """Print the times."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    options = LogOptions(year=2026)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "syslog"
        write_lines(path, count)
        print(f"{count:,} lines of {path.stat().st_size / count:.0f} bytes; cores: {len(os.sched_getaffinity(0))}")
        for _ in range(3):
            rows, wall, processor = timed(lambda: sum(batch.rows.num_rows for batch in read([path], options)))
            print(f"parse: {rows / wall:,.0f} lines/s, {rows / processor:,.0f} a processor second")
        store = EmbeddedLogStore(Path(folder) / "logs")
        for name in ("load", "load again"):
            report, wall, processor = timed(lambda: store.load(read([path], options)))
            rows = report.loaded + report.skipped
            print(f"{name} (parsing included): {rows / wall:,.0f} rows/s, {rows / processor:,.0f} a processor second")
        questions: dict[str, Callable[[], Any]] = {
            "newest 1,000": lambda: store.partition("web-1", DAY, newest=1000),
            "newest 1,000 of a source": lambda: store.partition("web-1", DAY, newest=1000, source="sshd"),
            "an hour": lambda: store.partition(
                "web-1", DAY, since=FIRST + timedelta(hours=10), until=FIRST + timedelta(hours=11)
            ),
            "counts of the day": lambda: store.stats("web-1", DAY),
            "hosts": store.hosts,
        }
        for name, ask in questions.items():
            walls = [timed(ask)[1] for _ in range(15)]
            print(
                f"{name}: {ask().num_rows:,} rows, median {median(walls) * 1000:.1f} ms, best {min(walls) * 1000:.1f}"
            )


if __name__ == "__main__":
    main()
