"""Composition: order, conflicts, requirements, provenance and weaving again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaffolder.weave import (
    AspectLayer,
    CompositionConflict,
    CompositionError,
    File,
    Layer,
    RequirementCycle,
    UnmetRequirement,
    UnsafePath,
    WeaveError,
    compose,
    parse_aspect,
)  # fmt: skip

BASE = Layer(
    "template shop 1.0",
    {
        "README.md": File(b"# Shop\n"),
        ".gitlab-ci.yml": File(b"build:\n  script: [make]   # ours\n"),
        "catalog-info.yaml": File(b"kind: Component\nmetadata:\n  name: shop\n"),
        "logo.png": File(b"\x89PNG\0\xff"),
    },
)


def layer(name, *weave, files=None, values=None, depth=None, version="1.0", **spec):
    document = {
        "apiVersion": "bespoke/v1alpha1",
        "kind": "Aspect",
        "metadata": {"name": name, "annotations": {"bespoke/version": version}},
        "spec": {"weave": list(weave), **spec},
    }
    aspect, problems = parse_aspect(document)
    assert problems == []
    tree = {path: File(text.encode()) for path, text in (files or {}).items()}
    return AspectLayer(aspect, tree, values or {}, depth)


def text(composition, path):
    return composition.tree[path].content.decode()


SBOM = layer(
    "sbom",
    {"files": "./files"},
    {"merge": ".gitlab-ci.yml", "with": "job.yml"},
    {"region": "README.md", "from": "badge.md"},
    {"entity": {"metadata": {"annotations": {"sbom": "${{ values.format }}"}}}},
    files={
        "files/docs/${{ values.format }}.md": "about ${{ values.format }}\n",
        "job.yml": "sbom: {script: ['make ${{ values.format }}']}\n",
        "badge.md": "![${{ values.format }}](x)\n",
    },
    values={"format": "cyclonedx"},
)


def test_everything_is_woven_with_its_values():
    composition = compose(BASE, [SBOM])
    assert text(composition, "docs/cyclonedx.md") == "about cyclonedx\n"
    assert text(composition, ".gitlab-ci.yml") == (
        "build:\n  script: [make]   # ours\nsbom: {script: ['make cyclonedx']}\n"
    )
    assert "<!-- BEGIN bespoke:sbom -->\n![cyclonedx](x)\n" in text(composition, "README.md")
    assert text(composition, "catalog-info.yaml").endswith("annotations:\n    sbom: cyclonedx\n")
    assert composition.tree["logo.png"] == BASE.tree["logo.png"]


def test_every_path_knows_its_layers():
    composition = compose(BASE, [SBOM])
    assert composition.layers == ("template shop 1.0", "aspect sbom 1.0")
    assert composition.provenance["logo.png"] == ("template shop 1.0",)
    assert composition.provenance["docs/cyclonedx.md"] == ("aspect sbom 1.0",)
    assert composition.provenance["README.md"] == ("template shop 1.0", "aspect sbom 1.0")
    assert composition.provenance.keys() == composition.tree.keys()


def test_order_is_scope_then_order_then_name():
    def writer(name, **options):
        advice = {"merge": "log.yml", "with": "f.yml", "lists": {"names": "append"}}
        return layer(name, advice, files={"f.yml": f"names: [{name}]\n"}, **options)

    layers = [
        writer("team", scope="group:default/team", depth=2, order=1),
        writer("department", scope="group:default/dep", depth=1, order=99),
        writer("org-b", order=60),
        writer("org-c", order=50),
        writer("org-a", order=60),
    ]
    expected = ["org-c", "org-a", "org-b", "department", "team"]
    for given_order in (layers, layers[::-1]):
        composition = compose(BASE, given_order)
        assert composition.layers[1:] == tuple(f"aspect {name} 1.0" for name in expected)
        assert text(composition, "log.yml") == f"names: [{', '.join(expected)}]\n"


def test_two_layers_cannot_write_one_path():
    one = layer("one", {"files": "."}, files={"a.txt": "1"})
    two = layer("two", {"files": "."}, files={"a.txt": "1"})
    with pytest.raises(CompositionConflict) as caught:
        compose(BASE, [two, one])
    assert (caught.value.path, caught.value.first, caught.value.second) == (
        "a.txt", "aspect one 1.0", "aspect two 1.0",
    )  # fmt: skip
    overwriting = layer("three", {"files": "."}, files={"README.md": "mine"})
    with pytest.raises(CompositionConflict, match=r"aspect three 1.0 would overwrite README.md"):
        compose(BASE, [overwriting])


def test_requirements():
    base = layer("ci-base", version="1.5")
    needs = layer("sbom", requires=[{"aspect": "ci-base", "version": ">=2"}])
    with pytest.raises(UnmetRequirement, match=r"requires ci-base >=2, and ci-base is 1\.5"):
        compose(BASE, [base, needs])
    with pytest.raises(UnmetRequirement, match=r"and ci-base does not apply here"):
        compose(BASE, [needs])
    assert compose(BASE, [layer("ci-base", version="2.0"), needs]).layers[1] == "aspect ci-base 2.0"


def test_a_circle_of_requirements_is_named():
    circle = [
        layer("a", requires=[{"aspect": "b"}]),
        layer("b", requires=[{"aspect": "c"}]),
        layer("c", requires=[{"aspect": "a"}]),
    ]
    with pytest.raises(RequirementCycle, match="a → b → c → a"):
        compose(BASE, circle)


def test_the_same_aspect_twice():
    with pytest.raises(CompositionError, match="sbom is there twice"):
        compose(BASE, [SBOM, SBOM])


@pytest.mark.parametrize(
    ("weave", "files", "reason"),
    [
        ({"files": "./none"}, {}, "no such folder"),
        ({"merge": "a.yml", "with": "none.yml"}, {}, "no such file"),
        ({"merge": "logo.png", "with": "f"}, {"f": "a: 1"}, "not a text in UTF-8"),
        ({"merge": "README.md", "with": "f"}, {"f": "a: 1"}, "neither YAML nor JSON nor TOML"),
        ({"region": "data.json", "from": "f"}, {"f": "x"}, "no comment can mark a region"),
        ({"region": "../x.md", "from": "f"}, {"f": "x"}, "leads out of its folder"),
        ({"region": "README.md", "from": "f"}, {"f": "${{ nope() }}"}, r"f, line 1: `\$\{\{ nope"),
        ({"files": "."}, {"f": "${{ values | nope }}"}, "there is no filter `nope`"),
    ],
)
def test_what_cannot_be_woven_names_layer_and_path(weave, files, reason):
    with pytest.raises(WeaveError, match=r"^aspect bad 1\.0 cannot be woven into .*" + reason):
        compose(BASE, [layer("bad", weave, files=files)])


def test_an_entity_needs_a_catalogue_file():
    with pytest.raises(WeaveError, match=r"catalog-info\.yaml"):
        compose(Layer("empty", {}), [layer("x", {"entity": {"spec": {"a": 1}}})])


def test_results_that_collide_are_refused():
    collide = layer("x", {"files": "."}, files={"readme.MD": "x"})
    with pytest.raises(UnsafePath, match="only in capitals"):
        compose(BASE, [collide])


def test_weaving_again_changes_nothing():
    once = compose(BASE, [SBOM])
    assert compose(Layer("repository", once.tree), [SBOM]).tree == once.tree


def test_a_new_answer_replaces_region_and_merge_in_a_repository():
    once = compose(BASE, [SBOM])
    tree = {path: file for path, file in once.tree.items() if not path.startswith("docs/")}
    again = AspectLayer(SBOM.aspect, SBOM.files, {"format": "spdx"})
    woven = compose(Layer("repository", tree), [again])
    assert text(woven, "README.md") == text(once, "README.md").replace("cyclonedx", "spdx")
    assert text(woven, "README.md").count("BEGIN bespoke:sbom") == 1


NAMES = st.sampled_from(["a", "b", "c", "d"])
PARTS = st.lists(
    st.tuples(NAMES, st.integers(0, 2), st.integers(0, 3), st.booleans()),
    unique_by=lambda part: part[0],
    max_size=4,
)


@settings(deadline=None)
@given(PARTS, st.randoms(use_true_random=False))
def test_composition_depends_on_nothing_but_its_layers(parts, random):
    layers = [
        layer(
            name,
            {"merge": "log.yml", "with": "f", "lists": {"l": "prepend" if first else "append"}},
            {"region": "README.md", "from": "f"},
            {"files": "own"},
            files={"f": f"l: [{name}]\n", f"own/{name}.txt": name},
            depth=depth,
            order=order,
        )
        for name, depth, order, first in parts
    ]
    expected = compose(BASE, layers)
    random.shuffle(layers)
    assert compose(BASE, layers) == expected
    assert compose(Layer("again", expected.tree), layers).tree == expected.tree
