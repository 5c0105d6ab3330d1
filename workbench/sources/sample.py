"""A built-in sample: three made-up projects over the last 400 days, for a first look without any data.

Every day is drawn from a seed of its own, so that tomorrow's sample continues today's instead of contradicting it: an
incident that is open today is the same one, fixed, next week.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final

import pyarrow as pa

from workbench.model import DAY
from workbench.rows import FACTS, FEATURES, LINES, Coverage, Extract, Source

DAYS: Final = 400
ORIGIN: Final = "built-in sample"

_SLOTS: Final = 12
"""Times of a working day at which a deployment may happen, 45 minutes apart from 08:00 UTC."""
_FRIDAY_SLOTS: Final = 6
_VERBS: Final = ("Improve", "Fix", "Simplify", "Speed up", "Rework", "Test", "Document", "Tidy up", "Log", "Cache")
_TROUBLES: Final = ("Errors in", "Slow answers from", "Wrong results of", "Crash in", "Time-outs in")


@dataclass(frozen=True, slots=True)
class _Project:
    """How a made-up project works.

    ``lead_hours`` and ``repair_hours`` are medians; ``swing`` is the phase of its slow trend. ``open_end``: it has an
    incident that is not over; ``stray``: one at the turn of the year that no deployment is near enough to.
    """

    name: str
    team: str
    people: tuple[str, ...]
    things: tuple[str, ...]
    deployments_a_day: float
    changes: float
    lead_hours: float
    failing: float
    repair_hours: float
    swing: float
    fortnightly: bool = False
    open_end: bool = False
    stray: bool = False


_PROJECTS: Final = (
    _Project(
        name="checkout",
        team="Payments",
        people=("Amara Osei", "Jonas Weber", "Lucía Ferrer", "Priya Nair", "Tomás Silva"),
        things=("the basket", "card payments", "the refund flow", "the address form", "tax rounding", "the receipt"),
        deployments_a_day=1.7,
        changes=2.2,
        lead_hours=17,
        failing=0.085,
        repair_hours=1.2,
        swing=0.9,
        open_end=True,
    ),
    _Project(
        name="search",
        team="Discovery",
        people=("Chen Wei", "Hanna Kowalska", "Noah Brandt", "Zoë Martin"),
        things=("ranking", "the index build", "synonyms", "spelling hints", "the filter bar", "result paging"),
        deployments_a_day=0.65,
        changes=3.5,
        lead_hours=52,
        failing=0.11,
        repair_hours=4.5,
        swing=3.4,
        stray=True,
    ),
    _Project(
        name="mobile-app",
        team="Apps",
        people=("Ingrid Dahl", "Kofi Mensah", "Marek Novák", "Sofia Rossi"),
        things=("the start screen", "offline mode", "push messages", "the login", "image loading", "the settings page"),
        deployments_a_day=1.0,
        changes=14,
        lead_hours=190,
        failing=0.14,
        repair_hours=20,
        swing=5.0,
        fortnightly=True,
    ),
)


@dataclass(slots=True)
class _Rows:
    """Facts and features of one source, as they are made."""

    facts: list[dict[str, Any]] = field(default_factory=list)
    features: list[dict[str, Any]] = field(default_factory=list)


class _Story:
    """What happened in one project before ``end`` (naive UTC)."""

    def __init__(self, project: _Project, end: datetime) -> None:
        self._project = project
        self._end = end
        self.rows: dict[Source, _Rows] = {"deployments": _Rows(), "changes": _Rows(), "incidents": _Rows()}

    def tell(self, first: date, last: date) -> None:
        for number in range((last - first).days + 1):
            self._day(first + number * DAY)
        if self._project.open_end:
            self._open_incident(max(self.rows["deployments"].facts, key=lambda fact: fact["created_at"]))

    def _day(self, day: date) -> None:
        random = Random(f"{self._project.name} {day.isoformat()}")  # noqa: S311 - nothing secret
        if self._project.stray and (day.month, day.day) == (1, 2):
            began = datetime.combine(day, time(10, 20))
            self._incident(random, f"{day:%Y%m%d}-stray", began, timedelta(hours=2.5), named="", fixed_by=None)
        for number, moment in enumerate(_moments(self._project, day, random), start=1):
            self._deployment(random, f"{day:%Y.%m.%d}-{number}", moment)

    def _deployment(self, random: Random, name: str, moment: datetime) -> None:
        project = self._project
        rolled_back = random.random() < project.failing * 0.2
        self._deployed(random, name, moment, "no-go" if rolled_back else "go", f"Release {name}")
        for number in range(1 + int(random.expovariate(1 / (project.changes - 0.6)))):
            hours = random.lognormvariate(math.log(project.lead_hours * _trend(project, moment)), 0.9)
            self._change(random, name, f"{name}.{number + 1}", moment - timedelta(hours=max(hours, 0.2)), moment)
        if not rolled_back and random.random() < project.failing * _trend(project, moment):
            self._failure(random, name, moment)

    def _failure(self, random: Random, deployment: str, moment: datetime) -> None:
        """An incident some time after a deployment; most name it, and more than half are fixed by a deployment."""
        began = moment + _seconds(random.lognormvariate(math.log(0.7), 0.8))
        lasted = _seconds(random.lognormvariate(math.log(self._project.repair_hours), 0.9))
        named = deployment if random.random() < 0.7 else ""
        fix = f"{deployment}-fix" if random.random() < 0.6 else None
        if fix is not None:
            decision = "rework" if random.random() < 0.5 else "go"
            self._deployed(random, fix, began + lasted, decision, f"Hotfix of {deployment}")
            self._change(random, fix, f"{fix}.1", began + lasted * 0.4, began + lasted)
        self._incident(random, f"{deployment}-incident", began, lasted, named, fix)

    def _open_incident(self, deployment: dict[str, Any]) -> None:
        """One that began the day before the end; the next day's sample replaces it, being updated later."""
        random = Random(self._project.name)  # noqa: S311
        began = max(self._end - _seconds(8), deployment["created_at"] + timedelta(minutes=25))
        self._incident(random, "latest", began, 2 * DAY, deployment["cycle_id"], None, updated=self._end)

    def _deployed(self, random: Random, name: str, moment: datetime, decision: str, title: str) -> None:
        person = random.choice(self._project.people)
        if moment < self._end:
            self._put("deployments", "deployment", name, "", decision, moment, title=title, author=person)

    def _change(self, random: Random, deployment: str, name: str, authored: datetime, deployed: datetime) -> None:
        title = f"{random.choice(_VERBS)} {random.choice(self._project.things)}"
        person = random.choice(self._project.people)
        if deployed < self._end:
            started = authored.replace(microsecond=0)
            self._put("changes", "planning", deployment, f"change-{name}", "go", started, title=title, author=person)

    def _incident(
        self,
        random: Random,
        name: str,
        began: datetime,
        lasted: timedelta,
        named: str,
        fixed_by: str | None,
        updated: datetime | None = None,
    ) -> None:
        title = f"{random.choice(_TROUBLES)} {random.choice(self._project.things)}"
        person = random.choice(self._project.people)
        if began >= self._end:
            return
        fixed = began + lasted < self._end
        self._put(
            *("incidents", "maintenance", named, f"incident-{name}", "fixed" if fixed else "open", began),
            title=title,
            author=person,
            lasted=lasted if fixed else None,
            fixed_by=fixed_by if fixed else None,
            updated=updated,
        )

    def _put(
        self,
        source: Source,
        phase: str,
        cycle: str,
        feature: str,
        decision: str,
        moment: datetime,
        *,
        title: str,
        author: str,
        lasted: timedelta | None = None,
        fixed_by: str | None = None,
        updated: datetime | None = None,
    ) -> None:
        project, shown = self._project, feature or cycle
        common = {"project": project.name, "source": source, "updated_at": updated}
        fact = {
            "cycle_id": cycle,
            "feature_id": feature,
            "phase_name": phase,
            "decision": decision,
            "created_at": moment,
        }
        duration = None if lasted is None else Decimal(int(lasted.total_seconds()))
        self.rows[source].facts.append(
            {**common, **fact, "created_at": moment, "duration_seconds": duration, "fixed_by": fixed_by}
        )
        url = f"https://example.com/{project.name}/{shown}"
        names = {"feature_id": shown, "title": title, "author": author, "team": project.team, "url": url}
        self.rows[source].features.append({**common, **names})


