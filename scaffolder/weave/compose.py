"""Weaving: a golden path's tree and the aspects that apply become one tree, with the layers that
made each path. A pure function; whatever does not fit together is an error that names who is in
whose way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .aspect import (
    ORGANISATION,
    Advice,
    Aspect,
    EntityAdvice,
    FilesAdvice,
    MergeAdvice,
    RegionAdvice,
)  # fmt: skip
from .entity import CATALOG_INFO, merge_entity
from .merge import MergeError, merge_text
from .region import RegionError, put_region
from .render import RenderError, RenderOptions, render_text, render_tree
from .tree import File, Limits, Tree, UnsafePath, check_path, check_tree


@dataclass(frozen=True, slots=True)
class Layer:
    """A named tree to weave into: a rendered template, or a repository as it is."""

    name: str
    tree: Tree


@dataclass(frozen=True, slots=True)
class AspectLayer:
    """An aspect with the files of its own folder and the answers to its parameters. `depth` is
    how far down its scope is: 0 the organisation, then groups as the catalogue nests them."""

    aspect: Aspect
    files: Tree
    values: Mapping[str, Any] = field(default_factory=dict)
    depth: int | None = None

    @property
    def name(self) -> str:
        version = f" {self.aspect.version}" if self.aspect.version else ""
        return f"aspect {self.aspect.name}{version}"

    @property
    def rank(self) -> tuple[int, int, str]:
        depth = self.depth if self.depth is not None else int(self.aspect.scope != ORGANISATION)
        return depth, self.aspect.order, self.aspect.name


@dataclass(frozen=True, slots=True)
class Composition:
    """The woven tree, the layers in the order they were laid, and by path those that made it."""

    tree: Mapping[str, File]
    layers: tuple[str, ...]
    provenance: Mapping[str, tuple[str, ...]]


class CompositionError(ValueError):
    """The layers do not fit together; the text is a sentence."""


class CompositionConflict(CompositionError):
    """Two layers write the same path and neither declares a merge."""

    def __init__(self, path: str, first: str, second: str) -> None:
        super().__init__(path, first, second)
        self.path, self.first, self.second = path, first, second

    def __str__(self) -> str:
        return (
            f"{self.second} would overwrite {self.path}, which {self.first} wrote: declare a "
            "merge or a region, or choose another path."
        )


class UnmetRequirement(CompositionError):
    """An aspect needs another that is missing or of the wrong version."""

    def __init__(self, aspect: str, needed: str, versions: str, found: str | None) -> None:
        super().__init__(aspect, needed, versions, found)
        self.aspect, self.needed, self.versions, self.found = aspect, needed, versions, found

    def __str__(self) -> str:
        wanted = f"{self.needed} {self.versions}".strip()
        there = f"is {self.found or 'of an unknown version'}" if self.found is not None else (
            "does not apply here"
        )  # fmt: skip
        return f"Aspect {self.aspect} requires {wanted}, and {self.needed} {there}."


class RequirementCycle(CompositionError):
    """Aspects require each other in a circle."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(*names)
        self.names = tuple(names)

    def __str__(self) -> str:
        return f"These aspects require each other in a circle: {' → '.join(self.names)}."


class WeaveError(CompositionError):
    """One advice of a layer cannot be carried out on one path."""

    def __init__(self, layer: str, path: str, reason: str) -> None:
        super().__init__(layer, path, reason)
        self.layer, self.path, self.reason = layer, path, reason

    def __str__(self) -> str:
        return f"{self.layer} cannot be woven into {self.path}: {self.reason}"


