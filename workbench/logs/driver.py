"""The Cassandra driver, as the log store needs it: how it connects, what it sends, and what its failures mean.

Two documented extension points carry the columnar paths: ``Session.client_protocol_handler`` lets a batch of ready-made
rows (workbench.logs.wire) go out as it is and lets a page of an answer stay bytes until the reader decodes it, in its
own thread; ``connection_class`` widens the socket buffers.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakSet

from workbench.errors import MissingExtraError, StoreError
from workbench.logs.address import Address

try:
    from cassandra import (
        AuthenticationFailed,
        ConsistencyLevel,
        DriverException,
        InvalidRequest,
        OperationTimedOut,
        RequestExecutionException,
        Unauthorized,
        Unavailable,
        WriteFailure,
        WriteTimeout,
    )
    from cassandra.auth import PlainTextAuthProvider
    from cassandra.cluster import Cluster, DefaultConnection, ExecutionProfile, NoHostAvailable, Session
    from cassandra.connection import ConnectionException
    from cassandra.policies import (
        ConstantSpeculativeExecutionPolicy,
        DCAwareRoundRobinPolicy,
        FallthroughRetryPolicy,
        RetryPolicy,
        TokenAwarePolicy,
    )
    from cassandra.protocol import TRACING_FLAG, USE_BETA_FLAG, BatchMessage, ResultMessage, _ProtocolHandler
    from cassandra.query import BatchStatement, BatchType
except ImportError as error:
    raise MissingExtraError("cassandra-driver", "cassandra") from error

PROTOCOL: Final = 4
"""Both 4.1 and 5.0 speak it, and it needs no checksum of every segment."""
WRITE, READ, VERIFY = "write", "read", "verify"
"""Execution profiles: the load's consistency; LOCAL_ONE; QUORUM, for what must be right."""
_SEND_BYTES: Final = 1 << 20
_RECEIVE_BYTES: Final = 1 << 18

ServerErrors: Final = (RequestExecutionException, DriverException, NoHostAvailable, AuthenticationFailed, OSError)
"""Whatever a request can fail with."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of an answer, undecoded: the cells of ``rows`` rows begin at ``start`` of ``data``."""

    names: tuple[str, ...]
    types: tuple[str, ...]
    rows: int
    data: bytes
    start: int


class RowsBatch(BatchStatement):  # type: ignore[misc]
    """An unlogged batch of ready-made rows of one partition."""

    def __init__(self, rows: Any, keyspace: str, routing_key: bytes) -> None:
        super().__init__(batch_type=BatchType.UNLOGGED)
        self._statements_and_parameters = rows
        self.keyspace = keyspace
        self.routing_key = routing_key
        self.is_idempotent = True


class _PageMessage(ResultMessage):  # type: ignore[misc]
    """A result whose rows stay bytes."""

    def recv_results_rows(self, f: Any, version: int, user_types: Any, result_metadata: Any, *_: Any) -> None:
        self.recv_results_metadata(f, user_types)
        columns = self.column_metadata or result_metadata
        rows = int.from_bytes(f.read(4), "big")
        self.column_names = [column[2] for column in columns]
        self.column_types = [column[3] for column in columns]
        types = tuple(column[3].typename for column in columns)
        self.parsed_rows = Page(tuple(self.column_names), types, rows, f.getvalue(), f.tell())


class ColumnarHandler(_ProtocolHandler):  # type: ignore[misc]
    """Sends ready-made rows as they are; everything else as the driver does."""

    message_types_by_opcode = {**_ProtocolHandler.message_types_by_opcode, ResultMessage.opcode: _PageMessage}  # noqa: RUF012

    @classmethod
    def encode_message(
        cls, msg: Any, stream_id: int, protocol_version: int, compressor: Any, allow_beta_protocol_version: bool
    ) -> Any:
        """Encode one message; the names of the parameters are the driver's contract."""
        if not (isinstance(msg, BatchMessage) and hasattr(msg.queries, "body")):
            return super().encode_message(msg, stream_id, protocol_version, compressor, allow_beta_protocol_version)
        parts = msg.queries.body(msg.consistency_level)
        if compressor or msg.custom_payload:
            msg.send_body = lambda f, _version: f.writelines(parts)
            return super().encode_message(msg, stream_id, protocol_version, compressor, allow_beta_protocol_version)
        flags = (TRACING_FLAG if msg.tracing else 0) | (USE_BETA_FLAG if allow_beta_protocol_version else 0)
        head = io.BytesIO()
        cls._write_header(head, protocol_version, flags, stream_id, msg.opcode, sum(map(len, parts)))
        return b"".join((head.getvalue(), *parts))  # the rows are copied once, not three times


class _WideConnection(DefaultConnection):  # type: ignore[misc]
    """The driver writes and reads 4 KiB at a time; a batch is a hundred times that."""

    out_buffer_size = _SEND_BYTES
    in_buffer_size = _RECEIVE_BYTES


def _one_page(_names: list[str], page: Page) -> list[Page]:
    """Row factory of the driver: the page itself is the only row."""
    return [page]


