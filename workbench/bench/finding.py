"""What a look at a run finds: worth a look, or fine, with its number, its remedy and what that should gain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["look", "fine", "not measured"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One possible bottleneck. ``state``: worth a look, fine as it is, or not measured in this run (and why)."""

    name: str
    state: State
    evidence: str
    remedy: str = ""
    gain: str = ""
