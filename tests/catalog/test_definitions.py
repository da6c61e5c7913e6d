"""API definitions: what is read of them, and that nothing in them breaks or runs."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from catalog import definitions, markdown
from catalog.definitions import Field
from tests.conftest import component

Ingest = Callable[[str], list[str]]
OPENAPI = """
openapi: 3.0.3
info: {title: Fares, version: 1.4.0, description: "Prices of *sailings*."}
servers: [{url: "https://api.example/v1"}]
paths:
  /fares/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get:
      tags: [prices]
      summary: One fare
      parameters: [{$ref: "#/components/parameters/lang"}]
      responses:
        "200": {description: It., content: {application/json: {schema: {$ref: "#/components/schemas/Fare"}}}}
    put:
      deprecated: true
      requestBody: {content: {application/json: {schema: {type: array, items: {$ref: "#/components/schemas/Fare"}}}}}
      responses: {"204": {description: Done.}}
components:
  parameters: {lang: {name: lang, in: query, schema: {enum: [en, de]}}}
  schemas:
    Fare:
      type: object
      required: [amount]
      properties:
        amount: {type: integer, format: int64, description: In cents.}
        parent: {$ref: "#/components/schemas/Fare"}
        lines: {type: array, items: {type: object, properties: {text: {type: string}}}}
"""
ASYNC = """
asyncapi: 2.6.0
info: {title: Events, version: "1"}
channels:
  sailings:
    subscribe:
      operationId: onSailing
      message: {name: Sailing, payload: {type: object, properties: {at: {type: string, format: date-time}}}}
