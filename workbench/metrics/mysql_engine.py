"""Connections to MySQL and MariaDB: the URL, the pool, what every session is set to, and errors in plain words.

A password is never in a message: the URL is shown without it, and the driver's own texts do not hold it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from workbench.errors import ConfigurationError, MissingExtraError, StoreError

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine

    from workbench.settings import Settings

Tls = Literal["off", "encrypt", "verify"]

_SQL_MODE: Final = "STRICT_TRANS_TABLES,ONLY_FULL_GROUP_BY,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO"
_DRIVERS: Final = ("mysql", "mysql+mysqldb", "mariadb", "mariadb+mysqldb")

LOST: Final = frozenset({2006, 2013, 2055, 1053, 1927, 4031})
"""Numbers that say: this connection is gone (server restarted, KILL, time-out), another one may work."""
UNREACHABLE: Final = frozenset({2002, 2003, 2005})
UNUSABLE: Final = LOST | UNREACHABLE | frozenset({1040, 1044, 1045, 1049, 1129, 1130, 1142, 1146, 1698, 2026, 3159})
"""Numbers that say: this server cannot answer now, whatever it is asked; a replica of it may, and the other way."""
NO_TABLE: Final = 1146
TOO_LONG: Final = frozenset({1969, 3024})
DEADLOCK: Final = frozenset({1213, 1467})
"""1467: MariaDB, when it chose a statement that waited for the next id."""
NO_LOCAL_INFILE: Final = frozenset({1148, 2068, 3948, 4166})

_REMEDIES: Final[Mapping[int, tuple[str, str]]] = {
    1044: ("the user may not use this database", "Ask for the grants in docs/mysql.md."),
    1045: ("user or password is wrong", "Correct WORKBENCH_METRICS_URL or WORKBENCH_METRICS_PASSWORD."),
    1698: ("user or password is wrong", "Correct WORKBENCH_METRICS_URL or WORKBENCH_METRICS_PASSWORD."),
    1049: ("there is no such database", "Create it (CREATE DATABASE …) or correct WORKBENCH_METRICS_URL."),
    1054: ("a column is missing", "Run: workbench migrate."),
    1146: ("a table is missing", "Run: workbench migrate."),
    1142: ("the user lacks a privilege", "Ask for the grants in docs/mysql.md."),
    1143: ("the user lacks a privilege", "Ask for the grants in docs/mysql.md."),
    1227: ("the user lacks a privilege", "Ask for the grants in docs/mysql.md."),
    1792: ("the connection is read-only", "Report this: a question tried to write."),
    1290: ("the server is read-only", "Let WORKBENCH_METRICS_URL name the primary server."),
    1836: ("the server is read-only", "Let WORKBENCH_METRICS_URL name the primary server."),
    1969: ("it took longer than the limit", "Ask for a shorter window, or raise WORKBENCH_STATEMENT_LIMIT_SECONDS."),
    3024: ("it took longer than the limit", "Ask for a shorter window, or raise WORKBENCH_STATEMENT_LIMIT_SECONDS."),
    1205: ("another transaction held a row for too long", "Wait for it, and try again."),
    1213: ("it collided with another transaction, several times", "Try again."),
    1153: (
        "a value is larger than the server takes at once",
        "Raise max_allowed_packet on the server, or shorten the value.",
    ),
    1406: ("a value is too long for its column", "Shorten it in its source."),
    1021: ("the server's disk is full", "Free space on the server."),
    1030: ("the server's storage failed", "Look into the server's error log."),
    1114: ("the server's disk or its tablespace is full", "Free space on the server."),
    2005: ("the host is unknown", "Correct WORKBENCH_METRICS_URL."),
    2026: ("the encrypted connection failed", "Check WORKBENCH_METRICS_TLS and WORKBENCH_METRICS_TLS_CA."),
}


class ServerUnavailable(StoreError):
    """This server cannot answer, whatever it is asked: another one with the same data may."""


@dataclass(frozen=True, slots=True)
class Connect:
    """How to reach a server. Times in seconds; ``statement_limit`` is for questions, ``load_timeout`` for imports."""

    url: str = field(repr=False)
    password: str | None = field(default=None, repr=False)
    pool_size: int = 5
    pool_overflow: int = 10
    pool_recycle: int = 600
    connect_timeout: int = 10
    read_timeout: int = 60
    write_timeout: int = 60
    load_timeout: int = 900
    statement_limit: float = 30.0
    tls: Tls = "off"
    tls_ca: Path | None = None
    setting: str = "WORKBENCH_METRICS_URL"


def from_settings(settings: Settings) -> Connect:
    """The connection that the settings describe; ``metrics_url`` must be set.

    Raises:
        ConfigurationError: there is no URL, or the password file cannot be read.
    """
    if settings.metrics_url is None:
        raise ConfigurationError(
            "No MySQL database is configured.", "Set WORKBENCH_METRICS_URL=mysql://user@host/database."
        )
    return Connect(
        url=settings.metrics_url.get_secret_value(),
        password=_password(settings),
        pool_size=settings.pool_size,
        pool_overflow=settings.pool_overflow,
        pool_recycle=settings.pool_recycle_seconds,
        connect_timeout=settings.connect_timeout_seconds,
        read_timeout=settings.read_timeout_seconds,
        write_timeout=settings.write_timeout_seconds,
        load_timeout=settings.load_timeout_seconds,
        statement_limit=settings.statement_limit_seconds,
        tls=settings.metrics_tls,
        tls_ca=settings.metrics_tls_ca,
    )


def replica_from_settings(settings: Settings) -> Connect | None:
    """The connection to the read replica: as that to the primary, but for the URL. None if there is none."""
    if settings.metrics_replica_url is None:
        return None
    url = settings.metrics_replica_url.get_secret_value()
    return replace(from_settings(settings), url=url, setting="WORKBENCH_METRICS_REPLICA_URL")


def _password(settings: Settings) -> str | None:
    if settings.metrics_password is not None:
        return settings.metrics_password.get_secret_value()
    if settings.metrics_password_file is None:
        return None
    try:
        return settings.metrics_password_file.read_text(encoding="utf-8").split("\n", 1)[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigurationError(
            f"The password file {settings.metrics_password_file} cannot be read: {reason}.",
            "Correct WORKBENCH_METRICS_PASSWORD_FILE.",
        ) from None


def parse(connect: Connect) -> URL:
    """The URL with its password.

    Raises:
        ConfigurationError: it is no MySQL URL or names no database. The message does not repeat it.
    """
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(connect.url)
        driver, host, database, query = url.drivername, url.host, url.database, bool(url.query)
    except (ArgumentError, ValueError):
        driver, host, database, query = "", None, None, False
    if driver not in _DRIVERS or not host or not database or query:
        raise ConfigurationError(
            f"{connect.setting} cannot be used.",
            "Write mysql://user@host:3306/database (special characters of user and password as %XX), and nothing more: "
            "options have settings of their own.",
        )
    url = url.set(drivername="mysql+mysqldb")
    return url.set(password=connect.password) if connect.password is not None and not url.password else url


def place(url: URL) -> str:
    """The URL for people: no user, no password."""
    return f"{url.host}:{url.port or 3306}/{url.database}"


def engine(connect: Connect, *, writes: bool) -> Engine:
    """A pool of connections, for reading (read-only, statement limit) or for writing (may send files).

    Raises:
        ConfigurationError: the URL cannot be used.
        MissingExtraError: the driver is not installed.
    """
    try:
        import MySQLdb  # noqa: F401
        from sqlalchemy import create_engine, event
    except ImportError:
        raise MissingExtraError("mysqlclient", "mysql") from None
    made = create_engine(
        parse(connect),
        pool_size=connect.pool_size,
        max_overflow=connect.pool_overflow,
        pool_recycle=connect.pool_recycle,
        pool_timeout=connect.connect_timeout,
        pool_pre_ping=True,
        pool_reset_on_return="rollback" if writes else None,  # a reader's session leaves nothing behind
        isolation_level="AUTOCOMMIT" if not writes else None,
        connect_args=_arguments(connect, writes),
        hide_parameters=True,
    )

    @event.listens_for(made, "connect")
    def _set_session(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            if connect.tls != "off":
                _insist_on_tls(cursor)
            cursor.execute(session(connection.get_server_info(), None if writes else connect.statement_limit))

    return made


def _insist_on_tls(cursor: Any) -> None:
    """MariaDB's client library goes on in plain text where a server has no TLS."""
    cursor.execute("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
    if not cursor.fetchone()[1]:
        raise StoreError("The server does not encrypt connections.", "Set up TLS there, or WORKBENCH_METRICS_TLS=off.")


def session(server: str, limit: float | None) -> str:
    """What a session is set to: UTC, strict, and for readers read-only with a limit a statement (in seconds)."""
    parts = ["time_zone = '+00:00'", f"sql_mode = '{_SQL_MODE}'"]
    mariadb = "mariadb" in server.lower()
    milliseconds = max(1, round((limit or 0) * 1000))  # to a server, 0 is no limit
    if limit is not None and mariadb:
        parts += [f"max_statement_time = {milliseconds / 1000:.3f}", "tx_read_only = 1"]
    elif limit is not None:
        parts += [f"max_execution_time = {milliseconds}", "transaction_read_only = 1"]
    return "SET " + ", ".join(f"SESSION {part}" for part in parts)


def _arguments(connect: Connect, writes: bool) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "charset": "utf8mb4",
        "connect_timeout": connect.connect_timeout,
        "read_timeout": connect.load_timeout if writes else connect.read_timeout,
        "write_timeout": connect.load_timeout if writes else connect.write_timeout,
        # a server may ask for any file of a client that allows this: only where a load needs it
        "local_infile": int(writes),
        "multi_statements": False,
        "conv": _encoders_only(),
    }
    if connect.tls != "off":
        arguments["ssl_mode"] = "VERIFY_IDENTITY" if connect.tls == "verify" else "REQUIRED"
        if connect.tls_ca:
            arguments["ssl"] = {"ca": str(connect.tls_ca)}
    return arguments


