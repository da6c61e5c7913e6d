"""A folder of templates to a tree, by the rules of Backstage's fetch:template: names and contents
are rendered, a name that comes out empty leaves the file out, binaries and links are copied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .dialect import TemplateFault, compiled, from_python, has_template
from .globs import matcher
from .tree import SYMLINK, File, Limits, Tree, UnsafePath, check_limits, check_path, check_tree

_CONTROL = frozenset(range(32)) - frozenset(b"\t\n\f\r\x1b\b")


class RenderError(ValueError):
    """A template file cannot be rendered; the text is one sentence for its author."""

    def __init__(self, path: str, line: int | None, expression: str, reason: str) -> None:
        super().__init__(path, line, expression, reason)
        self.path, self.line, self.expression, self.reason = path, line, expression, reason

    def __str__(self) -> str:
        line = f"line {self.line}" if self.line else ""
        where = ", ".join(part for part in (self.path, line) if part)
        what = f"`{self.expression}`" if self.expression else ""
        return f"{': '.join(part for part in (where, what, self.reason) if part)}."


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """The options of fetch:template. `root` is the name under which templates see the values."""

    copy_without_templating: tuple[str, ...] = ()
    template_file_extension: str | None = None
    cookiecutter: bool = False
    trim_blocks: bool = False
    lstrip_blocks: bool = False
    root: str = "values"

    @classmethod
    def from_input(cls, given: Mapping[str, Any]) -> RenderOptions:
        """Out of a step's input; copyWithoutRender is taken for copyWithoutTemplating.
        Raises ValueError, with a sentence, on options that exclude each other."""
        patterns = given.get("copyWithoutTemplating") or given.get("copyWithoutRender") or []
        if not isinstance(patterns, list) or not all(isinstance(item, str) for item in patterns):
            raise ValueError("copyWithoutTemplating is a list of path patterns.")
        extension = given.get("templateFileExtension")
        extension = ".njk" if extension is True else extension or None
        if extension and (patterns or given.get("cookiecutterCompat")):
            raise ValueError(
                "templateFileExtension cannot be used together with copyWithoutTemplating or "
                "cookiecutterCompat."
            )
        return cls(
            copy_without_templating=tuple(patterns),
            template_file_extension=f".{extension.lstrip('.')}" if extension else None,
            cookiecutter=bool(given.get("cookiecutterCompat")),
            trim_blocks=bool(given.get("trimBlocks")),
            lstrip_blocks=bool(given.get("lstripBlocks")),
        )

    @property
    def variable(self) -> str:
        return "{{" if self.cookiecutter else "${{"


def render_tree(
    tree: Tree,
    *,
    values: Mapping[str, Any],
    options: RenderOptions = RenderOptions(),
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> dict[str, File]:
    """The rendered tree. Raises RenderError, UnsafePath or TreeTooLarge."""
    check_limits(tree, limits)
    root = "cookiecutter" if options.cookiecutter else options.root
    context = from_python({root: values})
    verbatim = matcher(options.copy_without_templating)
    result: dict[str, File] = {}
    total = 0
    for source, file in tree.items():
        rendered = _render_file(source, file, context, options, verbatim(source))
        if rendered is None:
            continue
        path, content = rendered
        total += len(content.content)
        if path in result and result[path] != content:
            raise RenderError(source, None, "", f"another file of the template becomes {path} too")
        result[path] = content
        if total > limits.bytes:
            check_limits(result, limits)
    check_tree(result, limits)
    return result


def _render_file(
    source: str, file: File, context: Mapping[str, Any], options: RenderOptions, verbatim: bool
) -> tuple[str, File] | None:
    extension = options.template_file_extension
    templated = source.endswith(extension) if extension else not verbatim
    stripped = source.removesuffix(extension) if extension else source
    path = render_text(stripped, context, options, path=source, is_path=True)
    if not path or path.startswith("/") or "//" in path:
        return None
    try:
        check_path(path)
    except UnsafePath as error:
        raise RenderError(source, None, "", f"it becomes {path!r}, and {error.reason}") from None
    if not templated or file.mode == SYMLINK or is_binary(file.content):
        return path, file
    text = file.content.decode("utf-8", "surrogateescape")
    rendered = render_text(text, context, options, path=source)
    return path, replace(file, content=rendered.encode("utf-8", "surrogateescape"))


def render_text(
    text: str,
    context: Mapping[str, Any],
    options: RenderOptions = RenderOptions(),
    *,
    path: str = "",
    is_path: bool = False,
) -> str:
    """One text with every expression in it evaluated. Raises RenderError."""
    if not has_template(text, options.variable):
        return text
    try:
        template = compiled(
            text,
            variable=options.variable,
            trim=options.trim_blocks,
            lstrip=options.lstrip_blocks,
        )
        return template.render(context)
    except TemplateFault as fault:
        line = None if is_path else fault.line
        raise RenderError(path, line, fault.expression, fault.reason) from None


def is_binary(content: bytes) -> bool:
    """As isbinaryfile decides it: a NUL, or more than a tenth control characters, at the start."""
    start = content[:512]
    if start.startswith(b"\xef\xbb\xbf"):
        return False
    return b"\0" in content[:8000] or sum(byte in _CONTROL for byte in start) * 10 > len(start)
