"""fetch:template's rules for folders of templates."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaffolder.weave import (
    EXECUTABLE,
    SYMLINK,
    File,
    Limits,
    RenderError,
    RenderOptions,
    TreeTooLarge,
    UnsafePath,
    render_tree,
)  # fmt: skip
from scaffolder.weave.globs import matcher

VALUES = {"name": "shop", "no": False, "yes": True, "empty": "", "dir": "src/main"}


def rendered(tree, **options):
    files = {path: File(text.encode()) for path, text in tree.items()}
    result = render_tree(files, values=VALUES, options=RenderOptions(**options))
    return {path: file.content.decode() for path, file in result.items()}


def test_names_and_contents_are_rendered():
    tree = {"${{ values.name }}/${{ values.dir }}/a.txt": "hello ${{ values.name }}\r\n"}
    assert rendered(tree) == {"shop/src/main/a.txt": "hello shop\r\n"}


@pytest.mark.parametrize(
    "path",
    [
        "${{ 'a.txt' if values.no }}",
        "${{ values.empty }}",
        "${{ values.empty }}/a.txt",
        "x/${{ values.empty }}/a.txt",
        "{% if values.no %}a.txt{% endif %}",
        "/${{ values.name }}",
    ],
)
def test_a_name_that_comes_out_empty_leaves_the_file_out(path):
    assert rendered({path: "x", "kept": "y"}) == {"kept": "y"}


def test_binaries_links_and_modes_are_kept():
    tree = {
        "image": File(b"\x89PNG\0${{ values.name }}"),
        "link": File(b"${{ values.name }}", SYMLINK),
        "run": File(b"#!${{ values.name }}", EXECUTABLE),
        "latin": File(b"caf\xe9 ${{ values.name }}"),
    }
    assert render_tree(tree, values=VALUES) == {
        "image": tree["image"],
        "link": tree["link"],
        "run": File(b"#!shop", EXECUTABLE),
        "latin": File(b"caf\xe9 shop"),
    }


def test_copy_without_templating_renders_names_only():
    tree = {
        ".github/workflows/${{ values.name }}.yml": "${{ github.sha }}",
        "charts/a/b.yaml": "${{ x }}",
        "other": "${{ values.name }}",
    }
    patterns = (".github/**/*", "charts")
    assert rendered(tree, copy_without_templating=patterns) == {
        ".github/workflows/shop.yml": "${{ github.sha }}",
        "charts/a/b.yaml": "${{ x }}",
        "other": "shop",
    }


def test_only_files_with_the_extension_are_rendered():
    tree = {"a.txt.njk": "${{ values.name }}", "${{ values.name }}.txt": "${{ values.name }}"}
    expected = {"a.txt": "shop", "shop.txt": "${{ values.name }}"}
    assert rendered(tree, template_file_extension=".njk") == expected


def test_cookiecutter_has_its_own_braces_and_root():
    tree = {"{{cookiecutter.name}}.txt": "{{ cookiecutter.name | jsonify }} ${{ values.name }}"}
    assert rendered(tree, cookiecutter=True) == {"shop.txt": '"shop" $'}


def test_trimming_of_blocks():
    text = "a\n  {% if values.yes %}\n  b\n  {% endif %}\nc\n"
    assert rendered({"x": text})["x"] == "a\n  \n  b\n  \nc\n"
    assert rendered({"x": text}, trim_blocks=True, lstrip_blocks=True)["x"] == "a\n  b\nc\n"


def test_options_out_of_a_step():
    given_ = {"copyWithoutRender": ["a"], "trimBlocks": True, "cookiecutterCompat": True}
    options = RenderOptions.from_input(given_)
    assert options == RenderOptions(("a",), None, True, True, False)
    assert RenderOptions.from_input({"templateFileExtension": True}).template_file_extension == (
        ".njk"
    )
    assert RenderOptions.from_input({"templateFileExtension": "j2"}).template_file_extension == (
        ".j2"
    )


@pytest.mark.parametrize(
    "given_",
    [
        {"templateFileExtension": True, "copyWithoutTemplating": ["a"]},
        {"templateFileExtension": ".j2", "cookiecutterCompat": True},
        {"copyWithoutTemplating": "a"},
    ],
)
def test_options_that_exclude_each_other(given_):
    with pytest.raises(ValueError, match=r"^(templateFileExtension|copyWithoutTemplating) "):
        RenderOptions.from_input(given_)


def test_an_error_names_file_line_and_expression():
    with pytest.raises(RenderError) as caught:
        rendered({"src/a.py": "one\ntwo ${{ values.name }} ${{ values.name | nope }}\n"})
    assert (caught.value.path, caught.value.line) == ("src/a.py", 2)
    assert str(caught.value) == (
        "src/a.py, line 2: `${{ values.name | nope }}`: there is no filter `nope`."
    )


def test_an_error_while_rendering_names_the_one_expression_of_its_line():
    with pytest.raises(RenderError) as caught:
        rendered({"a": "\n\nx ${{ values.name }} ${{ missing() }} ${{ values.yes }}"})
    assert caught.value.line == 3
    assert caught.value.expression == "${{ missing() }}"


@pytest.mark.parametrize(
    "text", ["${{ a || b }}", "${{ a && b }}", "${{ a ? b : c }}", "${{ !a }}"]
)
def test_javascript_that_backstage_would_pass_on_as_text_is_refused(text):
    with pytest.raises(RenderError, match="means nothing here: write"):
        rendered({"a": text})


@pytest.mark.parametrize(
    "value", ["../x", "a/../../x", ".git/config", "a/.GIT/x", "a\\b", "C:x", "git~1/x", "..", "a\0"]
)
def test_a_rendered_name_cannot_escape(value):
    with pytest.raises(RenderError, match="it becomes"):
        render_tree({"${{ values.p }}": File(b"")}, values={"p": value})


def test_a_link_cannot_escape():
    with pytest.raises(UnsafePath, match="leads out of the tree"):
        render_tree({"a/link": File(b"../../etc/passwd", SYMLINK)}, values={})


def test_two_files_cannot_become_one():
    with pytest.raises(RenderError, match="another file of the template becomes shop too"):
        rendered({"shop": "a", "${{ values.name }}": "b"})


def test_output_is_limited():
    tree = {f"f{at}": File(b"${{ 'x'.repeat(1000) }}") for at in range(10)}
    with pytest.raises(TreeTooLarge, match="bytes"):
        render_tree(tree, values={}, limits=Limits(bytes=5_000))
    with pytest.raises(TreeTooLarge, match="files"):
        render_tree(tree, values={}, limits=Limits(files=5))


@settings(deadline=None)
@given(
    st.dictionaries(
        st.text("abc.", min_size=1, max_size=3).filter(lambda name: name.strip(".")),
        st.binary(max_size=80).filter(lambda data: b"{" not in data),
        max_size=5,
    )
)
def test_a_tree_without_templates_is_itself(contents):
    tree = {f"d/{path}": File(content) for path, content in contents.items()}
    assert render_tree(tree, values={}) == tree


@pytest.mark.parametrize(
    ("patterns", "path", "matches"),
    [
        (["*.txt"], "a.txt", True),
        (["*.txt"], "d/a.txt", False),
        (["**/*.txt"], "a.txt", True),
        (["**/*.txt"], "d/e/a.txt", True),
        (["d"], "d/e/a", True),
        (["d/"], "d/e", True),
        (["d"], "dx", False),
        (["d/*"], "d/.hidden", True),
        (["d/**"], "d/e/f", True),
        (["{a,b}/*.{js,ts}"], "b/x.ts", True),
        (["file?.[ch]"], "file1.c", True),
        (["file[!0-9]"], "file1", False),
        (["**", "!d/**"], "d/a", False),
        (["./a"], "a", True),
        (["a(b"], "a(b", True),
        (["[z-a]"], "[z-a]", True),
    ],
)
def test_patterns(patterns, path, matches):
    assert matcher(patterns)(path) is matches
