"""Under load: as fast as it goes with a few callers (closed loop), and at a fixed rate of arrivals (open loop).

A closed loop waits for an answer before it asks again, so a stall delays the questions that would have met it, and its
times look better than those of users. In an open loop each call has an intended start, and its time counts from there,
however late it really began.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Final

import numpy as np

from workbench.bench.statistics import Values

KEEPS_UP: Final = 0.95
"""An open loop that finishes a smaller share of its arrivals in time is saturated."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a load test gave: how many callers, the arrivals asked for a second (None: closed loop), and the times."""

    callers: int
    asked_rate: float | None
    rate: float
    seconds: Values

    @property
    def saturated(self) -> bool:
        """Whether it could not keep up with its arrivals."""
        return self.asked_rate is not None and self.rate < KEEPS_UP * self.asked_rate


def closed_loop(call: Callable[[], object], seconds: float, callers: int) -> Load:
    """Each caller asks again as soon as it has an answer."""
    begun = time.perf_counter()

    def work(times: list[float]) -> None:
        while (started := time.perf_counter()) - begun < seconds:
            call()
            times.append(time.perf_counter() - started)

    times = _together(work, callers)
    return Load(callers, None, len(times) / (time.perf_counter() - begun), times)


def open_loop(call: Callable[[], object], seconds: float, callers: int, rate: float) -> Load:
    """So many arrivals a second, evenly spaced; times count from the intended start."""
    arrivals = max(1, round(seconds * rate))
    numbers = count()
    begun = time.perf_counter() + 0.01

    def work(times: list[float]) -> None:
        while (number := next(numbers)) < arrivals:
            intended = begun + number / rate
            if (wait := intended - time.perf_counter()) > 0:
                time.sleep(wait)
            call()
            times.append(time.perf_counter() - intended)

    times = _together(work, callers)
    return Load(callers, rate, len(times) / max(time.perf_counter() - begun, arrivals / rate), times)


def _together(work: Callable[[list[float]], None], callers: int) -> Values:
    """Run it in threads; an error in one ends the test."""
    parts: list[list[float]] = [[] for _ in range(callers)]
    errors: list[BaseException] = []

    def guarded(times: list[float]) -> None:
        try:
            work(times)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(part,), daemon=True) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return np.array([value for part in parts for value in part])
