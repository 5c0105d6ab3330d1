"""What a real browser makes of a page: its DOM after the scripts ran, a picture, and the requests it tried."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--hide-scrollbars",
    "--run-all-compositor-stages-before-draw",
)
_SCRIPT_MS = 10_000
"""Virtual time for the page's scripts; it passes at once when nothing is left to do."""


def chromium() -> str:
    """The browser's path; skips the test where there is none."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip("no Chromium: install it with scripts/install-test-tools")
    return found


def dump_dom(path: Path, *flags: str) -> str:
    """The page's HTML after its scripts ran."""
    return _run(path, "--dump-dom", *flags)


def screenshot(path: Path, png: Path, width: int = 1280, height: int = 900, dark: bool = False) -> None:
    """A picture of the page in a window of that size."""
    scheme = ["--blink-settings=preferredColorScheme=0"] if dark else ["--blink-settings=preferredColorScheme=1"]
    _run(path, f"--screenshot={png}", f"--window-size={width},{height}", *scheme)


def print_pdf(path: Path, pdf: Path) -> None:
    """The page as it comes out of a printer."""
    _run(path, f"--print-to-pdf={pdf}", "--no-pdf-header-footer")


def page_requests(path: Path) -> list[str]:
    """Addresses that the page asked for, itself excepted, whether or not an answer could come.

    The browser's own traffic is told apart by its origin: what a page asks for is asked in its name.
    """
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "net.json"
        _run(path, "--dump-dom", f"--log-net-log={log}", "--net-log-capture-mode=IncludeSensitive")
        events = json.loads(log.read_text(encoding="utf-8"))["events"]
    asked = [event["params"] for event in events if "url" in event.get("params", {})]
    return sorted({params["url"] for params in asked if _is_of_page(params)})


def _is_of_page(params: dict[str, str]) -> bool:
    if urlsplit(params["url"]).scheme in ("file", "data", "blob", "chrome", "about"):
        return False
    initiator = params.get("initiator", "not an origin")
    return initiator == "null" or initiator.startswith("file:")


def _run(path: Path, *flags: str) -> str:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [chromium(), *_FLAGS, f"--user-data-dir={profile}", f"--virtual-time-budget={_SCRIPT_MS}"]
        done = subprocess.run(
            [*command, *flags, path.resolve().as_uri()], capture_output=True, text=True, timeout=120, check=False
        )
    assert done.returncode == 0, re.sub(r"\s+", " ", done.stderr)[-2000:]
    return done.stdout
