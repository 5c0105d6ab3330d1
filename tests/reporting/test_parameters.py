"""Parameters are checked before anything starts."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reporting.small_notebooks import saved
from workbench.errors import ParameterError, ReportError
from workbench.reporting.parameters import check_parameters, declared_parameters

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cell = (
        "days: int = 90\nprojects = ['a',\n  'b']  # several lines\ntimezone = edition = 'x'\nlog.level = 3\nprint(1)"
    )
    return saved(tmp_path_factory.mktemp("notebook"), parameters=cell)


def test_the_names_assigned_in_the_tagged_cell_are_the_parameters(path: Path) -> None:
    assert declared_parameters(path) == ("days", "projects", "timezone", "edition")


def test_an_unknown_name_is_refused_with_the_nearest_and_all_known_ones(path: Path) -> None:
    with pytest.raises(ParameterError) as raised:
        check_parameters(path, {"dayz": 3})
    assert "no parameter 'dayz'" in raised.value.what
    assert raised.value.remedy == "Did you mean 'days'? Its parameters are: days, projects, timezone, edition."


def test_a_name_like_no_other_is_refused_without_a_guess(path: Path) -> None:
    with pytest.raises(ParameterError) as raised:
        check_parameters(path, {"qqq": 3})
    assert raised.value.remedy.startswith("Its parameters are")


def test_dates_become_iso_text(path: Path) -> None:
    moment = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert check_parameters(path, {"days": date(2026, 3, 29), "edition": moment}) == {
        "days": "2026-03-29",
        "edition": "2026-03-29T01:30:00+00:00",
    }


@given(value=PLAIN)
def test_json_values_stay_what_they_are(path: Path, value: object) -> None:
    assert check_parameters(path, {"days": value}) == {"days": value}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}, b"x", [Path("x")]])
def test_a_value_that_json_lacks_is_refused(path: Path, value: object) -> None:
    with pytest.raises(ParameterError, match="'days' cannot be"):
        check_parameters(path, {"days": value})


def test_a_missing_notebook_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"none\.ipynb cannot be read: No such file"):
        check_parameters(tmp_path / "none.ipynb", {})


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"cells": [3]}', "\udcff", '{"worksheets": []}'])
def test_a_file_that_is_no_notebook_is_one_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "bad.ipynb"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(ReportError, match="not a notebook of format 4"):
        check_parameters(path, {})
