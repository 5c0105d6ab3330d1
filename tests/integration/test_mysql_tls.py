"""Encrypted connections with certificates of a CA of these tests' own: whom ``verify`` trusts, and whom it does not."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests import servers
from workbench.errors import StoreError
from workbench.metrics import mysql_schema
from workbench.metrics.mysql import MySQLStore
from workbench.metrics.mysql_engine import Connect

NAMES = ("ssl_ca", "ssl_cert", "ssl_key")
Installed = Callable[[str], Connect]


def openssl(*arguments: str | Path) -> None:
    """Run openssl, which has to succeed."""
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def authority(folder: Path, name: str) -> tuple[Path, Path]:
    """Certificate and key of a new CA."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", key,
            "-out", certificate)  # fmt: skip
    return certificate, key


def certificate(folder: Path, ca: tuple[Path, Path], host: str) -> tuple[Path, Path]:
    """Certificate and key of a server at that address (``IP:127.0.0.1``, ``DNS:name``)."""
    request, made, key, extra = (folder / f"server.{ending}" for ending in ("csr", "pem", "key", "ext"))
    extra.write_text(f"subjectAltName={host}\n")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=server", "-keyout", key, "-out", request)
    openssl("x509", "-req", "-days", "2", "-in", request, "-CA", ca[0], "-CAkey", ca[1], "-CAcreateserial",
            "-extfile", extra, "-out", made)  # fmt: skip
    return made, key


@pytest.fixture
def ca(tmp_path: Path) -> tuple[Path, Path]:
    """The CA that signs the server's certificate."""
    if not shutil.which("openssl"):
        pytest.skip("there is no openssl here")
    return authority(tmp_path, "trusted")


@pytest.fixture
def installed(tmp_path: Path, ca: tuple[Path, Path]) -> Iterator[Installed]:
    """Gives a MySQL server of this process a certificate for an address; it has its own again at the end."""
    name = "mysql-victim"
    servers.url.cache_clear()
    connect = servers.database(name)
    mysql_schema.migrate(connect)
    before = servers.sql(name, f"SELECT @@{', @@'.join(NAMES)}, @@secure_file_priv")[0]

    def use(values: dict[str, str]) -> None:
        servers.sql(
            name, *(f"SET GLOBAL {key} = '{value}'" for key, value in values.items()), "ALTER INSTANCE RELOAD TLS"
        )

    def install(host: str) -> Connect:
        files = dict(zip(NAMES, (ca[0], *certificate(tmp_path, ca, host)), strict=True))
        there = {key: f"{before[3]}{secrets.token_hex(8)}-{key}" for key in NAMES}
        for key, path in there.items():  # the server writes them, wherever it runs
            servers.sql(name, f"SELECT '{files[key].read_text()}' INTO DUMPFILE '{path}'")
        use(there)
        return replace(connect, tls="verify", tls_ca=ca[0])

    yield install
    use(dict(zip(NAMES, map(str, before[:3]), strict=True)))


def test_verify_trusts_the_ca_that_is_named_and_no_other(installed: Installed, tmp_path: Path) -> None:
    good = installed("IP:127.0.0.1")
    store = MySQLStore(good)
    assert store.projects() == ()
    with store.reader.connect() as connection:
        cipher = connection.exec_driver_sql("SHOW SESSION STATUS LIKE 'Ssl_cipher'").fetchall()[0][1]
    assert cipher, "the connection is in plain text"
    store.close()
    other = authority(tmp_path, "other")[0]
    for wrong in (replace(good, tls_ca=other), replace(good, tls_ca=tmp_path / "not-there.pem")):
        with pytest.raises(StoreError, match="WORKBENCH_METRICS_TLS_CA"):
            MySQLStore(wrong).projects()
    assert MySQLStore(replace(good, tls="encrypt", tls_ca=None)).projects() == (), "encrypt trusts every certificate"


def test_verify_refuses_the_certificate_of_another_host(installed: Installed) -> None:
    with pytest.raises(StoreError, match="encrypted connection failed"):
        MySQLStore(installed("DNS:elsewhere.example")).projects()
