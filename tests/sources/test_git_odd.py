"""Repositories as they are found: bare, shallow, damaged, oddly dated, oddly encoded, on machines with settings."""

from __future__ import annotations

import os
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.sources.git_repository import (
    ADA,
    HOUR,
    START,
    building,
    moment,
    raw_commit,
    run_git,
    store,
    tell,
)
from workbench.errors import ParameterError, SourceError
from workbench.sources.git import GitOptions, fingerprint, read


def two_releases(folder: Path, *, bare: bool = True) -> tuple[str, str]:
    """A straight history: v1 ships one change, v2 another."""
    with building(folder, bare=bare) as make:
        a, b = make.chain(2)
        make.tag("v1", a)
        make.tag("v2", b)
        make.head(b)
    return a, b


def test_it_reads_a_clone_from_any_of_its_folders(tmp_path):
    a, b = two_releases(tmp_path / "shop", bare=False)
    inner = tmp_path / "shop" / "files"
    inner.mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "shop")
    for place in ("shop", "shop/.git", "shop/files", "link"):
        told = tell(tmp_path / place)
        assert told.shipped == {a: {a}, b: {b}}
        assert told.extract.projects == ("shop",), f"read from {place}"


@pytest.mark.parametrize(
    ("folder", "project"), [("shop.git", "shop"), ("shop/repo", "shop"), ("shop/repo.git", "shop"), ("a b/c'd", "c'd")]
)
def test_the_project_is_named_after_the_folder(tmp_path, folder, project):
    (tmp_path / folder).parent.mkdir(exist_ok=True)
    two_releases(tmp_path / folder)
    assert tell(tmp_path / folder).extract.projects == (project,)


def test_a_path_that_looks_like_an_option_is_a_path(tmp_path, monkeypatch):
    a, b = two_releases(tmp_path / "--upload-pack=x")
    monkeypatch.chdir(tmp_path)
    assert tell(Path("--upload-pack=x")).shipped == {a: {a}, b: {b}}


def test_a_folder_name_that_is_no_text_becomes_one(tmp_path):
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/sh\xffp"))
    two_releases(folder)
    assert tell(folder).extract.projects == ("sh\ufffdp",)


def test_a_shallow_clone_says_so_and_a_deeper_one_is_read_again(tmp_path):
    with building(tmp_path / "full") as make:
        commits = make.chain(4)
        for number, commit in enumerate(commits):
            make.tag(f"v{number}", commit)
        make.head(commits[-1])
    shallow = tmp_path / "shallow"
    run_git(tmp_path, "clone", "-q", "--depth=2", f"file://{tmp_path}/full", str(shallow))

    told = tell(shallow)
    assert told.notes["shallow"] == 1
    assert told.shipped == {commits[2]: {commits[2]}, commits[3]: {commits[3]}}
    assert told.hours == {commits[2]: None, commits[3]: 1}

    before = fingerprint(shallow)
    run_git(shallow, "fetch", "-q", "--unshallow", "--no-tags")
    assert fingerprint(shallow) != before, "same references, but more history"
    assert tell(shallow).notes["shallow"] == 0


def test_tags_of_tags_and_tags_of_other_things(tmp_path):
    folder = tmp_path / "r"
    a, b = two_releases(folder)
    with_date = {
        "GIT_COMMITTER_DATE": f"{START + 3 * HOUR} +0000",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a",
    }
    run_git(folder, "tag", "-d", "v2")
    for name, target in (
        ("inner", b),
        ("middle", "inner"),
        ("v2", "middle"),
        ("v8", f"{b}^{{tree}}"),
        ("nested", "v8"),
    ):
        run_git(folder, "tag", "-a", "-m", "", name, target, **with_date)
    run_git(folder, "update-ref", "refs/tags/v9", run_git(folder, "rev-parse", f"{b}:files/1"))

    told = tell(folder)
    assert told.shipped == {a: {a}, b: {b}}
    assert told.deployed_at[b] == moment(3)
    assert (told.notes["tags_matched"], told.notes["tags_ignored"]) == (2, 5)
    assert told.notes["ignored_examples"] == "inner, middle, nested, v8, v9"


