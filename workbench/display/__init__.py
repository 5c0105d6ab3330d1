"""An answer as HTML: pieces by name, each made of escaped text only, shown well in JupyterLab and in a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from workbench import format as human
from workbench.answer import Answer
from workbench.display.cards import cards
from workbench.display.fragment import Html, note, text
from workbench.display.quality import quality, sample_banner, warnings_line
from workbench.display.rules import rules
from workbench.display.tables import comparison_table, failed_deployments, figures_table, slowest_changes
from workbench.errors import ParameterError

_NAMED: Final = 8
"""Projects that a header names."""


def header(answer: Answer) -> str:
    """What the numbers are about, and a banner over sample data."""
    window = answer.window
    names = ", ".join(answer.projects[:_NAMED])
    if (more := len(answer.projects) - _NAMED) > 0:
        names += f" and {more} more"
    facts = [
        ("Projects" if len(answer.projects) > 1 else "Project", names),
        ("Window", f"{human.days(window.start, window.end)} ({human.count(window.days, 'day')}, {window.timezone})"),
        ("Asked", human.moment(answer.question.moment, window.timezone)),
    ]
    terms = "".join(f"<div><dt>{name}</dt><dd>{text(said)}</dd></div>" for name, said in facts)
    return f'{sample_banner(answer)}<dl class="wb-header">{terms}</dl>'


def comparison(answer: Answer) -> str:
    """Projects side by side under a heading of their own; nothing where there is one project."""
    if len(answer.projects) < 2:
        return ""
    return f'<h2 id="projects-compared">Projects compared</h2>{comparison_table(answer)}'


PIECES: Final[Mapping[str, Callable[..., str]]] = {
    "header": header,
    "cards": cards,
    "figures": figures_table,
    "comparison": comparison,
    "slowest_changes": slowest_changes,
    "failed_deployments": failed_deployments,
    "quality": quality,
    "rules": rules,
}


def show(name: str, answer: Answer, **options: Any) -> Html:
    """A piece by name, for the end of a notebook cell.

    Args:
        options: ``project`` of cards; ``n`` rows of slowest_changes and failed_deployments.

    Raises:
        ParameterError: there is no such piece, or it has no such option.
    """
    if name not in PIECES:
        raise ParameterError(f"There is no display {name!r}.", f"There are: {', '.join(PIECES)}.")
    _check(name, answer, options)
    return Html(PIECES[name](answer, **options))


def _check(name: str, answer: Answer, options: Mapping[str, Any]) -> None:
    from inspect import signature

    known = list(signature(PIECES[name]).parameters)[1:]
    if unknown := [option for option in options if option not in known]:
        raise ParameterError(
            f"The display {name} has no option {unknown[0]!r}.", f"It has: {', '.join(known) or 'none'}."
        )
    if (project := options.get("project")) is not None and project not in answer.projects:
        raise ParameterError(
            f"{project!r} is not among the projects asked for.", f"They are: {', '.join(answer.projects)}."
        )


def dora_html(answer: Answer) -> str:
    """How an answer shows itself: header, cards, and how much there is to know about the data."""
    warnings = warnings_line(answer)
    about = note(f'{text(warnings)} <code>dora.show("quality")</code> says more.', "warning") if warnings else ""
    return Html(header(answer) + cards(answer) + about)._repr_html_()
