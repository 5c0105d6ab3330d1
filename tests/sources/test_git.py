"""Which deployment ships which change, and how long that took: histories worked out by hand."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import permutations

import pytest

from tests.sources.git_repository import NOW, building, moment, run_git, tell
from workbench.errors import SourceError
from workbench.model import naive_utc
from workbench.rows import FACTS, FEATURES, LINES
from workbench.sources.git import GitOptions, fingerprint, read

LINE = 3
"""Commits of the straight histories below."""


def test_a_straight_history_row_by_row(tmp_path):
    with building(tmp_path / "shop.git") as make:
        a = make.commit("First", at=0)
        b = make.commit("Second", a, at=10, authored=4)
        c = make.commit("Third", b, at=12)
        make.tag("v1", a)
        make.tag("v2", c, at=14)
        make.head(c)

    extract = read(tmp_path / "shop.git", now=NOW)

    common = {
        "project": "shop",
        "phase_name": "deployment",
        "decision": "go",
        "charged_to": None,
        "link_rule": None,
        "fixed_by": None,
        "source": "git",
        "updated_at": None,
        "line": None,
    }
    first = '{"time": "commit", "no_lead_time": "first"}'
    assert extract.facts.schema.names == [*FACTS.names, *LINES.names]
    assert extract.facts.to_pylist() == [
        common | {"cycle_id": a, "feature_id": a, "created_at": moment(0), "duration_seconds": None, "metadata": first},
        common
        | {
            "cycle_id": c,
            "feature_id": c,
            "created_at": moment(14),
            "duration_seconds": 3 * 3600,
            "metadata": '{"time": "tag"}',
        },
        common
        | {
            "cycle_id": c,
            "feature_id": b,
            "created_at": moment(14),
            "duration_seconds": 10 * 3600,
            "metadata": '{"time": "tag"}',
        },
    ]
    assert extract.source == "git"
    assert extract.replaces
    assert extract.origin == "shop"
    assert extract.rejects.num_rows == 0
    (covered,) = extract.coverage
    assert (covered.project, covered.start, covered.end) == ("shop", moment(0), naive_utc(NOW))


def test_lead_time_can_begin_when_a_change_was_committed(tmp_path):
    with building(tmp_path / "r") as make:
        a = make.commit("First", at=0)
        b = make.commit("Second", a, at=10, authored=4)
        make.tag("v1", a)
        make.tag("v2", b, at=12)

    assert tell(tmp_path / "r").hours[b] == 8
    assert tell(tmp_path / "r", GitOptions(time="committed")).hours[b] == 2


def test_a_merge_is_no_change_but_what_it_brings_is(tmp_path):
    with building(tmp_path / "r") as make:
        a = make.commit("First", at=0)
        b = make.commit("On a branch", a, at=1)
        c = make.commit("On main", a, at=2)
        d = make.commit("On another branch", a, at=3)
        octopus = make.merge(c, b, d, at=4)
        make.tag("v1", a)
        make.tag("v2", octopus)
        make.head(octopus)

    told = tell(tmp_path / "r")
    assert told.shipped == {a: {a}, octopus: {b, c, d}}
    assert told.notes["merges_left_out"] == 1


def test_a_change_belongs_to_the_first_of_parallel_branches_that_has_it(tmp_path):
    """v2.1 was made later than v3.0, from the old branch: what both have was shipped by v3.0."""
    with building(tmp_path / "r") as make:
        base = make.commit("Base", at=0)
        shared = make.commit("In both", base, at=1)
        new = make.commit("New", shared, at=2)
        old = make.commit("Backport", shared, at=5)
        make.tag("v2.0", base)
        make.tag("v3.0", new)
        make.tag("v2.1", old)
        make.head(new)

    told = tell(tmp_path / "r")
    assert told.shipped == {base: {base}, new: {shared, new}, old: {old}}
    assert told.notes["first_deployments"] == 1, "a maintenance branch shares its past, it is no history of its own"


def test_two_histories_each_have_a_first_deployment(tmp_path):
    with building(tmp_path / "r") as make:
        a, b = make.chain(2, at=0)
        x = make.commit("Imported from elsewhere", at=5)
        y = make.commit("Goes on", x, at=6)
        both = make.merge(b, y, at=9)
        make.tag("v1", b)
        make.tag("v2", x)
        make.tag("v3", both)

    told = tell(tmp_path / "r")
    assert told.hours == {a: None, b: None, x: None, y: 4}
    assert (told.notes["first_deployments"], told.notes["first_changes"]) == (2, 3)


def test_several_tags_on_one_commit_are_one_deployment_with_all_names(tmp_path):
    with building(tmp_path / "r") as make:
        a = make.commit("First", at=0)
        b = make.commit("Second", a, at=1)
        make.tag("v1.0", a)
        make.tag("release-2", b, at=9)
        make.tag("v1.1", b, at=3)

    told = tell(tmp_path / "r")
    assert told.shipped == {a: {a}, b: {b}}
    assert told.deployed_at[b] == moment(3), "the earliest of its own dates"
    assert told.features[b]["title"] == "release-2, v1.1: Second"
    assert told.notes["shared_commits"] == 1


@pytest.mark.parametrize(
    ("tag_hour", "deployed", "refused"),
    [(30 * 24, 30 * 24, 0), (30 * 24 + 1, 0, 1), (-1, 0, 1), (0, 0, 0)],
)
def test_a_tags_own_date_counts_within_30_days_after_the_commit(tmp_path, tag_hour, deployed, refused):
    with building(tmp_path / "r") as make:
        a = make.commit("First", at=0)
        make.tag("v1", a, at=tag_hour)

    told = tell(tmp_path / "r")
    assert told.deployed_at == {a: moment(deployed)}
    assert told.notes["tag_dates_refused"] == refused
    assert told.notes["tag_dates_used"] == 1 - refused
    assert told.notes["commit_dates_used"] == refused


def test_order_is_by_commit_date_not_by_tag_date_or_name(tmp_path):
    with building(tmp_path / "r") as make:
        a, b, c = make.chain(3)
        make.tag("v3", a, at=500)
        make.tag("v2", b, at=400)
        make.tag("v1", c, at=300)

    assert tell(tmp_path / "r").shipped == {a: {a}, b: {b}, c: {c}}


def test_ties_go_by_ancestry_then_name_however_the_tags_were_made(tmp_path):
    """All in one second: a before b by ancestry although its name is later; x and y, not related, by name."""
    seen = []
    for number, order in enumerate(list(permutations(range(4)))[::5]):
        folder = tmp_path / str(number)
        with building(folder) as make:
            root = make.commit("Root", at=0)
            a = make.commit("a", root, at=1)
            b = make.commit("b", a, at=1)
            shared = make.commit("Shared", root, at=1)
            x, y = make.commit("x", shared, at=1), make.commit("y", shared, at=1)
            names = [("v9", a), ("v1", b), ("v7", x), ("v6", y)]
            for place in order:
                make.tag(*names[place])
        told = tell(folder, GitOptions(project="shop"))
        assert told.shipped == {a: {root, a}, b: {b}, y: {shared, y}, x: {x}}, f"tags made in the order {order}"
        seen.append(told.extract)
    assert all(one.facts.equals(seen[0].facts) and one.features.equals(seen[0].features) for one in seen)


def test_a_clock_gone_wrong_gives_no_negative_lead_time(tmp_path):
    with building(tmp_path / "r") as make:
        a = make.commit("First", at=0)
        b = make.commit("Written tomorrow", a, at=2, authored=26)
        make.tag("v1", a)
        make.tag("v2", b)

    told = tell(tmp_path / "r")
    row = next(row for row in told.rows if row["feature_id"] == b)
    assert row["duration_seconds"] is None
    assert row["metadata"] == '{"time": "commit", "no_lead_time": "negative"}'
    assert told.notes["negative_lead_times"] == 1


def test_a_deployment_without_news_is_one_all_the_same(tmp_path):
    """v1's commit is dated after its child's, so v2 comes first and ships everything."""
    with building(tmp_path / "r") as make:
        a = make.commit("First", at=9)
        b = make.commit("Second", a, at=2)
        make.tag("v1", a)
        make.tag("v2", b)

    told = tell(tmp_path / "r")
    assert told.shipped == {b: {a, b}, a: set()}
    (row,) = [row for row in told.rows if row["cycle_id"] == a]
    assert (row["feature_id"], row["duration_seconds"], row["decision"]) == ("", None, "go")
    assert told.notes["first_deployments"] == 1, "v1 shares a commit with v2, which came before it"


def test_what_is_not_deployed_is_counted(tmp_path):
    with building(tmp_path / "r") as make:
        a, b, c = make.chain(3)
        make.tag("v1", a)
        make.head(make.merge(c, b, at=9))

    told = tell(tmp_path / "r")
    assert told.shipped == {a: {a}}
    assert told.notes["unreleased_changes"] == 2


def test_a_tag_off_the_branch_is_a_deployment(tmp_path):
    with building(tmp_path / "r") as make:
        a = make.commit("First", at=0)
        hotfix = make.commit("Hotfix", a, at=2)
        make.tag("v1", a)
        make.tag("v1.0.1", hotfix)
        make.head(a)

    assert tell(tmp_path / "r").shipped == {a: {a}, hotfix: {hotfix}}


def test_since_leaves_rows_out_but_not_predecessors(tmp_path):
    with building(tmp_path / "r") as make:
        commits = make.chain(4, at=0)
        late = make.commit("Late", commits[-1], at=48)
        make.tag("v1", commits[1])
        make.tag("v2", commits[3])
        make.tag("v3", late)

    told = tell(tmp_path / "r", GitOptions(since=date(2020, 9, 14)))
    assert told.shipped == {late: {late}}
    assert told.hours == {late: 1}, "v2 is its predecessor: it is not the first of a history"
    assert told.extract.coverage[0].start == moment(0).replace(hour=0, minute=0, second=0) + timedelta(days=1)
    assert set(told.features) == {late}
    assert (told.notes["deployments"], told.notes["first_deployments"], told.notes["tags_matched"]) == (1, 0, 3)


def test_since_after_everything_is_an_empty_but_covered_time(tmp_path):
    with building(tmp_path / "r") as make:
        make.tag("v1", make.commit("First", at=0))

    told = tell(tmp_path / "r", GitOptions(since=date(2021, 1, 1)))
    assert told.rows == []
    assert told.extract.facts.schema.field("duration_seconds").type == FACTS.field("duration_seconds").type
    assert told.extract.features.schema.equals(FEATURES)
    assert told.extract.coverage[0].start.isoformat() == "2021-01-01T00:00:00"
    assert told.extract.projects == ("r",)


def test_merges_into_the_branch_can_be_the_deployments(tmp_path):
    with building(tmp_path / "r") as make:
        a = make.commit("Root", at=0)
        b = make.commit("On a branch", a, at=1)
        inner = make.merge(b, a, at=2, message="Merge main into the branch")
        m1 = make.merge(a, inner, at=3, message="Merge pull request 1")
        direct = make.commit("Straight to main", m1, at=4)
        c = make.commit("On another", m1, at=5)
        m2 = make.merge(direct, c, at=6, message="Merge pull request 2")
        after = make.commit("Not merged yet", m2, at=7)
        make.tag("v1", a)
        make.head(after)

    told = tell(tmp_path / "r", GitOptions(deploys="merges"))
    assert told.shipped == {m1: {a, b}, m2: {direct, c}}
    assert told.hours == {a: None, b: None, direct: 3, c: 2}
    assert told.deployed_at == {m1: moment(3), m2: moment(6)}
    assert told.features[m2]["title"] == "Merge pull request 2"
    assert told.notes["unreleased_changes"] == 1


def test_merges_into_another_branch(tmp_path):
    with building(tmp_path / "r") as make:
        a, b = make.chain(2)
        merge = make.merge(a, b, at=5)
        make.head(a)
    run_git(tmp_path / "r", "update-ref", "refs/heads/release", merge)
    run_git(tmp_path / "r", "update-ref", "refs/remotes/origin/upstream", merge)

    for branch in ("release", "upstream"):
        assert tell(tmp_path / "r", GitOptions(deploys="merges", branch=branch)).shipped == {merge: {a, b}}
    with pytest.raises(SourceError, match=r"No merge .* of HEAD in r\. .*--branch.*--deploys tags"):
        read(tmp_path / "r", GitOptions(deploys="merges"))


def test_only_changes_of_a_path_count(tmp_path):
    """The branch changes and changes back: the merge brings nothing, git's own short cut would not even look there."""
    with building(tmp_path / "r") as make:
        a = make.commit("Package", at=0, touch="packages/one/a")
        b = make.commit("Other package", a, at=1, touch="packages/one-more/a")
        c = make.commit("Package again", b, at=2, touch="packages/one/b")
        side = make.commit("Add", b, at=3, touch="packages/one/x")
        back = make.commit("Take it out again", side, at=4, remove="packages/one/x")
        merge = make.merge(c, back, at=5)
        make.tag("v1", a)
        make.tag("v2", b)
        make.tag("v3", merge)

    told = tell(tmp_path / "r", GitOptions(path="./packages/one/"))
    assert told.shipped == {a: {a}, b: set(), merge: {c, side, back}}
    assert told.notes["outside_path"] == 1
    assert told.notes["deployments"] == 3


