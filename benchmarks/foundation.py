"""Times the embedded foundation against named peers, in one run: ratios with their spread, pair by pair.

    python benchmarks/foundation.py [--quick] [--repo PATH] [--only WORD]

Every case runs A, B, A, B …, so that a machine that changes its speed changes both. Figures are wall time in seconds
of whole calls: minimum, median, maximum. Data is generated with a fixed seed in a temporary folder.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
MILLION = 1_000_000


@dataclass(frozen=True)
class Case:
    """A call, and the peer it is compared with (None: the figure alone)."""

    name: str
    call: Callable[[], object]
    peer_name: str = ""
    peer: Callable[[], object] | None = None
    rounds: int = 5


def timed(call: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def run(case: Case) -> None:
    """One warm-up of each, then pairs; prints a line a side and the ratio's spread."""
    case.call()
    ours, theirs = [], []
    if case.peer:
        case.peer()
    for _ in range(case.rounds):
        ours.append(timed(case.call))
        if case.peer:
            theirs.append(timed(case.peer))
    print(f"{case.name}\n    {'ours':<38}{spread(ours)}")
    if theirs:
        ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
        print(f"    {case.peer_name:<38}{spread(theirs)}\n    {'ratio, ours / peer':<38}{spread(ratios)}")


def spread(values: Sequence[float]) -> str:
    """Minimum, median, maximum."""
    return f"min {min(values):9.4f}   median {statistics.median(values):9.4f}   max {max(values):9.4f}"


@contextmanager
def folder() -> Iterator[Path]:
    """A temporary folder."""
    place = Path(tempfile.mkdtemp(prefix="workbench-bench-"))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def python(*arguments: str, environment: dict[str, str] | None = None) -> Callable[[], object]:
    """A whole Python process."""
    command = [sys.executable, *arguments]
    env = {**os.environ, **(environment or {})}
    return lambda: subprocess.run(command, check=True, capture_output=True, env=env, cwd=ROOT)


# --- data -------------------------------------------------------------------------------------------------------------


_FACTS = """
WITH d AS (
  SELECT range AS n,
    TIMESTAMP '2024-01-01' + to_microseconds(CAST(range * 63072000e6 / {deployments} AS BIGINT)) AS moment
  FROM range({deployments})
)
SELECT '{name}' AS project, md5(CAST(n AS VARCHAR)) AS cycle_id, md5(CAST(n * 10 + c AS VARCHAR) || 'c') AS feature_id,
  'deployment' AS phase_name, 'go' AS decision, CAST(exp(8 + 3 * random()) AS DECIMAL(12,2)) AS duration_seconds,
  NULL AS charged_to, NULL AS link_rule, NULL AS fixed_by, 'git' AS source, NULL AS updated_at, NULL AS metadata,
  moment AS created_at
FROM d, (SELECT unnest(range(10)) AS c)
UNION ALL
SELECT '{name}', '', 'i' || n, 'maintenance', 'fixed', CAST(exp(7 + 2 * random()) AS DECIMAL(12,2)),
  md5(CAST(n AS VARCHAR)), 'time', NULL, 'incidents', NULL, NULL, moment
FROM d WHERE n % 30 = 0
"""
_IMPORTS = """
SELECT '{name}' AS project, source, 'generated' AS origin, source AS digest, TIMESTAMP '2024-01-01' AS covered_from,
  TIMESTAMP '2026-01-02' AS covered_to, 0 AS rows_read, 0 AS rejected, TIMESTAMP '2026-01-02' AS imported_at,
  '{{}}' AS notes
FROM (VALUES ('git'), ('incidents')) AS s(source)
"""