def _profile(address: Address, consistency: int, retry: Any, timeout: float, second: float | None = None) -> Any:
    """An execution profile; an idempotent question unanswered for ``second`` seconds goes to another node, too."""
    balance = TokenAwarePolicy(DCAwareRoundRobinPolicy(local_dc=address.dc or ""), shuffle_replicas=False)
    again = ConstantSpeculativeExecutionPolicy(second, 2) if second else None
    return ExecutionProfile(
        balance, retry, consistency, request_timeout=timeout, row_factory=_one_page, speculative_execution_policy=again
    )


def prepare(session: Any, text: str) -> Any:
    """Prepare a statement that may be repeated; a node that does not answer is not the last one asked."""
    for last in (False, False, True):
        try:
            statement = session.prepare(text)
        except OperationTimedOut:
            if last:
                raise
        else:
            statement.is_idempotent = True
            break
    return statement


def connect(address: Address) -> Any:
    """A session with the profiles ``write``, ``read`` and ``verify``.

    Raises:
        StoreError: no node answers, or the credentials are wrong.
    """
    write = ConsistencyLevel.name_to_value[address.consistency]
    login = PlainTextAuthProvider(address.user, address.password) if address.user else None
    cluster = Cluster(
        list(address.hosts), port=address.port, protocol_version=PROTOCOL, auth_provider=login, compression=False,
        ssl_context=address.tls_context(), connection_class=_WideConnection, connect_timeout=10,
        execution_profiles={
            WRITE: _profile(address, write, FallthroughRetryPolicy(), 10.0),
            READ: _profile(address, ConsistencyLevel.LOCAL_ONE, RetryPolicy(), 20.0, 1.0),
            VERIFY: _profile(address, ConsistencyLevel.QUORUM, RetryPolicy(), 60.0, 5.0),
        },
    )  # fmt: skip
    try:
        with translated(address):
            session: Session = cluster.connect()
    except BaseException:
        cluster.shutdown()
        raise
    session.client_protocol_handler = ColumnarHandler
    _open.add(cluster)
    return session


def _close_all() -> None:
    """The driver's threads must end before Python's thread pools do, or they complain on the way out."""
    for cluster in list(_open):
        cluster.shutdown()


_open: Final[WeakSet[Any]] = WeakSet()
getattr(threading, "_register_atexit", atexit.register)(_close_all)  # atexit's own turn comes after the pools'


@contextlib.contextmanager
def translated(address: Address) -> Iterator[None]:
    """Turn the driver's exceptions into one clear sentence.

    Raises:
        StoreError: what the driver raised, in the workbench's words.
    """
    try:
        yield
    except ServerErrors as error:
        raise sentence(address, error) from error


def sentence(address: Address, error: BaseException) -> StoreError:
    """What a driver's exception means, and what to do."""
    where = f"Cassandra at {address}"
    causes = [error, *(error.errors.values() if isinstance(error, NoHostAvailable) else ())]
    if any(isinstance(cause, AuthenticationFailed) and "Cannot achieve" not in str(cause) for cause in causes):
        return StoreError(f"{where} refuses the user name or the password.", "Correct them in WORKBENCH_LOGS_URL.")
    if any(is_schema_missing(cause) for cause in causes):
        return StoreError(f"{where} has no such keyspace or table.", "Make them with: workbench migrate.")
    if isinstance(error, Unauthorized):
        return StoreError(f"{where} does not allow this: {_short(error)}.", "Grant the user SELECT and MODIFY.")
    if isinstance(error, Unavailable):
        return StoreError(
            f"{where}: {error.alive_replicas} of the {error.required_replicas} replicas needed are up.",
            "Start the nodes that are down, or ask for a weaker consistency.",
        )
    if isinstance(error, NoHostAvailable):
        return StoreError(f"No node answers: {where}.", "Check that it runs and that the address is right.")
    if isinstance(error, OperationTimedOut):
        return StoreError(f"{where} did not answer in time.", "Try again, or look at workbench monitor cassandra.")
    return StoreError(f"{where} refused: {_short(error)}.", "Look at the server's log.")


def _short(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")[:300]


def is_schema_missing(error: BaseException) -> bool:
    """Whether a keyspace or a table is not there."""
    words = ("unconfigured table", "does not exist")
    said = str(error).casefold()
    return isinstance(error, InvalidRequest) and any(word in said for word in words)


def is_forbidden(error: BaseException) -> bool:
    """Whether the user may not do this."""
    return isinstance(error, Unauthorized)


def is_refusal(error: BaseException) -> bool:
    """Whether the server will never take this: asking again is no use, a smaller batch may be."""
    return isinstance(error, InvalidRequest | Unauthorized)


def is_too_slow(error: BaseException) -> bool:
    """Whether less at once may help."""
    return isinstance(error, OperationTimedOut | WriteTimeout | WriteFailure)


def is_silence(error: BaseException) -> bool:
    """Whether the node asked did not answer at all: another one may."""
    return isinstance(error, OperationTimedOut | NoHostAvailable | ConnectionException | OSError)
