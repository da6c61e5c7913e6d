"""The Python that a template becomes. Jinja2 writes it; here are the few nodes whose meaning
differs in nunjucks (comparison, `~`, lists, objects, loops), written as calls to the dialect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame

LOOP_FILTER = "for/"  # a name that no template can write


class LoopScopes:
    """Which loop each name that is `set` in a loop belongs to. In nunjucks such a name lives as
    long as the loop, or longer when it was set outside: Jinja2 would lose it every round."""

    def __init__(self, template: nodes.Template) -> None:
        self.owned: dict[int, list[str]] = {}
        self.bound: set[str] = set()
        self.shared: frozenset[str] = frozenset()
        self.loops = list(template.find_all(nodes.For))
        inside = frozenset(name for loop in self.loops for name in _sets(loop, deep=True))
        if inside:
            self.bound = self._bound(template)
            self.shared = inside - self.bound
            self._enter(template, frozenset())

    def _bound(self, template: nodes.Template) -> set[str]:
        """Names that belong to a macro or that a loop counts with."""
        bound = {name.name for name in template.find_all(nodes.Name) if name.ctx == "param"}
        for macro in template.find_all((nodes.Macro, nodes.CallBlock)):
            bound |= set(_sets(macro, deep=True))
        for loop in self.loops:
            bound |= {name.name for name in _names(loop.target)}
        return bound

    def _enter(self, scope: nodes.Node, outside: frozenset[str]) -> None:
        here = frozenset(_sets(scope, deep=False))
        if isinstance(scope, nodes.For):
            self.owned[id(scope)] = sorted(here - outside - self.bound)
        for loop in _loops(scope):
            self._enter(loop, outside | here)


def _names(target: nodes.Node) -> list[nodes.Name]:
    return [target] if isinstance(target, nodes.Name) else list(target.find_all(nodes.Name))


def _sets(node: nodes.Node, *, deep: bool) -> Iterator[str]:
    for child in node.iter_child_nodes():
        if isinstance(child, (nodes.Assign, nodes.AssignBlock)):
            yield cast(nodes.Name, child.target).name
        if deep or not isinstance(child, nodes.For):
            yield from _sets(child, deep=deep)


def _loops(node: nodes.Node) -> Iterator[nodes.For]:
    for child in node.iter_child_nodes():
        if isinstance(child, nodes.For):
            yield child
        else:
            yield from _loops(child)


class DialectGenerator(CodeGenerator):
    """Python for the nodes in which Jinja2 and nunjucks differ."""

    scopes: LoopScopes

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:
        self.scopes = LoopScopes(node)
        for loop in self.scopes.loops:
            width = len(loop.target.items) if isinstance(loop.target, nodes.Tuple) else 0
            options: list[nodes.Expr] = [nodes.Const(width)]
            iterated = nodes.Filter(loop.iter, LOOP_FILTER, options, [], None, None)
            loop.iter = iterated.set_lineno(loop.lineno)
        super().visit_Template(node, frame)

    def visit_Name(self, node: nodes.Name, frame: Frame) -> None:
        if node.name in self.scopes.shared:
            self.write(f"context.shared[{node.name!r}]")
        else:
            super().visit_Name(node, frame)

    def visit_Compare(self, node: nodes.Compare, frame: Frame) -> None:
        self.write("environment.compare(")
        self.visit(node.expr, frame)
        for operand in node.ops:
            self.write(f", {operand.op!r}, ")
            self.visit(operand.expr, frame)
        self.write(")")

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        self.write("environment.js_concat(")
        self._each(node.nodes, frame)
        self.write(")")

    def visit_List(self, node: nodes.List, frame: Frame) -> None:
        self.write("environment.js_list([")
        self._each(node.items, frame)
        self.write("])")

    def _each(self, items: list[nodes.Expr], frame: Frame) -> None:
        for item in items:
            self.visit(item, frame)
            self.write(", ")

    def visit_Dict(self, node: nodes.Dict, frame: Frame) -> None:
        self.write("environment.js_dict([")
        for pair in node.items:
            self.write("(")
            self.visit(pair.key, frame)
            self.write(", ")
            self.visit(pair.value, frame)
            self.write("), ")
        self.write("])")

    def visit_For(self, node: nodes.For, frame: Frame) -> None:
        super().visit_For(node, frame)
        if owned := self.scopes.owned.get(id(node)):
            self.writeline(f"context.forget({owned!r})")
