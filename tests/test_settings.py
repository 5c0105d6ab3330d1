"""Where settings come from, which one wins, and what a wrong one says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from workbench import settings
from workbench.errors import ConfigurationError


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_defaults_without_environment_and_file() -> None:
    found = settings.load()
    assert (found.timezone, found.link_hours, found.out) == ("UTC", 168.0, Path("reports"))
    assert found.data.is_absolute()


def test_arguments_win_over_environment_over_file(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "workbench.toml").write_text('timezone = "Asia/Tokyo"\nedition = "2021"\nlink_hours = 24\n')
    monkeypatch.setenv("WORKBENCH_EDITION", "2023")
    monkeypatch.setenv("WORKBENCH_LINK_HOURS", "48")
    found = settings.load(link_hours=72, data=None)
    assert (found.timezone, found.edition, found.link_hours) == ("Asia/Tokyo", "2023", 72.0)


def test_file_of_a_folder_above_counts_and_the_nearest_wins(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = here / "a" / "b"
    below.mkdir(parents=True)
    (here / "workbench.toml").write_text("link_hours = 1")
    monkeypatch.chdir(below)
    assert settings.load().link_hours == 1
    (here / "a" / "workbench.toml").write_text("link_hours = 2")
    assert settings.load().link_hours == 2


def test_relative_folders_in_the_file_are_relative_to_it(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "workbench.toml").write_text('data = "store"\nout = "../reports"\n')
    below = here / "deep"
    below.mkdir()
    monkeypatch.chdir(below)
    found = settings.load()
    assert found.data == here / "store"
    assert os.path.normpath(found.out) == str(here.parent / "reports")


def test_relative_files_of_a_server_are_relative_to_the_file(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "workbench.toml").write_text('metrics_password_file = "secret"\nmetrics_tls_ca = "tls/ca.pem"\n')
    (here / "deep").mkdir()
    monkeypatch.chdir(here / "deep")
    found = settings.load()
    assert (found.metrics_password_file, found.metrics_tls_ca) == (here / "secret", here / "tls" / "ca.pem")


def test_absolute_and_home_folders_stay(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    (here / "workbench.toml").write_text('data = "/srv/store"\nout = "~/reports"\n')
    found = settings.load()
    assert (found.data, found.out) == (Path("/srv/store"), Path("/home/somebody/reports"))


def test_relative_folder_of_the_environment_is_relative_to_where_one_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", "store")
    assert settings.load().data == Path("store")


def test_empty_variable_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_TIMEZONE", "")
    assert settings.load().timezone == "UTC"


def test_edition_may_be_written_as_a_number(here: Path) -> None:
    (here / "workbench.toml").write_text("edition = 2021")
    assert settings.load().edition == "2021"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('colour = "red"', "'colour'"),
        ('timezone = "Mars/Olympus"', "'timezone'.*Mars/Olympus"),
        ("link_hours = 0", "'link_hours'"),
        ("link_hours = inf", "'link_hours'"),
        ("link_hours = nan", "'link_hours'"),
        ("link_hours = 1e9", "'link_hours'"),
        ("timezone = [1]", "'timezone'"),
        ("timezone = ", "workbench.toml"),
    ],
)
def test_wrong_value_names_the_setting_and_the_file(here: Path, text: str, names: str) -> None:
    (here / "workbench.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=names) as caught:
        settings.load()
    assert str(here / "workbench.toml") in str(caught.value)


def test_wrong_variable_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_LINK_HOURS", "a secret that slipped")
    with pytest.raises(ConfigurationError, match="WORKBENCH_LINK_HOURS") as caught:
        settings.load()
    assert "secret" not in str(caught.value)


def test_nothing_is_read_at_import(here: Path) -> None:
    """A broken file is an error of the command that needs it, not of every import."""
    import importlib

    (here / "workbench.toml").write_text("= broken")
    importlib.reload(settings)
