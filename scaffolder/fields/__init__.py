"""Field types of the form: what `ui:field` names. One file a type, found by itself.

A field type turns a question of a template into a Django form field for the person who asks.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache

from django import forms

from accounts.models import User
from scaffolder.blueprint import Field

FieldType = Callable[[Field, User], forms.Field]
_TYPES: dict[str, FieldType] = {}


def field_type(*names: str) -> Callable[[FieldType], FieldType]:
    """Registers the decorated function for these `ui:field` names."""

    def register(function: FieldType) -> FieldType:
        for name in names:
            if name in _TYPES:
                raise RuntimeError(f"Two field types are called {name}")
            _TYPES[name] = function
        return function

    return register


@cache
def field_types() -> dict[str, FieldType]:
    """Every field type by its name; the empty name is for questions without `ui:field`."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return dict(sorted(_TYPES.items()))
