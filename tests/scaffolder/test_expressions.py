"""Values in template.yaml."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaffolder.expressions import ExpressionError, Function, check, evaluate, truthy

CONTEXT = {
    "parameters": {
        "name": "shop",
        "count": 3,
        "ratio": 2.5,
        "on": True,
        "off": False,
        "nothing": None,
        "list": ["a", {"b": 1}],
        "object": {"k": ["v"]},
        "empty": "",
        "repoUrl": "gitlab.com?owner=group%2Fsub&repo=shop",
    },
    "steps": {"fetch-it": {"output": {"entity": {"metadata": {"name": "x"}}}}},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${{ parameters.count }}", 3),
        ("${{ parameters.ratio }}", 2.5),
        ("${{ parameters.on }}", True),
        ("${{ parameters.off }}", False),
        ("${{ parameters.nothing }}", None),
        ("${{ parameters.list }}", ["a", {"b": 1}]),
        ("${{parameters.object}}", {"k": ["v"]}),
        ("${{ parameters.empty }}", ""),
        ("${{ parameters.list[1].b + 1 }}", 2),
        ("${{ parameters.count / 2 }}", 1.5),
        ("${{ parameters.count === 3 and parameters.on }}", True),
        ("${{ parameters.missing }}", None),
        ("${{ parameters.missing or 'else' }}", "else"),
        (" ${{ parameters.count }}", " 3"),
        ("${{ parameters.count }}${{ parameters.on }}", "3true"),
        ("a ${{ parameters.list }} b", "a a,[object Object] b"),
        ("{% if parameters.on %}yes{% endif %}", "yes"),
        ("plain", "plain"),
        ("{{ not ours }}", "{{ not ours }}"),
        ("${{ steps['fetch-it'].output.entity.metadata.name }}", "x"),
        ("${{ parameters.repoUrl | parseRepoUrl | pick('owner') }}", "group/sub"),
        ("${{ (parameters.repoUrl | parseRepoUrl).repo }}", "shop"),
        ("${{ parameters.repoUrl | projectSlug }}", "group/sub/shop"),
        (
            "${{ 'group:team-a' | parseEntityRef }}",
            {"kind": "group", "namespace": "default", "name": "team-a"},
        ),
        (
            "${{ 'team-a' | parseEntityRef({defaultKind: 'group', defaultNamespace: 'n'}) }}",
            {"kind": "group", "namespace": "n", "name": "team-a"},
        ),
        ("${{ 'component:n/x' | parseEntityRef | pick('namespace') }}", "n"),
        ("${{ parameters.object | pick('k[0]') }}", "v"),
        ("${{ parameters.object | pick('no.such.path') }}", None),
    ],
)
def test_values(text, value):
    result = evaluate(text, CONTEXT)
    assert result == value
    assert type(result) is type(value)


def test_lists_and_objects_are_walked():
    value = {
        "a": ["${{ parameters.count }}", 5, None],
        "b": {"c": "x-${{ parameters.name }}"},
        "gone": "${{ parameters.missing }}",
        "gone too": "${{ parameters.missing }}${{ parameters.empty }}",
        "kept": "",
        "${{ key }}": 1,
    }
    assert evaluate(value, CONTEXT) == {
        "a": [3, 5, None],
        "b": {"c": "x-shop"},
        "kept": "",
        "${{ key }}": 1,
    }


@pytest.mark.parametrize(
    "text",
    [
        "${{ parameters.name || 'x' }}",
        "${{ parameters.name",
        "${{ parameters.name | nosuch }}",
        "${{ parameters.name() }}",
        "a ${{ missing.call() }}",
        "${{ 'no-kind' | parseEntityRef }}",
        "${{ 'gitlab.com' | parseRepoUrl }}",
        "${{ 'gitlab.com?repo=x' | parseRepoUrl }}",
        "${{ 5 | parseRepoUrl }}",
    ],
)
def test_an_error_is_never_passed_on_as_text(text):
    with pytest.raises(ExpressionError) as caught:
        evaluate({"input": [text]}, CONTEXT, where="step publish")
    assert caught.value.where == "step publish.input.0"
    assert str(caught.value).startswith("step publish.input.0: `")
    assert str(caught.value).endswith(".")
    assert not str(caught.value).endswith("..")


def test_check_compiles_only():
    check("${{ parameters.x.y.z() }}")
    with pytest.raises(ExpressionError, match="write `and`"):
        check("${{ a && b }}", where="if")


def test_functions_of_the_caller():
    context = {"failure": Function("failure", lambda: True)}
    assert evaluate("${{ failure() }}", context) is True
    with pytest.raises(ExpressionError, match=r"failure\(\) cannot be called with these values"):
        evaluate("${{ failure(1) }}", context)


@pytest.mark.parametrize("value", [False, None, "", 0, []])
def test_what_if_takes_for_no(value):
    assert not truthy(value)


@pytest.mark.parametrize("value", [True, "false", "0", 1, [0], {}, {"a": 1}])
def test_what_if_takes_for_yes(value):
    assert truthy(value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(JSON)
def test_a_single_expression_gives_back_what_went_in(value):
    assert evaluate("${{ parameters.value }}", {"parameters": {"value": value}}) == value


@settings(deadline=None)
@given(JSON)
def test_values_are_never_evaluated_twice(value):
    hostile = {"value": ["${{ secrets.token }}", value]}
    context = {"parameters": hostile, "secrets": {"token": "s3cret"}}
    assert evaluate("${{ parameters.value }}", context) == hostile["value"]