def _encoders_only() -> dict[Any, Any]:
    """The driver's conversions without those of results: answers come as text, which Arrow reads by the column."""
    from MySQLdb.converters import conversions

    return {key: value for key, value in conversions.items() if not isinstance(key, int)}


def number(error: BaseException) -> int:
    """The server's or client's number of a driver error, 0 if there is none."""
    original = getattr(error, "orig", None) or error
    first = original.args[0] if original.args else 0
    return first if isinstance(first, int) else 0


def plain(error: BaseException, what: str, where: str) -> StoreError:
    """A driver error as one sentence with its remedy."""
    code = number(error)
    reason, remedy = _REMEDIES.get(code, ("", ""))
    if code in LOST or (code in UNREACHABLE and not reason):
        reason, remedy = (
            "the server cannot be reached or ended the connection",
            "Check that it runs, then: workbench doctor.",
        )
    if not reason:
        original = getattr(error, "orig", None) or error
        reason = " ".join(str(part) for part in original.args[1:]) or type(original).__name__
        remedy = "Run: workbench doctor."
    kind = ServerUnavailable if code in UNUSABLE else StoreError
    return kind(
        f"{what} at {where} failed: {reason} (error {code})." if code else f"{what} at {where} failed: {reason}.",
        remedy,
    )


@contextmanager
def plainly(what: str, where: str) -> Iterator[None]:
    """Turn every driver error inside into a StoreError."""
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.exc import TimeoutError as PoolTimeout

    try:
        yield
    except PoolTimeout:
        raise StoreError(
            f"{what} at {where} failed: all connections of the pool are in use.",
            "Raise WORKBENCH_POOL_SIZE or ask less at once.",
        ) from None
    except DBAPIError as error:
        raise plain(error, what, where) from None
