"""How one figure is marked wherever it is shown: its value, level and change, and why there is no value."""

from __future__ import annotations

from typing import Final

from workbench import format as human
from workbench.answer import Answer
from workbench.display.fragment import muted, text
from workbench.metrics.levels import edition
from workbench.model import Figure

MORE_IS_BETTER: Final = frozenset({"deployment_frequency"})


def explanation(answer: Answer, *, of_cards: bool = True) -> str:
    """What the small print of cards, or of the comparison, means."""
    before = answer.window.previous()
    levels = edition(answer.question.edition)
    said = (
        f"Levels: {levels.name}. Changes are against {human.days(before.start, before.end)}, where the data cover both "
        "windows; pp: percentage points."
    )
    if of_cards:
        bucket = answer.question.bucket
        said += f" CI: 95 % confidence interval. The line is the trend by {bucket}; a gap is a {bucket} without data."
    return muted(text(said))


def level_badge(made: Figure, edition_key: str) -> str:
    """The level of a headline figure with its edition; '' where there is none."""
    if made.level is None:
        return ""
    kind = "score" if "/" in made.level else text(made.level)
    return (
        f'<span class="wb-level" data-level="{kind}" title="{text(edition(edition_key).name)}">{text(made.level)}'
        f'<span class="wb-edition">{text(edition_key)}</span></span>'
    )


def change_mark(made: Figure) -> str:
    """The change against the previous window with an arrow and a word; '' where there is none."""
    if made.change is None:
        return ""
    if made.change == 0:
        return '<span class="wb-change" data-direction="same">unchanged</span>'
    arrow = f"{'▲' if made.change > 0 else '▼'} {human.change(made, signed=False)}"
    if made.low is None or made.high is None:
        return f'<span class="wb-change" data-direction="same">{text(arrow)}, too few to tell</span>'
    if made.previous is not None and made.low <= made.previous <= made.high:
        return f'<span class="wb-change" data-direction="same">{text(arrow)}, within the interval</span>'
    word = "better" if (made.change > 0) == (made.metric in MORE_IS_BETTER) else "worse"
    return f'<span class="wb-change" data-direction="{word}">{text(arrow)}, {word}</span>'


def value_markup(made: Figure) -> str:
    """The value with its unit set smaller; ``no data`` in words."""
    if made.value is None:
        return '<span class="wb-none">no data</span>'
    if made.unit == "seconds":
        parts = human.duration(made.value).split(" ")
        return " ".join(map(_pair, parts[::2], parts[1::2]))
    if made.unit == "share":
        return _pair(*human.share(made.value).split(" "))
    return f'{text(human.number(made.value))} <span class="wb-unit">{text(made.unit)}</span>'


def _pair(amount: str, unit: str) -> str:
    return f'<span class="wb-pair">{text(amount)}&nbsp;<span class="wb-unit">{text(unit)}</span></span>'
