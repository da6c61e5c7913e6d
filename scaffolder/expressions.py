"""The `${{ }}` of template.yaml: step inputs, conditions, links. A text that is one single
expression keeps its type; any other text is printed. An error is an error here: Backstage passes
the raw text on instead (NunjucksWorkflowRunner.render)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .weave.dialect import (
    Function,
    Template,
    TemplateFault,
    Undefined,
    compiled,
    from_python,
    has_template,
    to_python,
)

__all__ = [
    "ExpressionError",
    "Function",
    "check",
    "each_of",
    "evaluate",
    "shown_output",
    "status_functions",
    "truthy",
]


class ExpressionError(ValueError):
    """An expression cannot be evaluated; the text is a sentence that names it and its place."""

    def __init__(self, expression: str, reason: str, where: str = "") -> None:
        super().__init__(expression, reason, where)
        self.expression, self.reason, self.where = expression, reason, where

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}`{self.expression}`: {self.reason}."


def evaluate(value: Any, context: Mapping[str, Any], *, where: str = "") -> Any:
    """The value with every expression in it evaluated, through lists and objects. As in Backstage,
    a member whose text comes to nothing is left out of its object. `where` names the step or field
    in errors. Raises ExpressionError."""
    return _plain(_evaluate(value, from_python(context), where))


def _evaluate(value: Any, context: Mapping[str, Any], where: str) -> Any:
    if isinstance(value, str):
        return _text(value, context, where)
    if isinstance(value, Mapping):
        pairs = (
            (key, _evaluate(item, context, _inside(where, key))) for key, item in value.items()
        )
        return {key: item for key, item in pairs if not isinstance(item, Undefined)}
    if isinstance(value, (list, tuple)):
        return [
            _plain(_evaluate(item, context, _inside(where, place)))
            for place, item in enumerate(value)
        ]
    return value


def _plain(value: Any) -> Any:
    return None if isinstance(value, Undefined) else value


def _inside(where: str, key: object) -> str:
    return f"{where}.{key}" if where else str(key)


def _text(value: str, context: Mapping[str, Any], where: str) -> Any:
    if not has_template(value):
        return value
    template = _compiled(value, where)
    try:
        if template.single:
            return template.value(context)
        return template.render(context) or Undefined()
    except TemplateFault as fault:
        raise ExpressionError(fault.expression or value, fault.reason, where) from None


def _compiled(value: str, where: str) -> Template:
    try:
        return compiled(value)
    except TemplateFault as fault:
        raise ExpressionError(fault.expression or value, fault.reason, where) from None


def check(value: str, *, where: str = "") -> None:
    """Compile a text without evaluating it. Raises ExpressionError on bad syntax."""
    if has_template(value):
        _compiled(value, where)


def truthy(value: Any) -> bool:
    """What an `if` makes of a value: false, null, "", 0 and [] say no (NunjucksWorkflowRunner,
    isTruthy). A text is taken as it is: evaluate it first."""
    return bool(to_python(value)) or value == {}


def _yes() -> bool:
    return True


def _no() -> bool:
    return False


def status_functions(*, failed: bool) -> dict[str, Function]:
    """What the `if` of a step may ask about the steps before it."""
    failure = Function("failure", _yes if failed else _no)
    return {"always": Function("always", _yes), "failure": failure}


def each_of(value: Any, where: str) -> list[dict[str, Any]]:
    """The rounds of a step's `each`: key and value of every item (NunjucksWorkflowRunner).
    Raises ExpressionError."""
    if isinstance(value, Mapping):
        return [{"key": str(key), "value": item} for key, item in value.items()]
    if isinstance(value, list):
        return [{"key": str(place), "value": item} for place, item in enumerate(value)]
    reason = f"a list or an object is needed here, and this is {value!r}"
    raise ExpressionError("each", reason, where)


def shown_output(output: Mapping[str, Any]) -> dict[str, Any]:
    """An evaluated `output` without the links and texts whose `if` says no."""
    result = dict(output)
    for name in ("links", "text"):
        items = result.get(name)
        if isinstance(items, list):
            wanted = [item for item in items if isinstance(item, Mapping) and _is_shown(item)]
            result[name] = [{k: v for k, v in item.items() if k != "if"} for item in wanted]
    return result


def _is_shown(item: Mapping[str, Any]) -> bool:
    return truthy(item.get("if", True))
