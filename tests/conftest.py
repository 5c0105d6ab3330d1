"""What holds for every test: nobody's settings leak in, and a check that must run cannot be skipped unseen."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import IO

import pytest
from hypothesis import settings

from tests import cassandra_server, servers

NEVER_SKIPPED = ("browser", "integration")
SERVERS = pytest.StashKey[IO[str]]()
NO_SKIPS = os.environ.get("WORKBENCH_NO_SKIPS") == "1"

settings.register_profile("quick", max_examples=50, deadline=None)
settings.register_profile("thorough", max_examples=2000, deadline=None)
settings.register_profile("reproducible", max_examples=100, deadline=None, derandomize=True, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("reproducible" if "CI" in os.environ else "quick"))


def pytest_configure(config: pytest.Config) -> None:
    """Free this process, and all that it starts, from the developer's own settings of the workbench and of git."""
    for name in list(os.environ):
        if name.startswith(("WORKBENCH_", "GIT_")) and not name.startswith(("WORKBENCH_TEST_", "WORKBENCH_NO_SKIPS")):
            del os.environ[name]
    os.environ.update(GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_NOSYSTEM="1")
    if not hasattr(config, "workerinput"):
        config.stash[SERVERS] = servers.hold()


def pytest_report_header() -> str:
    """Which servers the tests of stores run on."""
    said = f"servers: {', '.join(servers.KINDS)}"
    return said if "mysql84" in servers.KINDS else f"{said}; MySQL 8.4 not, for no docker engine answers"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Leave no database and no server behind."""
    servers.drop_databases()
    cassandra_server.drop_keyspaces()
    if SERVERS in session.config.stash:
        servers.release(session.config.stash[SERVERS])


def _refuse(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure that keeps its reason."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"WORKBENCH_NO_SKIPS=1, but: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under WORKBENCH_NO_SKIPS=1 (.ci/run), a browser or server test that is skipped has failed."""
    report = yield
    must_run = NO_SKIPS and any(item.get_closest_marker(name) for name in NEVER_SKIPPED)
    if must_run and report.skipped and not hasattr(report, "wasxfail"):
        _refuse(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a module that is skipped as a whole: whatever it holds, nobody would miss it."""
    report = yield
    if NO_SKIPS and report.skipped:
        _refuse(report)
    return report
