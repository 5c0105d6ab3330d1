"""``workbench dora --profile`` and ``--refresh``."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import MARCH, Command


def test_profile_goes_to_standard_error_after_the_answer(workbench: Command, files: dict[str, Path]) -> None:
    workbench("import", "events", *files.values(), "--project", "shop")
    plain = workbench("dora", *MARCH, "--json")
    done = workbench("dora", *MARCH, "--json", "--profile")
    assert done.code == 0
    assert json.loads(done.out)["figures"] == plain.json["figures"]
    assert "deployment_counts.sql" in done.err
    assert " statements in " in done.err
    assert plain.err == ""


def test_refresh_computes_anew(workbench: Command, files: dict[str, Path]) -> None:
    workbench("import", "events", *files.values(), "--project", "shop")
    workbench("dora", *MARCH)
    assert "; 0 out of the cache." not in workbench("dora", *MARCH, "--profile").err
    assert "; 0 out of the cache." in workbench("dora", *MARCH, "--profile", "--refresh").err
