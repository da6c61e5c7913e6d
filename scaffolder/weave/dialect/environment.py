"""The template language of golden paths: nunjucks as Backstage sets it up, on Jinja2's immutable
sandbox. Only JSON data enters, only functions written in this package can be called, and every
loop step and every printed character is counted against a budget."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NoReturn

from jinja2 import TemplateError, TemplateSyntaxError, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.lexer import Token, TokenStream
from jinja2.runtime import Context, LoopContext, Macro
from jinja2.runtime import Undefined as JinjaUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from . import operators
from .conditions import TESTS
from .filters import FILTERS
from .generator import LOOP_FILTER, DialectGenerator
from .globals import GLOBALS, Cycler, Function
from .javascript import (
    JsDict,
    JsList,
    Undefined,
    fail,
    from_python,
    kind,
    printed,
    text,
    to_python,
)  # fmt: skip
from .lexer import Lexer, Tag
from .methods import Method, member
from .parser import DialectParser, dialect_tokens

MOST_STEPS = 1_000_000
MOST_OUTPUT = 20_000_000
_MACRO_STEPS = 20  # calling one takes about as long as that many rounds of a loop
_MISSING = re.compile(r"No (filter|test) named '([^']*)'")
_JINJA_ARGUMENTS = frozenset({"_loop_vars", "_block_vars"})
_LOOP = frozenset({"index", "index0", "revindex", "revindex0", "first", "last", "length"})


class TemplateFault(Exception):
    """A template is wrong, or went wrong: line, the tag's text and the reason, for people."""

    def __init__(self, line: int, expression: str, reason: str) -> None:
        super().__init__(line, expression, reason)
        self.line, self.expression, self.reason = line, expression, reason

    def __str__(self) -> str:
        where = f"line {self.line}, `{self.expression}`" if self.expression else f"line {self.line}"
        return f"{where}: {self.reason}"


class _Shared(dict[str, Any]):
    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context

    def __missing__(self, name: str) -> Any:
        return self.context.resolve(name)


class BudgetContext(Context):
    """One rendering: its variables, and what it may still spend."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.steps, self.output = MOST_STEPS, MOST_OUTPUT
        self.shared = _Shared(self)
        self.last: Any = None

    def forget(self, names: list[str]) -> None:
        """Drop what a loop that has ended had set."""
        for name in names:
            self.shared.pop(name, None)

    def spend(self, *, steps: int = 0, output: int = 0) -> None:
        """Raises TemplateRuntimeError when the budget is used up."""
        self.steps -= steps
        self.output -= output
        if self.steps < 0:
            raise fail(f"the template loops more than {MOST_STEPS:,} times")
        if self.output < 0:
            raise fail(f"the template writes more than {MOST_OUTPUT:,} characters")


@pass_context
def _finalize(context: BudgetContext, value: Any) -> str:
    context.last = value
    result = printed(value)
    context.spend(output=len(result))
    return result


@pass_context
def _iterate(context: BudgetContext, value: Any, width: int) -> list[Any]:
    """What a loop goes through; two names or more mean the keys and values of an object."""
    if width and isinstance(value, dict):
        rows: list[Any] = [[key, item] for key, item in value.items()]
    elif isinstance(value, (list, str)):
        items = list(value)
        rows = [[member(item, at) for at in range(width)] for item in items] if width else items
    else:
        rows = []
    context.spend(steps=len(rows))
    return rows


class Dialect(ImmutableSandboxedEnvironment):
    """The sandbox. Ask `compiled()` for a template rather than this class."""

    code_generator_class = DialectGenerator
    context_class = BudgetContext
    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})
    intercepted_unops = frozenset({"+", "-"})
    compare = staticmethod(operators.compare)
    js_concat = staticmethod(operators.concat)
    js_list = staticmethod(JsList)

    def __init__(self) -> None:
        super().__init__(undefined=Undefined, finalize=_finalize, optimized=False, cache_size=0)
        self.globals = dict(GLOBALS)
        self.filters = {**FILTERS, LOOP_FILTER: _iterate}
        self.tests = dict(TESTS)

    def _tokenize(self, source: Any, *_: Any, **__: Any) -> TokenStream:
        return TokenStream(dialect_tokens(iter(source)), None, None)

    def handle_exception(self, source: str | None = None) -> NoReturn:
        raise

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        return operators.binary(operator, left, right)

    def call_unop(self, context: Context, operator: str, arg: Any) -> Any:
        return operators.unary(operator, arg)

    @staticmethod
    def js_dict(pairs: list[tuple[Any, Any]]) -> JsDict:
        return JsDict((text(key), value) for key, value in pairs)

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """A member as JavaScript finds it; Python's attributes are never asked for. A template
        that tries is told so, instead of printing nothing. Raises SecurityError."""
        if isinstance(argument, str) and argument.startswith("__") and argument.endswith("__"):
            raise SecurityError(f"`{argument}` is not for templates")
        if isinstance(obj, JinjaUndefined) or obj is None:
            return Undefined(name=text(argument))
        if isinstance(obj, LoopContext):
            name = text(argument)
            return getattr(obj, name) if name in _LOOP else Undefined(name=name)
        return obj.member(text(argument)) if isinstance(obj, Cycler) else member(obj, argument)

    def is_safe_callable(self, obj: Any) -> bool:
        return isinstance(obj, (Method, Macro, Function))

    def call(self, context: Any, obj: Any, *args: Any, **named: Any) -> Any:
        """Raises TemplateRuntimeError for what is no function of this package."""
        if not self.is_safe_callable(obj):
            raise fail(f"{kind(obj)} cannot be called like a function")
        context.spend(steps=_MACRO_STEPS if isinstance(obj, Macro) else 1)
        named = {name: value for name, value in named.items() if name not in _JINJA_ARGUMENTS}
        return obj(*args, **named)


DIALECT = Dialect()


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled template with the table that turns its errors into lines.

    `single` is true for a text that is one `${{ }}` and nothing else: it has a value, not only a
    printed form (scaffolder-backend, NunjucksWorkflowRunner.isSingleTemplateString)."""

    code: Any
    tags: tuple[Tag, ...]
    single: bool

    def render(self, values: Mapping[str, Any]) -> str:
        """The text. Raises TemplateFault."""
        return self._run(values)[0]

    def value(self, values: Mapping[str, Any]) -> Any:
        """The value of a single expression as plain data; an Undefined when there is none.
        Raises TemplateFault."""
        last = self._run(values)[1]
        return last if isinstance(last, Undefined) else to_python(last)

    def _run(self, values: Mapping[str, Any]) -> tuple[str, Any]:
        try:
            context = self.code.new_context(from_python(values))
            return "".join(self.code.root_render_func(context)), context.last
        except Exception as error:  # noqa: BLE001 - whatever untrusted code comes upon
            raise _fault(error, self.tags, self._place(error)) from None

    def _place(self, error: Exception) -> int:
        """The number of the tag that the innermost template frame was in."""
        place, trace = 0, error.__traceback__
        while trace:
            if "__jinja_template__" in trace.tb_frame.f_globals:
                place = self.code.get_corresponding_lineno(trace.tb_lineno)
            trace = trace.tb_next
        return place


