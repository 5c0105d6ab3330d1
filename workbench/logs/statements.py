"""CQL as files: reads cql/*.cql, checks that a header declares what its statement uses, and fills in names.

A file starts with a header (``-- name:``, one sentence, ``-- param NAME TYPE: …`` for what is bound,
``-- fill NAME: …`` for what is part of the text, such as column names) and goes on with one statement. Values are
always bound; only names and numbers that the workbench checked itself are filled in.
"""

from __future__ import annotations

import re
from functools import cache
from string import Template
from typing import Final

from workbench.errors import QueryError
from workbench.files import folder

_HEADER: Final = re.compile(r"-- (?P<kind>name|param|fill)(?: (?P<name>\w+)(?: \w+)?)?: (?P<text>.+)")
_BOUND: Final = re.compile(r":([a-z_]+)")


@cache
def _statement(name: str) -> str:
    """The statement of one file, checked against its header."""
    path = folder("cql") / f"{name}.cql"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise QueryError(f"There is no statement {name!r} in cql/.", "Install dora-workbench again.") from None
    header = [match for line in lines if (match := _HEADER.fullmatch(line))]
    body = "\n".join(line for line in lines if not line.startswith("--")).strip()
    declared = {(match["kind"], match["name"]) for match in header if match["kind"] != "name"}
    used = {("fill", found) for found in Template(body).get_identifiers()}
    used |= {("param", found) for found in _BOUND.findall(re.sub(r"'[^']*'|\$\w+", "", body))}
    if not header or header[0]["text"] != name or declared != used:
        raise QueryError(f"The header of {path} does not say what its statement uses.", "Correct the header.")
    return body


def text(name: str, **fills: str | int) -> str:
    """The statement ``name`` with its names filled in.

    Raises:
        QueryError: there is no such file, its header is wrong, or a name is missing.
    """
    try:
        return Template(_statement(name)).substitute(fills)
    except KeyError as missing:
        raise QueryError(f"The statement {name!r} needs {missing}.", "Give it a value.") from None
