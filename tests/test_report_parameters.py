"""What a DORA report may be asked for: accepted as a notebook takes it, or refused in one sentence."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from workbench.errors import ParameterError
from workbench.files import folder
from workbench.report_parameters import DoraParameters
from workbench.reporting.parameters import declared_parameters

NOTHING = {
    "project": None,
    "days": None,
    "start": None,
    "end": None,
    "timezone": None,
    "bucket": "week",
    "edition": None,
    "pooled": False,
}


def test_nothing_given_means_the_defaults() -> None:
    assert DoraParameters.check() == NOTHING


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({"project": "shop"}, {"project": "shop"}),
        ({"project": ["shop", "till"]}, {"project": ["shop", "till"]}),
        ({"days": "30"}, {"days": 30}),
        ({"start": "2026-01-01", "end": "2026-02-01"}, {"start": "2026-01-01", "end": "2026-02-01"}),
        ({"start": date(2026, 1, 1), "end": date(2026, 2, 1)}, {"start": "2026-01-01", "end": "2026-02-01"}),
        (
            {"start": datetime(2026, 1, 1, 6, tzinfo=UTC), "end": "2026-02-01"},
            {"start": "2026-01-01T06:00:00+00:00", "end": "2026-02-01"},
        ),
        ({"timezone": "Europe/Berlin", "bucket": "month"}, {"timezone": "Europe/Berlin", "bucket": "month"}),
        ({"edition": "2023", "pooled": True}, {"edition": "2023", "pooled": True}),
    ],
)
def test_values_become_what_a_notebook_takes(given: dict[str, Any], taken: dict[str, Any]) -> None:
    checked = DoraParameters.check(**given)
    assert checked == {**NOTHING, **taken}
    assert json.loads(json.dumps(checked)) == checked


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"dais": 30}, "no parameter 'dais'"),
        ({"project": []}, "project"),
        ({"project": ""}, "project"),
        ({"project": 7}, "project"),
        ({"days": 0}, "A window of 0 days"),
        ({"days": 1.5}, "days"),
        ({"days": True}, "whole number"),
        ({"days": "soon"}, "days"),
        ({"days": 30, "start": "2026-01-01", "end": "2026-02-01"}, "either days, or start and end"),
        ({"start": "2026-01-01"}, "either days, or start and end"),
        ({"start": "2026-02-01", "end": "2026-01-01"}, "empty"),
        ({"start": "yesterday", "end": "2026-01-01"}, "'yesterday' is no date"),
        ({"timezone": "Mars/Olympus"}, "Mars/Olympus"),
        ({"bucket": "hour"}, "There is no bucket 'hour'"),
        ({"edition": "1999"}, "no edition '1999'"),
        ({"pooled": "yes"}, "pooled"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError) as refused:
        DoraParameters.check(**given)
    assert said in refused.value.what
    assert refused.value.remedy
    assert "\n" not in str(refused.value)


def test_the_notebook_has_exactly_these_parameters() -> None:
    assert set(declared_parameters(folder("notebooks") / "dora.ipynb")) == set(NOTHING)
