"""Random small histories: times on a coarse grid, so that ties, edges and empty weeks are common."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import strategies as st

from tests.facts import Row, change, deployment, incident, revert, shipped

START = datetime(2025, 3, 3)  # a Monday; Europe's clocks change on the 30th
HOURS = 24 * 42
CYCLES = [f"d{number}" for number in range(8)]
hours = st.integers(0, HOURS // 6).map(lambda step: START + timedelta(hours=6 * step))
decisions = st.sampled_from(["go", "go", "go", "rework", "no-go"])
seconds = st.none() | st.integers(0, 50_000).map(lambda hundredths: f"{hundredths / 100:.2f}")
named = st.sampled_from(["", "", "", *CYCLES, "unknown"])


@st.composite
def histories(draw: st.DrawFn, project: str = "shop") -> list[Row]:
    """Rows of git and of the three kinds of events files about one project; no id twice within a source."""
    rows: list[Row] = []
    for cycle in draw(st.lists(st.sampled_from(CYCLES), unique=True, max_size=6)):
        when, decision = draw(hours), draw(decisions)
        changes = draw(st.integers(0, 3))
        rows += [
            shipped(f"g{cycle}{number}", cycle, when, draw(seconds), decision=decision, project=project)
            for number in range(changes)
        ]
        if not changes:
            rows.append(shipped("", cycle, when, None, decision=decision, project=project))
    for cycle in draw(st.lists(st.sampled_from(CYCLES), unique=True, max_size=5)):
        rows += [deployment(cycle, draw(hours), draw(decisions), project=project)]
    for number in range(draw(st.integers(0, 4))):
        cycle = draw(st.sampled_from([*CYCLES, "unknown"]))
        rows.append(change(f"c{number}", cycle, draw(hours), project=project))
    for number in range(draw(st.integers(0, 5))):
        fixed = draw(st.none() | st.integers(0, 90_000))
        fixed_by = draw(st.none() | st.sampled_from(CYCLES)) if fixed is not None else None
        rows.append(incident(f"i{number}", draw(hours), fixed, draw(named), fixed_by=fixed_by, project=project))
    for number in range(draw(st.integers(0, 2))):
        failed, fix = draw(st.sampled_from(CYCLES)), draw(st.sampled_from(CYCLES))
        rows.append(revert(f"r{number}", failed, draw(hours), draw(st.integers(0, 9000)), fix, project=project))
    return rows
