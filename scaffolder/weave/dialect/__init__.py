"""The template language of golden paths: nunjucks as Backstage sets it up, byte for byte, on
Jinja2's immutable sandbox."""

from .environment import (
    DIALECT,
    Template,
    TemplateFault,
    compiled,
    has_template,
    known_filters,
)
from .globals import Function
from .inspection import uses
from .javascript import Undefined, from_python, to_python

__all__ = [
    "DIALECT",
    "Function",
    "Template",
    "TemplateFault",
    "Undefined",
    "compiled",
    "from_python",
    "has_template",
    "known_filters",
    "to_python",
    "uses",
]
