"""``workbench import …`` and ``workbench remove``, as a user types them."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import DEPLOYMENTS, Command
from tests.sources.git_repository import run_git


def test_events_files_are_loaded_and_counted(workbench: Command, files: dict[str, Path]) -> None:
    done = workbench("import", "events", *files.values(), "--project", "shop", "--json")
    assert done.code == 0
    assert [(one["source"], one["added"], one["rejected"]) for one in done.json["imports"]] == [
        ("deployments", 3, 0),
        ("changes", 3, 0),
        ("incidents", 1, 0),
    ]
    shop = workbench("projects", "--json").json["projects"][0]
    assert (shop["project"], shop["deployments"], shop["changes"], shop["incidents"]) == ("shop", 3, 3, 1)


def test_the_same_file_again_changes_nothing(workbench: Command, files: dict[str, Path]) -> None:
    first = workbench("import", "events", files["deployments"], "--project", "shop", "--json").json
    again = workbench("import", "events", files["deployments"], "--project", "shop", "--json").json
    assert first["imports"][0]["state"] == "imported"
    assert (again["imports"][0]["state"], again["imports"][0]["unchanged"]) == ("already imported", 3)


def test_a_file_is_only_known_as_a_whole(workbench: Command, tmp_path: Path) -> None:
    """Three things must not pass for the same import: a part of its projects, other options, an incident taken out."""
    file = tmp_path / "deployments.csv"
    file.write_text("id,deployed_at,project\nd1,2025-03-03T10:00:00Z,a\nd2,2025-03-03T10:00:00Z,b\n")
    workbench("import", "events", file)
    again = workbench("import", "events", file, "--json").json["imports"][0]
    assert (again["state"], again["projects"], again["unchanged"]) == ("already imported", ["a", "b"], 2)
    workbench("remove", "b", "--yes")
    assert workbench("import", "events", file, "--json").json["imports"][0]["added"] == 1
    assert len(workbench("projects", "--json").json["projects"]) == 2
    covered = ("--covers-from", "2025-01-01", "--covers-to", "2025-06-01")
    assert workbench("import", "events", file, *covered, "--json").json["imports"][0]["state"] == "imported"


def test_a_dry_run_says_what_it_would_do_and_does_nothing(workbench: Command, files: dict[str, Path]) -> None:
    done = workbench("import", "events", files["deployments"], "--project", "shop", "--dry-run", "--json").json
    assert (done["imports"][0]["state"], done["imports"][0]["added"]) == ("planned", 3)
    assert workbench("projects", "--json").json["projects"] == []


def test_bad_rows_go_to_a_reject_file_and_the_good_ones_are_loaded(workbench: Command, tmp_path: Path) -> None:
    file = tmp_path / "deployments.csv"
    file.write_text(DEPLOYMENTS + "d4,yesterday,go,bad\n")
    done = workbench("import", "events", file, "--project", "shop", "--json").json["imports"][0]
    assert (done["added"], done["rejected"]) == (3, 1)
    rejects = Path(done["reject_file"]).read_text()
    assert "deployments.csv" in rejects
    assert ",5," in rejects, "the line of the bad row"
    assert "yesterday" in rejects


def test_strict_refuses_a_file_with_a_bad_row_as_a_whole(workbench: Command, tmp_path: Path) -> None:
    file = tmp_path / "deployments.csv"
    file.write_text(DEPLOYMENTS + "d4,yesterday,go,bad\n")
    done = workbench("import", "events", file, "--project", "shop", "--strict")
    assert done.code == 1
    assert "line 5" in done.err
    assert "--strict" in done.err
    assert workbench("projects", "--json").json["projects"] == []


def test_standard_input_is_read(workbench: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(DEPLOYMENTS.encode())))
    done = workbench("import", "events", "-", "--project", "shop", "--json")
    assert done.json["imports"][0]["added"] == 3


def test_local_times_need_a_zone(workbench: Command, tmp_path: Path) -> None:
    file = tmp_path / "deployments.csv"
    file.write_text("id,deployed_at\nd1,2025-03-03T10:00:00\n")
    refused = workbench("import", "events", file, "--project", "shop", "--json").json["imports"]
    assert refused[0]["rejected"] == 1
    taken = workbench("import", "events", file, "--project", "shop", "--zone", "Europe/Berlin", "--json").json[
        "imports"
    ]
    assert taken[0]["added"] == 1


def test_half_a_covered_time_is_wrong_use(workbench: Command, files: dict[str, Path]) -> None:
    done = workbench("import", "events", files["incidents"], "--project", "shop", "--covers-from", "2025-01-01")
    assert done.code == 2
    assert "--covers-to" in done.err


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two tagged commits."""
    folder = tmp_path / "shop"
    folder.mkdir()
    run_git(folder, "init", "--quiet", "--initial-branch=main")
    for number in (1, 2):
        dates = {"GIT_AUTHOR_DATE": f"2025-03-0{number}T08:00Z", "GIT_COMMITTER_DATE": f"2025-03-0{number}T10:00Z"}
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        run_git(folder, *who, "commit", "--quiet", "--allow-empty", "-m", f"change {number}", **dates)
        run_git(folder, "tag", f"v{number}.0.0")
    return folder


