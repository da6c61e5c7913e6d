"""nunjucks' grammar on Jinja2's parser: its operator precedence, `===`, bare keys in objects,
`elseif`, `switch`, and none of what Jinja2 alone has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn, cast

from jinja2 import nodes
from jinja2.lexer import Token
from jinja2.parser import Parser

_LEVELS: tuple[dict[str, Any], ...] = (  # nunjucks writes them into JavaScript as they stand
    {"add": nodes.Add, "sub": nodes.Sub, "tilde": None},
    {"mul": nodes.Mul, "div": nodes.Div, "mod": nodes.Mod},
    {"floordiv": nodes.FloorDiv},
    {"pow": nodes.Pow},
)
_EQUALITY = frozenset({"eq", "ne", "same", "notsame"})
_RELATION = frozenset({"lt", "lteq", "gt", "gteq"})
_CONSTANTS: dict[str, Any] = {"true": True, "false": False, "none": None, "null": None}
_INCLUDING = frozenset({"include", "import", "extends", "from"})
_NOT_NUNJUCKS = frozenset({"print", "with", "autoescape"})


_ALIASES = {
    "elseif": "elif", "ifAsync": "if", "asyncEach": "for", "asyncAll": "for",
    "endeach": "endfor", "endall": "endfor",
}  # fmt: skip
_JINJA_NAMES = frozenset({"self", "super", "varargs", "kwargs"})


def dialect_tokens(tokens: Iterator[Token]) -> Iterator[Token]:
    """nunjucks' other names of tags become Jinja2's; its plain names that mean something to
    Jinja2 become names that do not."""
    opened = False
    for token in tokens:
        if opened and token.type == "name":
            token = Token(token.lineno, "name", _ALIASES.get(token.value, token.value))
        elif token.type == "name" and token.value in _JINJA_NAMES:
            token = Token(token.lineno, "name", f"{token.value}_of_template")
        opened = token.type == "block_begin"
        yield token


class DialectParser(Parser):
    """Raises TemplateSyntaxError, its lineno being the tag's number."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.grouped: set[int] = set()  # ids of comparisons in parentheses

    def parse_statement(self) -> nodes.Node | list[nodes.Node]:
        tag = self.stream.current.value
        if tag in _INCLUDING:
            self.fail(f"`{tag}` is not possible: a template cannot read other files")
        if tag in _NOT_NUNJUCKS:
            self.fail(f"there is no tag `{tag}`")
        return self._switch() if tag == "switch" else super().parse_statement()

    def _fail_ut_eof(
        self, name: str | None, end_token_stack: list[tuple[str, ...]], lineno: int | None
    ) -> NoReturn:
        ends = [end.partition(":")[2] for end in end_token_stack[-1]] if end_token_stack else []
        wanted = " or ".join(f"`{{% {end} %}}`" for end in ends)
        found = f"there is no tag `{name}` here" if name else "the template ends too early"
        self.fail(f"{found}{f': {wanted} must come first' if wanted else ''}", lineno)

    def _switch(self) -> nodes.Node:
        """`switch`/`case`/`default`; a case without content shares the next one's."""
        lineno = next(self.stream).lineno
        subject, ends = self.parse_expression(), ("name:case", "name:default", "name:endswitch")
        self.parse_statements(ends)
        branches: list[nodes.If] = []
        waiting: nodes.Expr | None = None
        while self.stream.skip_if("name:case"):
            operand = nodes.Operand("same", self.parse_expression())
            test: nodes.Expr = nodes.Compare(subject, [operand], lineno=lineno)
            waiting = nodes.Or(waiting, test, lineno=lineno) if waiting else test
            if body := self.parse_statements(ends):
                branches.append(nodes.If(waiting, body, [], [], lineno=lineno))
                waiting = None
        default = []
        if self.stream.skip_if("name:default"):
            default = self.parse_statements(("name:endswitch",))
        self.stream.expect("name:endswitch")
        if not branches:
            return nodes.Scope(default, lineno=lineno)
        branches[0].elif_, branches[0].else_ = branches[1:], default
        return branches[0]

    def parse_set(self) -> nodes.Assign | nodes.AssignBlock:
        node = super().parse_set()
        if not isinstance(node.target, nodes.Name):
            self.fail("`set` sets one name at a time", node.lineno)
        return node

    def parse_tuple(  # type: ignore[override]
        self, simplified: bool = False, **options: Any
    ) -> nodes.Tuple | nodes.Expr:
        """Only loop targets are tuples; everything else is one expression."""
        return super().parse_tuple(True, **options) if simplified else self.parse_expression()

    def parse_condexpr(self) -> nodes.Expr:
        node = super().parse_condexpr()
        if isinstance(node, nodes.CondExpr) and node.expr2 is None:
            node.expr2 = nodes.Const("", lineno=node.lineno)
        return node

    def parse_not(self) -> nodes.Expr:
        """nunjucks writes `not a == b` as JavaScript's `!a == b`, and so must this."""
        if not self.stream.current.test("name:not"):
            return self.parse_compare()
        lineno = next(self.stream).lineno
        return self._negated(self.parse_not(), lineno)

    def _negated(self, node: nodes.Expr, lineno: int) -> nodes.Expr:
        """`!` binds to the leftmost operand of whatever has no parentheses around it."""
        if id(node) in self.grouped:
            return nodes.Not(node, lineno=lineno)
        if isinstance(node, nodes.Compare) and node.ops[0].op in _EQUALITY | _RELATION:
            node.expr = self._negated(node.expr, lineno)
        elif isinstance(node, nodes.Concat):
            node.nodes[0] = self._negated(node.nodes[0], lineno)
        elif isinstance(node, (nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.Mod)):
            node.left = self._negated(node.left, lineno)
        else:
            return nodes.Not(node, lineno=lineno)
        return node

    def parse_compare(self) -> nodes.Expr:
        """What follows `not`: membership, then `is`, then comparison, then `~`, then arithmetic."""
        left = self._is()
        while True:
            negated = self.stream.current.test("name:not") and self.stream.look().test("name:in")
            self.stream.skip(1 if negated else 0)
            if not self.stream.skip_if("name:in"):
                return left
            operand = nodes.Operand("notin" if negated else "in", self._is())
            left = nodes.Compare(left, [operand], lineno=self.stream.current.lineno)

    def _is(self) -> nodes.Expr:
        left = self._comparison()
        if not self.stream.skip_if("name:is"):
            return left
        negated = self.stream.skip_if("name:not")
        token = self.stream.expect("name")
        name = "null" if token.value == "none" else token.value
        args = self.parse_call_args()[0] if self.stream.current.type == "lparen" else []
        node: nodes.Expr = nodes.Test(left, name, args, [], None, None, lineno=token.lineno)
        return nodes.Not(node, lineno=token.lineno) if negated else node

    def _comparison(self, kinds: frozenset[str] = frozenset()) -> nodes.Expr:
        """Equality over relation, as in JavaScript."""
        inner = self._binary if kinds else self._relation
        left = inner()
        while self.stream.current.type in (kinds or _EQUALITY):
            operator = next(self.stream)
            operand = nodes.Operand(operator.type, inner())
            left = nodes.Compare(left, [operand], lineno=operator.lineno)
        return left

    def _relation(self) -> nodes.Expr:
        return self._comparison(_RELATION)

    def _binary(self, level: int = 0) -> nodes.Expr:
        if level == len(_LEVELS):
            return self.parse_unary()
        left = self._binary(level + 1)
        while self.stream.current.type in _LEVELS[level]:
            operator = next(self.stream)
            right = self._binary(level + 1)
            make = _LEVELS[level][operator.type]
            left = make(left, right) if make else nodes.Concat([left, right])
            left.set_lineno(operator.lineno)
        return left

    def parse_filter_expr(self, node: nodes.Expr) -> nodes.Expr:
        while self.stream.current.type == "pipe":
            node = cast(nodes.Expr, self.parse_filter(node))
        return node

    def parse_primary(self, with_namespace: bool = False) -> nodes.Expr:
        token = self.stream.current
        if token.type == "name":
            next(self.stream)
            if token.value in _CONSTANTS:
                return nodes.Const(_CONSTANTS[token.value], lineno=token.lineno)
            return nodes.Name(token.value, "load", lineno=token.lineno)
        if token.type == "regex":
            return self._regex(next(self.stream))
        if token.type == "lparen":
            next(self.stream)
            inner = self.parse_expression()
            self.stream.expect("rparen")
            self.grouped.add(id(inner))
            return inner
        return super().parse_primary(with_namespace)

    def _regex(self, token: Token) -> nodes.Expr:
        source, _, flags = token.value[2:].rpartition("/")
        constants: list[nodes.Expr] = [nodes.Const(flags)]
        return nodes.Filter(
            nodes.Const(source), "r/", constants, [], None, None, lineno=token.lineno
        )

    def parse_dict(self) -> nodes.Dict:
        node = super().parse_dict()
        for pair in node.items:
            if isinstance(pair.key, nodes.Name):
                pair.key = nodes.Const(pair.key.name, lineno=pair.lineno)
        return node

    def parse_subscribed(self) -> nodes.Expr:
        return self.parse_expression()

    def parse_call_args(self) -> Any:
        args, named, dyn_args, dyn_named = super().parse_call_args()
        if dyn_args or dyn_named:
            self.fail("`*` does not spread values here")
        return args, named, dyn_args, dyn_named
