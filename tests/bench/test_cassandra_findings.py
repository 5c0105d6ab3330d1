"""What is said of Cassandra's partitions, tombstones and heaps: over the limit, and under it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.bench.simulated_history import EVIDENCE, run
from workbench.bench.cassandra_findings import cassandra_findings
from workbench.bench.finding import Finding
from workbench.bench.history import Run

TABLE: dict[str, Any] = {
    "keyspace": "logging", "table_name": "infrastructure_logs", "node": "10.0.0.1", "largest_partition_mib": 40,
    "tombstones_p99": 3.0, "rows_per_read_p99": 1000.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def bare() -> Run:
    """A run without evidence."""
    return run(1)


def found(bare: Run, **said: Any) -> dict[str, Finding]:
    """Findings by the begin of their name."""
    evidence = {"tables": [], "heaps": {}, "shared": None, "health": [], **said}
    made = cassandra_findings(replace(bare, evidence={"cassandra": evidence}))
    return {one.name.split(" (")[0]: one for one in made}


def test_a_table_within_its_limits_is_fine_and_its_numbers_are_said(bare: Run) -> None:
    one = found(bare, tables=[TABLE])
    assert one["Large partitions"] == Finding(
        "Large partitions", "fine", "the largest is 40 MiB of 100 (logging: infrastructure_logs, 10.0.0.1)"
    )
    assert (one["Tombstones"].state, one["Tombstones"].evidence[:23]) == ("fine", "p99 of a read is 3 at m")


def test_a_large_partition_is_to_be_cut_into_parts_of_at_most_the_limit(bare: Run) -> None:
    large = found(bare, tables=[TABLE, {**TABLE, "node": "10.0.0.2", "largest_partition_mib": 250}])["Large partitions"]
    assert large.state == "look"
    assert large.name.endswith("(logging: infrastructure_logs, 10.0.0.2)")
    assert large.remedy.endswith("migrate(parts=3).")
    assert large.gain == "partitions of about 83 MiB; a question about an hour reads one of 3 parts"


@pytest.mark.parametrize(
    ("dead", "live", "state"), [(9, 0, "fine"), (11, 0, "look"), (190, 1000, "fine"), (250, 1000, "look")]
)
def test_tombstones_are_many_beside_the_live_rows_of_a_read(bare: Run, dead: int, live: int, state: str) -> None:
    one = found(bare, tables=[{**TABLE, "tombstones_p99": dead, "rows_per_read_p99": live}])["Tombstones"]
    assert one.state == state
    if state == "look":
        assert one.gain == f"{round(100 * dead / (dead + live))} % of what these reads go through"


def test_a_table_that_was_not_read_says_nothing_of_tombstones(bare: Run) -> None:
    assert "Tombstones" not in found(bare, tables=[{**TABLE, "tombstones_p99": None}])


@pytest.mark.parametrize(
    ("heap", "state", "gain"),
    [(1.0, "look", "collections"), (3.0, "fine", ""), (5.0, "look", "file cache")],
)
def test_heaps_of_one_machine_are_together_about_a_quarter_of_it(bare: Run, heap: float, state: str, gain: str) -> None:
    shared = {"nodes": 2, "cores": 2, "memory_gib": 24}
    one = found(bare, heaps={"127.0.0.1": heap, "127.0.0.2": heap}, shared=shared)["Heap"]
    assert one.state == state
    assert f"{2 * heap:.1f} GiB of heap on a machine of 24 GiB" in one.evidence
    assert gain in one.gain
    assert ("MAX_HEAP_SIZE=3072M" in one.remedy) is (state == "look")


def test_the_memory_of_other_machines_is_not_guessed(bare: Run) -> None:
    one = found(bare, heaps={"10.0.0.1": 8.0})["Heap"]
    assert (one.state, one.evidence) == ("fine", "about 8.0 GiB: a quarter of 32 GiB")


def test_nodes_that_answered_nothing_are_not_measured(bare: Run) -> None:
    (one,) = cassandra_findings(replace(bare, evidence={"cassandra": {"tables": [], "error": "No node answers."}}))
    assert (one.state, one.evidence) == ("not measured", "No node answers.")


def test_everything_of_a_run_has_its_number_and_what_is_wrong_its_remedy(bare: Run) -> None:
    made = list(cassandra_findings(replace(bare, evidence=EVIDENCE)))
    assert {one.state for one in made} == {"look"}
    for one in made:
        assert any(letter.isdigit() for letter in one.evidence), one
        assert one.remedy, one
