"""Configuration, read once from the environment when the service starts."""

from collections.abc import Mapping
from dataclasses import dataclass

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class ConfigError(ValueError):
    """A variable is missing or has a value that makes no sense."""


@dataclass(frozen=True)
class Config:
    log_level: str
{%- if values.database == 'postgresql' %}
    database_url: str
{%- endif %}

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Config":
        log_level = environment.get("LOG_LEVEL", "INFO").upper()
        if log_level not in LOG_LEVELS:
            raise ConfigError(f"LOG_LEVEL is {log_level!r}; use one of {', '.join(LOG_LEVELS)}.")
{%- if values.database == 'postgresql' %}
        database_url = environment.get("DATABASE_URL", "")
        if not database_url:
            raise ConfigError("DATABASE_URL is not set; compose.yaml shows one for development.")
        return cls(log_level=log_level, database_url=database_url)
{%- else %}
        return cls(log_level=log_level)
{%- endif %}
