"""cql/: every file says what its statement uses, and names are filled in."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.errors import QueryError
from workbench.files import folder
from workbench.logs import statements

FILES = sorted(path.stem for path in folder("cql").glob("*.cql"))


@pytest.mark.parametrize("name", FILES)
def test_header_and_statement_agree(name: str) -> None:
    if "-- fill" in (folder("cql") / f"{name}.cql").read_text():
        with pytest.raises(QueryError, match="needs"):
            statements.text(name)
    else:
        assert statements.text(name)


def test_an_undeclared_name_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bad.cql").write_text("-- name: bad\n-- A sentence.\nSELECT $columns FROM t WHERE a = :a\n")
    monkeypatch.setattr(statements, "folder", lambda _name: tmp_path)
    with pytest.raises(QueryError, match="header"):
        statements.text("bad", columns="x")


def test_an_unknown_statement_is_named() -> None:
    with pytest.raises(QueryError, match="no_such"):
        statements.text("no_such")