def test_text_of_any_encoding_becomes_text(tmp_path):
    with building(tmp_path / "r") as make:
        latin = make.commit(
            "Größe".encode("latin-1"), at=0, author="Zoë <z@x>".encode("latin-1"), encoding="ISO-8859-1"
        )
        broken = make.commit(b"Gr\xf6\xdfe \xed\xa0\x80 \xff", latin, at=1, author=b"Zo\xeb <z@x>")
        unknown = make.commit("Größe", broken, at=2, encoding="no-such-encoding")
        emoji = make.commit("🚀\tfast\x1b[31m", unknown, at=3)
        merge = make.merge(emoji, latin, at=4)
        make.tag("v1", merge)

    features = tell(tmp_path / "r").features
    assert (features[latin]["title"], features[latin]["author"]) == ("Größe", "Zoë")
    assert features[broken]["title"].startswith("Gr\ufffd\ufffde ")
    assert features[broken]["author"] == "Zo\ufffd"
    assert features[unknown]["title"] == "Größe"
    assert features[emoji]["title"] == "🚀\tfast\x1b[31m"


def test_tag_names_that_are_no_text(tmp_path):
    folder = tmp_path / "r"
    a, _ = two_releases(folder)
    (folder / "refs" / "tags").mkdir(exist_ok=True)
    (Path(os.fsdecode(os.fsencode(folder) + b"/refs/tags/v\xff"))).write_text(a + "\n")
    assert tell(folder, GitOptions(tags="v.")).features[a]["title"].startswith("v1, v\ufffd")


@pytest.mark.parametrize(
    ("seconds", "expected", "note"),
    [
        ("0", datetime(1970, 1, 1), "ancient_dates"),
        ("4102444800", datetime(2100, 1, 1), "future_dates"),
        ("253402300799", datetime(9999, 12, 31, 23, 59, 59), "future_dates"),
        ("253402300800", datetime(9999, 12, 31, 23, 59, 59), "future_dates"),
        ("9223372036854775807", datetime(9999, 12, 31, 23, 59, 59), "future_dates"),
        ("99999999999999999999999", datetime(9999, 12, 31, 23, 59, 59), "future_dates"),
    ],
)
def test_dates_out_of_this_world(tmp_path, seconds, expected, note):
    with building(tmp_path / "r") as make:
        a = make.commit("First", at=0)
        make.tag("v1", a)
    odd = store(tmp_path / "r", raw_commit(f"{ADA} {START} +0000", f"{ADA} {seconds} -9999", "Odd", a))
    run_git(tmp_path / "r", "update-ref", "refs/tags/v2", odd)

    told = tell(tmp_path / "r")
    assert told.deployed_at[odd] == expected
    assert told.notes[note] == 1
    assert told.hours[odd] is None or told.hours[odd] == (expected - moment(0)).total_seconds() / HOUR


def test_a_lead_time_of_millennia_is_none(tmp_path):
    with building(tmp_path / "r") as make:
        a = make.commit("First", at=0)
        make.tag("v1", a)
        b = make.commit("Second", a, raw_dates=(f"{START} +0000", "250000000000 +0000"))
        make.tag("v2", b)

    told = tell(tmp_path / "r")
    assert told.hours[b] is None
    assert told.notes["impossible_lead_times"] == 1


def test_damaged_commits_are_read_as_well_as_git_can(tmp_path):
    folder = tmp_path / "r"
    a, _ = two_releases(folder)
    nobody = store(folder, raw_commit("nobody", f"{ADA} {START + 9 * HOUR} +0000", "No author's date", a))
    undated = store(folder, raw_commit("nobody", "nobody", "No date at all", nobody))
    run_git(folder, "update-ref", "refs/tags/v3", nobody)
    run_git(folder, "update-ref", "refs/tags/v4", undated)

    told = tell(folder)
    assert told.deployed_at[nobody] == moment(9)
    assert told.deployed_at[undated] == datetime(1970, 1, 1)


