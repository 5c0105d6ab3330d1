"""Looks a cluster over as the log store needs it: versions, schema, table options, limits, heap; and names remedies."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal, NamedTuple

from workbench.errors import StoreError
from workbench.logs import driver, schema
from workbench.logs.address import Address
from workbench.logs.monitor import settings, up
from workbench.logs.pages import answer

MANY_WINDOWS: Final = 50
"""More time windows of compaction than this are many files to read and to keep open."""
FULL_PARTITION_MIB: Final = 100
HEAP_SHARE: Final = 4
"""The heap is a quarter of a machine's memory; the rest is the page cache's and what Cassandra keeps off the heap."""
CLOCK_SECONDS: Final = 60.0
SMALL_HEAP_GIB: Final = 1.9
HEAP_MARGIN: Final = 1.2
_REQUESTS_SHARE: Final = 10
"""By default, requests in flight may take this part of the heap, which is how its size can be told over CQL."""


class Finding(NamedTuple):
    """What was looked at, how it is, and what to do."""

    name: str
    state: Literal["ok", "note", "problem"]
    detail: str
    remedy: str = ""


def examine(session: Any, address: Address) -> Iterator[Finding]:
    """Everything that can be told over CQL.

    Raises:
        StoreError: no node answers any more.
    """
    with driver.translated(address):
        yield from _nodes(session)
        yield _agreement(session)
        yield from _clocks(session)
        yield from _tables(session, address.keyspace)
        yield from _limits(session)
        yield from _partitions(session, address.keyspace)


def _nodes(session: Any) -> Iterator[Finding]:
    hosts = session.cluster.metadata.all_hosts()
    down = sorted(str(host.endpoint) for host in hosts if not host.is_up)
    versions = sorted({str(host.release_version) for host in hosts})
    if down:
        yield Finding("nodes", "problem", f"{', '.join(down)} of {len(hosts)} down.", "Start them, then repair.")
    else:
        yield Finding("nodes", "ok", f"{len(hosts)} up, Cassandra {', '.join(versions)}")
    if len(versions) > 1:
        yield Finding("versions", "note", f"nodes differ: {', '.join(versions)}", "Finish the upgrade.")


def _agreement(session: Any) -> Finding:
    found: set[str] = set()
    for table in ("local", "peers"):
        column = answer(session, f"SELECT schema_version FROM system.{table}")["schema_version"]  # noqa: S608
        found |= {value.hex() for value in column.to_pylist() if value is not None}
    if len(found) > 1:
        return Finding("schema", "problem", f"{len(found)} versions of it are about.", "Restart the one that lags.")
    return Finding("schema", "ok", "all nodes agree")


def _clocks(session: Any) -> Iterator[Finding]:
    """Whether the nodes' clocks agree with this machine's, which decides how long a line still has to live."""
    behind: dict[str, float] = {}
    for host in up(session):
        asked = time.time()
        found = answer(session, "SELECT toUnixTimestamp(now()) AS now FROM system.local", host=host)["now"][0].as_py()
        seconds = found / 1000 - (asked + time.time()) / 2
        if abs(seconds) > CLOCK_SECONDS:
            behind[str(host.endpoint)] = seconds
    if not behind:
        yield Finding("clocks", "ok", f"within {CLOCK_SECONDS:.0f} s of this machine's")
    for node, seconds in behind.items():
        said = f"{node} is {abs(seconds):,.0f} s {'ahead of' if seconds > 0 else 'behind'} this machine"
        yield Finding("clocks", "problem", said, "Let NTP set both: lines would end too soon or too late.")


def _tables(session: Any, keyspace: str) -> Iterator[Finding]:
    try:
        shape = schema.shape_of(session, keyspace)
    except StoreError as error:
        yield Finding("tables", "problem", error.what, error.remedy)
        return
    yield _replication(session, keyspace)
    options = session.cluster.metadata.keyspaces[keyspace].tables[schema.LOGS].options
    yield _compaction(options["compaction"], shape.ttl)
    kept = f"{shape.ttl // schema.DAY} days" if shape.ttl else "for ever"
    alter = f"ALTER TABLE {keyspace}.{schema.LOGS} WITH"
    remedy = f"{alter} default_time_to_live = {schema.DEFAULT_DAYS * schema.DAY}"
    yield Finding("time to live", "ok" if shape.ttl else "note", f"lines are kept {kept}", "" if shape.ttl else remedy)
    packed = str((options["compression"] or {}).get("class", "none")).rsplit(".", 1)[-1]
    remedy = f"{alter} compression = {{'class': 'LZ4Compressor'}}"
    yield Finding("compression", "note" if packed == "none" else "ok", packed, remedy if packed == "none" else "")


def _replication(session: Any, keyspace: str) -> Finding:
    strategy = session.cluster.metadata.keyspaces[keyspace].replication_strategy
    text = strategy.export_for_schema()
    if "SimpleStrategy" in text:
        return Finding("replication", "note", text, "Use NetworkTopologyStrategy.")
    wanted = {centre: factor.all_replicas for centre, factor in strategy.dc_replication_factors_info.items()}
    centres = schema.data_centres(session)
    for centre, replicas in wanted.items():
        nodes = centres.get(centre, 0)
        if nodes < replicas:
            said = f"{replicas} replicas in {centre}, which has {nodes} {'node' if nodes == 1 else 'nodes'}"
            return Finding("replication", "problem", said, f"Add nodes, or ALTER KEYSPACE {keyspace}, then repair.")
    return Finding("replication", "ok", text)


def _compaction(options: dict[str, str], ttl: int) -> Finding:
    name = options["class"].rsplit(".", 1)[-1]
    size = schema.window_of(options)
    if size is None:
        return Finding("compaction", "note", f"{name}: expired days are rewritten", "Use TimeWindowCompactionStrategy.")
    windows = -(-ttl // size)
    detail = f"{name}, windows of {size / schema.DAY:g} days, {windows} of them"
    if windows > MANY_WINDOWS:
        days = -(-ttl // (MANY_WINDOWS * schema.DAY)) + 1
        return Finding("compaction", "note", detail, f"Windows of {days} days would be fewer files.")
    return Finding("compaction", "ok", detail)


def _limits(session: Any) -> Iterator[Finding]:
    found = _said(session)
    limit = ", ".join(sorted({value for _, name, value in found if name == "batch_size_fail_threshold"}))
    yield Finding("batches", "ok", f"of several partitions up to {limit}; the loader's have one, and no such limit")
    for node, heap in _heaps(found).items():
        yield _heap(node, heap)


def _said(session: Any) -> list[tuple[str, str, str]]:
    """The nodes' settings as node, name, value."""
    return [(str(row["node"]), str(row["name"]), str(row["value"])) for row in settings(session).to_dict("records")]


