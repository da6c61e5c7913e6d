"""GitLab's REST API v4: a route table an area, all of them gathered here."""

import importlib
import pkgutil

from localforge.routing import Route

PREFIX = "/api/v4"


def routes() -> list[Route]:
    """The routes of every module in this package, found by themselves."""
    found: list[Route] = []
    for module in pkgutil.iter_modules(__path__):
        table = getattr(importlib.import_module(f"{__name__}.{module.name}"), "ROUTES", [])
        found += [(method, PREFIX + template, handler) for method, template, handler in table]
    return found
