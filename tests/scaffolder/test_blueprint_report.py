"""What stands between a template and its first run; and real templates."""

from pathlib import Path

import pytest

from scaffolder.blueprint import active_schema, fields_of, read_blueprint, report, validate
from scaffolder.expressions import ExpressionError, evaluate
from scaffolder.weave import File, known_filters

ACTIONS = {"fetch:template", "debug:log"}
TEMPLATE = """\
apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: {name: x}
spec:
  type: service
  parameters:
    properties:
      a: {type: string, ui:field: Strange}
    dependencies:
      a:
        oneOf:
          - properties: {b: {type: string, ui:field: Stranger}}
  steps:
    - action: fetch:template
      input:
        url: ./skeleton
        copyWithoutTemplating: [kept.yml]
    - action: acme:deploy
      if: ${{ parameters.a | acme }}
      input: {x: "${{ parameters.a || 'b' }}"}
  output:
    links: [{url: "${{ parameters.a | acme }}"}]
"""


def found(text=TEMPLATE, **files):
    blueprint, problems = read_blueprint(text)
    assert problems == []
    tree = {f"skeleton/{name}": File(content.encode()) for name, content in files.items()}
    problems = report(
        blueprint, actions=ACTIONS, fields={"RepoUrlPicker"}, filters=known_filters(), files=tree
    )
    return {(problem.path, problem.line): problem.message for problem in problems}


def test_unknown_actions_fields_and_filters_with_their_lines():
    assert found() == {
        ("spec.steps.1.action", 18): "There is no action `acme:deploy`.",
        ("spec.parameters.properties.a.ui:field", 8): "There is no field `Strange`.",
        ("spec.parameters.dependencies.a.oneOf.0.properties.b.ui:field", 12): (
            "There is no field `Stranger`."
        ),
        ("spec.steps.1.if", 19): "There is no filter `acme`.",
        ("spec.steps.1.input.x", 20): (
            "`${{ parameters.a || 'b' }}` cannot be read: `||` means nothing here: write `or`."
        ),
        ("spec.output.links.0.url", 22): "There is no filter `acme`.",
    }


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("a\n${{ github.sha }}", 2, "looks like GitHub Actions"),
        ("${{ secrets.TOKEN }}", 1, "looks like GitHub Actions"),
        ("key: ${{ hashFiles('a') }}", 1, "looks like GitHub Actions"),
        ("\n\n${{ github.ref == 'x' && 'y' }}", 3, "cannot be read: `&&`"),
        ("a\nb {#anchor}", 2, "is never closed with `#}`"),
        ("${{ values.x | acme }}", 1, "There is no filter `acme`."),
        ("{% if x %}", 1, "cannot be read: the template ends too early"),
    ],
)
def test_hazards_in_skeletons(content, line, message):
    problems = found(**{"ci.yml": content})
    assert message in problems["skeleton/ci.yml", line]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("kept.yml", "${{ github.sha }}"),
        ("ci.yml", "{% raw %}${{ github.sha }} {#{% endraw %}"),
        ("ci.yml", "${{ values.github }} {% set env = 1 %}${{ env }}"),
        ("ci.yml", "{% for job in values.jobs %}${{ job.name }}{% endfor %}"),
        ("logo.png", "\0${{ github.sha }}"),
        ("helm.yaml", "{{ .Values.x }}"),
    ],
)
def test_no_false_alarm(name, content):
    assert not [path for path, _ in found(**{name: content}) if path.startswith("skeleton")]


def test_options_that_mean_something_else_in_backstage():
    text = TEMPLATE.replace("copyWithoutTemplating", "copyWithoutRender")
    path = ("spec.steps.0.input.copyWithoutRender", 17)
    assert "removed copyWithoutRender" in found(text)[path]
    both = TEMPLATE.replace(
        "url: ./skeleton", "url: ./skeleton\n        templateFileExtension: true"
    )
    assert "cannot be used together" in found(both)["spec.steps.0.input", 15]


CORPUS = Path(__file__).resolve().parents[3] / "shared/corpus/templates"
FILES = sorted(CORPUS.rglob("*.yaml")) if CORPUS.is_dir() else []


@pytest.mark.skipif(not FILES, reason="the folder of real templates is not on this machine")
def test_real_templates_are_understood():
    count = 0
    for path in FILES:
        text = path.read_text()
        if "kind: Template" not in text:
            continue
        blueprint, problems = read_blueprint(text, _beside(path))
        assert problems == [], path
        report(blueprint, actions=set(), fields=set(), filters=known_filters())
        for page in blueprint.pages:
            assert fields_of(active_schema(page.schema, {}))
            validate(page, {})
        _evaluate_all(blueprint)
        count += 1
    assert count > 30


def _beside(path):
    def read(target):
        found = path.parent.joinpath(*target.rsplit("/", 2)[-2:])
        return found.read_text() if found.is_file() else None

    return read


def _evaluate_all(blueprint):
    places = []
    for step in blueprint.steps:
        try:
            evaluate(step.input, {"parameters": {}}, where=step.id)
        except ExpressionError as error:
            places.append(error.where.partition(".")[0] == step.id)
    assert all(places)