"""


def test_operations_have_parameters_bodies_and_answers():
    found = definitions.read("openapi", OPENAPI)
    assert (found.title, found.version, found.servers) == (
        "Fares",
        "1.4.0",
        ("https://api.example/v1",),
    )
    (tag, (get,)), (untagged, (put,)) = found.groups
    assert (tag, untagged, get.method, get.path, get.summary) == (
        "prices",
        "",
        "GET",
        "/fares/{id}",
        "One fare",
    )
    assert get.parameters == (
        Field("id", "string", True, place="path"), Field("lang", "one of en, de", place="query"),
    )  # fmt: skip
    answer = get.responses[0]
    assert (answer.name, answer.media, answer.type) == ("200", "application/json", "Fare")
    assert answer.fields == (
        Field("amount", "integer (int64)", True, "In cents."), Field("parent", "Fare"),
        Field("lines", "array of object"), Field("text", "string", depth=1),
    )  # fmt: skip
    assert (put.deprecated, put.requests[0].type, put.responses[0].description) == (
        True,
        "array of Fare",
        "Done.",
    )
    assert [schema.name for schema in found.schemas] == ["Fare"]


def test_swagger_2_and_asyncapi_2_and_3_are_understood():
    swagger = {"swagger": "2.0", "paths": {"/a": {"post": {
        "parameters": [{"in": "body", "name": "b", "schema": {"$ref": "#/definitions/B"}}],
        "responses": {"200": {"schema": {"$ref": "#/definitions/B"}}},
    }}}, "definitions": {"B": {"properties": {"x": {"type": "string"}}}}}  # fmt: skip
    operation = definitions.read("openapi", json.dumps(swagger)).groups[0][1][0]
    assert operation.requests[0].fields == operation.responses[0].fields == (Field("x", "string"),)
    event = definitions.read("asyncapi", ASYNC).groups[0][1][0]
    assert (event.method, event.path, event.requests[0].name) == (
        "SUBSCRIBE",
        "sailings",
        "Sailing",
    )
    third = {"asyncapi": "3.0.0", "channels": {"c": {"address": "sea/{id}", "messages": {"m": {"name": "M", "payload": {"type": "string"}}}}},
             "operations": {"o": {"action": "send", "channel": {"$ref": "#/channels/c"}, "messages": [{"$ref": "#/channels/c/messages/m"}]}}}  # fmt: skip
    send = definitions.read("asyncapi", json.dumps(third)).groups[0][1][0]
    assert (send.method, send.path, send.requests[0].type) == ("SEND", "sea/{id}", "string")


@pytest.mark.parametrize("text", ["{", "a: [", "[1]", "just words", "openapi_: 3", "x" * 1_000_001])
def test_broken_text_is_a_problem_not_an_error(text: str):
    assert definitions.read("openapi", text).problem


def test_endless_definitions_are_cut():
    paths = {f"/p{n}": {"get": {"responses": {}}} for n in range(400)}
    found = definitions.read("openapi", json.dumps({"openapi": "3", "paths": paths}))
    assert (found.cut, len(found.groups[0][1])) == (True, definitions.MAX_OPERATIONS)
    wide = {"properties": {f"f{n}": {"type": "string"} for n in range(500)}}
    spec = {"openapi": "3", "components": {"schemas": {"W": wide}}}
    assert (
        len(definitions.read("openapi", json.dumps(spec)).schemas[0].fields)
        == definitions.MAX_FIELDS + 1
    )
    knot = {"$ref": "#/components/schemas/A"}
    spec = {
        "openapi": "3",
        "components": {
            "schemas": {"A": knot, "B": {"allOf": [{"$ref": "#/components/schemas/B"}]}}
        },
    }
    assert [schema.fields for schema in definitions.read("openapi", json.dumps(spec)).schemas] == [
        (),
        (),
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just({"$ref": "#/paths"}),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["paths", "/a", "get", "parameters", "responses", "200", "schema", "properties", "content", "allOf", "$ref", "type", "items", "enum", "channels", "message", "payload", "info", "servers", "components", "schemas", "operations"]),
        inner, max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@given(st.sampled_from(["openapi", "asyncapi"]), JSON)
def test_any_shape_is_read_without_an_error(kind: str, value: object):
    spec = value | {kind: "3.0.0"} if isinstance(value, dict) else value
    definitions.read(kind, json.dumps(spec))


def test_nothing_in_markdown_runs_or_is_fetched():
    hostile = (
        "[x](javascript:alert(1)) <a href='javascript:alert(1)'>x</a> <script>alert(1)</script> <b onclick='x'>b</b> ![t](https://tracker.example/p.png)"
        " <iframe src='https://e'></iframe> <p style='x' id='palette'>p</p> <a href='data:text/html,x'>d</a>\n\n# palette\n"
    )
    shown = markdown.render(hostile)
    for word in (
        '="javascript',
        "<script",
        "onclick",
        "tracker.example",
        "iframe",
        "style",
        'id="palette"',
        "data:",
    ):
        assert word not in shown
    assert '<h1 id="doc-palette">' in shown
    assert '<a href="https://ok.example" rel="noopener noreferrer">' in markdown.render(
        "[o](https://ok.example)"
    )


def api_of(definition: str, type_: str = "openapi") -> str:
    text = json.dumps(definition)
    return (
        component("fares").replace("kind: Component", "kind: API").replace("type: service", f"type: {type_}")
        + f"  definition: {text}\n"
    )  # fmt: skip


@pytest.fixture
def dana(client: Client, person) -> Client:
    client.force_login(person())
    return client


def page_of(client: Client) -> str:
    answer = client.get("/catalog/api/default/fares/definition/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_shows_operations_types_and_who_is_at_the_ends(
    ingest: Ingest, dana: Client, django_assert_max_num_queries
):
    ingest("---\n".join([
        api_of(OPENAPI), component("till", providesApis="[fares]"), component("desk", consumesApis="[fares]"),
        component("spy", consumesApis="[fares]").replace("metadata:\n", "metadata:\n  annotations: {bespoke/visibility: private}\n"),
    ]))  # fmt: skip
    with django_assert_max_num_queries(9):
        page = page_of(dana)
    assert "/fares/{id}" in page
    assert "<em>sailings</em>" in page
    assert "component/default/till/" in page
    assert "component/default/desk/" in page
    assert "spy" not in page


@pytest.mark.parametrize(
    ("text", "type_"),
    [("type Query { fare: Int }", "graphql"), ('syntax = "proto3";', "grpc"), ("openapi: [", "openapi"), ("<b>x</b>", "other")],
)  # fmt: skip
def test_other_and_broken_definitions_show_their_text(
    ingest: Ingest, dana: Client, text: str, type_: str
):
    ingest(api_of(text, type_))
    page = page_of(dana)
    assert ("cannot be understood" in page) is (type_ == "openapi")
    assert text.replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;") in page
    raw = dana.get("/catalog/api/default/fares/definition/raw/")
    assert (raw.content.decode(), raw["Content-Type"]) == (text, "text/plain; charset=utf-8")
    assert raw["X-Content-Type-Options"] == "nosniff"


def test_a_hidden_api_has_no_definition_page(ingest: Ingest, dana: Client):
    ingest(
        api_of(OPENAPI).replace(
            "metadata:\n", "metadata:\n  annotations: {bespoke/visibility: private}\n"
        )
    )
    for address in ("definition/", "definition/raw/"):
        assert dana.get(f"/catalog/api/default/fares/{address}").status_code == 404
