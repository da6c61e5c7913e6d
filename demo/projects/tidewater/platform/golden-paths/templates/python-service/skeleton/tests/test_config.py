import pytest

from ${{ values.package }}.config import Config, ConfigError
{% if values.database == 'postgresql' %}
ENVIRONMENT = {"DATABASE_URL": "postgresql://app@localhost/app"}
{% else %}
ENVIRONMENT: dict[str, str] = {}
{% endif %}

def test_defaults():
    assert Config.from_environment(ENVIRONMENT).log_level == "INFO"


def test_log_level_is_read():
    assert Config.from_environment(ENVIRONMENT | {"LOG_LEVEL": "debug"}).log_level == "DEBUG"


def test_wrong_log_level_is_named():
    with pytest.raises(ConfigError, match="LOG_LEVEL is 'LOUD'"):
        Config.from_environment(ENVIRONMENT | {"LOG_LEVEL": "loud"})
{%- if values.database == 'postgresql' %}


def test_database_is_required():
    with pytest.raises(ConfigError, match="DATABASE_URL is not set"):
        Config.from_environment({})
{%- endif %}
