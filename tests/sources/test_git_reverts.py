"""Reverts as incidents: who failed, who fixed it, and what is no failure. Histories worked out by hand."""

from __future__ import annotations

import hashlib
from datetime import date
from itertools import count

import pytest

from tests.sources.git_repository import ADA, HOUR, START, Builder, building, raw_commit, run_git, store, tell
from workbench.sources.git import GitOptions


def reverting(*oids: str, subject: str = 'Revert "x"') -> str:
    """A message as ``git revert`` writes it."""
    return subject + "\n\n" + "\n".join(f"This reverts commit {oid}." for oid in oids)


def release(make: Builder, version: int, message: str, *parents: str, at: float) -> str:
    """A commit that is a deployment."""
    commit = make.commit(message, *parents, at=at)
    make.tag(f"v{version}", commit)
    return commit


def test_a_revert_of_an_earlier_deployments_change_is_an_incident(tmp_path):
    with building(tmp_path / "r") as make:
        a = release(make, 1, "Works", at=0)
        bad = make.commit("Does not", a, at=1)
        b = release(make, 2, "Ships it", bad, at=2)
        revert = make.commit(reverting(bad, subject='Revert "Does not"'), b, at=6)
        c = release(make, 3, "Ships the fix", revert, at=7)

    told = tell(tmp_path / "r")
    assert told.incidents == [(b, f"revert:{revert}", c, 5)]
    assert told.decisions == {a: "go", b: "go", c: "rework"}
    (row,) = told.of("maintenance")
    assert (row["decision"], row["created_at"]) == ("fixed", told.deployed_at[b])
    assert row["metadata"] == f'{{"reverted": "{bad}"}}'
    assert row["charged_to"] is row["link_rule"] is row["line"] is None
    assert told.features[f"revert:{revert}"]["title"] == 'Revert "Does not"'


def test_a_revert_in_the_same_deployment_harmed_nobody(tmp_path):
    with building(tmp_path / "r") as make:
        a = release(make, 1, "Works", at=0)
        bad = make.commit("Does not", a, at=1)
        b = release(make, 2, reverting(bad), bad, at=2)

    told = tell(tmp_path / "r")
    assert told.incidents == []
    assert told.decisions[b] == "go"
    assert told.notes["reverts_same_deployment"] == 1


def test_one_incident_a_failed_deployment_closed_by_its_first_fix(tmp_path):
    with building(tmp_path / "r") as make:
        one = make.commit("One", at=0)
        a = release(make, 1, "Two", one, at=1)
        back_two = make.commit(reverting(a), a, at=2)
        back_one = make.commit(reverting(one), back_two, at=3)
        b = release(make, 2, "First fixes", back_one, at=4)
        c = release(make, 3, reverting(one), b, at=9)

    told = tell(tmp_path / "r")
    assert told.incidents == [(a, f"revert:{back_two}", b, 3)]
    assert told.decisions == {a: "go", b: "rework", c: "rework"}, "every deployment that ships such a revert is rework"


def test_one_revert_of_changes_from_two_deployments_is_two_incidents(tmp_path):
    with building(tmp_path / "r") as make:
        a = release(make, 1, "One", at=0)
        b = release(make, 2, "Two", a, at=1)
        c = release(make, 3, reverting(a, b), b, at=5)

    told = tell(tmp_path / "r")
    assert told.incidents == [(a, f"revert:{c}", c, 5), (b, f"revert:{c}", c, 4)]
    assert len(told.features) == 4, "three commits, one incident name"


@pytest.mark.parametrize(("depth", "charged"), [(1, 0), (2, None), (3, 2), (4, None), (5, 4)])
def test_only_odd_depths_of_reverts_of_reverts_are_failures(tmp_path, depth, charged):
    """v1 ships a change, v2 reverts it, v3 reverts v2, ...: v3 re-lands it, v4 fails v3. The last step is looked at."""
    with building(tmp_path / "r") as make:
        commits = [release(make, 1, "A change", at=0)]
        for step in range(1, depth + 1):
            commits.append(release(make, step + 1, reverting(commits[-1]), commits[-1], at=step))

    told = tell(tmp_path / "r")
    last = [incident for incident in told.incidents if incident[2] == commits[depth]]
    expected = [] if charged is None else [(commits[charged], f"revert:{commits[depth]}", commits[depth], 1)]
    assert last == expected
    assert told.decisions[commits[depth]] == ("go" if charged is None else "rework")
    assert told.notes["reverts_of_reverts"] == depth // 2


