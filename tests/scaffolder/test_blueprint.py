"""template.yaml to a blueprint, with its problems and their lines."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaffolder.blueprint import (
    Approval,
    field_of,
    fields_of,
    parse_blueprint,
    read_blueprint,
    report,
    validate,
    with_defaults,
)  # fmt: skip

TEMPLATE = """\
apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata:
  name: service
  title: A service
  description: Makes one
  tags: [python]
  annotations: {bespoke/version: 1.4.0}
spec:
  type: service
  owner: group:platform
  weave: false
  approvals:
    - group: group:default/security
      when: parameters.dataClass == 'cardholder'
  presentation: {buttonLabels: {create: Go}}
  secrets: {schema: {type: object, required: [token]}}
  parameters:
    - title: Basics
      required: [name]
      properties:
        name:
          title: Name
          type: string
          pattern: ^[a-z]+$
          maxLength: 20
          ui:autofocus: true
          ui:help: Lower case
          ui:field: EntityNamePicker
          ui:options: {rows: 3, placeholder: shop}
        size: {type: integer, default: 3, minimum: 1, maximum: 9, enum: [1, 3], enumNames: [S, L]}
        tags: {type: array, items: {type: string, enum: [a, b]}, ui:widget: checkboxes}
        db:
          type: object
          required: [host]
          properties: {host: {type: string}, port: {type: integer, default: 5432}}
    - title: Where
      backstage:featureFlag: beta
      backstage:permissions: {tags: [admin]}
      properties:
        repoUrl: {type: string, ui:field: RepoUrlPicker, ui:disabled: true}
  steps:
    - id: fetch
      name: Fetch
      action: fetch:template
      input: {url: ./skeleton, values: {name: "${{ parameters.name }}"}}
    - action: debug:log
      if: ${{ parameters.size > 1 }}
      each: ${{ parameters.tags }}
      backstage:permissions: {tags: [x]}
  output:
    links:
      - {title: Repository, url: "${{ steps.fetch.output.remoteUrl }}", icon: code, if: true}
    text: [{title: Note, content: done}]
    ref: ${{ steps.fetch.output.ref }}
