"""Other loaders of Cassandra as peers: cqlsh COPY FROM and DSBulk, run as programs on the same rows.

``scripts/cassandra peers`` installs both; a program of that name on PATH comes first. The rows are written as CSV
before the clock starts, and the seconds are those that the program itself reports for its load, without its start.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from workbench.errors import StoreError
from workbench.logs.address import Address
from workbench.logs.schema import LOGS

INSTALL: Final = "scripts/cassandra peers"
MOST_SECONDS: Final = 3600
_FOLDER: Final = Path("dora-workbench") / "peers"
_COPIED: Final = re.compile(r"(\d+) rows imported from \d+ files in (.+ seconds?)")
_SPAN: Final = re.compile(r"([\d.]+) (day|hour|minute|second)")
_SECONDS: Final = {"day": 86_400, "hour": 3600, "minute": 60, "second": 1}
_LOADED: Final = re.compile(r"^\s*([\d,]+) \|\s+([\d,]+) \|\s+([\d,]+) \|", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class PeerLoad:
    """What a program says that it loaded, and in how many seconds."""

    rows: int
    seconds: float


def find(name: str) -> Path | None:
    """The program ``cqlsh`` or ``dsbulk``: on PATH, else where ``scripts/cassandra peers`` put it; None if nowhere."""
    if there := shutil.which(name):
        return Path(there)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    installed = sorted((cache / _FOLDER).glob(f"{name}-*/bin/{name}"))
    return installed[-1] if installed else None


def write_csv(rows: pa.Table, path: Path) -> None:
    """LOG_ROWS as both programs read them: a header, quotes doubled, times like ``2026-11-01 09:30:00.250+0000``."""
    import duckdb

    with duckdb.connect() as connection:
        connection.register("rows", rows)
        relation = connection.sql(
            "SELECT * REPLACE (hex(log_id)::UUID AS log_id,"
            " strftime(log_timestamp, '%Y-%m-%d %H:%M:%S.%g+0000') AS log_timestamp,"
            " strftime(ingested_at, '%Y-%m-%d %H:%M:%S.%g+0000') AS ingested_at) FROM rows"
        )
        relation.write_csv(str(path), header=True, quotechar='"', escapechar='"')


def copy_from(program: Path, address: Address, columns: Sequence[str], path: Path, processes: int = 2) -> PeerLoad:
    """Load a CSV file by cqlsh's ``COPY … FROM`` into the table of log lines.

    Raises:
        StoreError: the program failed, or did not load every row.
    """
    with tempfile.TemporaryDirectory() as folder:
        login = _private(
            Path(folder) / "credentials",
            f"[PlainTextAuthProvider]\nusername = {address.user}\npassword = {address.password}\n",
        )
        options = f"HEADER = true AND ESCAPE = '\"' AND NUMPROCESSES = {processes}"
        columns_said = ", ".join(columns)
        copy = f"COPY {address.keyspace}.{LOGS} ({columns_said}) FROM '{path}' WITH {options}"
        known = ["--credentials", str(login), "--username", address.user] if address.user else []
        said = _run(
            [program, address.hosts[0], address.port, "--no-color", *known, "-e", f"CONSISTENCY ONE; {copy}"], folder
        )
    found = _COPIED.search(said)
    if found is None:
        raise _failed("cqlsh", said)
    spans = _SPAN.findall(found[2])
    return PeerLoad(int(found[1]), sum(float(count) * _SECONDS[unit] for count, unit in spans))


def bulk_load(program: Path, address: Address, columns: Sequence[str], path: Path) -> PeerLoad:
    """Load a CSV file by DSBulk into the table of log lines; a file in partition order makes its batches larger.

    Raises:
        StoreError: the program failed, or did not load every row.
    """
    settings = {
        "dsbulk.connector.csv.escape": '\\"',
        "dsbulk.connector.csv.header": "true",
        "dsbulk.connector.csv.maxCharsPerColumn": "-1",
        "dsbulk.codec.timestamp": "yyyy-MM-dd HH:mm:ss.SSSZ",
        "dsbulk.schema.mapping": ", ".join(columns),
        "datastax-java-driver.basic.request.consistency": "ONE",
        "datastax-java-driver.basic.load-balancing-policy.local-datacenter": address.dc,
    }
    if address.user:
        login = "datastax-java-driver.advanced.auth-provider"
        quoted = [value.replace("\\", "\\\\").replace('"', '\\"') for value in (address.user, address.password)]
        settings |= {f"{login}.class": "PlainTextAuthProvider"}
        settings |= {f"{login}.username": quoted[0], f"{login}.password": quoted[1]}
    with tempfile.TemporaryDirectory() as folder:
        lines = [f'{name} = "{value}"' for name, value in settings.items()]
        points = ", ".join(f'"{host}:{address.port}"' for host in address.hosts)
        lines += [f"datastax-java-driver.basic.contact-points = [{points}]", f'dsbulk.log.directory = "{folder}/log"']
        configuration = _private(Path(folder) / "dsbulk.conf", "\n".join(lines) + "\n")
        said = _run([program, "load", "-f", configuration, "-url", path, "-k", address.keyspace, "-t", LOGS], folder)
    found = [[int(number.replace(",", "")) for number in line.groups()] for line in _LOADED.finditer(said)]
    if "completed successfully" not in said or not found or found[-1][1] or not found[-1][2]:
        raise _failed("dsbulk", said)
    rows, _, rate = found[-1]
    return PeerLoad(rows, rows / rate)


LOADERS: Final[dict[str, Callable[[Path, Address, Sequence[str], Path], PeerLoad]]] = {
    "cqlsh": copy_from,
    "dsbulk": bulk_load,
}
"""How each program loads a file."""


def _private(path: Path, text: str) -> Path:
    """A file that nobody else can read: it has the password, which must not stand in a command line."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    return path


def _run(command: Sequence[object], folder: str) -> str:
    """What a program prints; the locale is fixed, so that its numbers can be read."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=folder, text=True,
            errors="replace", timeout=MOST_SECONDS, check=False, env=os.environ | {"LC_ALL": "C", "COLUMNS": "200"},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed(Path(words[0]).name, str(error)) from None
    if done.returncode:
        raise _failed(Path(words[0]).name, done.stdout)
    return done.stdout


def _failed(name: str, said: str) -> StoreError:
    words = " ".join(said.split())[-300:]
    return StoreError(f"{name} did not load the rows: {words}", f"Install it again with {INSTALL}, or run without it.")
