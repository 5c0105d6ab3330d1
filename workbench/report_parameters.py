"""What a DORA report may be asked for, checked before anything runs."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictStr,
    ValidationError,
    model_validator,
)

from workbench.errors import ParameterError
from workbench.metrics.levels import edition
from workbench.model import BUCKET_UNITS, window_of, zone

Project = Annotated[StrictStr, Field(min_length=1, description="a name that is not empty")]
Projects = Annotated[list[Project], Field(min_length=1, description="one or more names")]


def _whole(value: Any) -> Any:
    """Days as a whole number, not as true or 1.5."""
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError("it must be a whole number")
    return value


class DoraParameters(BaseModel):
    """The parameters of notebooks/dora.ipynb: the same as of Bench.dora, all optional.

    ``project`` None takes all projects; whether a named one exists, only the store knows.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    project: Project | Projects | None = None
    days: Annotated[int, BeforeValidator(_whole)] | None = None
    start: datetime | date | StrictStr | None = None
    end: datetime | date | StrictStr | None = None
    timezone: StrictStr | None = None
    bucket: StrictStr = "week"
    edition: StrictStr | None = None
    pooled: StrictBool = False

    @model_validator(mode="after")
    def _fits(self) -> DoraParameters:
        if self.bucket not in BUCKET_UNITS:
            raise ParameterError(f"There is no bucket {self.bucket!r}.", f"Use one of {', '.join(BUCKET_UNITS)}.")
        if self.timezone is not None:
            zone(self.timezone)
        if self.edition is not None:
            edition(self.edition)
        window_of(self.days, self.start, self.end, self.timezone or "UTC")
        return self

    @classmethod
    def check(cls, **values: Any) -> dict[str, Any]:
        """The values as a notebook takes them: JSON-plain, every parameter named, dates as ISO text.

        Raises:
            ParameterError: a value makes no sense, or there is no such parameter.
        """
        try:
            checked = cls(**values)
        except ValidationError as error:
            raise _one_sentence(error, tuple(cls.model_fields)) from None
        return {name: _plain(getattr(checked, name)) for name in cls.model_fields}


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value
    return value.isoformat() if isinstance(value, date | datetime) else value


def _one_sentence(error: ValidationError, known: tuple[str, ...]) -> ParameterError:
    first = error.errors(include_url=False, include_context=False)[0]
    name = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        return ParameterError(f"There is no parameter {name!r}.", f"There are: {', '.join(known)}.")
    reason = first["msg"].removeprefix("Value error, ")
    return ParameterError(
        f"Parameter {name} cannot be {first['input']!r}: {reason}.", "See: workbench report dora --help."
    )