def test_bots_are_left_out_and_counted(tmp_path):
    with building(tmp_path / "r") as make:
        a = make.commit("First", at=0)
        bot = make.commit("Bump", a, at=1, author="dependabot[bot] <support@github.example>")
        c = make.commit("Second", bot, at=2)
        only_bot = make.commit("Bump again", c, at=3, author="Renovate <renovate@BOT.example>")
        make.tag("v1", a)
        make.tag("v2", c)
        make.tag("v3", only_bot)

    told = tell(tmp_path / "r", GitOptions(exclude_author=r"^dependabot\[bot\] <support@|^Ren.*@BOT\.example>$"))
    assert told.shipped == {a: {a}, c: {c}, only_bot: set()}
    assert told.notes["excluded_authors"] == 2


def test_names_of_changes_and_deployments(tmp_path):
    with building(tmp_path / "r") as make:
        a = make.commit(
            "<script>alert(1)</script>\nin two lines\n\nBody", at=0, author='"O\'Neil" & Zoë <x@example.org>'
        )
        b = make.commit("Same subject", a, at=1)
        c = make.commit("Same subject", b, at=2)
        merge = make.merge(c, b, at=3)
        nameless = make.commit("", merge, at=4)
        make.tag("v1", merge)
        make.tag("v2", nameless)
    run_git(tmp_path / "r", "config", "remote.origin.url", "https://me:secret@github.com/shop/cart.git")

    told = tell(tmp_path / "r")
    page = "https://github.com/shop/cart/commit/"
    common = {"project": "r", "team": None, "source": "git", "updated_at": None}
    assert told.features == {
        a: common
        | {
            "feature_id": a,
            "title": "<script>alert(1)</script> in two lines",
            "author": '"O\'Neil" & Zoë',
            "url": page + a,
        },
        b: common | {"feature_id": b, "title": "Same subject", "author": "Ada", "url": page + b},
        c: common | {"feature_id": c, "title": "Same subject", "author": "Ada", "url": page + c},
        merge: common | {"feature_id": merge, "title": "v1", "author": None, "url": page + merge},
        nameless: common | {"feature_id": nameless, "title": "v2", "author": "Ada", "url": page + nameless},
    }
    assert "secret" not in str(told.extract)