def test_a_long_message_and_many_commits_pass_in_pieces(tmp_path, monkeypatch):
    """The stream is cut anywhere: in an id, a message, between two records."""
    with building(tmp_path / "r") as make:
        a = make.commit("First\n\n" + "words " * 2000, at=0)
        b = make.commit(f"Second\n\nThis reverts commit {a}.\n" + "x" * 5000, a, at=1)
        c = make.commit("Third", b, at=2)
        for number, commit in enumerate([a, b, c]):
            make.tag(f"v{number}", commit)
    whole = tell(tmp_path / "r")
    for size in (1, 37, 256, 9999):
        monkeypatch.setattr("workbench.sources.git_log._CHUNK", size)
        pieces = tell(tmp_path / "r")
        assert pieces.rows == whole.rows, f"read {size} bytes at a time"
        assert pieces.features == whole.features
    assert whole.incidents == [(a, f"revert:{b}", b, 1)]


def test_the_users_settings_and_the_callers_environment_change_nothing(tmp_path, monkeypatch):
    folder = tmp_path / "r"
    a, b = two_releases(folder, bare=False)
    expected = tell(folder).extract
    elsewhere = tmp_path / "elsewhere"
    two_releases(elsewhere)

    settings = tmp_path / "gitconfig"
    settings.write_text(
        "[color]\n ui = always\n[log]\n showSignature = true\n date = relative\n decorate = full\n follow = true\n"
        " mailmap = true\n[format]\n pretty = fuller\n[i18n]\n logOutputEncoding = UTF-16\n[core]\n pager = false\n"
        " abbrev = 5\n[diff]\n renames = copies\n[tag]\n sort = -creatordate\n[versionsort]\n suffix = -\n"
    )
    (folder / ".mailmap").write_text("Grace <grace@example.org> <ada@example.org>\n")
    run_git(folder, "replace", "--graft", b)
    (folder / ".git" / "info").mkdir(exist_ok=True)
    (folder / ".git" / "info" / "grafts").write_text(f"{b}\n")
    for name, value in {
        "GIT_CONFIG_GLOBAL": str(settings),
        "GIT_DIR": str(elsewhere),
        "GIT_WORK_TREE": str(tmp_path),
        "GIT_OBJECT_DIRECTORY": str(elsewhere / "objects"),
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_GRAFT_FILE": str(folder / ".git" / "info" / "grafts"),
        "LC_ALL": "de_DE.UTF-8",
    }.items():
        monkeypatch.setenv(name, value)

    found = tell(folder).extract
    assert found.facts.equals(expected.facts)
    assert found.features.equals(expected.features)
    assert found.digest == expected.digest
    assert tell(folder, GitOptions(path="files/1")).shipped == {a: {a}, b: set()}


def test_a_partial_clone_is_read_without_fetching(tmp_path):
    a, b = two_releases(tmp_path / "full")
    run_git(tmp_path / "full", "config", "uploadpack.allowFilter", "true")
    run_git(tmp_path, "clone", "-q", "--bare", "--filter=tree:0", f"file://{tmp_path}/full", "part")
    assert tell(tmp_path / "part").shipped == {a: {a}, b: {b}}
    missing_before = run_git(tmp_path / "part", "rev-list", "--objects", "--missing=print", "HEAD")
    with pytest.raises(SourceError, match=r"Git could not read .*part: .*partial clone"):
        read(tmp_path / "part", GitOptions(path="files"))
    assert "?" in missing_before
    assert run_git(tmp_path / "part", "rev-list", "--objects", "--missing=print", "HEAD") == missing_before


