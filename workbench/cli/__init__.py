"""The ``workbench`` command: parse, call one function, print. Exit codes: 0 done, 1 failed, 2 wrong use."""

from workbench.cli.main import main

__all__ = ["main"]
