"""Path patterns as fast-glob reads them, for `copyWithoutTemplating` and the actions on files."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

_MAGIC = re.compile(r"[*?\[\]{}]")
_TOKEN = re.compile(r"\*\*/|\*\*|\*|\?|\[!?[^\]/]+\]|\{[^{}]*\}|[^*?\[{]+|.", re.DOTALL)


def _translate(token: str) -> str:
    simple = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if token in simple:
        return simple[token]
    if token[0] == "[" and len(token) > 2:
        inner = token[1:-1].replace("\\", "\\\\")
        return f"[{'^' + inner[1:] if inner[0] == '!' else inner}]"
    if token[0] == "{" and len(token) > 1:
        options = (
            "".join(map(_translate, _TOKEN.findall(part))) for part in token[1:-1].split(",")
        )
        return f"(?:{'|'.join(options)})"
    return re.escape(token)


@lru_cache(maxsize=1_000)
def _compiled(pattern: str) -> re.Pattern[str]:
    plain = pattern.removeprefix("./").rstrip("/")
    body = "".join(_translate(token) for token in _TOKEN.findall(plain))
    below = "" if _MAGIC.search(plain) else "(?:/.*)?"
    try:
        return re.compile(body + below, re.DOTALL)
    except re.error:
        return re.compile(re.escape(plain))


def matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """A predicate over paths. A pattern without wildcards also means everything below it; one
    that starts with `!` takes out again what the earlier ones took in."""
    rules = [(not pattern.startswith("!"), pattern.removeprefix("!")) for pattern in patterns]

    def matches(path: str) -> bool:
        verdict = False
        for takes, pattern in rules:
            if _compiled(pattern).fullmatch(path):
                verdict = takes
        return verdict

    return matches
