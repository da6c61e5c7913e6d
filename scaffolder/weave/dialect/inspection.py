"""What a template relies on, found without running it: for reports and lints."""

from __future__ import annotations

from dataclasses import dataclass

from jinja2 import nodes

from .environment import parsed
from .globals import GLOBALS
from .lexer import Tag


@dataclass(frozen=True, slots=True)
class Use:
    """A filter or a variable that a template names, and the tag that does."""

    name: str
    tag: Tag


@dataclass(frozen=True, slots=True)
class Uses:
    """What a template relies on, found without running it."""

    filters: tuple[Use, ...] = ()
    roots: tuple[Use, ...] = ()
    calls: tuple[Use, ...] = ()


def uses(source: str, *, variable: str = "${{") -> Uses:
    """The filters, free variables and called functions of a template. Raises TemplateFault."""
    tree, tags, _ = parsed(source, variable=variable)
    called = [call.node for call in tree.find_all(nodes.Call) if isinstance(call.node, nodes.Name)]
    every = list(tree.find_all(nodes.Name))
    bound = {"loop", "caller", *GLOBALS, *(name.name for name in every if name.ctx != "load")}
    bound |= {macro.name for macro in tree.find_all(nodes.Macro)}
    names = [name for name in every if name.name not in bound]
    known = [name for name in tree.find_all(nodes.Filter) if not name.name.endswith("/")]
    return Uses(
        filters=tuple(Use(item.name, tags[item.lineno]) for item in known),
        roots=tuple(Use(item.name, tags[item.lineno]) for item in names),
        calls=tuple(Use(item.name, tags[item.lineno]) for item in called),
    )