def read_sample(today: date | None = None) -> tuple[Extract, ...]:
    """What happened in the made-up projects in the 400 days before ``today`` (None: today in UTC)."""
    last = today or datetime.now(UTC).date()
    end = datetime.combine(last, time())
    stories = [_Story(project, end) for project in _PROJECTS]
    for story in stories:
        story.tell(last - DAYS * DAY, last - DAY)
    # midnight comes later in the west: a report made there today asks for some hours after midnight in UTC
    coverage = tuple(Coverage(project.name, end - DAYS * DAY, end + DAY) for project in _PROJECTS)
    sources: tuple[Source, ...] = ("deployments", "changes", "incidents")
    return tuple(_extract(source, [story.rows[source] for story in stories], coverage) for source in sources)


def _extract(source: Source, rows: list[_Rows], coverage: tuple[Coverage, ...]) -> Extract:
    facts = [fact for each in rows for fact in each.facts]
    features = [feature for each in rows for feature in each.features]
    notes: dict[str, int | str] = {"sample": 1, **({"knows_failures": 1} if source == "deployments" else {})}
    return Extract(
        source=source,
        origin=ORIGIN,
        digest=hashlib.sha256(repr((source, facts, features, coverage)).encode()).hexdigest(),
        facts=pa.Table.from_pylist(facts, schema=pa.schema([*FACTS, *LINES])),
        features=pa.Table.from_pylist(features, schema=FEATURES),
        coverage=coverage,
        replaces=False,
        notes={covered.project: notes for covered in coverage},
    )


def _moments(project: _Project, day: date, random: Random) -> Iterator[datetime]:
    """When the project deploys on a day: in working hours, not on Friday afternoons nor around the turn of the year."""
    if day.weekday() >= 5 or (day.month, day.day) >= (12, 22) or (day.month, day.day) <= (1, 2):
        return
    if project.fortnightly:
        if day.weekday() == 1 and day.toordinal() // 7 % 2 == 0:
            yield datetime.combine(day, time(9)) + timedelta(seconds=random.randrange(7200))
        return
    for slot in range(_FRIDAY_SLOTS if day.weekday() == 4 else _SLOTS):
        moment = datetime.combine(day, time(8)) + timedelta(minutes=45 * slot, seconds=random.randrange(2700))
        if random.random() < project.deployments_a_day / _SLOTS / _trend(project, moment):
            yield moment


def _trend(project: _Project, moment: datetime) -> float:
    """Between 0.7 (things go well) and 1.3, in a wave of about a year and a half."""
    return 1 + 0.3 * math.sin(moment.toordinal() * math.tau / 550 + project.swing)


def _seconds(hours: float) -> timedelta:
    return timedelta(seconds=round(hours * 3600))