def compose(
    base: Layer,
    aspects: Sequence[AspectLayer],
    *,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> Composition:
    """Everything woven. Weaving into its own result changes nothing. Raises CompositionError, or
    UnsafePath or TreeTooLarge for the result."""
    check_requirements([layer.aspect for layer in aspects])
    ordered = sorted(aspects, key=lambda layer: layer.rank)
    loom = _Loom(base)
    for layer in ordered:
        for advice in layer.aspect.advices:
            loom.weave(layer, advice)
    check_tree(loom.tree, limits)
    provenance = {path: tuple(makers) for path, makers in loom.makers.items()}
    return Composition(loom.tree, (base.name, *(layer.name for layer in ordered)), provenance)


def check_requirements(aspects: Sequence[Aspect]) -> None:
    """Raises UnmetRequirement, RequirementCycle, or CompositionError for a name that is there
    twice."""
    present: dict[str, Aspect] = {}
    for aspect in aspects:
        if aspect.name in present:
            raise CompositionError(f"The aspect {aspect.name} is there twice.")
        present[aspect.name] = aspect
    for aspect in aspects:
        for need in aspect.requires:
            found = present.get(need.aspect)
            if found is None or not need.accepts(found.version):
                version = found.version if found else None
                raise UnmetRequirement(aspect.name, need.aspect, need.versions, version)
    for aspect in aspects:
        _check_cycle(aspect.name, present, ())


def _check_cycle(name: str, present: Mapping[str, Aspect], above: tuple[str, ...]) -> None:
    if name in above:
        raise RequirementCycle([*above[above.index(name) :], name])
    for need in present[name].requires:
        _check_cycle(need.aspect, present, (*above, name))


class _Loom:
    """The tree while layers are laid over it."""

    def __init__(self, base: Layer) -> None:
        self.base = base.name
        self.tree: dict[str, File] = dict(base.tree)
        self.makers: dict[str, list[str]] = {path: [base.name] for path in base.tree}

    def weave(self, layer: AspectLayer, advice: Advice) -> None:
        try:
            if isinstance(advice, FilesAdvice):
                self._files(layer, advice)
            elif isinstance(advice, MergeAdvice):
                self._merge(layer, advice)
            elif isinstance(advice, RegionAdvice):
                self._region(layer, advice)
            else:
                self._entity(layer, advice)
        except RenderError as error:
            raise WeaveError(layer.name, error.path, str(error)) from None

    def _files(self, layer: AspectLayer, advice: FilesAdvice) -> None:
        folder = f"{advice.folder}/" if advice.folder else ""
        own = {
            path.removeprefix(folder): file
            for path, file in layer.files.items()
            if path.startswith(folder)
        }
        if not own:
            raise WeaveError(layer.name, advice.folder or ".", "the aspect has no such folder.")
        for path, file in render_tree(own, values=layer.values).items():
            old = self.tree.get(path)
            woven_before = old == file and self.makers[path] == [self.base]
            if old is not None and not woven_before:
                raise CompositionConflict(path, self.makers[path][-1], layer.name)
            self._put(layer, path, file)

    def _merge(self, layer: AspectLayer, advice: MergeAdvice) -> None:
        fragment = self._own_text(layer, advice.source)
        path = self._target(layer, advice.path)
        self._rewrite(layer, path, lambda text: merge_text(path, text, fragment, advice.lists))

    def _region(self, layer: AspectLayer, advice: RegionAdvice) -> None:
        body = self._own_text(layer, advice.source)
        path = self._target(layer, advice.path)
        name = f"{layer.aspect.name}/{advice.name}" if advice.name else layer.aspect.name
        anchors = {"after": advice.after, "before": advice.before}
        self._rewrite(layer, path, lambda text: put_region(path, text, name, body, **anchors))

    def _entity(self, layer: AspectLayer, advice: EntityAdvice) -> None:
        if CATALOG_INFO not in self.tree:
            raise WeaveError(layer.name, CATALOG_INFO, "there is no such file.")
        fragment = _rendered(advice.fragment, layer)
        self._rewrite(layer, CATALOG_INFO, lambda text: merge_entity(text, fragment))

    def _own_text(self, layer: AspectLayer, path: str) -> str:
        file = layer.files.get(path)
        if file is None:
            raise WeaveError(layer.name, path, "the aspect has no such file.")
        return _render(layer, file.content.decode("utf-8", "replace"), path)

    def _target(self, layer: AspectLayer, path: str) -> str:
        target = _render(layer, path, path).removeprefix("./")
        try:
            return check_path(target)
        except UnsafePath as error:
            raise WeaveError(layer.name, target, str(error)) from None

    def _rewrite(self, layer: AspectLayer, path: str, change: Callable[[str], str]) -> None:
        file = self.tree.get(path, File(b""))
        try:
            text = change(file.content.decode("utf-8"))
        except UnicodeDecodeError:
            raise WeaveError(layer.name, path, "it is not a text in UTF-8.") from None
        except (MergeError, RegionError) as error:
            raise WeaveError(layer.name, path, str(error)) from None
        self._put(layer, path, File(text.encode("utf-8"), file.mode))

    def _put(self, layer: AspectLayer, path: str, file: File) -> None:
        self.tree[path] = file
        makers = self.makers.setdefault(path, [])
        if layer.name not in makers:
            makers.append(layer.name)


def _render(layer: AspectLayer, text: str, path: str) -> str:
    return render_text(text, {"values": layer.values}, RenderOptions(), path=path)


def _rendered(value: Any, layer: AspectLayer) -> Any:
    if isinstance(value, str):
        return _render(layer, value, CATALOG_INFO)
    if isinstance(value, Mapping):
        return {key: _rendered(item, layer) for key, item in value.items()}
    if isinstance(value, list):
        return [_rendered(item, layer) for item in value]
    return value
