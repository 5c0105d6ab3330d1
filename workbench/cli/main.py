"""The command's root: which commands there are, and how errors end."""

from __future__ import annotations

import os
import sys
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


def main() -> None:
    """Run the command line and exit."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    try:
        app(args=arguments, prog_name="workbench")
    except SystemExit as end:
        if end.code == INTERRUPTED:  # typer turns Ctrl-C into this, without a word
            _fail(_STOPPED, INTERRUPTED)
        raise
    except KeyboardInterrupt:
        _fail(_STOPPED, INTERRUPTED)
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
