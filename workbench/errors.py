"""What can go wrong, as one family of exceptions.

WorkbenchError
├── ConfigurationError   a setting, an environment variable or workbench.toml is wrong
├── ParameterError       a question was asked with an argument that makes no sense
├── SourceError          a repository or a file cannot be read
│   └── RejectedRowsError   rows are bad and the user asked for none (``--strict``)
├── QueryError           a file in queries/ is wrong, or was called with the wrong parameters
├── StoreError           the store refused: disk, permission, lock, format, server
├── ReportError          a report run failed; the last good report is untouched
└── MissingExtraError    an optional dependency is not installed

Every message says what happened and where; ``remedy`` says what to do about it. The command line prints both in one
line and never a traceback, unless ``--debug`` asks for it.
"""

from __future__ import annotations


class WorkbenchError(Exception):
    """Base of every error that the workbench raises on purpose.

    Args:
        what: one sentence, what happened and where.
        remedy: one sentence, what the reader can do about it.
    """

    def __init__(self, what: str, remedy: str = "") -> None:
        self.what = what
        self.remedy = remedy
        super().__init__(f"{what} {remedy}".strip())

    def __reduce__(self) -> tuple[object, ...]:
        """Both sentences survive the way from one process to another."""
        return _again, (type(self), self.what, self.remedy)


class ConfigurationError(WorkbenchError):
    """A setting, an environment variable or workbench.toml is wrong."""


class ParameterError(WorkbenchError):
    """A question was asked with an argument that makes no sense."""


class SourceError(WorkbenchError):
    """A repository or a file cannot be read."""


class RejectedRowsError(SourceError):
    """Rows are bad, and ``--strict`` asked for none."""


class QueryError(WorkbenchError):
    """A file in queries/ is wrong, or was called with the wrong parameters."""


class StoreError(WorkbenchError):
    """The store refused: disk, permission, lock, format or server."""


class ReportError(WorkbenchError):
    """A report run failed; the last good report is untouched."""


class MissingExtraError(WorkbenchError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"This needs {package}, which is not installed.",
            f"Install it with: pip install 'dora-workbench[{extra}]'.",
        )


def _again(kind: type[WorkbenchError], what: str, remedy: str) -> WorkbenchError:
    error = kind.__new__(kind)
    WorkbenchError.__init__(error, what, remedy)
    return error
