"""A profile: everything that went to the store while it was open."""

from __future__ import annotations

import time
from dataclasses import fields
from typing import TYPE_CHECKING

from workbench.metrics.recorded import Listeners
from workbench.metrics.statements import Statement
from workbench.profiling.flags import Flag, flags_of
from workbench.profiling.view import profile_html, profile_text

if TYPE_CHECKING:
    import pandas as pd

    from workbench.display.fragment import Html


class Profile:
    """Collects statements while it is open: inside ``with``, or from ``start`` to ``stop`` in two notebook cells.

    It sees the statements of all threads that use this bench; profiles inside of others each see theirs.

    Args:
        plans: ask the store how it ran each statement, too; that runs it a second time.
        slow_seconds: longer statements are pointed at.
    """

    def __init__(self, listeners: Listeners, *, plans: bool = False, slow_seconds: float = 1.0) -> None:
        self.plans = plans
        self.slow_seconds = slow_seconds
        self._listeners = listeners
        self._told: list[Statement] = []
        self._since: float | None = None
        self._before = 0.0

    def start(self) -> Profile:
        """Collect from now on."""
        if self._since is None:
            self._since = time.perf_counter()
            self._listeners.add(self)
        return self

    def stop(self) -> Profile:
        """Collect no more; what was collected stays."""
        if self._since is not None:
            self._listeners.remove(self)
            self._before, self._since = self.seconds, None
        return self

    def __enter__(self) -> Profile:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def tell(self, statement: Statement) -> None:
        """Take note of a statement (a Listener's method)."""
        self._told.append(statement)

    @property
    def statements(self) -> tuple[Statement, ...]:
        """What was asked so far, in the order of the answers."""
        return tuple(self._told)

    @property
    def flags(self) -> tuple[Flag, ...]:
        """What looks wrong: failures, one statement a row, slow ones, and (with plans) reading from end to end."""
        return flags_of(self.statements, self.slow_seconds)

    @property
    def seconds(self) -> float:
        """How long the profile has been open."""
        return self._before + (time.perf_counter() - self._since if self._since is not None else 0.0)

    @property
    def frame(self) -> pd.DataFrame:
        """One row a statement; the columns are those of Statement, the plan as text."""
        import pandas as pd

        names = [field.name for field in fields(Statement)]
        rows = [[getattr(statement, name) for name in names] for statement in self.statements]
        frame = pd.DataFrame(rows, columns=names)
        frame["plan"] = [statement.plan.text if statement.plan else None for statement in self.statements]
        return frame

    def show(self) -> Html:
        """The profile for the end of a notebook cell."""
        from workbench.display.fragment import Html

        return Html(profile_html(self))

    def _repr_html_(self) -> str:
        return self.show()._repr_html_()

    def __str__(self) -> str:
        return profile_text(self)

    def __repr__(self) -> str:
        return f"Profile({len(self._told)} statements, {len(self.flags)} flags)"
