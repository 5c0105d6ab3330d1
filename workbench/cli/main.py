"""The command's root: which commands there are, and how errors end."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated, Final

import typer

from workbench.cli import ask, bench, imports, logs, migrate, monitor, report
from workbench.errors import ConfigurationError, ParameterError, WorkbenchError

app = typer.Typer(
    name="workbench",
    help="Honest DORA metrics from data you already have. Start with: workbench import git PATH; workbench dora",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(imports.app, name="import")
imports.app.command("logs")(logs.import_logs)
app.add_typer(report.app, name="report")
app.add_typer(monitor.app, name="monitor")
app.add_typer(logs.app, name="logs")
app.add_typer(bench.app, name="bench")
app.command("dora")(ask.dora)
app.command("projects")(ask.projects)
app.command("remove")(imports.remove)
app.command("doctor")(ask.doctor)
app.command("migrate")(migrate.migrate)

INTERRUPTED: Final = 130
"""Exit code after Ctrl-C or SIGTERM, as shells use it."""
_STOPPED: Final = "Interrupted. What was stored before is unchanged, and nothing is half done; run the command again."


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"workbench {version('dora-workbench')}")
        raise typer.Exit


@app.callback()
def _root(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error (anywhere on the line).")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of every command."""


@contextmanager
def _stopped_by_ctrl_c() -> Iterator[None]:
    """End with a sentence after Ctrl-C, also where a library made an error of its own of the KeyboardInterrupt."""
    pressed: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        pressed.append(number)
        signal.default_int_handler(number, frame)

    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:  # not where a shell has it ignored
        signal.signal(signal.SIGINT, note)
    try:
        yield
    except BaseException as end:
        # typer turns Ctrl-C into an exit without a word
        silent = isinstance(end, SystemExit) and end.code == INTERRUPTED
        if pressed or silent or isinstance(end, KeyboardInterrupt):
            _fail(_STOPPED, INTERRUPTED)
        raise
    finally:
        signal.signal(signal.SIGINT, before)


def main() -> None:
    """Run the command line and exit."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    try:
        with _stopped_by_ctrl_c():
            app(args=arguments, prog_name="workbench")
    except BrokenPipeError:  # the reader of our output went away: that is its right
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except WorkbenchError as error:
        if debug:
            raise
        _fail(f"Error: {error}", 2 if isinstance(error, ParameterError | ConfigurationError) else 1)
    except Exception as error:
        if debug:
            raise
        _fail(f"Error: {type(error).__name__}: {error}. This is a bug; --debug shows where it happened.", 1)


def _fail(message: str, code: int) -> None:
    from workbench.cli.output import printable

    print(printable(message), file=sys.stderr)
    sys.exit(code)
