"""Where the files that travel with the package are: inside an installed wheel, or beside the package in a checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from workbench.errors import ConfigurationError

Folder = Literal["queries", "notebooks", "cql", "migrations"]

_PACKAGE = Path(__file__).resolve().parent


def folder(name: Folder) -> Path:
    """The folder of that name, as a real path.

    The installed copy wins: only a wheel has one, and beside an installed package lie the files of others.

    Raises:
        ConfigurationError: this installation lacks it.
    """
    for place in (_PACKAGE / "_files" / name, _PACKAGE.parent / name):
        if place.is_dir():
            return place
    raise ConfigurationError(f"This installation has no folder {name!r}.", "Install dora-workbench again.")
