"""What the server loads: the application with its configuration."""

import os

from ${{ values.package }} import logs
from ${{ values.package }}.app import App
from ${{ values.package }}.config import Config
{%- if values.database == 'postgresql' %}
from ${{ values.package }}.database import Database
{%- endif %}

config = Config.from_environment(os.environ)
logs.configure(config.log_level)
{%- if values.database == 'postgresql' %}
application = App(is_ready=Database(config.database_url).is_reachable)
{%- else %}
application = App()
{%- endif %}
