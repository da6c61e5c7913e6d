"""template.yaml to a Blueprint, or to a list of problems with their lines. Nothing that a user
can write raises: what cannot be understood is named and left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from scaffolder.weave.documents import Lines, load_documents
from scaffolder.weave.problems import Problem, Reader

from .fields import fields_of
from .includes import with_includes
from .model import Approval, Blueprint, Link, Offer, Output, Page, Step, Text

API_VERSION = "scaffolder.backstage.io/v1beta3"


Read = Callable[[str], str | None]


def read_blueprint(text: str, read: Read | None = None) -> tuple[Blueprint | None, list[Problem]]:
    """The first Template in a YAML text, its problems carrying line numbers. `read` gives the text
    behind the target of an include, or None for what it does not allow."""
    loaded = load_documents(text)
    if loaded.error:
        return None, [Problem("", loaded.error, line=loaded.error_line)]
    for document, lines in loaded.documents:
        if isinstance(document, Mapping) and document.get("kind") == "Template":
            entity, missing = with_includes(document, lines, read or (lambda _: None))
            blueprint, problems = parse_blueprint(entity, lines)
            return blueprint, [*missing, *problems]
    return None, [Problem("kind", "There is no entity of kind Template in this file.")]


def lines_of(text: str, name: str, path: str) -> int | None:
    """The line of a dotted path (or of what is around it) in the Template of that name."""
    for document, lines in load_documents(text).documents:
        metadata = document.get("metadata") if isinstance(document, Mapping) else None
        if isinstance(metadata, Mapping) and metadata.get("name") == name:
            while path and path not in lines:
                path = path.rpartition(".")[0]
            return lines.get(path)
    return None


def parse_blueprint(
    entity: object, lines: Lines | None = None
) -> tuple[Blueprint | None, list[Problem]]:
    """A blueprint (None when there is nothing to show) and everything that is wrong with it."""
    reader = Reader(lines or {})
    if not isinstance(entity, Mapping):
        return None, [Problem("", "A template is an object of names and values.")]
    if entity.get("kind") != "Template":
        reader.complain("kind", "This must be Template.")
        return None, reader.problems
    if entity.get("apiVersion") != API_VERSION:
        found = entity.get("apiVersion")
        hint = f"Change apiVersion from {found} to {API_VERSION} and convert the template."
        reader.complain("apiVersion", f"Only {API_VERSION} is understood.", hint)
    metadata = reader.mapping(entity, "metadata", "")
    spec = reader.mapping(entity, "spec", "")
    return _blueprint(reader, metadata, spec), reader.problems


def _blueprint(
    reader: Reader, metadata: Mapping[str, Any], spec: Mapping[str, Any]
) -> Blueprint | None:
    name = reader.text(metadata, "name", "metadata")
    if not name:
        reader.complain("metadata.name", "The template has no name.")
        return None
    annotations = reader.mapping(metadata, "annotations", "metadata")
    presentation = reader.mapping(spec, "presentation", "spec")
    labels = reader.mapping(presentation, "buttonLabels", "spec.presentation")
    if not reader.text(spec, "type", "spec"):
        reader.complain("spec.type", "The template has no type.", "Write for example `service`.")
    secrets = reader.mapping(reader.mapping(spec, "secrets", "spec"), "schema", "spec.secrets")
    return Blueprint(
        name=name,
        title=reader.text(metadata, "title", "metadata", name),
        description=reader.text(metadata, "description", "metadata"),
        namespace=reader.text(metadata, "namespace", "metadata", "default"),
        type=reader.text(spec, "type", "spec"),
        owner=reader.text(spec, "owner", "spec"),
        version=reader.text(annotations, "bespoke/version", "metadata.annotations"),
        tags=reader.texts(metadata, "tags", "metadata"),
        pages=_pages(reader, spec),
        steps=_steps(reader, spec),
        output=_output(reader, spec),
        secrets=secrets or None,
        weave=spec.get("weave") is not False,
        approvals=_approvals(reader, spec),
        buttons={str(key): str(value) for key, value in labels.items()},
        offer=_offer(reader, spec),
        lines=reader.lines,
    )


def _pages(reader: Reader, spec: Mapping[str, Any]) -> tuple[Page, ...]:
    pages = []
    for path, schema in reader.items(spec, "parameters", "spec"):
        if "$yaml" in schema:
            continue
        _check_schema(reader, schema, path)
        permissions = reader.mapping(schema, "backstage:permissions", path)
        pages.append(
            Page(
                title=reader.text(schema, "title", path),
                description=reader.text(schema, "description", path),
                schema=schema,
                fields=fields_of(schema),
                feature_flag=reader.text(schema, "backstage:featureFlag", path),
                tags=reader.texts(permissions, "tags", f"{path}.backstage:permissions"),
                path=path,
            )
        )
    return tuple(pages)


def _check_schema(reader: Reader, schema: Mapping[str, Any], path: str) -> None:
    """What the form cannot do without: objects where objects belong, known names in `required`."""
    properties = reader.mapping(schema, "properties", path)
    for name, definition in properties.items():
        if not isinstance(definition, Mapping):
            reader.complain(f"{path}.properties.{name}", "A field is an object.")
        elif isinstance(definition.get("properties"), Mapping):
            _check_schema(reader, definition, f"{path}.properties.{name}")
    required = schema.get("required")
    if required is not None and not isinstance(required, (list, bool)):
        reader.complain(f"{path}.required", "This must be a list of field names.")
    conditional = any(key in schema for key in ("dependencies", "allOf", "if", "oneOf", "anyOf"))
    for name in required if isinstance(required, list) and not conditional else ():
        if name not in properties:
            hint = "Nobody can fill it in: remove it or add the field."
            reader.complain(f"{path}.required", f"`{name}` is required but is no field.", hint)


def _steps(reader: Reader, spec: Mapping[str, Any]) -> tuple[Step, ...]:
    steps: list[Step] = []
    if not isinstance(spec.get("steps"), list):
        reader.complain("spec.steps", "The template has no list of steps.")
        return ()
    for place, (path, source) in enumerate(reader.items(spec, "steps", "spec"), start=1):
        if step := _step(reader, source, path, place):
            if any(step.id == other.id for other in steps):
                reader.complain(f"{path}.id", f"Two steps have the id `{step.id}`.")
            steps.append(step)
    return tuple(steps)


def _step(reader: Reader, source: Mapping[str, Any], path: str, place: int) -> Step | None:
    if "$yaml" in source:
        return None
    action = reader.text(source, "action", path)
    if not action:
        reader.complain(f"{path}.action", "The step names no action.")
        return None
    permissions = reader.mapping(source, "backstage:permissions", path)
    identity = reader.text(source, "id", path) or f"step-{place}"
    return Step(
        id=identity,
        name=reader.text(source, "name", path) or identity,
        action=action,
        input=reader.mapping(source, "input", path),
        condition=source.get("if", True),
        each=source.get("each"),
        tags=reader.texts(permissions, "tags", f"{path}.backstage:permissions"),
        path=path,
    )


def _output(reader: Reader, spec: Mapping[str, Any]) -> Output:
    source = reader.mapping(spec, "output", "spec")
    links = tuple(
        Link(
            title=reader.text(item, "title", path),
            url=reader.text(item, "url", path),
            entity_ref=reader.text(item, "entityRef", path),
            icon=reader.text(item, "icon", path),
            condition=item.get("if", True),
        )
        for path, item in reader.items(source, "links", "spec.output")
    )
    texts = tuple(
        Text(
            title=reader.text(item, "title", path),
            content=reader.text(item, "content", path),
            icon=reader.text(item, "icon", path),
            condition=item.get("if", True),
        )
        for path, item in reader.items(source, "text", "spec.output")
    )
    others = {key: value for key, value in source.items() if key not in ("links", "text")}
    return Output(links, texts, others)


def _approvals(reader: Reader, spec: Mapping[str, Any]) -> tuple[Approval, ...]:
    approvals = []
    for path, item in reader.items(spec, "approvals", "spec"):
        group = reader.text(item, "group", path)
        if not group:
            reader.complain(f"{path}.group", "The approval names no group.")
            continue
        key = "condition" if "condition" in item else "when"
        condition = reader.text(item, key, path, "true")
        title, expires = reader.text(item, "title", path), reader.text(item, "expires", path)
        approvals.append(Approval(group, condition, title, expires))
    return tuple(approvals)


def _offer(reader: Reader, spec: Mapping[str, Any]) -> Offer | None:
    if "offeredOn" not in spec:
        return None
    path = "spec.offeredOn"
    given = reader.mapping(spec, "offeredOn", "spec")
    for key in given.keys() - {"kinds", "types", "tags", "condition", "prefill"}:
        reader.complain(
            f"{path}.{key}", "Only kinds, types, tags, condition and prefill are known."
        )
    return Offer(
        kinds=reader.texts(given, "kinds", path),
        types=reader.texts(given, "types", path),
        tags=reader.texts(given, "tags", path),
        condition=reader.text(given, "condition", path, "true"),
        prefill=reader.mapping(given, "prefill", path),
    )


def with_pages(blueprint: Blueprint, pages: Iterable[Page]) -> Blueprint:
    """The same golden path with other pages, as when aspects add theirs."""
    return replace(blueprint, pages=tuple(pages))
