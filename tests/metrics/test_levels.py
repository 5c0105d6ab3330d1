"""Every edition at exactly each of its bounds, as research and levels.toml give them."""

from __future__ import annotations

import math

import pytest

from workbench.errors import ParameterError
from workbench.metrics.levels import LEAST_DAYS, edition, editions
from workbench.model import METRICS, Metric

HOUR, DAY, WEEK, MONTH, HALF_YEAR = 3600.0, 86_400.0, 604_800.0, 30 * 86_400.0, 180 * 86_400.0


def below(value: float) -> float:
    return math.nextafter(value, -math.inf)


def above(value: float) -> float:
    return math.nextafter(value, math.inf)


@pytest.mark.parametrize(
    ("key", "metric", "value", "level"),
    [
        ("2025", "deployment_frequency", 168, "10/10"),  # once an hour
        ("2025", "deployment_frequency", below(168), "8/10"),
        ("2025", "deployment_frequency", 7, "8/10"),  # once a day
        ("2025", "deployment_frequency", below(7), "6/10"),
        ("2025", "deployment_frequency", 1, "6/10"),
        ("2025", "deployment_frequency", below(1), "4/10"),
        ("2025", "deployment_frequency", 7 / 30, "4/10"),  # once in 30 days
        ("2025", "deployment_frequency", below(7 / 30), "2/10"),
        ("2025", "deployment_frequency", 7 / 180, "2/10"),
        ("2025", "deployment_frequency", below(7 / 180), "0/10"),
        ("2025", "deployment_frequency", 0, "0/10"),
        *[
            ("2025", metric, value, level)
            for metric in ("lead_time", "recovery_time")
            for value, level in [
                (0, "10/10"), (below(HOUR), "10/10"), (HOUR, "8/10"), (below(DAY), "8/10"), (DAY, "6/10"),
                (below(WEEK), "6/10"), (WEEK, "4/10"), (below(MONTH), "4/10"), (MONTH, "2/10"),
                (below(HALF_YEAR), "2/10"), (HALF_YEAR, "0/10"),
            ]
        ],
        ("2025", "change_fail_rate", 0, "10.0/10"),
        ("2025", "change_fail_rate", 0.19, "8.1/10"),
        ("2025", "change_fail_rate", 1, "0.0/10"),
        ("2025", "rework_rate", 0.22, "7.8/10"),
        ("2023", "deployment_frequency", 5, "elite"),
        ("2023", "deployment_frequency", below(5), "high"),
        ("2023", "deployment_frequency", 1, "high"),
        ("2023", "deployment_frequency", below(1), "medium"),
        ("2023", "deployment_frequency", 7 / 30, "medium"),
        ("2023", "deployment_frequency", below(7 / 30), "low"),
        ("2023", "lead_time", below(DAY), "elite"),
        ("2023", "lead_time", DAY, "high"),
        ("2023", "lead_time", WEEK, "medium"),
        ("2023", "lead_time", below(MONTH), "medium"),
        ("2023", "lead_time", MONTH, "low"),
        ("2023", "change_fail_rate", 1 / 20, "elite"),
        ("2023", "change_fail_rate", above(1 / 20), "high"),
        ("2023", "change_fail_rate", 1 / 10, "high"),
        ("2023", "change_fail_rate", above(0.1), "medium"),
        ("2023", "change_fail_rate", 3 / 20, "medium"),
        ("2023", "change_fail_rate", above(3 / 20), "low"),
        ("2023", "recovery_time", below(HOUR), "elite"),
        ("2023", "recovery_time", HOUR, "high"),
        ("2023", "recovery_time", DAY, "medium"),
        ("2023", "recovery_time", WEEK, "low"),
        ("2023", "rework_rate", 0.1, None),
        ("2021", "deployment_frequency", 5, "elite"),
        ("2021", "deployment_frequency", below(5), "high"),
        ("2021", "deployment_frequency", 7 / 30, "high"),
        ("2021", "deployment_frequency", 7 / 180, "medium"),
        ("2021", "deployment_frequency", below(7 / 180), "low"),
        ("2021", "lead_time", below(HOUR), "elite"),
        ("2021", "lead_time", HOUR, "high"),
        ("2021", "lead_time", WEEK, "medium"),
        ("2021", "lead_time", HALF_YEAR, "low"),
        ("2021", "change_fail_rate", 3 / 20, "elite"),
        ("2021", "change_fail_rate", 1 / 5, "high"),
        ("2021", "change_fail_rate", 3 / 10, "medium"),
        ("2021", "change_fail_rate", above(3 / 10), "low"),
        ("2021", "recovery_time", below(HOUR), "elite"),
        ("2021", "recovery_time", DAY, "medium"),
        ("2021", "recovery_time", WEEK, "low"),
    ],
)  # fmt: skip
def test_level_at_its_bound(key: str, metric: Metric, value: float, level: str | None) -> None:
    assert edition(key).level(metric, value, 90) == level


def test_frequency_needs_28_covered_days() -> None:
    assert edition("2025").level("deployment_frequency", 5, LEAST_DAYS) == "6/10"
    assert edition("2025").level("deployment_frequency", 5, below(28)) is None
    assert edition("2025").level("lead_time", 5, 1) == "10/10"


def test_no_value_has_no_level() -> None:
    for key in editions():
        assert all(edition(key).level(metric, None, 90) is None for metric in METRICS)


def test_every_edition_says_where_it_is_from() -> None:
    assert list(editions()) == ["2025", "2023", "2021"]
    assert all(one.source and one.name and one.note for one in editions().values())


def test_scores_have_the_published_average() -> None:
    assert [edition("2025").average(metric) for metric in METRICS] == [4.8, 5.5, 8.1, 7.4, 7.8]
    assert edition("2023").average("lead_time") is None


def test_unknown_edition_names_the_known_ones() -> None:
    with pytest.raises(ParameterError, match="2025, 2023, 2021"):
        edition("1999")
