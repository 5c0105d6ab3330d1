"""Where Cassandra is: ``cassandra://user:password@host1,host2:9042/keyspace?dc=…``, and nothing secret in its text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from workbench.errors import ConfigurationError

SCHEME: Final = "cassandra"
CONSISTENCIES: Final = ("ONE", "LOCAL_ONE", "LOCAL_QUORUM", "QUORUM", "ALL")
_NAME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9_]{0,47}")
_DEFAULT_PORT: Final = 9042


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed URL. ``dc`` is the data centre to talk to; ``consistency`` is that of log writes."""

    hosts: tuple[str, ...]
    port: int
    keyspace: str
    user: str
    password: str = field(repr=False)
    dc: str = ""
    consistency: str = "ONE"
    tls: bool = False
    ca: str = ""

    def __str__(self) -> str:
        return f"{SCHEME}://{','.join(self.hosts)}:{self.port}/{self.keyspace}"

    @property
    def public(self) -> str:
        """The whole URL without user and password."""
        options = {"dc": self.dc, "consistency": self.consistency, "tls": "true" if self.tls else "", "ca": self.ca}
        return f"{self}?{urlencode({name: value for name, value in options.items() if value})}"

    def tls_context(self) -> Any:
        """What encrypts the connections and checks the servers' names, or None."""
        if not self.tls:
            return None
        import ssl

        return ssl.create_default_context(cafile=self.ca or None)


def _wrong(what: str) -> ConfigurationError:
    return ConfigurationError(
        f"WORKBENCH_LOGS_URL cannot be used: {what}.",
        "It looks like cassandra://user:password@host1,host2/keyspace?dc=dc1&consistency=LOCAL_QUORUM.",
    )


def parse(url: str) -> Address:
    """Read a URL. Options: ``dc``, ``consistency`` (of writes; default ONE), ``tls=true``, ``ca`` (file).

    Raises:
        ConfigurationError: it cannot be read; the message never holds the password.
    """
    scheme, _, rest = url.partition("://")
    parts = urlsplit(f"//{rest}")
    if scheme != SCHEME or not parts.netloc:
        raise _wrong(f"it does not begin with {SCHEME}://host")
    login, _, place = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    hosts, colon, port = place.partition(":")
    if colon and not port.isdecimal():
        raise _wrong(f"{port!r} is no port")
    names = tuple(name for name in hosts.split(",") if name)
    keyspace = parts.path.strip("/") or "logging"
    if not names or not _NAME.fullmatch(keyspace):
        raise _wrong("a host is missing" if not names else f"{keyspace!r} is no name of a keyspace")
    options = dict(parse_qsl(parts.query))
    if unknown := options.keys() - {"dc", "consistency", "tls", "ca"}:
        raise _wrong(f"there is no option {min(unknown)!r}")
    consistency = options.get("consistency", "ONE").upper()
    if consistency not in CONSISTENCIES:
        raise _wrong(f"consistency is one of {', '.join(CONSISTENCIES)}")
    tls = options.get("tls", "false").casefold() in {"true", "1", "yes"}
    where = (names, int(port or _DEFAULT_PORT), keyspace, unquote(user), unquote(password))
    return Address(*where, options.get("dc", ""), consistency, tls, options.get("ca", ""))
