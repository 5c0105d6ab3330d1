"""What SHOW GRANTS means for a database."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from workbench.metrics.mysql_privileges import ROLES, granted

ALL = set().union(*ROLES.values())
ON_EACH_TABLE = [f"GRANT SELECT ON `dora`.`{t}` TO `u`@`%`" for t in ("dora_metrics", "features", "imports")]


@pytest.mark.parametrize(
    ("grants", "expected"),
    [
        (["GRANT USAGE ON *.* TO `u`@`%`", "GRANT SELECT, INSERT ON `dora`.* TO `u`@`%`"], {"SELECT", "INSERT"}),
        (["GRANT SELECT ON `other`.* TO `u`@`%`"], set()),
        (["GRANT ALL PRIVILEGES ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*0A' WITH GRANT OPTION"], ALL),
        (["GRANT SELECT ON `d_ra`.* TO `u`@`%`"], {"SELECT"}),
        (["GRANT SELECT ON `d\\_ra`.* TO `u`@`%`"], set()),
        (["GRANT SELECT ON `do%`.* TO `u`@`%`"], {"SELECT"}),
        (["GRANT SELECT (`id`), INSERT ON `dora`.* TO `u`@`%`"], {"INSERT"}),
        (ON_EACH_TABLE, set()),
        ([*ON_EACH_TABLE, "GRANT SELECT ON `dora`.`data_version` TO `u`@`%`"], {"SELECT"}),
        (["GRANT `role`@`%` TO `u`@`%`", "GRANT PROXY ON ''@'' TO 'root'@'localhost'"], set()),
    ],
)
def test_privileges_on_a_database(grants: list[str], expected: set[str]) -> None:
    held = granted(grants, "dora")
    assert held - {"USAGE"} == expected


def test_the_doctor_wants_what_the_document_grants() -> None:
    document = Path(__file__).resolve().parents[2] / "docs" / "mysql.md"
    written = re.findall(r"^GRANT (.*) ON dora\.\* TO '(\w+)'@'%';$", document.read_text(encoding="utf-8"), re.M)
    assert {role: tuple(names.split(", ")) for names, role in written} == ROLES
