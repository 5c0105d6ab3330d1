"""Random histories against git itself: what is reachable from each tag, asked tag by tag."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sources.git_repository import Builder, ancestors, building, run_git, tell


@dataclass(frozen=True)
class History:
    """Commit i has the parents ``parents[i]`` (all smaller than i) and the date ``hours[i]``; tags name commits."""

    parents: list[list[int]]
    hours: list[int]
    tags: dict[str, int]

    def make(self, builder: Builder, names: list[str]) -> list[str]:
        """Its commits' ids; tags are made in the order of ``names``."""
        oids: list[str] = []
        for number, (parents, hour) in enumerate(zip(self.parents, self.hours, strict=True)):
            oids.append(builder.commit(f"Commit {number}", *(oids[parent] for parent in parents), at=hour))
        for name in names:
            builder.tag(name, oids[self.tags[name]])
        return oids


@st.composite
def histories(draw: st.DrawFn) -> History:
    size = draw(st.integers(1, 9))
    parents = [
        draw(st.lists(st.integers(0, number - 1), unique=True, max_size=3)) if number else [] for number in range(size)
    ]
    hours = draw(st.lists(st.integers(0, 3), min_size=size, max_size=size))  # few, so that ties and wrong clocks abound
    names = draw(st.lists(st.sampled_from([f"v{number}" for number in range(8)]), unique=True, min_size=1))
    return History(parents, hours, {name: draw(st.integers(0, size - 1)) for name in names})


@dataclass(frozen=True)
class Oracle:
    """The rules, the slow way: from the sets of commits that git finds from each commit."""

    history: History
    oids: list[str]
    reach: dict[str, frozenset[str]]

    @cached_property
    def names(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for name in sorted(self.history.tags, reverse=True):
            found[self.oids[self.history.tags[name]]] = name
        return found

    def generation(self, oid: str) -> int:
        parents = self.history.parents[self.oids.index(oid)]
        return 1 + max((self.generation(self.oids[parent]) for parent in parents), default=0)

    def order(self) -> list[str]:
        dates = {oid: self.history.hours[self.oids.index(oid)] for oid in self.names}
        order: list[str] = []
        for oid in sorted(self.names, key=lambda one: (dates[one], self.names[one])):
            tied = [
                one for one in self.names if dates[one] == dates[oid] and one in self.reach[oid] and one not in order
            ]
            order += sorted(tied, key=lambda one: (self.generation(one), self.names[one]))
        return order

    def shipped(self) -> dict[str, frozenset[str]]:
        """Deployment -> all commits that it was the first to contain."""
        seen: frozenset[str] = frozenset()
        found = {}
        for oid in self.order():
            found[oid] = self.reach[oid] - seen
            seen |= self.reach[oid]
        return found

    def founds(self) -> set[str]:
        """Deployments that share no commit with an earlier one."""
        return {oid for oid, shipped in self.shipped().items() if shipped == self.reach[oid]}


@given(histories(), st.randoms(use_true_random=False))
def test_every_history_is_read_as_git_itself_sees_it(history, chance):
    names = list(history.tags)
    chance.shuffle(names)
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) / "r"
        with building(folder) as builder:
            oids = history.make(builder, names)
        told = tell(folder)
        tips = sorted({oids[commit] for commit in history.tags.values()})
        oracle = Oracle(history, oids, dict(zip(tips, ancestors(folder, tips), strict=True)))
        single = {oid for oid, parents in zip(oids, history.parents, strict=True) if len(parents) <= 1}

        assert told.shipped == {oid: set(shipped & single) for oid, shipped in oracle.shipped().items()}
        without = {row["cycle_id"] for row in told.rows if "first" in (row["metadata"] or "")}
        assert without == {oid for oid in oracle.founds() if oracle.shipped()[oid] & single}
        assert told.notes["first_deployments"] == len(oracle.founds())
        for oid in tips:
            for other in tips:
                tied = told.deployed_at[oid] == told.deployed_at[other]
                if tied and oid != other and oid in oracle.reach[other]:
                    assert oracle.order().index(oid) < oracle.order().index(other)


@settings(max_examples=15)
@given(histories(), st.randoms(use_true_random=False))
def test_the_order_in_which_tags_were_made_does_not_matter(history, chance):
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) / "r"
        with building(folder) as builder:
            oids = history.make(builder, sorted(history.tags))
        before = tell(folder).extract
        names = list(history.tags)
        chance.shuffle(names)
        for command in ("delete refs/tags/{0}\n", "create refs/tags/{0} {1}\n"):
            said = [command.format(name, oids[history.tags[name]]) for name in names]
            run_git(folder, "update-ref", "--stdin", stdin="".join(said))
        after = tell(folder).extract
    assert after.digest == before.digest
    assert after.facts.equals(before.facts)
    assert after.features.equals(before.features)
