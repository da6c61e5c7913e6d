"""Template text to tokens, cut exactly where nunjucks 3 cuts. Jinja2's own lexer normalises
newlines and trims around tags in ways of its own, so this one feeds Jinja2's parser instead. A
token carries the number of the tag it stands in, not a line, so that an error names its tag."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from jinja2.exceptions import TemplateSyntaxError
from jinja2.lexer import Token

SPACE = (  # what JavaScript's \s matches, which is not what str.strip() strips
    "\t\n\v\f\r \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
_BLANKS = re.compile("[ \n\t\r\xa0]+")
_NUMBER = re.compile(r"\d+(\.\d*)?")
_NAME = re.compile(r"[^ \n\t\r\xa0()\[\]{}%*\-+~/#,:|.<>=!\"']+")
_REGEX = re.compile(r"r/((?:\\/|[^/])*)/([gimy]*)")
_STRING = re.compile(r"\"((?:\\.|[^\"\\])*)\"|'((?:\\.|[^'\\])*)'", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}
_RAW_OPEN = re.compile(r"\s*(raw|verbatim)[ \n\t\r\xa0]*(-?)%\}")
_OPERATORS = {
    "===": "same", "!==": "notsame", "==": "eq", "!=": "ne", "<=": "lteq", ">=": "gteq",
    "//": "floordiv", "**": "pow", "+": "add", "-": "sub", "*": "mul", "/": "div", "%": "mod",
    "~": "tilde", "<": "lt", ">": "gt", "(": "lparen", ")": "rparen", "[": "lbracket",
    "]": "rbracket", "{": "lbrace", "}": "rbrace", ".": "dot", ":": "colon", "|": "pipe",
    ",": "comma", "=": "assign",
}  # fmt: skip
_OPERATOR = re.compile("|".join(re.escape(sign) for sign in _OPERATORS))
_HINTS = {"&&": "write `and`", "?": "write `a if b else c`", "!": "write `not`"}


@dataclass(frozen=True, slots=True)
class Tag:
    """One `${{ }}` or `{% %}` of a template: what an error message points at."""

    line: int
    source: str


class Lexer:
    """Iterate over the tokens of one template; `tags` fills up on the way."""

    def __init__(
        self, source: str, *, variable: str = "${{", trim: bool = False, lstrip: bool = False
    ) -> None:
        self.source, self.variable, self.trim, self.lstrip = source, variable, trim, lstrip
        self.tags: list[Tag] = [Tag(1, "")]
        self.position = self.line = 0
        self.counted = 0
        self.drop_leading = False
        self.opening = re.compile(r"\{%|\{#|" + re.escape(variable))

    def tokens(self) -> Iterator[Token]:
        """Raises TemplateSyntaxError, whose lineno is an index into `tags`."""
        while self.position < len(self.source):
            found = self.opening.search(self.source, self.position)
            end = found.start() if found else len(self.source)
            yield from self._data(end, found.group() if found else "")
            if not found:
                return
            self.position = found.end()
            if found.group() == "{#":
                self._comment(found.start())
            else:
                yield from self._tag(found.start(), found.group())

    def _data(self, end: int, opening: str) -> Iterator[Token]:
        text = self.source[self.position : end]
        if self.lstrip and opening == "{%":
            text = self._without_indent(text)
        if not text:
            return
        if self.drop_leading:
            text = text.lstrip(SPACE)
            self.drop_leading = False
        if opening and self.source.startswith("-", end + len(opening)):
            text = text.rstrip(SPACE)
        yield self._token("data", text)

    def _without_indent(self, text: str) -> str:
        start = text.rfind("\n") + 1
        line_start = self.source.rfind("\n", 0, self.position) + 1
        from_line_start = start > 0 or self.position == line_start
        return text[:start] if from_line_start and not text[start:].strip(SPACE) else text

    def _comment(self, start: int) -> None:
        end = self.source.find("#}", self.position)
        if end < 0:
            self._open_tag(start, start + 40)
            self._fail("a comment that starts with `{#` is never closed with `#}`; put text that "
                       "contains `{#` between `{% raw %}` and `{% endraw %}`")  # fmt: skip
        self.drop_leading = self.source[end - 1] == "-"
        self.position = end + 2

    def _tag(self, start: int, opening: str) -> Iterator[Token]:
        kind = "block" if opening == "{%" else "variable"
        self._open_tag(start, start + 80)
        minus = self.source.startswith("-", self.position)
        self.position += minus
        self.drop_leading = False
        raw = _RAW_OPEN.match(self.source, self.position) if kind == "block" else None
        if raw:
            yield from self._raw(raw)
            return
        yield self._token(f"{kind}_begin", opening)
        yield from self._code(kind)
        self.tags[-1] = Tag(self.tags[-1].line, self.source[start : self.position])
        yield self._token(f"{kind}_end", "%}" if kind == "block" else "}}")
        if kind == "block" and self.trim:
            self._skip_newline()

    def _raw(self, opening: re.Match[str]) -> Iterator[Token]:
        """Nested raw blocks count, as in nunjucks; `{%- endraw -%}` is understood besides."""
        name, self.position, depth = opening.group(1), opening.end(), 1
        if self.trim:
            self._skip_newline()
        start, edge = self.position, re.compile(r"\{%(-?)\s*(end)?" + name + r"\s*(-?)%\}")
        found = opening
        while depth:
            found = edge.search(self.source, self.position) or self._fail(
                f"`{{% {name} %}}` is never closed with `{{% end{name} %}}`"
            )
            depth += -1 if found.group(2) else 1
            self.position = found.end()
        text = self.source[start : found.start()]
        yield self._token("data", text.rstrip(SPACE) if found.group(1) else text)
        self.drop_leading = bool(opening.group(2) or found.group(3))

    def _code(self, kind: str) -> Iterator[Token]:
        end, depth = ("%}" if kind == "block" else "}}"), 0
        while True:
            blank = _BLANKS.match(self.source, self.position)
            self.position = blank.end() if blank else self.position
            if not depth and self.source.startswith((end, "-" + end), self.position):
                self.drop_leading = self.source[self.position] == "-"
                self.position += len(end) + self.drop_leading
                return
            token = self._next()
            depth += {"lbrace": 1, "rbrace": -1}.get(token.type, 0)
            yield token

    def _next(self) -> Token:
        source, at = self.source, self.position
        if at >= len(source):
            self._fail("this tag is never closed")
        if found := _STRING.match(source, at):
            text = found.group(1) if found.group(1) is not None else found.group(2)
            return self._take(found, "string", _ESCAPE.sub(_unescape, text))
        if source[at] in "\"'":
            self._fail("a quoted text is never closed")
        if found := _REGEX.match(source, at):
            return self._take(found, "regex", found.group())
        if source.startswith("||", at):
            self._fail("`||` means nothing here: write `or`")
        if found := _OPERATOR.match(source, at):
            return self._take(found, _OPERATORS[found.group()], found.group())
        if found := _NUMBER.match(source, at):
            return self._number(found)
        return self._name()

    def _number(self, found: re.Match[str]) -> Token:
        whole = not found.group(1) and len(found.group()) < 16
        value = int(found.group()) if whole else float(found.group())
        return self._take(found, "integer" if whole else "float", value)

    def _name(self) -> Token:
        found = _NAME.match(self.source, self.position)
        word = found.group() if found else self.source[self.position]
        if found and word.isidentifier():
            return self._take(found, "name", word)
        hint = _HINTS.get(word[:2]) or _HINTS.get(word[:1])
        return self._fail(f"`{word}` means nothing here" + (f": {hint}" if hint else ""))

    def _take(self, found: re.Match[str], kind: str, value: object) -> Token:
        self.position = found.end()
        return self._token(kind, value)

    def _token(self, kind: str, value: object) -> Token:
        return Token(len(self.tags) - 1, kind, value)  # type: ignore[arg-type]

    def _open_tag(self, start: int, end: int) -> None:
        self.line += self.source.count("\n", self.counted, start)
        self.counted = start
        excerpt = self.source[start:end].split("\n")[0]
        self.tags.append(Tag(self.line + 1, excerpt))

    def _skip_newline(self) -> None:
        for newline in ("\n", "\r\n"):
            if self.source.startswith(newline, self.position):
                self.position += len(newline)
                return

    def _fail(self, reason: str) -> NoReturn:
        raise TemplateSyntaxError(reason, len(self.tags) - 1)


def _unescape(found: re.Match[str]) -> str:
    return _ESCAPED.get(found.group(1), found.group(1))
