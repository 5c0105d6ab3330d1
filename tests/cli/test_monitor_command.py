"""``workbench monitor`` where there is no server."""

from tests.cli.conftest import Command


def test_embedded_store_has_no_server_to_ask(workbench: Command) -> None:
    done = workbench("monitor", "mysql")
    assert done.code == 2
    assert "WORKBENCH_METRICS_URL" in done.err