def test_a_long_chain_of_reverts_needs_no_deep_stack(tmp_path):
    with building(tmp_path / "r") as make:
        last = release(make, 0, "A change", at=0)
        for _ in range(1200):
            last = make.commit(reverting(last), last, at=1)
        end = release(make, 1, "End", last, at=2)
        final = release(make, 2, reverting(last), end, at=3)

    told = tell(tmp_path / "r")
    assert [incident[0] for incident in told.incidents if incident[2] == final] == [end]


def test_a_revert_of_a_merge_is_charged_to_the_deployment_of_the_merge(tmp_path):
    with building(tmp_path / "r") as make:
        a = release(make, 1, "Base", at=0)
        side = make.commit("On a branch", a, at=1)
        merge = make.merge(a, side, at=2)
        make.tag("v2", merge)
        text = f'Revert "Merge"\n\nThis reverts commit {merge}, reversing\nchanges made to {a}.'
        c = release(make, 3, text, merge, at=4)

    assert tell(tmp_path / "r").incidents == [(merge, f"revert:{c}", c, 2)]


def test_a_revert_of_a_merge_that_brought_only_a_revert_re_lands(tmp_path):
    """Pull requests: the revert is merged, then that merge is reverted, which brings the change back."""
    with building(tmp_path / "r") as make:
        a = release(make, 1, "A change", at=0)
        revert = make.commit(reverting(a), a, at=1)
        merge = make.merge(a, revert, at=2)
        make.tag("v2", merge)
        again = release(make, 3, reverting(merge), merge, at=3)
        end = release(make, 4, reverting(again), again, at=4)

    told = tell(tmp_path / "r")
    assert told.incidents == [(a, f"revert:{revert}", merge, 2), (again, f"revert:{end}", end, 1)]
    assert told.decisions == {a: "go", merge: "rework", again: "go", end: "rework"}


def test_a_merge_that_brought_other_things_as_well_is_an_ordinary_one(tmp_path):
    with building(tmp_path / "r") as make:
        a = release(make, 1, "A change", at=0)
        other = make.commit("Something else", a, at=1)
        merge = make.merge(a, make.commit(reverting(a), other, at=1), at=2)
        make.tag("v2", merge)
        end = release(make, 3, reverting(merge), merge, at=3)

    assert (merge, f"revert:{end}", end, 1) in tell(tmp_path / "r").incidents


def test_a_merge_commit_can_be_the_revert(tmp_path):
    with building(tmp_path / "r") as make:
        a = release(make, 1, "A change", at=0)
        b = make.commit("Other work", a, at=1)
        merge = make.merge(a, b, at=2, message=reverting(a))
        make.tag("v2", merge)

    told = tell(tmp_path / "r")
    assert told.incidents == [(a, f"revert:{merge}", merge, 2)]
    assert told.shipped[merge] == {b}


@pytest.mark.parametrize("length", [7, 12, 40])
def test_a_name_may_be_abbreviated(tmp_path, length):
    with building(tmp_path / "r") as make:
        a = release(make, 1, "A change", at=0)
        b = release(make, 2, reverting(a[:length].upper()), a, at=1)

    assert tell(tmp_path / "r").incidents == [(a, f"revert:{b}", b, 1)]


def test_names_that_mean_no_single_commit_do_not_count(tmp_path):
    with building(tmp_path / "r") as make:
        a = release(make, 1, "A change", at=0)
        b = release(make, 2, reverting("0123456789abcdef"), a, at=1)
        c = release(make, 3, reverting(a[:6]), b, at=2)  # too short to be a name at all
        wrong = a[:39] + ("0" if a[39] != "0" else "1")
        d = release(make, 4, reverting(wrong), c, at=3)
        e = release(make, 5, f"This reverts commit {a}0", d, at=4)

    told = tell(tmp_path / "r")
    assert told.incidents == []
    assert set(told.decisions.values()) == {"go"}
    assert told.notes["reverts_unresolved"] == 3
    assert e in told.shipped


