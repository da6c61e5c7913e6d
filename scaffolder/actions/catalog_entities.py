"""catalog:fetch and catalog:write: entities out of the catalogue, and one into the workspace."""

import yaml

from catalog import refs
from catalog.models import Entity
from catalog.reading import DEFAULT_PATH
from scaffolder.actions import BOOLEAN, STRING, ActionFailed, Context, Json, action
from scaffolder.actions.fs import inside
from scaffolder.weave.tree import File


@action(
    "catalog:fetch",
    title="Read entities of the catalogue",
    properties={
        "entityRef": STRING,
        "entityRefs": {"type": "array", "items": STRING},
        "optional": BOOLEAN | {"description": "null instead of an error for what is not there"},
        "defaultKind": STRING,
        "defaultNamespace": STRING,
    },
    output={
        "entity": {"type": "object"},
        "entities": {"type": "array", "items": {"type": "object"}},
    },
    in_preview=True,
    notes="Finds what the person who started the run may see.",
)
def catalog_fetch(context: Context, given: Json) -> Json:
    if "entityRef" in given:
        return {"entity": _find(context, given["entityRef"], given)}
    if "entityRefs" in given:
        return {"entities": [_find(context, ref, given) for ref in given["entityRefs"]]}
    if given.get("optional"):
        return {}
    raise ActionFailed("entityRef or entityRefs is needed")


def _find(context: Context, text: str, given: Json) -> Json | None:
    kind = given.get("defaultKind", "component")
    namespace = given.get("defaultNamespace", refs.DEFAULT_NAMESPACE)
    try:
        ref = refs.parse(text, default_kind=kind, default_namespace=namespace)
    except refs.InvalidRef as error:
        raise ActionFailed(str(error)) from error
    entity = Entity.objects.visible_to(context.user).filter(ref=str(ref)).first()
    if entity is None and not given.get("optional"):
        raise ActionFailed(f"the catalogue has no {ref}, or you may not see it")
    return dict(entity.descriptor) if entity else None


@action(
    "catalog:write",
    title="Write an entity into the workspace",
    properties={
        "entity": {"type": "object"},
        "filePath": STRING | {"description": f"Default {DEFAULT_PATH}"},
    },
    required=("entity",),
    in_preview=True,
)
def catalog_write(context: Context, given: Json) -> Json:
    path = inside(given.get("filePath", DEFAULT_PATH), "filePath")
    text = yaml.safe_dump(given["entity"], sort_keys=False, allow_unicode=True)
    context.workspace[path] = File(text.encode())
    context.layers[path] = [f"{context.template_ref}@{context.template_version}"]
    context.log(f"Wrote {path}")
    return {}
