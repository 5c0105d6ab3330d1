"""The colours: every text can be read, every line can be seen, in the light and in the dark."""

from __future__ import annotations

import re

import pytest

from workbench.reporting.style import fragment_css, page_css

PAIRS: dict[str, str] = dict(re.findall(r"--wb-([\w-]+): light-dark\((#[0-9a-f]{6}, #[0-9a-f]{6})\)", fragment_css()))
SCHEMES = ("light", "dark")


def colour(name: str, scheme: str) -> str:
    return PAIRS[name].split(", ")[SCHEMES.index(scheme)]


def luminance(value: str) -> float:
    """Relative luminance by WCAG 2.2."""
    channels = [int(value[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_counted_as_wcag_does() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("surface", ["card", "page"])
@pytest.mark.parametrize("text", ["ink", "muted", "link", "green"])
def test_text_reaches_aa(scheme: str, surface: str, text: str) -> None:
    assert contrast(colour(text, scheme), colour(surface, scheme)) >= 4.5


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("hue", ["blue", "orange", "green", "purple", "yellow", "sky", "grey"])
def test_lines_and_marks_reach_aa(scheme: str, hue: str) -> None:
    assert contrast(colour(hue, scheme), colour("card", scheme)) >= 3


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_sample_banner_reaches_aa(scheme: str) -> None:
    assert contrast(colour("sample-ink", scheme), colour("sample", scheme)) >= 4.5


def test_fragments_are_styled_only_inside_their_own_element() -> None:
    rules = re.sub(r"/\*.*?\*/", "", fragment_css(), flags=re.DOTALL)
    selectors = [part.strip() for group in re.findall(r"([^{}]+)\{", rules) for part in group.split(",")]
    assert [selector for selector in selectors if not selector.startswith("@") and ".wb" not in selector] == []


def test_a_page_loads_nothing_through_its_style() -> None:
    assert "url(" not in page_css()
    assert "@import" not in page_css()
