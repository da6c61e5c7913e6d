"""template.yaml as a form, a list of steps and a report of everything that is wrong with it."""

from scaffolder.weave.problems import Problem

from .answers import validate
from .conditions import active_schema, with_defaults
from .fields import field_of, fields_of
from .includes import with_includes
from .model import (
    Approval,
    Blueprint,
    Field,
    Link,
    Offer,
    Output,
    Page,
    Step,
    Text,
)
from .reading import lines_of, parse_blueprint, read_blueprint, with_pages
from .report import report

__all__ = [
    "Approval",
    "Blueprint",
    "Field",
    "Link",
    "Offer",
    "Output",
    "Page",
    "Problem",
    "Step",
    "Text",
    "active_schema",
    "field_of",
    "fields_of",
    "lines_of",
    "parse_blueprint",
    "read_blueprint",
    "report",
    "validate",
    "with_defaults",
    "with_includes",
    "with_pages",
]
