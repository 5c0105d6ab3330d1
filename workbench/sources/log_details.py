"""What a message says beyond its words: users of sshd, sudo, su and cron, and the kernel's seconds since boot."""

from __future__ import annotations

import re
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

_USERS: Final = {
    "sshd": r"\b(?:for (?:invalid user |illegal user )?|[Ii]nvalid user |by (?:invalid user |authenticating user )"
    r"|from user |user=)(?P<user>[^\s()]{1,64})(?: from| by|\(uid| \[preauth\]| \d|$)",
    "sudo": r"^\s*(?P<user>[^\s:]{1,64}) : ",
    "cron": r"^\((?P<user>[^\s()]{1,64})\) ",
}
_SESSION: Final = " for user "
_SESSION_USER: Final = r"session (?:opened|closed) for user (?P<user>[^\s()]{1,64})"
_SESSIONS: Final = ("sshd", "sudo", "su", "cron", "login", "systemd", "systemd-logind")
_UPTIME: Final = r"^\[\s*(?P<uptime>(?:0|[1-9]\d{0,11})\.\d{1,9})\] ?(?P<rest>(?s:.*))"


def sources(processes: Any, default: str) -> Any:
    """The source of each row from its process: lower case, without folder and brackets; postfix/smtpd is postfix."""
    encoded = processes.dictionary_encode()
    known = pa.array([_source(name, default) for name in encoded.dictionary.to_pylist()], pa.string())
    return pc.fill_null(known.take(encoded.indices), default)


def _source(name: str, default: str) -> str:
    base = name.rsplit("/", 1)[-1] if name.startswith("/") else name.split("/", 1)[0]
    return re.sub(r"[()]|\[.*", "", base).strip().lower()[:64] or default


def users(origins: Any, messages: Any) -> Any:
    """The user that a message is about, where the program is known to state one; else null."""
    found = pa.nulls(len(messages), pa.string())
    for origin, pattern in _USERS.items():
        found = _filled(found, messages, pc.equal(origins, origin), pattern)
    sessions = pc.and_(pc.is_in(origins, pa.array(_SESSIONS)), pc.match_substring(messages, _SESSION))
    return _filled(found, messages, sessions, _SESSION_USER)


def _filled(found: Any, messages: Any, which: Any, pattern: str) -> Any:
    """Fills in the pattern's user of these rows, where it has one."""
    which = pc.fill_null(which, False)
    rows = pc.indices_nonzero(which)
    if not len(rows):
        return found
    names = pc.struct_field(pc.extract_regex(messages.take(rows), pattern), "user")
    return pc.replace_with_mask(found, which, pc.coalesce(names, found.take(rows)))


def uptimes(origins: Any, messages: Any) -> tuple[Any, Any]:
    """The messages without the kernel's ``[  12.345678]``, and those seconds as text; null where there are none."""
    seconds = pa.nulls(len(messages), pa.string())
    kernel = pc.fill_null(pc.equal(origins, "kernel"), False)
    rows = pc.indices_nonzero(kernel)
    if not len(rows):
        return messages, seconds
    lines = messages.take(rows)
    parts = pc.extract_regex(lines, _UPTIME)
    rest = pc.coalesce(pc.struct_field(parts, "rest"), lines)
    return pc.replace_with_mask(messages, kernel, rest), pc.replace_with_mask(
        seconds, kernel, pc.struct_field(parts, "uptime")
    )