def _fault(error: Exception, tags: Sequence[Tag], place: int) -> TemplateFault:
    tag = tags[place] if 0 <= place < len(tags) else tags[0]
    if isinstance(error, TemplateError):
        reason = _MISSING.sub(r"there is no \1 `\2`", str(error.message)).rstrip(".")
    elif isinstance(error, RecursionError):
        reason = "this is nested too deeply"
    elif isinstance(error, MemoryError):
        reason = "this needs too much memory"
    else:
        reason = f"this cannot be evaluated ({error})"
    return TemplateFault(tag.line, " ".join(tag.source.split()), reason)


@lru_cache(maxsize=2_000)
def compiled(
    source: str, *, variable: str = "${{", trim: bool = False, lstrip: bool = False
) -> Template:
    """A template out of its text. Raises TemplateFault."""
    tree, tags, single = parsed(source, variable=variable, trim=trim, lstrip=lstrip)
    try:
        code = DIALECT.template_class.from_code(DIALECT, DIALECT.compile(tree), DIALECT.globals)
    except TemplateSyntaxError as error:
        raise _fault(error, tags, error.lineno) from None
    except (RecursionError, MemoryError, SyntaxError) as error:
        raise _fault(RecursionError(str(error)), tags, 0) from None
    return Template(code, tags, single)


def parsed(source: str, **options: Any) -> tuple[nodes.Template, tuple[Tag, ...], bool]:
    """The syntax tree, the tags, and whether it is a single expression. Raises TemplateFault."""
    lexer = Lexer(source, **options)
    try:
        tokens = list(lexer.tokens())
        tree = DialectParser(DIALECT, tokens).parse()
    except TemplateSyntaxError as error:
        raise _fault(error, lexer.tags, error.lineno) from None
    except RecursionError as error:
        raise _fault(error, lexer.tags, 0) from None
    return tree, tuple(lexer.tags), _is_single(tokens)


def _is_single(tokens: list[Token]) -> bool:
    kinds = [token.type for token in tokens]
    return kinds[:1] == ["variable_begin"] and kinds.index("variable_end") == len(kinds) - 1


def has_template(source: str, variable: str = "${{") -> bool:
    """Whether rendering can change this text at all."""
    return variable in source or "{%" in source or "{#" in source


def known_filters() -> frozenset[str]:
    """The filters that a template may use."""
    return frozenset(name for name in DIALECT.filters if not name.endswith("/"))
