"""What failures of Cassandra are called, and what happens without its driver."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("cassandra", reason="cassandra-driver is not installed (extra cassandra)")

from cassandra import (
    AuthenticationFailed,
    InvalidRequest,
    OperationTimedOut,
    Unauthorized,
    Unavailable,
    WriteTimeout,
)
from cassandra.cluster import NoHostAvailable

from workbench.logs import driver
from workbench.logs.address import parse

ADDRESS = parse("cassandra://user:secret@h1,h2/logs")


def unavailable() -> Unavailable:
    return Unavailable("no", consistency=4, required_replicas=2, alive_replicas=1)


@pytest.mark.parametrize(
    ("error", "says", "remedy"),
    [
        (NoHostAvailable("none", {"h1": AuthenticationFailed("Bad credentials")}), "password", "WORKBENCH_LOGS_URL"),
        (NoHostAvailable("none", {"h1": AuthenticationFailed("Cannot achieve QUORUM")}), "No node answers", "runs"),
        (NoHostAvailable("none", {"h1": OSError("refused")}), "No node answers", "address"),
        (InvalidRequest("unconfigured table infrastructure_logs"), "no such keyspace or table", "workbench migrate"),
        (InvalidRequest("Keyspace 'logs' does not exist"), "no such keyspace or table", "workbench migrate"),
        (InvalidRequest("Batch too large."), "refused: Batch too large.", "log"),
        (Unauthorized("no SELECT"), "does not allow", "Grant"),
        (unavailable(), "1 of the 2 replicas", "consistency"),
        (OperationTimedOut(), "in time", "again"),
    ],
)
def test_failures_are_one_sentence_and_a_remedy(error: Exception, says: str, remedy: str) -> None:
    found = driver.sentence(ADDRESS, error)
    assert says in found.what
    assert remedy in found.remedy
    assert "secret" not in str(found)


def test_what_is_asked_again_and_what_is_not() -> None:
    assert driver.is_refusal(InvalidRequest("too large"))
    for passing in (OperationTimedOut(), unavailable(), NoHostAvailable("none", {}), OSError()):
        assert not driver.is_refusal(passing)
    assert driver.is_silence(OperationTimedOut())
    slow = WriteTimeout("slow", consistency=1, required_responses=1, received_responses=0, write_type=3)
    assert driver.is_too_slow(slow)
    assert not driver.is_silence(slow), "the node answered; another would have to wait for the same replicas"


def test_without_the_driver_the_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['cassandra'] = None\n"
        "from workbench.errors import MissingExtraError\n"
        "try:\n    import workbench.logs.cassandra\n"
        "except MissingExtraError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "dora-workbench[cassandra]" in done.stdout
