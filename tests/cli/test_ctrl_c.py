"""How commands end after Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from workbench.cli import main


def test_an_error_that_a_library_makes_of_ctrl_c_is_an_interruption(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """DuckDB does so: 'Query interrupted' is no bug of ours."""

    def app(**_: object) -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            signal.pause()
        except KeyboardInterrupt:
            raise RuntimeError("Query interrupted") from None

    monkeypatch.setattr(sys.modules[main.__module__], "app", app)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 130
    assert capsys.readouterr().err.startswith("Interrupted. What was stored before is unchanged")
    assert signal.getsignal(signal.SIGINT) is before
