"""URLs of Cassandra: what they mean, and that no secret leaves them."""

from __future__ import annotations

import pytest

from workbench.errors import ConfigurationError
from workbench.logs.address import parse


def test_everything_that_can_be_said() -> None:
    address = parse("cassandra://us%40er:p%2Fw@a,b:9999/logs?dc=west&consistency=local_quorum")
    assert (address.hosts, address.port, address.keyspace) == (("a", "b"), 9999, "logs")
    assert (address.user, address.password, address.dc) == ("us@er", "p/w", "west")
    assert address.consistency == "LOCAL_QUORUM"


def test_what_is_left_out_has_a_default() -> None:
    address = parse("cassandra://host/")
    assert (address.port, address.keyspace, address.consistency, address.user) == (9042, "logging", "ONE", "")


def test_no_text_of_it_holds_the_password() -> None:
    address = parse("cassandra://user:secret@host/logs")
    assert "secret" not in f"{address} {address!r}"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://user:secret@host/logs", "begin"),
        ("cassandra://user:secret@/logs", "host"),
        ("cassandra://user:secret@host:port/logs", "port"),
        ("cassandra://user:secret@host/a;drop", "keyspace"),
        ("cassandra://user:secret@host/logs?consistency=two", "consistency"),
        ("cassandra://user:secret@host/logs?dcc=x", "dcc"),
    ],
)
def test_mistakes_are_named_without_the_password(url: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says) as caught:
        parse(url)
    assert "secret" not in str(caught.value)
