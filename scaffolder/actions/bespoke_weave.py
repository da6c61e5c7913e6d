"""bespoke:weave: lays the aspects that apply to whoever is asking over the workspace."""

from __future__ import annotations

from scaffolder import aspects, sandbox
from scaffolder.actions import ActionFailed, Context, Json, action
from scaffolder.actions.catalog_register import component
from scaffolder.models import Release
from scaffolder.services.lineage import LINEAGE_PATH, answers_of, lineage_file
from scaffolder.weave.compose import AspectLayer, CompositionError, Layer, compose
from scaffolder.weave.tree import TreeTooLarge, UnsafePath


@action(
    "bespoke:weave",
    title="Weave in the aspects",
    properties={},
    output={"aspects": {"type": "array", "items": {"type": "string"}}},
    in_preview=True,
)
def weave(context: Context, given: Json) -> Json:
    entity = component(context) or {}
    found = [(release, aspects.parts(release)) for release in _applicable(entity)]
    base = Layer(f"{context.template_ref}@{context.template_version}", context.workspace)
    layers = {
        release: AspectLayer(*parts, context.values, depth=aspects.depth(release))
        for release, parts in found
        if parts
    }
    try:
        woven = sandbox.call(compose, base, list(layers.values()))
    except (CompositionError, UnsafePath, TreeTooLarge, *sandbox.STOPPED) as error:
        raise ActionFailed(str(error)) from error
    context.workspace.clear()
    context.workspace.update(woven.tree)
    context.layers.clear()
    called = {layer.name: str(release) for release, layer in layers.items()}
    context.layers.update(
        {path: [called.get(n, n) for n in names] for path, names in woven.provenance.items()}
    )
    _add_lineage(context, list(layers))
    names = [str(release) for release in layers]
    context.log("Wove in " + (", ".join(names) if names else "nothing: no aspect applies"))
    return {"aspects": names}


def _applicable(entity: Json) -> list[Release]:
    """The newest startable releases of aspects whose scope and condition fit the new entity."""
    if not entity:
        return []
    scopes = aspects.scopes_of(entity)
    releases = Release.objects.newest_of_each("aspect")
    return [r for r in releases if r.startable and aspects.applies(r, entity, scopes)]


def _add_lineage(context: Context, woven: list[Release]) -> None:
    """The small file that tells people, and later upgrades, what made this repository."""
    template = Release.objects.filter(pk=context.release_id).first()
    if template is None:  # a dry run of files that were never released
        return
    releases = [template, *woven]
    context.workspace.pop(LINEAGE_PATH, None)  # the base is what was rendered, without this file
    file = lineage_file(releases, answers_of(context.values, context.chosen), context.workspace)
    context.workspace[LINEAGE_PATH] = file
    context.layers[LINEAGE_PATH] = ["lineage"]
    context.facts["blocks"] = [release.pk for release in releases]
