"""catalog:register: makes a descriptor file known to the catalogue."""

import yaml

from catalog import refs
from catalog.forges import NotOurForge, parse_file_url
from catalog.reading import DEFAULT_PATH
from catalog.services import register
from scaffolder.actions import BOOLEAN, STRING, ActionFailed, Context, Json, action


@action(
    "catalog:register",
    title="Register in the catalogue",
    properties={
        "catalogInfoUrl": STRING,
        "repoContentsUrl": STRING,
        "catalogInfoPath": STRING,
        "optional": BOOLEAN,
    },
    output={"entityRef": STRING, "catalogInfoUrl": STRING},
)
def catalog_register(context: Context, given: Json) -> Json:
    if "catalogInfoUrl" in given:
        url = given["catalogInfoUrl"]
    elif "repoContentsUrl" in given:
        file = given.get("catalogInfoPath", DEFAULT_PATH).lstrip("/")
        url = f"{given['repoContentsUrl'].rstrip('/')}/{file}"
    else:
        raise ActionFailed("catalogInfoUrl or repoContentsUrl is needed.")
    try:
        project, _ref, path = parse_file_url(url)
    except (NotOurForge, ValueError) as error:
        raise ActionFailed(str(error)) from error
    location = register(project=project, path=path, by=context.user)
    context.log(f"Registered {location}")
    ref = component_ref(context)
    context.facts["entity_ref"] = ref
    return {"entityRef": ref, "catalogInfoUrl": url}


def component_ref(context: Context) -> str:
    """The first Component of the workspace's catalog-info.yaml; empty if there is none."""
    entity = component(context)
    return str(refs.of_entity(entity)) if entity else ""


def component(context: Context) -> Json | None:
    file = context.workspace.get(DEFAULT_PATH)
    if file is None:
        return None
    try:
        documents = list(yaml.safe_load_all(file.content))
    except yaml.YAMLError as error:
        raise ActionFailed(f"The rendered {DEFAULT_PATH} is not valid YAML: {error}") from error
    found = (d for d in documents if isinstance(d, dict) and d.get("kind") == "Component")
    return next((d for d in found if (d.get("metadata") or {}).get("name")), None)