def fill(data: Path, rows: int, projects: int) -> None:
    """A store of ``rows`` changes over two years: ten changes a deployment, one deployment in thirty failed."""
    import duckdb

    from workbench.metrics.embedded import EmbeddedStore
    from workbench.metrics.protocol import State
    from workbench.rows import FACTS, FEATURES, IMPORTS

    store = EmbeddedStore(data)
    empty = State(FACTS.empty_table(), FEATURES.empty_table(), IMPORTS.empty_table())
    for number in range(projects):
        values = {"name": f"project-{number:03d}", "deployments": max(rows // projects // 10, 1)}
        with duckdb.connect() as connection:
            connection.execute("SELECT setseed(0.42)").fetchall()
            facts = connection.sql(_FACTS.format(**values)).to_arrow_table().select(FACTS.names).cast(FACTS)
            imports = connection.sql(_IMPORTS.format(**values)).to_arrow_table().select(IMPORTS.names).cast(IMPORTS)
        store.write(str(values["name"]), empty, State(facts, FEATURES.empty_table(), imports))


def events_file(path: Path, rows: int) -> None:
    """A CSV of deployments over two years in 20 projects."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(
            f"""
            COPY (SELECT 'd' || range AS id, 'project-' || (range % 20) AS project,
              strftime(TIMESTAMP '2024-01-01' + to_seconds(range * 60), '%Y-%m-%dT%H:%M:%SZ') AS deployed_at,
              CASE WHEN range % 20 = 0 THEN 'failed' ELSE 'success' END AS status, 'deployment ' || range AS title
              FROM range({rows})) TO '{path}' (HEADER)
            """  # noqa: S608
        )


def repository(path: Path, commits: int) -> None:
    """A repository with a tag every hundred commits, made by git fast-import."""
    lines = []
    for n in range(1, commits + 1):
        when = f"{1_500_000_000 + n * 600} +0000"
        message = f"Change number {n}"
        lines.append(
            f"commit refs/heads/main\nmark :{n}\nauthor A <a@example.com> {when}\ncommitter A <a@example.com> {when}\n"
            f"data {len(message)}\n{message}\n"
            + (f"from :{n - 1}\n" if n > 1 else "")
            + f"M 644 inline f\ndata {len(str(n))}\n{n}\n"
        )
        if n % 100 == 0:
            lines.append(f"reset refs/tags/v{n // 100}.0.0\nfrom :{n}\n\n")
    subprocess.run(["git", "init", "--quiet", "--bare", path], check=True)
    subprocess.run(["git", "-C", path, "fast-import", "--quiet"], input="".join(lines).encode(), check=True)


# --- cases ------------------------------------------------------------------------------------------------------------


def dashboard(data: Path, projects: list[str] | None) -> Callable[[], object]:
    """The whole dashboard of 90 days, warm: figures, previous window, weekly trend."""
    from workbench.app import Bench
    from workbench.metrics.embedded import EmbeddedStore
    from workbench.settings import Settings

    bench = Bench(Settings(data=data), EmbeddedStore(data))
    return lambda: bench.dora(projects, days=90, now=NOW).measurement


def pandas_dashboard(data: Path) -> Callable[[], object]:
    """The peer: the window's raw rows of one project into pandas, five figures, no interval, no trend."""
    import pandas as pd

    end = NOW.replace(tzinfo=None)
    start = end - timedelta(days=90)

    def compute() -> object:
        frame = pd.concat([pd.read_parquet(path) for path in sorted((data / "metrics").glob("project-000*.parquet"))])
        rows = frame[(frame.created_at >= start) & (frame.created_at < end)]
        deployed, incidents = rows[rows.phase_name == "deployment"], rows[rows.phase_name == "maintenance"]
        failed = set(frame[frame.phase_name == "maintenance"].charged_to)
        cycles = deployed.cycle_id.unique()
        lead, recovery = deployed.duration_seconds.astype(float), incidents.duration_seconds.astype(float)
        return (
            len(cycles) / 90 * 7,
            lead.median(),
            len(failed & set(cycles)) / len(cycles),
            recovery.median(),
            recovery.mean(),
        )

    return compute


def store_cases(place: Path, quick: bool) -> Iterator[Case]:
    """Dashboards over stored rows."""
    small, million, large = place / "10k", place / "1m", place / "10m"
    fill(small, 10_000, 2)
    yield Case("dashboard, 90 days of one project, 10 thousand rows", dashboard(small, ["project-000"]), rounds=20)
    fill(million, MILLION, 1)
    yield Case(
        "dashboard, 90 days of one project, 1 million rows (all of it one project)",
        dashboard(million, ["project-000"]),
        "pandas on the raw rows",
        pandas_dashboard(million),
        rounds=10,
    )
    if quick:
        return
    fill(large, 10 * MILLION, 200)
    yield Case(
        "dashboard, 90 days of one project, 10 million rows in 200", dashboard(large, ["project-000"]), rounds=20
    )
    yield Case("dashboard, 90 days of all 200 projects together, 10 million rows", dashboard(large, None), rounds=5)


def import_cases(place: Path, quick: bool, repo: Path | None) -> Iterator[Case]:
    """Imports of a git repository and of an events file."""
    from workbench.cli.imports import import_events
    from workbench.sources.git import GitOptions, read

    path = repo or place / "repository.git"
    if repo is None:
        repository(path, 10_000 if quick else 100_000)
    form = "%H%x00%P%x00%at%x00%ct%x00%an%x00%ae%x00%B"
    log = ["git", "-C", str(path), "log", "--all", f"--format={form}"]
    yield Case(
        f"git import, reading {path.name if repo else ('10' if quick else '100') + ' thousand commits'}",
        lambda: read(path, GitOptions(project="bench")),
        "git log with the same fields",
        lambda: subprocess.run(log, check=True, stdout=subprocess.DEVNULL),
    )
    rows = MILLION // 10 if quick else MILLION
    events, data = place / "deployments.csv", place / "imported"
    events_file(events, rows)

    def load(fresh: bool) -> Callable[[], object]:
        def call() -> object:
            if fresh:
                shutil.rmtree(data, ignore_errors=True)
            return import_events([events], as_json=True, data=str(data))

        return silent(call)

    yield Case(f"import of {rows:,} events", load(fresh=True), "the same file again", load(fresh=False), rounds=3)


def silent(call: Callable[[], object]) -> Callable[[], object]:
    """The call without its output."""
    from contextlib import redirect_stderr, redirect_stdout

    def quiet() -> object:
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):  # noqa: PTH123
            return call()

    return quiet


def process_cases(place: Path) -> Iterator[Case]:
    """Whole processes, start-up included."""
    environment = {"WORKBENCH_DATA": str(place / "10k-process"), "WORKBENCH_OUT": str(place / "reports")}
    fill(place / "10k-process", 10_000, 2)
    command = ("-c", "from workbench.cli import main; main()")
    window = ("--start", "2025-10-01", "--end", "2026-01-01")
    bare = python("-c", "pass")
    yield Case("workbench --help", python(*command, "--help"), "python -c pass", bare)
    yield Case(
        "workbench dora, 10 thousand rows",
        python(*command, "dora", *window, environment=environment),
        "python -c pass",
        bare,
    )
    plain = "workbench.bench.plain_report"
    yield Case(
        "workbench report dora, end to end",
        python(*command, "report", "dora", *window, environment=environment),
        "plain papermill, then nbconvert",
        python("-m", plain, str(place / "plain"), "2025-10-01", "2026-01-01", environment=environment),
        rounds=3,
    )


def main() -> None:
    """Run the chosen cases."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smaller data")
    parser.add_argument("--repo", type=Path, help="a repository of your own for the git import")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    chosen = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start\n")
    with folder() as place:
        groups = (
            store_cases(place, chosen.quick),
            import_cases(place, chosen.quick, chosen.repo),
            process_cases(place),
        )
        for group in groups:
            for case in group:
                if chosen.only in case.name:
                    run(case)


if __name__ == "__main__":
    main()