def test_whoever_stops_the_reading_is_heard_and_git_does_not_go_on(tmp_path, monkeypatch):
    folder = tmp_path / "r"
    with building(folder) as make:
        make.tag("v1", make.commit("x" * 2_000_000))
        make.tag("v2", make.commit("y" * 2_000_000, at=1))
    monkeypatch.setattr("workbench.sources.git_log._CHUNK", 10_000)
    started: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen

    def remembered(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(start(*arguments, **options))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", remembered)

    def stop(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read(folder, progress=stop)
    assert started
    assert all(process.returncode is not None for process in started)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_permission_is_one_clear_error(tmp_path):
    folder = tmp_path / "outer" / "r"
    folder.parent.mkdir()
    two_releases(folder)
    for closed in (folder, folder.parent):
        closed.chmod(0)
        try:
            with pytest.raises(SourceError, match=r"cannot be read: .*Ask its owner"):
                read(folder)
        finally:
            closed.chmod(0o700)


def missing(folder: Path) -> Path:
    return folder / "nothing"


def file(folder: Path) -> Path:
    (folder / "file").write_text("x")
    return folder / "file"


def plain_folder(folder: Path) -> Path:
    return folder


def empty(folder: Path) -> Path:
    run_git(folder, "init", "-q", "empty")
    return folder / "empty"


def untagged(folder: Path) -> Path:
    with building(folder / "untagged") as make:
        make.head(make.commit())
    return folder / "untagged"


def other_tags(folder: Path) -> Path:
    with building(folder / "others") as make:
        commit = make.commit()
        for name in ("beta", "nightly", "v1.0-rc1"):
            make.tag(name, commit)
    return folder / "others"


def damaged(folder: Path) -> Path:
    first, _ = two_releases(folder / "damaged")
    (folder / "damaged" / "objects" / first[:2] / first[2:]).unlink()
    return folder / "damaged"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (missing, r"There is no folder .*nothing\. .*git clone"),
        (file, r"There is no folder .*file\. "),
        (plain_folder, r"is not a git repository\. .*git clone"),
        (empty, r"The repository empty has no commit where HEAD points\. "),
        (untagged, r"No tag of untagged marks a deployment: it has no tags\. .*--tags REGEX.*--deploys merges"),
        (
            other_tags,
            r"of 3 tags \(beta, nightly, v1\.0-rc1\) none matches the pattern\. .*--tags REGEX.*--deploys merges",
        ),
        (damaged, r"Git could not read .*damaged: .*\. .*git fsck"),
    ],
)
def test_what_cannot_be_read_is_one_clear_error(tmp_path, make, says):
    with pytest.raises(SourceError, match=says) as error:
        read(make(tmp_path))
    assert "\n" not in str(error.value)
    assert error.value.remedy


def test_another_users_repository_is_read_only_if_git_may(tmp_path, monkeypatch):
    two_releases(tmp_path / "r")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(SourceError, match=r"another user owns it\. .*git config --global --add safe\.directory"):
        read(tmp_path / "r")

    settings = tmp_path / "gitconfig"
    settings.write_text(f"[safe]\n directory = {tmp_path}/r\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    assert tell(tmp_path / "r").notes["deployments"] == 2


def test_without_git_it_says_so(tmp_path, monkeypatch):
    two_releases(tmp_path / "r")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match=r"The program git was not found\. Install git"):
        read(tmp_path / "r")


def test_a_path_that_nothing_ever_touched_is_a_spelling_mistake(tmp_path):
    two_releases(tmp_path / "r")
    with pytest.raises(ParameterError, match=r"No commit of r touches --path 'flies'\. "):
        read(tmp_path / "r", GitOptions(path="flies"))
    assert tell(tmp_path / "r", GitOptions(path="files")).notes["outside_path"] == 0


def test_an_unknown_branch(tmp_path):
    two_releases(tmp_path / "r")
    for branch in ("mian", "-x", "main\nmain", ""):
        with pytest.raises(ParameterError, match="There is no branch"):
            read(tmp_path / "r", GitOptions(deploys="merges", branch=branch))
