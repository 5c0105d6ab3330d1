"""Where a commit can be read on the web, from the address of the remote that a clone came from."""

from __future__ import annotations

import re
from typing import Final

# https://[user[:password]@]host[:port]/path, ssh://[user@]host[:port]/path and user@host:path
_ADDRESS: Final = re.compile(
    r"(?:https://(?:[^/@\s]*@)?(?P<web>[A-Za-z0-9.-]+(?::[0-9]+)?)/"
    r"|ssh://(?:[^/@\s]*@)?(?P<ssh>[A-Za-z0-9.-]+)(?::[0-9]+)?/"
    r"|(?:[A-Za-z0-9._-]+@)?(?P<scp>[A-Za-z0-9.-]+):(?!/))"
    r"(?P<path>[A-Za-z0-9_~-][A-Za-z0-9._~-]*(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+)/?"
)
_COMMIT: Final = {"github": "/commit/", "gitlab": "/-/commit/", "bitbucket": "/commits/", "codeberg": "/commit/"}


def commit_address(remote: str | None) -> str | None:
    """What to put a commit's id behind for its page on the web; None unless it is known how the host makes addresses.

    Known are hosts with a label that is ``github``, ``gitlab``, ``bitbucket`` or ``codeberg``. Only host and path are
    taken over, never a user name, password or token.
    """
    match = _ADDRESS.fullmatch(remote or "")
    if not match:
        return None
    host = (match["web"] or match["ssh"] or match["scp"]).lower()
    kind = next((label for label in host.split(".")[:-1] if label in _COMMIT), None)
    return f"https://{host}/{match['path'].removesuffix('.git')}{_COMMIT[kind]}" if kind else None
