"""A marked region inside a text file: lines between `BEGIN bespoke:name` and `END bespoke:name`,
in the comment style of the file's type. Everything outside stays byte for byte."""

from __future__ import annotations

import posixpath
import re

_STYLES = {
    ("<!-- ", " -->"): "md markdown html htm xml svg vue xhtml pom csproj props",
    ("# ", ""): (
        "yml yaml toml py pyi sh bash zsh fish rb pl r tf tfvars conf cfg ini env properties txt "
        "cmake nix ps1 ex exs jl graphql mk feature dockerfile makefile gitignore dockerignore "
        "gitattributes codeowners editorconfig npmrc helmignore prettierignore eslintignore "
        "procfile gemfile rakefile vagrantfile containerfile gitlab-ci tiltfile justfile"
    ),
    ("// ", ""): (
        "js mjs cjs jsx ts mts cts tsx java kt kts c h cc cpp hpp cs go rs swift scala groovy "
        "gradle php dart proto jsonc json5 hcl jsonnet libsonnet jenkinsfile mod"
    ),
    ("-- ", ""): "sql lua hs elm adb ads",
    ("/* ", " */"): "css scss less",
    (";; ", ""): "clj cljs edn el lisp scm",
    (".. ", ""): "rst",
    ("% ", ""): "tex",
}
_BY_TYPE = {kind: style for style, kinds in _STYLES.items() for kind in kinds.split()}


class RegionError(ValueError):
    """The region cannot be placed; the text is a sentence."""


def comment_style(path: str) -> tuple[str, str]:
    """What a comment in this file starts and ends with. Raises RegionError for other types."""
    name = posixpath.basename(path).lower()
    for kind in (name.rpartition(".")[2], name.lstrip("."), name.partition(".")[0]):
        if kind in _BY_TYPE:
            return _BY_TYPE[kind]
    raise RegionError(f"{path} is of a type in which no comment can mark a region.")


def _markers(path: str, name: str) -> tuple[str, str]:
    start, end = comment_style(path)
    return f"{start}BEGIN bespoke:{name}{end}", f"{start}END bespoke:{name}{end}"


def _find(path: str, text: str, name: str) -> tuple[int, int] | None:
    """Where the region starts and ends, its newline included. Raises RegionError if it is torn."""
    begin, end = (
        [found.span() for found in re.finditer(rf"(?m)^[ \t]*{re.escape(marker)}[ \t]*\r?(?:\n|\Z)",
                                               text)]
        for marker in _markers(path, name)
    )  # fmt: skip
    if not begin and not end:
        return None
    if len(begin) != 1 or len(end) != 1 or begin[0][0] > end[0][0]:
        raise RegionError(
            f"{path} has a torn region bespoke:{name}: it needs one BEGIN line and after it one "
            "END line."
        )
    return begin[0][0], end[0][1]


def put_region(
    path: str, text: str, name: str, body: str, *, after: str = "", before: str = ""
) -> str:
    """The text with the region in it: where it was, else by its anchor, else at the end.
    Raises RegionError."""
    newline = "\r\n" if "\r\n" in text else "\n"
    begin, end = _markers(path, name)
    lines = [begin, *body.rstrip("\r\n").splitlines(), end]
    if any(marker in body for marker in (begin, end)):
        raise RegionError(f"The content of the region bespoke:{name} contains its own marker.")
    region = newline.join(lines) + newline
    found = _find(path, text, name)
    if found:
        kept = text[found[0] : found[1]].endswith("\n")
        return text[: found[0]] + (region if kept else region.rstrip("\r\n")) + text[found[1] :]
    place = _anchor(text, after, before)
    if place is not None:
        head = text[:place]
        return head + ("" if not head or head.endswith("\n") else newline) + region + text[place:]
    if text and not text.endswith("\n"):
        text += newline
    blank = newline if text and not text.endswith(newline * 2) else ""
    return text + blank + region


def _anchor(text: str, after: str, before: str) -> int | None:
    place = text.find(after or before) if after or before else -1
    if place < 0:
        return None
    if before:
        return text.rfind("\n", 0, place) + 1
    end = text.find("\n", place)
    return len(text) if end < 0 else end + 1


def remove_region(path: str, text: str, name: str) -> str:
    """The text without the region; the same text when there is none. Raises RegionError."""
    found = _find(path, text, name)
    return text[: found[0]] + text[found[1] :] if found else text
