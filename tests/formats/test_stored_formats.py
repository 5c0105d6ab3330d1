"""A sample of each file format that was ever written: later versions go on reading it. Samples are never changed."""

from __future__ import annotations

import json
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.facts import NOW, PROJECT, at, extract, incident, load
from workbench.metrics.dora import Question, as_json, measure
from workbench.metrics.embedded import EmbeddedStore
from workbench.metrics.quality import inspect
from workbench.model import Window

HERE = Path(__file__).parent


def opened(tmp_path: Path) -> EmbeddedStore:
    shutil.copytree(HERE / "store-v1", tmp_path / "data")
    return EmbeddedStore(tmp_path / "data")


def test_store_of_format_1_is_read(tmp_path: Path) -> None:
    state = opened(tmp_path).read([PROJECT])
    found = {(one["cycle_id"], one["feature_id"]): one for one in state.facts.to_pylist()}
    assert {key: (one["source"], one["decision"], one["duration_seconds"]) for key, one in found.items()} == {
        ("d1", "c1"): ("git", "go", Decimal("3600.00")),
        ("d2", "c2"): ("git", "go", None),
        ("d2", ""): ("deployments", "no-go", None),
        ("d1", "r1"): ("git", "fixed", Decimal("86400.00")),
        ("", "i1"): ("incidents", "fixed", Decimal("600.00")),
    }
    assert found["d2", "c2"]["created_at"] == at("2025-03-05 09:00")
    assert (found["", "i1"]["charged_to"], found["", "i1"]["link_rule"]) == ("d2", "time")
    assert sorted(state.imports["source"].to_pylist()) == ["deployments", "git", "incidents"]
    assert "First – ünï" in state.features["title"].to_pylist()


def test_store_of_format_1_goes_on(tmp_path: Path) -> None:
    """An import on top of it changes what it should, and keeps the rest."""
    store = opened(tmp_path)
    (summary,) = load(store, [extract("incidents", [incident("i2", "2025-03-06")])], tmp_path)
    assert summary.added == 1
    assert store.read([PROJECT]).facts.num_rows == 6


def test_figures_of_format_1_are_still_the_figures_of_that_store(tmp_path: Path) -> None:
    """Whoever reads figures.json finds every name that was there, with the same value."""
    store = opened(tmp_path)
    question = Question((PROJECT,), Window.between(date(2025, 3, 3), date(2025, 3, 31)), now=NOW)
    answer = measure(store, question)
    now = json.loads(json.dumps(as_json(question.window, answer, inspect(store, question, answer.coverage).as_json())))
    then = json.loads((HERE / "figures-v1.json").read_text(encoding="utf-8"))
    assert (now["format"], now["window"], now["incidents"]) == (1, then["window"], then["incidents"])
    for kind, but in (("figures", {"rule"}), ("trends", set())):
        assert [without(one, but) for one in now[kind]] == [without(one, but) for one in then[kind]]
    assert set(then["quality"]) <= set(now["quality"])


def without(one: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in one.items() if name not in names}
