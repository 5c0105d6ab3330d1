"""Which tags are deployments by default, which options make no sense, and where commits are on the web."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

import pytest

from tests.sources.git_repository import building, tell
from workbench.errors import ParameterError
from workbench.sources.git import DEFAULT_TAGS, GitOptions
from workbench.sources.git_remote import commit_address

# fmt: off
DEPLOYMENTS = [
    "1.2.3", "v1.2.3", "v1.2", "v1", "0.1.0", "10", "release-1.2.3", "release_123", "release-v2.0",
    "v1.2.3+build.5", "v1.2.3.4", "1.0.post1", "2024.01.15", "2024.1", "v2024.01.15.2", "2024-01-15",
    "release-2024-01-15", "2024-01-15.2", "2024-01-15-3", "2024-01", "20240115", "20240115-1",
    "20240115T103000", "v20240115.1030",
]
OTHERS = [
    "v1.2.3-rc1", "v1.2.3-rc.1", "1.2.3rc1", "v2.0.0-beta.1", "v2.0.0-alpha", "1.0a1", "1.0b2", "1.0.dev1",
    "v1.2.3-1", "v", "nightly", "latest", "release", "release-candidate", "v1.2.3-SNAPSHOT", "server/v1.2.3",
    "pkg@1.2.3", "V1", "xv1", "v1.2.3x", "v1..2", "release-1.0-pre", "v-1", "\u0661.\u0662",
]
# fmt: on


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_versions_are_deployments(name):
    assert re.fullmatch(DEFAULT_TAGS, name)


@pytest.mark.parametrize("name", [*OTHERS, "v1\n", ""])
def test_pre_releases_and_other_names_are_not(name):
    assert not re.fullmatch(DEFAULT_TAGS, name)


def test_a_pattern_matches_the_whole_name(tmp_path):
    with building(tmp_path / "r") as make:
        a, b, c = make.chain(3)
        make.tag("server/v1", a)
        make.tag("server/v2", b)
        make.tag("old-server/v1-copy", c)

    told = tell(tmp_path / "r", GitOptions(tags="server/v1|server/v[0-9]"))
    assert told.shipped == {a: {a}, b: {b}}
    assert told.notes["ignored_examples"] == "old-server/v1-copy"


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [
        ("tags", "v(", "--tags"),
        ("exclude_author", "[", "--exclude-author"),
        ("exclude_author", "a{99999999999999999999}", "--exclude-author"),
        ("deploys", "pushes", "--deploys"),
        ("time", "pushed", "--time"),
        ("branch", "main", "--branch"),
        ("path", "", "--path"),
        ("path", "/", "--path"),
        ("path", "/etc", "--path"),
        ("path", "a/../..", "--path"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(option, value, named):
    given: dict[str, Any] = {option: value}
    with pytest.raises(ParameterError, match=re.escape(named)) as error:
        GitOptions(**given)
    assert error.value.remedy


@pytest.mark.parametrize("project", ["", "x" * 101])
def test_a_project_name_has_1_to_100_characters(tmp_path, project):
    with building(tmp_path / "r") as make:
        make.tag("v1", make.commit())
    with pytest.raises(ParameterError, match="--project"):
        tell(tmp_path / "r", GitOptions(project=project))
    assert tell(tmp_path / "r", GitOptions(project="é" * 100)).extract.projects == ("é" * 100,)


def test_since_is_a_day_in_utc():
    assert GitOptions(since=date(2021, 1, 1)).begin == datetime.fromisoformat("2021-01-01T00:00:00+00:00").timestamp()
    assert GitOptions().begin == 0


@pytest.mark.parametrize(
    ("remote", "page"),
    [
        ("https://github.com/o/n.git", "https://github.com/o/n/commit/"),
        ("https://user:token@github.com/o/n", "https://github.com/o/n/commit/"),
        ("https://token@gitlab.com/group/sub/n.git/", "https://gitlab.com/group/sub/n/-/commit/"),
        ("https://gitlab.example.com:8443/a/b.git", "https://gitlab.example.com:8443/a/b/-/commit/"),
        ("git@github.com:o/n.git", "https://github.com/o/n/commit/"),
        ("ssh://git@gitlab.example.com:2222/a/b.git", "https://gitlab.example.com/a/b/-/commit/"),
        ("git@bitbucket.org:t/r.git", "https://bitbucket.org/t/r/commits/"),
        ("https://codeberg.org/o/n", "https://codeberg.org/o/n/commit/"),
        ("https://git.example.com/o/n.git", None),
        ("https://user:p/w@github.com/o/n.git", None),
        ("https://a@b@github.com/o/n.git", None),
        ("https://github.com/o/n.git?access_token=secret", None),
        ("http://github.com/o/n", None),
        ("https://github.com/../x", None),
        ("https://github.com/only", None),
        ("javascript://github.com/a/b", None),
        ('https://github.com/o/n"><script>', None),
        ("github:o/n", None),
        ("/srv/git/github.com/o/n.git", None),
        ("file:///srv/n.git", None),
        ("", None),
        (None, None),
    ],
)
def test_only_pages_of_known_hosts_are_named_and_never_a_secret(remote, page):
    assert commit_address(remote) == page
