"""What a user of the database may do, and what each kind of user needs (docs/mysql.md)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from workbench.metrics import mysql_schema
from workbench.metrics.mysql_server import Finding, Server, rows

if TYPE_CHECKING:
    from sqlalchemy import Connection

ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    "reader": ("SELECT",),
    "loader": ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE TEMPORARY TABLES"),
    "migrator": ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "INDEX", "REFERENCES"),
}
"""What each kind of user needs (docs/mysql.md)."""


def examine(connection: Connection, server: Server, who: str) -> Finding:
    """Whether the user ``who`` is a reader, a loader or a migrator; what it lacks if it is half of one."""
    database = rows(connection, "SELECT DATABASE() AS name")[0]["name"]
    held = granted(_grants(connection, server), database)
    able = [role for role, needed in ROLES.items() if held >= set(needed)]
    does = {"reader": "read", "loader": "import", "migrator": "migrate"}
    detail = f"{who} may {', '.join(does[role] for role in able) or 'not even read'}"
    lacking = [name for name in ROLES["loader"] if name not in held]
    # a user of one kind is as it should be; one that has more than a reader and can do no more is a mistake
    partly = bool(held & {"INSERT", "UPDATE", "DELETE"}) and not {"loader", "migrator"} & set(able)
    if able and not partly:
        return Finding("MySQL privileges", "ok", detail)
    user, _, host = who.rpartition("@")
    grant = f"GRANT {', '.join(lacking)} ON `{database}`.* TO '{user}'@'{host}'; -- docs/mysql.md has all three kinds"
    return Finding("MySQL privileges", "note" if able else "problem", f"{detail}; lacks {', '.join(lacking)}", grant)


def _grants(connection: Connection, server: Server) -> list[str]:
    """SHOW GRANTS with what active roles add, which MySQL lists only where the roles are named."""
    text = "SHOW GRANTS"
    if not server.mariadb and (roles := rows(connection, "SELECT CURRENT_ROLE() AS r")[0]["r"]) != "NONE":
        text = f"SHOW GRANTS FOR CURRENT_USER() USING {roles.replace('%', '%%')}"
    return [line for row in rows(connection, text) for line in row.values()]


def granted(grants: Iterable[str], database: str) -> set[str]:
    """Privileges on a whole database, out of the lines of SHOW GRANTS.

    What is granted on single tables counts if it is granted on each table of the workbench.
    """
    whole: set[str] = set()
    single: dict[str, set[str]] = {table: set() for table in mysql_schema.TABLES}
    for text in grants:
        found = re.match(r"GRANT (.+?) ON (?:TABLE )?(\*|`(?:[^`]|``)*`)\.(\*|`(?:[^`]|``)*`) TO ", text)
        if not found or not _covers(found[2], database):
            continue
        names = {re.sub(r"\s*\(.*", "", name.strip()) for name in found[1].split(",") if "(" not in name}
        names = set().union(*ROLES.values()) if names & {"ALL PRIVILEGES", "ALL"} else names
        table = found[3].strip("`")
        if table == "*":
            whole |= names
        elif table in single:
            single[table] |= names
    return whole | set.intersection(*single.values())


def _covers(pattern: str, database: str) -> bool:
    """Whether the database of a grant, in which ``_`` and ``%`` are wildcards, is this one."""
    if pattern == "*":
        return True
    name = pattern[1:-1].replace("``", "`")
    parts = re.findall(r"\\.|.", name, re.S)
    wild = {"%": ".*", "_": "."}
    return bool(re.fullmatch("".join(wild.get(part) or re.escape(part[-1]) for part in parts), database, re.S))
