"""bespoke:weave: lays the aspects that apply to whoever is asking over the workspace."""

from __future__ import annotations

import posixpath

from catalog import refs, relations, selectors
from catalog.groups import with_ancestors
from scaffolder import sandbox
from scaffolder.actions import ActionFailed, Context, Json, action
from scaffolder.actions.catalog_register import component
from scaffolder.models import Release, load_tree
from scaffolder.services.lineage import LINEAGE_PATH, answers_of, lineage_file
from scaffolder.weave.aspect import Aspect, parse_aspect
from scaffolder.weave.compose import AspectLayer, CompositionError, Layer, compose
from scaffolder.weave.tree import File, TreeTooLarge, UnsafePath

ORGANISATION = "organisation"


@action(
    "bespoke:weave",
    title="Weave in the aspects",
    properties={},
    output={"aspects": {"type": "array", "items": {"type": "string"}}},
    in_preview=True,
)
def weave(context: Context, given: Json) -> Json:
    entity = component(context) or {}
    layers = [layer for layer in map(_layer, _applicable(entity)) if layer]
    base = Layer(f"{context.template_ref}@{context.template_version}", context.workspace)
    aspects = [
        AspectLayer(aspect, tree, context.values, depth=_depth(release))
        for release, aspect, tree in layers
    ]
    try:
        woven = sandbox.call(compose, base, aspects)
    except (CompositionError, UnsafePath, TreeTooLarge, *sandbox.STOPPED) as error:
        raise ActionFailed(str(error)) from error
    context.workspace.clear()
    context.workspace.update(woven.tree)
    context.layers.clear()
    called = {
        layer.name: str(release) for layer, (release, _, _) in zip(aspects, layers, strict=True)
    }
    context.layers.update(
        {path: [called.get(n, n) for n in names] for path, names in woven.provenance.items()}
    )
    releases = [release for release, _, _ in layers]
    _add_lineage(context, releases)
    names = [str(release) for release in releases]
    context.log("Wove in " + (", ".join(names) if names else "nothing: no aspect applies"))
    return {"aspects": names}


def _applicable(entity: Json) -> list[Release]:
    """The newest startable releases of aspects whose scope and condition fit the new entity."""
    if not entity:
        return []
    owner = relations.owner_ref(entity)
    scopes = {ORGANISATION, *with_ancestors([owner])} if owner else {ORGANISATION}
    releases = Release.objects.newest_of_each("aspect")
    return [r for r in releases if r.startable and _applies(r.descriptor["spec"], entity, scopes)]


def _applies(spec: Json, entity: Json, scopes: set[str]) -> bool:
    scope = spec.get("scope", ORGANISATION)
    if scope != ORGANISATION:
        scope = str(refs.parse(scope, default_kind="group"))
    if scope not in scopes:
        return False
    condition = spec.get("appliesTo")
    return not condition or selectors.matches(condition, entity=entity)


def _depth(release: Release) -> int:
    """How far down the group tree the aspect's scope is; the organisation is 0."""
    scope = release.descriptor["spec"].get("scope", ORGANISATION)
    if scope == ORGANISATION:
        return 0
    return len(with_ancestors([str(refs.parse(scope, default_kind="group"))]))


def _layer(release: Release) -> tuple[Release, Aspect, dict[str, File]] | None:
    """The release's own folder as the engine takes it: paths relative to aspect.yaml."""
    aspect, problems = parse_aspect(release.descriptor)
    if aspect is None or problems:
        return None
    folder = posixpath.dirname(release.path)
    prefix = f"{folder}/" if folder else ""
    files = {
        path.removeprefix(prefix): file
        for path, file in load_tree(release.tree).items()
        if path.startswith(prefix)
    }
    return release, aspect, files


def _add_lineage(context: Context, aspects: list[Release]) -> None:
    """The small file that tells people, and later upgrades, what made this repository."""
    template = Release.objects.filter(pk=context.release_id).first()
    if template is None:  # a dry run of files that were never released
        return
    releases = [template, *aspects]
    context.workspace.pop(LINEAGE_PATH, None)  # the base is what was rendered, without this file
    file = lineage_file(releases, answers_of(context.values, context.chosen), context.workspace)
    context.workspace[LINEAGE_PATH] = file
    context.layers[LINEAGE_PATH] = ["lineage"]
    context.facts["blocks"] = [release.pk for release in releases]
