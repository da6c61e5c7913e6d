"""Conditional fields, defaults and sentences about wrong values."""

import pytest

from scaffolder.blueprint import active_schema, fields_of, validate, with_defaults

DEPENDENT = {
    "required": ["kind"],
    "properties": {"kind": {"type": "string", "enum": ["web", "job"], "default": "web"}},
    "dependencies": {
        "kind": {
            "oneOf": [
                {
                    "required": ["port"],
                    "properties": {
                        "kind": {"enum": ["web"]},
                        "port": {"type": "integer", "default": 80},
                        "tls": {"type": "boolean"},
                    },
                    "dependencies": {"tls": ["cert"]},
                },
                {
                    "properties": {
                        "kind": {"const": "job"},
                        "cron": {"type": "string", "pattern": "^[*0-9 ]+$"},
                    }
                },
            ]
        }
    },
}


def names(schema, values):
    return [field.name for field in fields_of(active_schema(schema, values))]


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({}, ["kind"]),
        ({"kind": ""}, ["kind"]),
        ({"kind": "web"}, ["kind", "port", "tls"]),
        ({"kind": "job"}, ["kind", "cron"]),
        ({"kind": "other"}, ["kind"]),
    ],
)
def test_dependencies(values, fields):
    assert names(DEPENDENT, values) == fields


def test_dependencies_inside_a_branch():
    assert active_schema(DEPENDENT, {"kind": "web", "tls": True})["required"] == [
        "kind", "port", "cert",
    ]  # fmt: skip


def test_nothing_conditional_is_left():
    for kind in ("web", "job"):
        assert active_schema(DEPENDENT, {"kind": kind}).keys() == {"required", "properties"}


IF = {
    "properties": {"cloud": {"type": "string"}},
    "allOf": [
        {
            "if": {"properties": {"cloud": {"const": "aws"}}, "required": ["cloud"]},
            "then": {"properties": {"region": {"type": "string"}}, "required": ["region"]},
            "else": {"properties": {"rack": {"type": "integer", "default": 1}}},
        },
        {"properties": {"always": {"type": "string"}}},
    ],
}


def test_if_then_else_in_all_of():
    assert names(IF, {"cloud": "aws"}) == ["cloud", "region", "always"]
    assert names(IF, {"cloud": "own"}) == ["cloud", "rack", "always"]
    assert validate(IF, {"cloud": "aws"}) == {"region": ["This field is required."]}


def test_conditions_see_other_pages():
    page = {"if": {"properties": {"a": {"const": 1}}, "required": ["a"]},
            "then": {"properties": {"b": {"type": "string"}}}}  # fmt: skip
    assert names(page, {"a": 1}) == ["b"]
    assert names(page, {"a": 2}) == []


def test_conditions_in_nested_objects():
    schema = {"properties": {"db": {"type": "object", **DEPENDENT}}}
    values = {"db": {"kind": "job"}}
    assert list(active_schema(schema, values)["properties"]["db"]["properties"]) == ["kind", "cron"]
    assert validate(schema, {"db": {"kind": "job", "cron": "x"}}) == {
        "db.cron": ["This must match the pattern ^[*0-9 ]+$."]
    }


def test_one_of_with_constants_stays_a_choice():
    field = {"type": "string", "oneOf": [{"const": "a"}, {"const": "b"}]}
    schema = {"properties": {"x": field}}
    assert active_schema(schema, {})["properties"]["x"] == field
    assert validate(schema, {"x": "c"}) == {"x": ["This does not have an allowed form."]}


def test_defaults_bring_further_fields_to_life():
    assert with_defaults(DEPENDENT, {}) == {"kind": "web", "port": 80}
    assert with_defaults(DEPENDENT, {"kind": "job"}) == {"kind": "job"}
    assert with_defaults(IF, {"cloud": "own", "rack": 7}) == {"cloud": "own", "rack": 7}


def test_defaults_of_nested_objects():
    schema = {
        "properties": {
            "a": {"type": "object", "properties": {"b": {"default": 1}, "c": {}}},
            "e": {"type": "object", "properties": {"f": {}}},
        }
    }
    assert with_defaults(schema, {}) == {"a": {"b": 1}}
    assert with_defaults(schema, {"a": {"b": 2}}) == {"a": {"b": 2}}