def test_an_ambiguous_abbreviation_does_not_count(tmp_path):
    """Two commits whose ids begin alike: made until seven digits meet."""
    folder = tmp_path / "r"
    with building(folder) as make:
        make.tag("ignored", make.commit(at=0))
    one, other = (store(folder, commit) for commit in alike())
    both = store(folder, raw_commit(f"{ADA} {START + HOUR} +0000", None, "", one, other))
    vague = store(folder, raw_commit(f"{ADA} {START + 2 * HOUR} +0000", None, reverting(one[:7]), both))
    enough = 1 + next(place for place in range(40) if one[place] != other[place])
    exact = store(folder, raw_commit(f"{ADA} {START + 3 * HOUR} +0000", None, reverting(one[:enough]), vague))
    for version, commit in enumerate([both, vague, exact]):
        run_git(folder, "update-ref", f"refs/tags/v{version}", commit)

    told = tell(folder)
    assert told.incidents == [(both, f"revert:{exact}", exact, 2)]
    assert told.notes["reverts_unresolved"] == 1


def alike() -> tuple[str, str]:
    """Two commits whose ids share their first seven digits."""
    seen: dict[str, str] = {}
    for number in count():
        commit = raw_commit(message=f"Try {number}")
        data = commit.encode()
        start = hashlib.sha1(b"commit %d\0" % len(data) + data).hexdigest()[:7]
        if start in seen:
            return seen[start], commit
        seen[start] = commit
    raise AssertionError


def test_a_revert_of_what_is_not_deployed_yet_is_no_failure(tmp_path):
    """The 1.x branch names a commit of main that only a later deployment ships."""
    with building(tmp_path / "r") as make:
        a = release(make, 1, "Base", at=0)
        coming = make.commit("On main", a, at=1)
        b = release(make, 2, reverting(coming), a, at=2)
        c = release(make, 3, "Ships main", coming, at=3)

    told = tell(tmp_path / "r")
    assert told.incidents == []
    assert told.shipped == {a: {a}, b: {b}, c: {coming, c}}
    assert told.notes["reverts_not_shipped_before"] == 1


def test_a_fix_dated_before_the_failure_has_no_recovery_time(tmp_path):
    """v1 was tagged long after its commit, when v2 was out already."""
    with building(tmp_path / "r") as make:
        a = make.commit("A change", at=0)
        make.tag("v1", a, at=50)
        b = release(make, 2, reverting(a), a, at=9)

    told = tell(tmp_path / "r")
    assert told.incidents == [(a, f"revert:{b}", b, None)]
    assert told.notes["negative_recovery_times"] == 1


def test_an_excluded_authors_revert_still_is_one(tmp_path):
    with building(tmp_path / "r") as make:
        a = release(make, 1, "A change", at=0)
        b = make.commit(reverting(a), a, at=1, author="Bot <bot@example.org>")
        make.tag("v2", b)

    told = tell(tmp_path / "r", GitOptions(exclude_author="^Bot"))
    assert told.shipped == {a: {a}, b: set()}
    assert told.incidents == [(a, f"revert:{b}", b, 1)]
    assert told.decisions[b] == "rework"


def test_with_a_path_only_its_own_reverts_count(tmp_path):
    with building(tmp_path / "r") as make:
        one = make.commit("One", at=0, touch="one/a")
        two = make.commit("Two", one, at=1, touch="two/a")
        make.tag("v1", two)
        back = make.commit(reverting(two), two, at=2, touch="two/b")
        make.tag("v2", back)

    assert tell(tmp_path / "r", GitOptions(path="one")).incidents == []
    assert tell(tmp_path / "r", GitOptions(path="two")).incidents == [(two, f"revert:{back}", back, 1)]


def test_since_keeps_rework_and_drops_failures_before_it(tmp_path):
    with building(tmp_path / "r") as make:
        a = release(make, 1, "A change", at=0)
        b = release(make, 2, reverting(a), a, at=30)

    told = tell(tmp_path / "r", GitOptions(since=date(2020, 9, 14)))
    assert told.incidents == []
    assert told.decisions == {b: "rework"}


def test_a_message_about_a_revert_in_prose_or_subject(tmp_path):
    with building(tmp_path / "r") as make:
        a = release(make, 1, "A change", at=0)
        b = release(make, 2, f"This reverts commit {a}", a, at=1)
        c = make.commit(f"Reverts {a} in part; see also {b}", b, at=2, author=f"This reverts commit {b} <x@y>")
        make.tag("v3", c)

    told = tell(tmp_path / "r")
    assert told.incidents == [(a, f"revert:{b}", b, 1)]
    assert told.decisions[c] == "go"
