"""System checks: what would make an installation unsafe or useless, found before it serves."""

import os
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, register

from catalog import rules


@register(deploy=True)
def secrets_are_set(**kwargs: Any) -> list[CheckMessage]:
    """Every process must know the same secrets, so they come from the environment."""
    missing = [name for name in ("SECRET_KEY", "WEBHOOK_SECRET") if not os.environ.get(name)]
    return [
        Error(f"{name} is not set.", hint="Set it in the environment.", id="portal.E001")
        for name in missing
    ]


@register(deploy=True)
def forge_is_set(**kwargs: Any) -> list[CheckMessage]:
    if settings.GITLAB_URL and settings.GITLAB_TOKEN:
        return []
    hint = "Set GITLAB_URL and GITLAB_TOKEN, or use ./dev up, which starts an embedded forge."
    return [checks.Warning("No forge is configured.", hint=hint, id="portal.W001")]


@register
def rules_can_be_read(**kwargs: Any) -> list[CheckMessage]:
    try:
        rules.parse(settings.CATALOG_RULES)
    except ValueError as error:
        hint = 'For example: [{"allow": ["Component", "API", "Location"]}]'
        return [Error(str(error), hint=hint, id="portal.E002")]
    return []