@pytest.mark.parametrize(
    ("schema", "value", "sentence"),
    [
        ({"type": "integer"}, "x", "This must be a whole number."),
        ({"type": "string"}, 5, "This must be a text."),
        ({"type": ["string", "null"]}, 5, "This must be a text or empty."),
        ({"pattern": "^[a-z]+$"}, "A", "This must match the pattern ^[a-z]+$."),
        ({"pattern": "^[a-z]+$"}, "a\n", "This must match the pattern ^[a-z]+$."),
        ({"pattern": "^a$", "ui:help": "Only a."}, "b",
         "This has another form than is asked for. Only a."),
        ({"pattern": "^a$", "errorMessage": "Say a."}, "b", "Say a."),
        ({"pattern": "^a$", "errorMessage": {"pattern": "Say a!"}}, "b", "Say a!"),
        ({"enum": ["a", 1, True]}, "b", "This must be one of: a, 1, true."),
        ({"const": False}, True, "This must be false."),
        ({"minLength": 2}, "a", "This must have at least 2 characters."),
        ({"maxLength": 1}, "aa", "This must have at most 1 character."),
        ({"minimum": 2}, 1, "This must be 2 or more."),
        ({"maximum": 2}, 3, "This must be 2 or less."),
        ({"exclusiveMinimum": 2}, 2, "This must be more than 2."),
        ({"multipleOf": 5}, 7, "This must be a multiple of 5."),
        ({"minItems": 2}, [1], "Choose at least 2 values."),
        ({"maxItems": 1}, [1, 2], "Choose at most 1 value."),
        ({"uniqueItems": True}, [1, 1], "The same value must not appear twice."),
        ({"format": "email"}, "x", "This must be an e-mail address."),
        ({"format": "uri"}, "not a url", "This must be a web address."),
        ({"not": {"const": 1}}, 1, "This does not have an allowed form."),
    ],
)  # fmt: skip
def test_sentences(schema, value, sentence):
    assert validate({"properties": {"x": schema}}, {"x": value}) == {"x": [sentence]}


def test_paths_into_lists():
    schema = {"properties": {"l": {"type": "array", "items": {"type": "integer"}}}}
    assert validate(schema, {"l": [1, "x"]}) == {"l.1": ["This must be a whole number."]}


@pytest.mark.parametrize("value", ["", None])
def test_an_empty_field_is_not_answered(value):
    schema = {"required": ["x"], "properties": {"x": {"type": "string", "pattern": "^a"}}}
    assert validate(schema, {"x": value}) == {"x": ["This field is required."]}
    assert validate({"properties": schema["properties"]}, {"x": value}) == {}


def test_an_empty_choice_is_an_answer():
    schema = {"required": ["x"], "properties": {"x": {"type": "string", "enum": ["", "a"]}}}
    assert validate(schema, {"x": ""}) == {}


def test_values_of_other_pages_do_not_disturb():
    pages = [
        {"additionalProperties": False, "properties": {"a": {"type": "string"}}},
        {"required": ["b"], "properties": {"b": {"type": "integer"}}},
    ]
    assert validate(pages, {"a": "x", "b": 1}) == {}
    assert validate(pages, {"a": 1}) == {
        "a": ["This must be a text."],
        "b": ["This field is required."],
    }


@pytest.mark.parametrize(
    "keyword",
    [
        {"$ref": "http://127.0.0.1:1/schema.json"},
        {"$ref": "#/definitions/missing"},
        {"$ref": "file:///etc/passwd"},
        {"type": "strnig"},
        {"pattern": "("},
        {"pattern": "\\p{L}"},
        {"required": True},
        {"minLength": "3"},
        {"enum": "abc"},
        {"items": 3},
    ],
)
def test_keywords_without_sense_are_passed_over(keyword):
    assert validate({"properties": {"x": {"title": "X", **keyword}}}, {"x": "text"}) == {}


def test_local_references_work():
    schema = {
        "definitions": {"port": {"type": "integer"}},
        "properties": {"x": {"$ref": "#/definitions/port"}},
    }
    assert validate(schema, {"x": "a"}) == {"x": ["This must be a whole number."]}