"""


def test_a_whole_template():
    blueprint, problems = read_blueprint(TEMPLATE)
    assert problems == []
    assert (blueprint.name, blueprint.title, blueprint.type, blueprint.version) == (
        "service", "A service", "service", "1.4.0",
    )  # fmt: skip
    assert blueprint.weave is False
    assert blueprint.approvals == (
        Approval("group:default/security", "parameters.dataClass == 'cardholder'"),
    )
    assert blueprint.buttons == {"create": "Go"}
    assert blueprint.secrets == {"type": "object", "required": ["token"]}
    assert blueprint.output.links[0].title == "Repository"
    assert blueprint.output.texts[0].content == "done"
    assert blueprint.output.values == {"ref": "${{ steps.fetch.output.ref }}"}


def test_pages_and_fields():
    basics, where = read_blueprint(TEMPLATE)[0].pages
    name, size, tags, db = basics.fields
    assert (name.title, name.required, name.pattern, name.max_length) == (
        "Name", True, "^[a-z]+$", 20,
    )  # fmt: skip
    assert (name.ui_field, name.help, name.autofocus, name.placeholder) == (
        "EntityNamePicker", "Lower case", True, "shop",
    )  # fmt: skip
    assert name.options == {"rows": 3, "placeholder": "shop"}
    assert (size.type, size.has_default, size.default, size.minimum) == ("integer", True, 3, 1)
    assert size.choices == ((1, "S"), (3, "L"))
    assert (tags.widget, tags.items.enum) == ("checkboxes", ("a", "b"))
    assert [(field.name, field.required) for field in db.fields] == [
        ("host", True),
        ("port", False),
    ]
    assert (where.feature_flag, where.tags) == ("beta", ("admin",))
    assert where.fields[0].disabled


def test_steps():
    fetch, log = read_blueprint(TEMPLATE)[0].steps
    assert (fetch.id, fetch.name, fetch.action, fetch.condition) == (
        "fetch", "Fetch", "fetch:template", True,
    )  # fmt: skip
    assert (log.id, log.condition, log.each, log.tags) == (
        "step-2", "${{ parameters.size > 1 }}", "${{ parameters.tags }}", ("x",),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "path", "line"),
    [
        ("v1beta3", "v1beta2", "apiVersion", 1),
        ("  type: service\n", "", "spec.type", 9),
        ("required: [name]", "required: [nam]", "spec.parameters.0.required", 20),
        ("action: debug:log", "name: x", "spec.steps.1.action", 47),
        (
            "    - action: debug:log",
            "    - id: fetch\n      action: debug:log",
            "spec.steps.1.id",
            47,
        ),
        ("tags: [python]", "tags: python", "metadata.tags", 7),
        ("title: A service", "title: [x]", "metadata.title", 5),
        ("group: group:default/security", "grup: x", "spec.approvals.0.group", 14),
    ],
)
def test_problems_have_a_path_and_a_line(old, new, path, line):
    blueprint, problems = read_blueprint(TEMPLATE.replace(old, new))
    assert blueprint is not None
    assert [(problem.path, problem.line) for problem in problems] == [(path, line)]


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefg", "bcdefgh", strict=True)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "This is not valid YAML"),
        ("a: 1\na: 2\n", "`a` appears twice"),
        ("a: &x [*x]", "not valid YAML"),
        ("&a [" + "*a, " * 3, "not valid YAML"),
        ("kind: Component", "no entity of kind Template"),
        ("", "no entity of kind Template"),
        ("!!python/object:os.system {}\n", "no entity of kind Template"),
        ("[" * 500, "not valid YAML"),
        (BOMB, "too large or too deep"),
    ],
)  # fmt: skip
def test_what_is_no_template(text, message):
    blueprint, problems = read_blueprint(text)
    assert blueprint is None
    assert message in problems[0].message


def test_yaml_is_read_as_javascript_reads_it():
    text = TEMPLATE.replace("default: 3", "default: yes").replace(
        "enum: [1, 3]", "enum: [2024-01-01, on]"
    )
    size = read_blueprint(text)[0].pages[0].fields[1]
    assert size.default == "yes"
    assert size.enum == ("2024-01-01", "on")


def test_includes_come_from_where_the_caller_allows():
    text = TEMPLATE.replace(
        "    - action: debug:log\n", "    - $yaml: steps/log.yaml\n    - action: debug:log\n"
    )
    files = {"steps/log.yaml": "id: log\naction: debug:log\n"}
    blueprint, problems = read_blueprint(text, files.get)
    assert problems == []
    assert blueprint.steps[1].id == "log"
    blueprint, (problem,) = read_blueprint(text)
    assert (problem.path, problem.line, len(blueprint.steps)) == ("spec.steps.1", 47, 2)
    assert "`steps/log.yaml` cannot be included" in problem.message


def test_order_of_fields():
    schema = {"properties": {name: {} for name in "abcd"}, "ui:order": ["c", "*", "a", "gone"]}
    assert [field.name for field in fields_of(schema)] == ["c", "b", "d", "a"]


def test_choices_with_labels_in_one_of():
    field = field_of("x", {"oneOf": [{"const": 1, "title": "One"}, {"const": 2}]})
    assert field.choices == ((1, "One"), (2, "2"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)
SCHEMA_KEYS = st.sampled_from(
    ["properties", "required", "type", "enum", "pattern", "items", "default", "oneOf", "allOf", "if",
     "then", "else", "dependencies", "ui:options", "ui:order", "minimum", "format", "title", "$ref",
     "maxLength", "const", "additionalProperties", "not", "uniqueItems", "enumNames", "ui:field",
     "a", "b"]
)  # fmt: skip
VALUES = st.sampled_from(
    ["string", "object", "integer", "(", "^a+$", ["a"], 3, "#/x", "a", True, {}]
)
SCHEMAS = st.recursive(
    JSON | VALUES,
    lambda inner: st.dictionaries(SCHEMA_KEYS, inner, max_size=4) | st.lists(inner, max_size=2),
    max_leaves=15,
)
PLACES = st.sampled_from(
    ["parameters", "steps", "output", "approvals", "presentation", "secrets", "type", "owner"]
)


@settings(deadline=None)
@given(st.dictionaries(PLACES, SCHEMAS), st.dictionaries(st.sampled_from("ab"), JSON))
def test_nothing_that_users_write_raises(spec, values):
    document = {"kind": "Template", "metadata": {"name": "x"}, "spec": spec}
    blueprint, problems = parse_blueprint(document)
    assert blueprint.name == "x"
    report(blueprint, actions=set(), fields=set(), filters=set())
    for page in blueprint.pages:
        fields_of(page.schema)
        assert isinstance(validate(page, with_defaults(page.schema, values)), dict)
    assert all(problem.message for problem in problems)


@settings(deadline=None)
@given(st.text(alphabet="ab:-[]{}&*!|>#'\" \n\t%@`?,", max_size=40))
def test_no_text_raises(text):
    blueprint, problems = read_blueprint(text)
    assert blueprint is None
    assert problems
