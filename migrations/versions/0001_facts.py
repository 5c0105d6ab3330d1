"""The fact table, names, imports, and what changed last.

A server cannot take DDL back, so every step may find itself done already: a run that was cut off is run again.
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Names compare byte by byte, trailing spaces included: case or padding must not merge two projects.
MYSQL_COLLATION = "utf8mb4_0900_bin"
MARIADB_COLLATION = "utf8mb4_nopad_bin"

# metadata is text that must be JSON, as MariaDB's JSON type is. MySQL's own type would reorder keys and rewrite
# numbers, and an import could not tell an unchanged row from a changed one.
FACTS = """
CREATE TABLE IF NOT EXISTS dora_metrics (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  project VARCHAR(100) NOT NULL,
  cycle_id VARCHAR(100) NOT NULL,
  feature_id VARCHAR(100) NOT NULL,
  phase_name VARCHAR(20) NOT NULL,
  decision VARCHAR(20) NOT NULL,
  duration_seconds DECIMAL(12,2) NULL,
  charged_to VARCHAR(100) NULL,
  link_rule VARCHAR(10) NULL,
  fixed_by VARCHAR(100) NULL,
  source VARCHAR(20) NOT NULL,
  updated_at DATETIME(6) NULL,
  metadata LONGTEXT NULL,
  created_at DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY dora_metrics_fact (project, cycle_id, feature_id, phase_name),
  KEY dora_metrics_phase (phase_name),
  KEY dora_metrics_feature (feature_id),
  KEY dora_metrics_created (created_at),
  KEY dora_metrics_window (project, phase_name, created_at, decision, cycle_id, feature_id, duration_seconds,
    charged_to, link_rule, fixed_by),
  CONSTRAINT dora_metrics_metadata CHECK (JSON_VALID(metadata))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE {collation}
"""

FEATURES = """
CREATE TABLE IF NOT EXISTS features (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  project VARCHAR(100) NOT NULL,
  feature_id VARCHAR(100) NOT NULL,
  title MEDIUMTEXT NULL,
  author MEDIUMTEXT NULL,
  team MEDIUMTEXT NULL,
  url MEDIUMTEXT NULL,
  source VARCHAR(20) NOT NULL,
  updated_at DATETIME(6) NULL,
  PRIMARY KEY (id),
  UNIQUE KEY features_name (project, feature_id, source)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE {collation}
"""

IMPORTS = """
CREATE TABLE IF NOT EXISTS imports (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  project VARCHAR(100) NOT NULL,
  source VARCHAR(20) NOT NULL,
  origin MEDIUMTEXT NOT NULL,
  digest VARCHAR(128) NOT NULL,
  covered_from DATETIME(6) NULL,
  covered_to DATETIME(6) NULL,
  rows_read BIGINT NOT NULL,
  rejected BIGINT NOT NULL,
  imported_at DATETIME(6) NOT NULL,
  notes LONGTEXT NOT NULL,
  PRIMARY KEY (id),
  KEY imports_project (project, source)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE {collation}
"""

# One row: a random text that the transaction of every write renews, last of all, so that writers meet there briefly.
VERSION = """
CREATE TABLE IF NOT EXISTS data_version (
  id TINYINT UNSIGNED NOT NULL,
  version CHAR(32) NOT NULL,
  PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE {collation}
"""


def upgrade() -> None:
    """Make what is not there yet."""
    collation = MARIADB_COLLATION if op.get_context().dialect.is_mariadb else MYSQL_COLLATION
    for table in (FACTS, FEATURES, IMPORTS, VERSION):
        op.execute(table.strip().format(collation=collation))


def downgrade() -> None:
    """Remove it all, with its rows."""
    for table in ("data_version", "imports", "features", "dora_metrics"):
        op.execute(f"DROP TABLE IF EXISTS {table}")
