"""Template code is untrusted: nothing of Python is reachable, and nothing can grow without end."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaffolder.weave import RenderError, render_text
from scaffolder.weave.dialect import TemplateFault, compiled

CONTEXT = {"values": {"text": "abc", "list": [1, 2], "object": {"k": "v"}, "n": 3}}

ESCAPES = [
    "''.__class__.__mro__[1].__subclasses__()",
    "().__class__.__bases__[0].__subclasses__()",
    "values.__class__.__init__.__globals__",
    "values['__class__']['__mro__']",
    "values.text['__class__']",
    "values.text.__class__",
    "[].__class__.__base__",
    "(1).__class__",
    "cycler.__init__.__globals__.os.popen('id').read()",
    "cycler('a').next.__globals__",
    "joiner.__init__.__globals__",
    "lipsum.__globals__['os']",
    "namespace.__init__.__globals__",
    "range.__call__.__self__",
    "self._TemplateReference__context",
    "self.__init__.__globals__",
    "request.application.__globals__",
    "config.items()",
    "get_flashed_messages.__globals__",
    "values.text.format.__globals__",
    "'{0.__class__}'.format(values)",
    "'{0.__class__.__init__.__globals__}'.format_map(values)",
    "values.text.encode().decode.__self__",
    "values.list.append(3)",
    "values.list.pop()",
    "values.object.update({a: 1})",
    "values.object.items()",
    "values.object.get('k')",
    "loop.__class__",
    "(values.text | attr('__class__'))",
    "values | map(attribute='__class__') | list",
    "'%s' % values.__class__",
    "dict(a=1)",
    "environment.globals",
    "context.environment",
    "caller.__globals__",
    "values.text.split.__globals__",
    "values.text.split.function",
    "values.text.split.owner.__class__",
    "values.text.constructor.constructor('return process')()",
    "values.text.toString.constructor",
    "values.text.__proto__",
]


def outcome(template, values):
    """What it renders to, or why it is refused; any other exception fails the test."""
    try:
        return compiled(template).render(values)
    except TemplateFault as fault:
        return str(fault)


LEAKS = ("<class", "<function", "<bound", "object at 0x", "subprocess", "builtin", "module")


@pytest.mark.parametrize("expression", ESCAPES)
def test_no_way_out_of_the_sandbox(expression):
    result = outcome("${{ " + expression + " }}", CONTEXT)
    assert not any(leak in result for leak in LEAKS)


@pytest.mark.parametrize(
    "statement",
    [
        "{% macro m() %}{% endmacro %}${{ m._func }}${{ m['_environment'] }}",
        "{% for x in [1] %}${{ loop._iterable }}${{ loop['_undefined'] }}{% endfor %}",
        "{% set c = cycler('a') %}${{ c.cycle }}",
        "{% set j = joiner %}${{ j.function }}",
    ],
)
def test_helpers_of_the_engine_show_nothing(statement):
    assert outcome(statement, {}) == "" or "is not for templates" in outcome(statement, {})


@pytest.mark.parametrize(
    "tag", ["include 'x'", "import 'x' as y", "extends '/etc/passwd'", "from 'x' import y"]
)
def test_no_other_file_can_be_read(tag):
    with pytest.raises(RenderError, match="cannot read other files"):
        render_text("{% " + tag + " %}", CONTEXT, path="a")


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% for a in range(10000000000) %}x{% endfor %}",
        "${{ range(0, 1, 0.000000001) }}",
        "${{ 'x' | center(1000000000) }}",
        "${{ 'x'.padEnd(1000000000) }}",
        "${{ 'x'.padStart(1000000000) }}",
        "${{ 'x'.repeat(1000000000) }}",
        "${{ 'a\\nb' | indent(1000000000) }}",
        "${{ 'xxxxxxxxxx' | replace('x', 'y'.repeat(9000000)) }}",
        "${{ 'xxxxxxxxxx'.replaceAll('x', 'y'.repeat(9000000)) }}",
        "${{ ['a', 'b', 'c'].join('y'.repeat(9000000)) }}",
        "{% set x = 'xxxxxxxxxx' %}{% for i in range(99) %}{% set x = x + x %}{% endfor %}",
        "{% set x = 'xxxxxxxxxx' %}{% for i in range(99) %}{% set x = x ~ x %}{% endfor %}",
        "{% set x = [1, 2] %}{% for i in range(99) %}{% set x = x.concat(x) %}{% endfor %}",
        "{% set x = [1] %}{% for i in range(60) %}{% set x = [x, x] %}{% endfor %}${{ x | dump }}",
        "{% set x %}abcdefgh{% endset %}"
        + "{% set x %}${{ x }}${{ x }}{% endset %}" * 40
        + "${{ x }}",
        "{% macro f(n) %}${{ f(n + 1) }}{% endmacro %}${{ f(0) }}",
        "{% macro f(n) %}{% if n > 0 %}${{ f(n - 1) }}${{ f(n - 1) }}{% endif %}{% endmacro %}"
        "${{ f(40) }}",
        "${{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "${{ " + "[" * 3000 + "]" * 3000 + " }}",
        "{% if 1 %}" * 200 + "{% endif %}" * 200,
        "{% for i in [1] %}" * 40 + "{% endfor %}" * 40,
        "${{ [1, 2, 3] | batch(2, 'x') | slice(100000000) }}",
    ],
)
def test_nothing_grows_without_end(template):
    assert len(outcome(template, CONTEXT)) < 1000


def test_arithmetic_makes_no_huge_values():
    assert compiled("${{ 'x' * 10**9 }}|${{ [1, 2] * 10**9 }}").render({}) == "NaN|NaN"
    assert compiled("${{ 9 ** 9 ** 9 ** 9 }}").render({}) == "Infinity"


def test_only_json_data_enters():
    with pytest.raises(TemplateFault, match="must be JSON data"):
        compiled("${{ values }}").render({"values": object()})
    with pytest.raises(TemplateFault, match="must be JSON data"):
        compiled("${{ f() }}").render({"f": print})


def test_values_are_not_changed_by_a_template():
    values = {"list": [3, 1, 2], "object": {"b": 1, "a": 2}}
    template = (
        "${{ values.list | sort }}${{ values.list | reverse }}${{ values.object | dictsort }}"
    )
    compiled(template + "${{ values.list.concat([4]) }}").render({"values": values})
    assert values == {"list": [3, 1, 2], "object": {"b": 1, "a": 2}}


PIECES = st.sampled_from(
    ["${{", "}}", "{%", "%}", "{#", "#}", "-", "if", "for", "x", " in ", "values", ".", "[", "]",
     "(", ")", "'", '"', "|", "dump", "end", "raw", "endraw", "set", "=", "\\", "\r\n", "\n", "{",
     "}", "1", "é", "__class__", "~", "not ", "else", "macro", "\0", "r/", "//"]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(PIECES, max_size=25).map("".join))
def test_any_text_renders_or_is_refused_in_a_sentence(text):
    assert isinstance(outcome(text, CONTEXT), str)


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_characters="{")))
def test_text_without_tags_stays_byte_for_byte(text):
    assert compiled(text).render({}) == text


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_characters="{"), max_size=60))
def test_raw_keeps_every_character(text):
    assert compiled("{% raw %}${{ " + text + "{% endraw %}").render({}) == "${{ " + text


@pytest.mark.parametrize("name", ["__class__", "__globals__", "__setattr__", "__proto__"])
def test_asking_for_internals_is_a_fault_and_prints_nothing(name):
    with pytest.raises(TemplateFault, match=f"`{name}` is not for templates"):
        compiled("${{ values." + name + " }}").render(CONTEXT)
