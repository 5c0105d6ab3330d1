"""Which servers are supported."""

import pytest

from workbench.metrics.mysql_server import Server


@pytest.mark.parametrize(
    ("version", "supported"),
    [
        ("8.0.36", False),
        ("8.4.0", True),
        ("9.7.4-2", True),
        ("10.1.2", True),
        ("5.7.44-log", False),
        ("10.6.18-MariaDB", False),
        ("10.11.19-MariaDB-0+deb12u1-log", True),
        ("11.4.2-MariaDB", True),
        ("9.9.9-MariaDB", False),
        ("unknown", False),
    ],
)
def test_supported_versions(version: str, supported: bool) -> None:
    """MySQL from 8.4 on, MariaDB from 10.11 on: compared as numbers, each by its own limit."""
    assert Server(version, mariadb="MariaDB" in version, watches=True, uptime=0).supported is supported
