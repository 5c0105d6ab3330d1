"""Passwords stay out of what a run leaves behind: messages, notebooks, records, pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

MASK: Final = "***"
_PREFIX: Final = "WORKBENCH_"
_SECRET_NAME: Final = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN", re.IGNORECASE)
_URL_PASSWORD: Final = re.compile(r"(?P<before>[A-Za-z][\w+.-]*://[^\s:/@'\"]*:)[^\s/@'\"]+(?=@)")
_SHORTEST: Final = 4
"""A shorter password is masked inside URLs only: replacing every "1" of a report would spoil its numbers."""


class Scrubber:
    """Replaces the passwords of an environment, and those inside any URL, by ``***``."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        found = {
            form
            for name, value in environment.items()
            if name.startswith(_PREFIX)
            for secret in _secrets(name, value)
            for form in (secret, unquote(secret))
            if len(form) >= _SHORTEST
        }
        longest_first = sorted(found, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if found else None

    def text(self, value: str) -> str:
        """The text without passwords."""
        if self._known is not None:
            value = self._known.sub(MASK, value)
        return _URL_PASSWORD.sub(rf"\g<before>{MASK}", value) if "://" in value else value

    def tree(self, value: Any) -> Any:
        """A JSON-like value, or a notebook, with every text in it scrubbed; dicts and lists are changed in place."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            for key in value:
                value[key] = self.tree(value[key])
        elif isinstance(value, list):
            value[:] = [self.tree(item) for item in value]
        return value


def _secrets(name: str, value: str) -> list[str]:
    if _SECRET_NAME.search(name):
        return [value]
    try:
        url = urlsplit(value)
        secrets = [secret for key, secret in parse_qsl(url.query) if _SECRET_NAME.search(key) or key == "pwd"]
        return [*secrets, url.password] if url.password else secrets
    except ValueError:  # not a URL
        return []
