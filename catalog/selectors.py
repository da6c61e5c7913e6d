"""CEL, the Common Expression Language: which entities a rule is about, and rules of one's own."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from cel_expr_python import cel

VARIABLES = ("entity", "facts", "parameters")
MAX_LENGTH = 2_000


class SelectorError(ValueError):
    """The expression cannot be compiled, or did not give true or false; str() says why."""


@lru_cache(maxsize=1)
def _environment() -> Any:
    return cel.NewEnv(variables=dict.fromkeys(VARIABLES, cel.Type.DYN))


@lru_cache(maxsize=1_000)
def _compiled(expression: str) -> Any:
    if len(expression) > MAX_LENGTH:
        raise SelectorError(f"The expression is longer than {MAX_LENGTH:,} characters")
    try:
        return _environment().compile(expression)
    except RuntimeError as error:
        first = str(error).removeprefix("INVALID_ARGUMENT: ").splitlines()[0]
        raise SelectorError(first.removeprefix("ERROR: <input>:")) from None


def check(expression: str) -> None:
    """Raises SelectorError when the expression cannot be compiled."""
    _compiled(expression)


def matches(expression: str, *, otherwise: bool = False, **variables: Any) -> bool:
    """Whether the expression is true. A field that is missing is no error: it gives `otherwise`."""
    value = _compiled(expression).eval(data={name: {} for name in VARIABLES} | variables)
    if value.type() == cel.Type.ERROR:
        return otherwise
    result = value.plain_value()
    if not isinstance(result, bool):
        raise SelectorError(f"The expression gives {result!r}, not true or false")
    return result