def test_the_fingerprint_is_the_digest_and_follows_what_matters(tmp_path):
    folder = tmp_path / "r"
    with building(folder) as make:
        a, b = make.chain(2)
        make.tag("v1", a)
        make.tag("other", a)
        make.head(b)

    before = fingerprint(folder)
    assert read(folder).digest == before == fingerprint(folder, GitOptions(project="r"))
    variants = [
        GitOptions(project="s"),
        GitOptions(tags="v1|v2"),
        GitOptions(deploys="merges"),
        GitOptions(time="committed"),
        GitOptions(since=date(2020, 1, 1)),
        GitOptions(path="files"),
        GitOptions(exclude_author="x"),
    ]
    digests = {fingerprint(folder, options) for options in variants}
    assert len(digests | {before}) == len(variants) + 1
    assert fingerprint(folder, GitOptions(path="./files/")) == fingerprint(folder, GitOptions(path="files"))

    run_git(folder, "update-ref", "refs/heads/unrelated", a)
    assert fingerprint(folder) == before
    for change in (["refs/tags/v1", b], ["refs/tags/v2", a], ["-d", "refs/tags/other"], ["refs/heads/main", a]):
        run_git(folder, "update-ref", *change)
        assert fingerprint(folder) not in digests | {before}, f"update-ref {change} went unnoticed"
        before = fingerprint(folder)


def test_a_moved_and_a_deleted_tag_show_in_the_next_reading(tmp_path):
    folder = tmp_path / "r"
    with building(folder) as make:
        a, b, c = make.chain(3)
        make.tag("v1", a)
        make.tag("v2", b)
        make.tag("v3", c)
    assert tell(folder).shipped == {a: {a}, b: {b}, c: {c}}

    run_git(folder, "update-ref", "refs/tags/v1", b)
    run_git(folder, "update-ref", "-d", "refs/tags/v2")
    assert tell(folder).shipped == {b: {a, b}, c: {c}}


def test_progress_is_told(tmp_path):
    with building(tmp_path / "r") as make:
        commits = make.chain(LINE)
        make.tag("v1", commits[-1])

    said: list[tuple[int, int | None]] = []
    read(tmp_path / "r", progress=lambda done, total: said.append((done, total)))
    assert said == [(LINE, None)]


def test_a_time_without_offset_is_utc(tmp_path):
    with building(tmp_path / "r") as make:
        make.tag("v1", make.commit("First", at=0))

    assert read(tmp_path / "r", now=moment(5)).coverage[0].end == moment(5)
