"""The dora_metrics table of a Django application, as its migrations make it, with rows of every kind."""

from __future__ import annotations

import csv
import json
import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests import servers
from workbench.metrics import mysql_engine

COLUMNS = ("id", "cycle_id", "feature_id", "phase_name", "decision", "duration_seconds", "metadata", "created_at")
TABLE = """
CREATE TABLE dora_metrics (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  cycle_id VARCHAR(100) NOT NULL UNIQUE,
  feature_id VARCHAR(100) NOT NULL,
  phase_name VARCHAR(50) NOT NULL,
  decision VARCHAR(50) NOT NULL,
  duration_seconds DOUBLE NULL,
  metadata JSON NULL,
  created_at DATETIME(6) NOT NULL,
  KEY dora_metrics_phase_n_0a1b2c_idx (phase_name),
  KEY dora_metrics_feature_3d4e5f_idx (feature_id),
  KEY dora_metrics_created_6a7b8c_idx (created_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
"""
FIRST = datetime(2025, 1, 1, 0, 30)


def made_rows(count: int = 400) -> list[dict[str, Any]]:
    """Deployments that went well and badly, phases before them, incidents fixed and open; ids with gaps."""
    dice = random.Random(5)
    made = []
    for number in range(count):
        phase = dice.choice(("planning", "testing", "deployment", "deployment", "maintenance"))
        decisions = ("open", "fixed", "fixed") if phase == "maintenance" else ("go", "go", "rework", "no-go", "review")
        decision = dice.choice(decisions)
        seconds = None if decision == "open" else dice.choice((None, 0, 60.5, dice.randrange(10**7) / 100, -5))
        made.append(
            {
                "id": 3 * number + 7,
                "cycle_id": f"CYC-{number:05}" + dice.choice(("", "", " é😀", "\"',;")),
                "feature_id": f"F-{dice.randrange(count // 3)}",
                "phase_name": dice.choice((phase, phase, phase.capitalize())),
                "decision": dice.choice((decision, decision.upper().replace("-", "_"))),
                "duration_seconds": None if seconds is not None and seconds < 0 and phase != "deployment" else seconds,
                "metadata": dice.choice((None, {"author": "Zoë", "b": [1, 2.5, None]}, {})),
                "created_at": FIRST + timedelta(seconds=dice.randrange(200 * 86_400), microseconds=dice.choice((0, 1))),
            }
        )
    return made


def create(kind: str, rows: list[dict[str, Any]]) -> mysql_engine.Connect:
    """A new database with the table and these rows."""
    connect = servers.database(kind)
    schema = connect.url.rpartition("/")[2]
    servers.sql(kind, TABLE, schema=schema)
    insert(kind, connect, rows)
    return connect


def insert(kind: str, connect: mysql_engine.Connect, rows: list[dict[str, Any]]) -> None:
    """Add rows as the application does: its own columns only."""
    import MySQLdb
    from sqlalchemy import make_url

    there = make_url(connect.url)
    connection = MySQLdb.connect(
        host=there.host,
        port=there.port,
        user=there.username,
        password=there.password,
        database=there.database,
        charset="utf8mb4",
    )
    marks = ", ".join(["%s"] * len(COLUMNS))
    values = [
        tuple(json.dumps(row[name]) if isinstance(row[name], dict) else row[name] for name in COLUMNS) for row in rows
    ]
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO dora_metrics ({', '.join(COLUMNS)}) VALUES ({marks})", values)
    connection.commit()
    connection.close()


def export(kind: str, connect: mysql_engine.Connect, path: Path) -> Path:
    """The table as a CSV file, in the way that the server's own client would write it."""
    found = servers.sql(
        kind, f"SELECT {', '.join(COLUMNS)} FROM dora_metrics ORDER BY id", schema=connect.url.rpartition("/")[2]
    )
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([["NULL" if cell is None else cell for cell in row] for row in found])
    return path