def heaps(session: Any) -> dict[str, float]:
    """About how large each node's heap is, in GiB; nodes that do not tell are left out."""
    return _heaps(_said(session))


def _heaps(found: Iterable[tuple[str, str, str]]) -> dict[str, float]:
    """By the limit of requests in flight, from settings as node, name, value."""
    limit = "native_transport_max_request_data_in_flight"
    sizes = {node: value.removesuffix("B") for node, name, value in found if name == limit}
    return {node: int(size) * _REQUESTS_SHARE / 2**30 for node, size in sizes.items() if size.isdecimal()}


def _heap(node: str, heap: float) -> Finding:
    """The heap (GiB) against the 25 % rule; of a node on this machine, against its memory."""
    detail = f"{node}: about {heap:.1f} GiB, right for a machine of {heap * HEAP_SHARE:.0f} GiB"
    remedy = f"Set MAX_HEAP_SIZE to a quarter of the memory, {SMALL_HEAP_GIB:.0f} GiB at least."
    if not node.startswith("127."):
        return Finding("heap", "note", detail, remedy) if heap < SMALL_HEAP_GIB else Finding("heap", "ok", detail)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    detail += f"; this one has {memory:.0f} GiB"
    fits = SMALL_HEAP_GIB <= heap <= memory / HEAP_SHARE * HEAP_MARGIN
    return Finding("heap", "ok", detail) if fits else Finding("heap", "note", detail, remedy)


def _partitions(session: Any, keyspace: str) -> Iterator[Finding]:
    asked = "SELECT table_name, mebibytes FROM system_views.max_partition_size WHERE keyspace_name = %s ALLOW FILTERING"
    sizes = answer(session, asked, (keyspace,)).to_pylist()
    largest = max((row["mebibytes"] for row in sizes if row["table_name"] == schema.LOGS), default=0)
    if largest > FULL_PARTITION_MIB:
        remedy = "Set a new keyspace up with several parts of a day: workbench migrate --parts 4."
        yield Finding("partitions", "note", f"the largest has {largest} MiB", remedy)
    else:
        yield Finding("partitions", "ok", f"the largest has {largest} MiB")
