"""Carrying a change from one print of a file to another. A library that reads and writes YAML or
JSON prints the whole file its own way: here its change alone goes into the text as it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

Block = tuple[int, int, int, int]


def carry_over(original: str, before: str, after: str) -> str:
    """`original` with the change from `before` to `after`, where `before` is the library's print of
    `original`. Comments that the library lost stay."""
    mine, old, new = (text.splitlines(keepends=True) for text in (original, before, after))
    kept = [False] * len(old)
    added: list[list[str]] = [[] for _ in range(len(old) + 1)]
    for kind, start, end, from_, to in _opcodes(old, new):
        if kind == "equal":
            kept[start:end] = [True] * (end - start)
        else:
            added[start] += new[from_:to]
    _keep_comments(old, kept)
    result: list[str] = []
    for start, end, from_, to in _blocks(old, mine):
        untouched = all(kept[start:end]) and not any(added[start + 1 : end])
        if untouched:
            result += [*(added[start] if end > start else []), *mine[from_:to]]
            continue
        for place in range(start, end):
            result += added[place]
            result += [old[place]] if kept[place] else []
    return "".join(_whole_lines([*result, *added[len(old)]], original))


def _opcodes(one: list[str], other: list[str]) -> Sequence[tuple[str, int, int, int, int]]:
    return SequenceMatcher(None, one, other, autojunk=False).get_opcodes()


def _blocks(old: list[str], mine: list[str]) -> Iterator[Block]:
    """Which lines of the print stand for which of the original, line by line where possible."""
    for _, start, end, from_, to in _opcodes(old, mine):
        if end - start == to - from_:
            for step in range(end - start):
                yield start + step, start + step + 1, from_ + step, from_ + step + 1
        else:
            yield start, end, from_, to


def _keep_comments(old: list[str], kept: list[bool]) -> None:
    for place, line in enumerate(old):
        if not kept[place] and line.lstrip().startswith("#"):
            kept[place] = True
            if place and not old[place - 1].strip():
                kept[place - 1] = True


def _whole_lines(lines: list[str], original: str) -> Iterator[str]:
    """Every line but perhaps the last ends with a newline, the last as it did in the original."""
    for place, line in enumerate(lines):
        last = place == len(lines) - 1
        yield line if last or line.endswith("\n") else line + "\n"
        if last and original.endswith("\n") and not line.endswith("\n"):
            yield "\n"


def without_gaps(before: str, after: str) -> str:
    """`after` with new items of a list or object before the blank lines that were at its end, where
    ruamel puts them behind."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    for kind, _, _, start, end in _opcodes(old, new):
        gap = start
        while gap and not new[gap - 1].strip():
            gap -= 1
        if kind == "insert" and gap < start and new[start].startswith((" ", "- ")):
            new[gap:end] = [*new[start:end], *new[gap:start]]
    return "".join(new)
