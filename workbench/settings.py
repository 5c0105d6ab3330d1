"""Settings: environment variables first, then workbench.toml (this folder or one above), then defaults.

Nothing is read before somebody asks.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from workbench.errors import ConfigurationError, ParameterError

FILE_NAME = "workbench.toml"
MEMORY = "memory"
FILE = "file:"
REDIS = ("redis://", "rediss://", "unix://")
FILE_VARIABLE = "WORKBENCH_FILE"
RUN_FOLDER = "WORKBENCH_RUN_FOLDER"
"""Environment variable that tells a notebook that it makes a report, and where it may leave figures.json."""


def _default_data() -> Path:
    from platformdirs import user_data_path

    return user_data_path("dora-workbench")


def find_file(start: Path | None = None) -> Path | None:
    """The nearest workbench.toml in ``start`` (default: the current folder) or a folder above it.

    A report's kernel works elsewhere; the environment tells it which file the one who asked has found.
    """
    if start is None and (named := os.environ.get(FILE_VARIABLE)):
        return Path(named)
    here = (start or Path.cwd()).resolve()
    return next((folder / FILE_NAME for folder in (here, *here.parents) if (folder / FILE_NAME).is_file()), None)


def run_folder() -> Path | None:
    """Where the report that this process runs for keeps its files; None outside of a run."""
    named = os.environ.get(RUN_FOLDER)
    return Path(named) if named else None


class Settings(BaseSettings):
    """Everything that can be set, each by ``WORKBENCH_<NAME>`` or by ``<name>`` in workbench.toml."""

    model_config = SettingsConfigDict(
        env_prefix="WORKBENCH_", env_ignore_empty=True, extra="forbid", frozen=True, coerce_numbers_to_str=True
    )

    data: Path = Field(default_factory=_default_data, description="folder of the embedded store")
    out: Path = Field(default=Path("reports"), description="folder where reports go")
    timezone: str = Field(default="UTC", description="IANA zone in which days and weeks are counted")
    edition: str = Field(default="2025", description="edition of the performance levels")
    link_hours: float = Field(
        default=168.0,
        gt=0,
        le=87_600,
        allow_inf_nan=False,
        description="an incident that names no deployment is charged to the latest one this recent",
    )
    cache: str = Field(
        default=MEMORY,
        repr=False,
        description="where answers are kept: memory, file:FOLDER, or redis://HOST:PORT/NUMBER",
    )
    cache_seconds: float = Field(
        default=300.0, ge=0, allow_inf_nan=False, description="how long an answer is kept; 0 computes each time"
    )
    cache_megabytes: int = Field(default=64, gt=0, description="what the answers in memory or in the folder may take")
    cache_check_ms: float = Field(
        default=0.0, ge=0, description="ask the store for its version at most this often; 0: for every question"
    )
    slow_seconds: float = Field(default=1.0, gt=0, description="a profile points at statements that take longer")
    query_log: Path | None = Field(default=None, description="file that gets a line of JSON for every statement")
    query_log_megabytes: float = Field(
        default=10.0, gt=0, allow_inf_nan=False, description="size at which the file is put aside"
    )
    query_log_files: int = Field(default=5, ge=1, description="how many files put aside are kept")

    logs_url: SecretStr | None = Field(
        default=None,
        description="cassandra://user:password@host1,host2/keyspace?dc=NAME; without it logs lie in the data folder",
    )
    metrics_url: SecretStr | None = Field(
        default=None, description="mysql://user:password@host:3306/database; without it the embedded store is used"
    )
    metrics_replica_url: SecretStr | None = Field(
        default=None, description="a read replica of metrics_url, asked first"
    )
    legacy_project: str | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="read the dora_metrics table of a Django application as it is, under this project's name",
    )
    metrics_password: SecretStr | None = Field(default=None, description="password of metrics_url, if that has none")
    metrics_password_file: Path | None = Field(default=None, description="file whose first line is that password")
    metrics_tls: Literal["off", "encrypt", "verify"] = Field(
        default="off", description="encrypt the connection; verify also checks the server's certificate and name"
    )
    metrics_tls_ca: Path | None = Field(default=None, description="certificates that verify trusts, a PEM file")
    pool_size: int = Field(default=5, ge=1, description="connections to MySQL that stay open")
    pool_overflow: int = Field(default=10, ge=0, description="further ones while they are needed")
    pool_recycle_seconds: int = Field(default=600, ge=1, description="age at which a connection is replaced")
    connect_timeout_seconds: int = Field(default=10, ge=1, description="longest wait for a connection")
    read_timeout_seconds: int = Field(default=60, ge=1, description="longest wait for an answer from the network")
    write_timeout_seconds: int = Field(default=60, ge=1, description="longest wait for the network to take a statement")
    load_timeout_seconds: int = Field(default=900, ge=1, description="the same two for an import")
    statement_limit_seconds: float = Field(default=30.0, gt=0, description="longest time that a question may take")

    @field_validator("cache")
    @classmethod
    def _known_place(cls, value: str) -> str:
        if value != MEMORY and (value == FILE or not value.startswith((*REDIS, FILE))):
            raise ValueError("write memory, file:FOLDER, or redis://HOST:PORT/NUMBER")
        if value.startswith(FILE):
            return f"{FILE}{Path(value.removeprefix(FILE)).expanduser().absolute()}"
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        from workbench.model import zone

        try:
            zone(value)
        except ParameterError as error:
            raise ValueError(error.what.rstrip(".")) from None
        return value

    @field_validator("data", "out", "query_log", "metrics_password_file", "metrics_tls_ca")
    @classmethod
    def _home(cls, value: Path | None) -> Path | None:
        return value.expanduser() if value else None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Where values come from, the strongest first: arguments, the environment, the file."""
        return (init_settings, env_settings, _File(settings_cls, find_file()))


class _File(TomlConfigSettingsSource):
    """workbench.toml, whose relative folders are relative to it: it means the same wherever below it one stands."""

    def __call__(self) -> dict[str, Any]:
        values = super().__call__()
        if not isinstance(self.toml_file_path, Path):
            return values
        for name in ("data", "out", "query_log", "metrics_password_file", "metrics_tls_ca", "cache"):
            value = values.get(name)
            prefix = FILE if name == "cache" else ""
            if isinstance(value, str) and value.startswith(prefix) and value != prefix:
                folder = Path(value.removeprefix(prefix)).expanduser()
                values[name] = f"{prefix}{self.toml_file_path.parent / folder}"
        return values


def load(**overrides: Any) -> Settings:
    """Read the settings now; ``overrides`` that are not None win over environment and file.

    A relative folder or file in workbench.toml is relative to that file.

    Raises:
        ConfigurationError: a value cannot be used; the message names it, never its content.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"]) or "settings"
        raise ConfigurationError(
            f"Setting {name!r} cannot be used: {first['msg'].removeprefix('Value error, ')}.",
            f"Correct WORKBENCH_{name.upper()} or {name} in {find_file() or FILE_NAME}.",
        ) from None
    except ValueError as error:  # TOML that does not parse
        raise ConfigurationError(
            f"{find_file() or FILE_NAME} cannot be read: {error}.", "Correct it or remove it."
        ) from None
    return settings