def test_a_repository_is_imported_under_its_folder_name(workbench: Command, repository: Path) -> None:
    done = workbench("import", "git", repository, "--json")
    assert done.code == 0
    assert done.json["imports"][0]["projects"] == ["shop"]
    shop = workbench("projects", "--json").json["projects"][0]
    assert (shop["deployments"], shop["first_deployment"]) == (2, "2025-03-01T10:00:00+00:00")


def test_an_unchanged_repository_is_recognised(workbench: Command, repository: Path) -> None:
    workbench("import", "git", repository)
    again = workbench("import", "git", repository, "--json").json["imports"][0]
    assert (again["state"], again["added"], again["changed"]) == ("already imported", 0, 0)


def test_a_tag_that_went_away_takes_its_deployment_along(workbench: Command, repository: Path) -> None:
    workbench("import", "git", repository)
    run_git(repository, "tag", "--delete", "v1.0.0")
    again = workbench("import", "git", repository, "--json").json["imports"][0]
    assert again["removed"] > 0
    assert workbench("projects", "--json").json["projects"][0]["deployments"] == 1


def test_another_repository_does_not_take_the_place_of_a_project(workbench: Command, repository: Path) -> None:
    workbench("import", "git", repository)
    run_git(repository, "checkout", "--quiet", "--orphan", "other")
    who = ("-c", "user.name=Eve", "-c", "user.email=eve@example.org")
    run_git(repository, *who, "commit", "--quiet", "--allow-empty", "-m", "another history")
    run_git(repository, "tag", "--delete", "v1.0.0", "v2.0.0")
    run_git(repository, "tag", "v9.0.0")
    done = workbench("import", "git", repository)
    assert done.code == 2
    assert "another repository" in done.err
    assert "--project" in done.err
    assert workbench("projects", "--json").json["projects"][0]["deployments"] == 2, "the old history is still there"


def test_a_repository_without_deployments_names_the_options(workbench: Command, repository: Path) -> None:
    done = workbench("import", "git", repository, "--tags", "release-.*")
    assert done.code == 1
    assert "--tags" in done.err
    assert "--deploys merges" in done.err


def test_no_repository_is_one_sentence_and_no_traceback(workbench: Command, tmp_path: Path) -> None:
    done = workbench("import", "git", tmp_path)
    assert done.code == 1
    assert done.err.startswith("Error: ")
    assert "Traceback" not in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_remove_asks_for_yes_where_nobody_can_answer(workbench: Command, files: dict[str, Path]) -> None:
    workbench("import", "events", files["deployments"], "--project", "shop")
    done = workbench("remove", "shop")
    assert done.code == 2
    assert "--yes" in done.err
    assert workbench("projects", "--json").json["projects"]


def test_one_incident_can_be_removed_and_comes_back_with_its_file(workbench: Command, files: dict[str, Path]) -> None:
    workbench("import", "events", *files.values(), "--project", "shop")
    done = workbench("remove", "shop", "--incident", "i1", "--yes", "--json")
    assert done.json["removed"] == 1
    assert workbench("projects", "--json").json["projects"][0]["incidents"] == 0
    workbench("import", "events", files["incidents"], "--project", "shop")
    assert workbench("projects", "--json").json["projects"][0]["incidents"] == 1


def test_a_project_can_be_removed(workbench: Command, files: dict[str, Path]) -> None:
    workbench("import", "events", *files.values(), "--project", "shop")
    assert workbench("remove", "shop", "--yes").code == 0
    assert workbench("projects", "--json").json["projects"] == []
    assert workbench("remove", "shop", "--yes").code == 2, "there is nothing to remove any more"
