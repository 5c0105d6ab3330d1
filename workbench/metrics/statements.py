"""What is known of one statement that went to a store, and how its parameters are shown without secrets."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from workbench.metrics.plan import Plan
from workbench.metrics.queries import CURSOR

MASK: Final = "***"
SHOWN: Final = 300
"""Characters of a parameter that are kept: the spans of a trend are long, and always alike."""

_SECRET_NAME: Final = re.compile(r"password|passwd|secret|token|credential|api_?key", re.IGNORECASE)
_USER_INFO: Final = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)[^\s/@]+@", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Statement:
    """One question to a store, or one of the store's own steps.

    Attributes:
        query: name of the question; ``store.read`` and the like for a step of the store.
        file: its file in queries/; '' for a step of the store.
        parameters: what was bound, secrets masked and long texts cut (:func:`shown`).
        key: tells statements of different parameters apart (:func:`key_of`).
        rows: how many came back, or were written; None if it failed.
        seconds: from call to answer, with the look into the cache.
        cached: whether the answer came out of the cache; None where it never does.
        error: kind and reason of a failure; '' if there was none.
        plan: how the store ran it, if that was asked for.
        thread: name of the thread that asked.
        began: when, aware.
    """

    query: str
    file: str
    sql: str
    parameters: Mapping[str, Any]
    key: str
    rows: int | None
    seconds: float
    cached: bool | None
    error: str
    plan: Plan | None
    thread: str
    began: datetime


def key_of(parameters: Mapping[str, Any]) -> str:
    """A digest of what was asked for, without the cursor: the pages of one question are alike."""
    asked = sorted((name, value) for name, value in parameters.items() if not name.startswith(CURSOR))
    return hashlib.sha256(repr(asked).encode()).hexdigest()[:16]


def shown(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters for people and logs, as JSON values: secrets masked, long texts cut with their length."""
    return {name: MASK if _SECRET_NAME.search(name) else _plain(value) for name, value in parameters.items()}


def masked(text: str) -> str:
    """A text without the user and password of any URL in it."""
    return _USER_INFO.sub(rf"\g<scheme>{MASK}@", text)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple):
        cut = [_plain(item) for item in value[:SHOWN]]
        return cut if len(value) <= SHOWN else [*cut, f"… {len(value)} in all"]
    text = masked(value.isoformat(" ") if isinstance(value, datetime) else str(value))
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… {len(text)} characters"
