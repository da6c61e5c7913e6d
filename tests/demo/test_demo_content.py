"""The demo organisation is what people see first, so its files must be right by themselves.

These tests read the plain files, without the portal's own parsers: they are a second opinion.
"""

import itertools
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

DEMO = Path(__file__).parents[2] / "demo"
PROJECTS = DEMO / "projects"
GOLDEN_PATHS = PROJECTS / "tidewater/platform/golden-paths"
TEMPLATE = GOLDEN_PATHS / "templates/python-service/template.yaml"
BROKEN = "tidewater/operations/tide-tables"
DANGLING = "group:default/crew-systems"

NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
TAG = re.compile(r"[a-z0-9:+#]+(-[a-z0-9:+#]+)*")
REQUIRED = {
    "Component": {"type", "lifecycle", "owner"},
    "API": {"type", "lifecycle", "owner", "definition"},
    "Resource": {"type", "owner"},
    "System": {"owner"},
    "Domain": {"owner"},
    "Group": {"type", "children"},
    "User": {"memberOf"},
    "Location": {"targets"},
    "Template": {"type", "steps"},
    "Aspect": {"owner", "scope", "weave"},
    "Scorecard": {"owner", "filter", "levels", "checks"},
}
REFS = {
    "owner": "Group",
    "parent": "Group",
    "children": "Group",
    "memberOf": "Group",
    "system": "System",
    "domain": "Domain",
    "providesApis": "API",
    "consumesApis": "API",
    "dependsOn": "",
}

Entity = dict[str, Any]


def projects() -> list[str]:
    roots = PROJECTS.glob("**/catalog-info.yaml")
    return sorted(str(root.parent.relative_to(PROJECTS)) for root in roots if not rendered(root))


def rendered(path: Path) -> bool:
    return "skeleton" in path.parts


def descriptors(path: Path) -> Iterator[tuple[Path, Entity]]:
    """Every document of a file, and of the files that its Locations point at."""
    for entity in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        yield path, entity
        for target in entity["spec"].get("targets", []) if entity["kind"] == "Location" else []:
            files = sorted(path.parent.glob(target))
            assert files, f"{path}: nothing at {target}"
            for file in files:
                yield from descriptors(file)


def everything() -> list[tuple[str, Path, Entity]]:
    return [
        (project, path, entity)
        for project in projects()
        for path, entity in descriptors(PROJECTS / project / "catalog-info.yaml")
    ]


def problems_of(path: Path, entity: Entity) -> list[str]:
    metadata, spec = entity["metadata"], entity["spec"]
    name = metadata["name"]
    found = [f"unknown field {key}" for key in entity.keys() - KNOWN_ROOT]
    if not NAME.fullmatch(name) or len(name) > 63:
        found.append(f"name {name!r}")
    found += [f"tag {tag!r}" for tag in metadata.get("tags", []) if not TAG.fullmatch(tag)]
    annotations = metadata.get("annotations", {}) | metadata.get("labels", {})
    found += [f"annotation {key}" for key, value in annotations.items() if type(value) is not str]
    found += [f"missing {key}" for key in REQUIRED[entity["kind"]] - spec.keys()]
    definition = spec.get("definition")
    if definition and not (path.parent / definition["$text"]).is_file():
        found.append(f"no file {definition['$text']}")
    return found


KNOWN_ROOT = {"apiVersion", "kind", "metadata", "spec"}


def ref(entity: Entity) -> str:
    return f"{entity['kind']}:default/{entity['metadata']['name']}".lower()


def refs(entity: Entity) -> Iterator[str]:
    for field, kind in REFS.items():
        value = entity["spec"].get(field, [])
        for text in value if isinstance(value, list) else [value]:
            head, _, tail = text.rpartition(":")
            assert head or kind, f"{ref(entity)}: {field} {text} has no kind"
            yield f"{head or kind}:{tail if '/' in tail else 'default/' + tail}".lower()


def valid() -> list[Entity]:
    return [entity for _, path, entity in everything() if not problems_of(path, entity)]


def test_every_yaml_file_can_be_read() -> None:
    files = [path for path in DEMO.glob("**/*.y*ml") if not rendered(path)]
    assert files
    for path in files:
        assert list(yaml.safe_load_all(path.read_text(encoding="utf-8"))), path


def test_every_file_ends_with_a_newline() -> None:
    for path in filter(Path.is_file, DEMO.glob("**/*")):
        assert path.read_bytes().endswith(b"\n"), path


def test_about_sixty_entities_of_every_kind() -> None:
    kinds = Counter(entity["kind"] for entity in valid())
    assert 55 <= kinds.total() <= 80
    assert kinds.keys() == REQUIRED.keys()


def test_names_are_unique() -> None:
    counted = Counter(ref(entity) for entity in valid())
    assert [name for name, count in counted.items() if count > 1] == []


def test_exactly_one_project_is_broken() -> None:
    found = {
        (project, problem)
        for project, path, entity in everything()
        for problem in problems_of(path, entity)
    }
    assert found == {(BROKEN, "name 'harbour gauges'")}
    assert "on purpose" in (PROJECTS / BROKEN / "README.md").read_text(encoding="utf-8")


def test_references_resolve_but_for_one_left_dangling_on_purpose() -> None:
    known = {ref(entity) for entity in valid()}
    assert {name for entity in valid() for name in refs(entity)} - known == {DANGLING}


def test_groups_agree_about_parents_and_children() -> None:
    groups = {e["metadata"]["name"]: e["spec"] for e in valid() if e["kind"] == "Group"}
    down = {(name, child) for name, spec in groups.items() for child in spec["children"]}
    up = {(spec["parent"], name) for name, spec in groups.items() if "parent" in spec}
    assert down == up


def test_forge_side_fits_the_catalogue_side() -> None:
    forge = yaml.safe_load((DEMO / "organisation.yaml").read_text(encoding="utf-8"))
    paths = [group["path"] for group in forge["groups"]]
    for position, path in enumerate(paths):
        assert "/" not in path or path.rpartition("/")[0] in paths[:position], path
    assert {project.rpartition("/")[0] for project in projects()} <= set(paths)
    assert {path for user in forge["users"] for path in user["access"]} <= set(paths)
    people = {e["metadata"]["name"]: e["spec"] for e in valid() if e["kind"] == "User"}
    assert {user["username"] for user in forge["users"]} == people.keys()
    for user in forge["users"]:
        profile = people[user["username"]]["profile"]
        assert (user["name"], user["email"]) == (profile["displayName"], profile["email"])


def test_code_owners_are_groups_of_the_forge() -> None:
    forge = yaml.safe_load((DEMO / "organisation.yaml").read_text(encoding="utf-8"))
    paths = {group["path"] for group in forge["groups"]}
    files = [path for path in PROJECTS.glob("**/CODEOWNERS") if not rendered(path)]
    owners = {
        word[1:]
        for path in files
        for word in path.read_text(encoding="utf-8").split()
        if word.startswith("@")
    }
    assert owners
    assert owners <= paths


def test_aspect_names_checks_that_exist() -> None:
    aspects = [entity for entity in valid() if entity["kind"] == "Aspect"]
    cards = [entity for entity in valid() if entity["kind"] == "Scorecard"]
    checks = {check["id"] for card in cards for check in card["spec"]["checks"]}
    assert {name for aspect in aspects for name in aspect["spec"]["checks"]} <= checks


def test_scorecard_explains_itself() -> None:
    for card in (entity["spec"] for entity in valid() if entity["kind"] == "Scorecard"):
        levels = [level["name"] for level in card["levels"]]
        assert {check["level"] for check in card["checks"]} == set(levels)
        assert len(card["checks"]) >= 7
        for check in card["checks"]:
            assert check["why"].endswith(".")
            assert check["remedy"].strip()


def test_scorecards_differ_between_projects() -> None:
    folders = [PROJECTS / project for project in projects()]
    for file in ("README.md", ".gitlab-ci.yml", "CODEOWNERS", "docs/runbook.md"):
        having = sum((folder / file).is_file() for folder in folders)
        assert 0 < having < len(folders), file


def test_pipelines_have_the_shape_that_gitlab_wants() -> None:
    for path in PROJECTS.glob("*/**/.gitlab-ci.yml"):
        if not rendered(path):
            check_pipeline(yaml.safe_load(path.read_text(encoding="utf-8")))


def check_pipeline(pipeline: dict[str, Any]) -> None:
    words = {"stages", "workflow", "variables", "default", "include"}
    reserved = {"image", "services", "before_script", "after_script", "cache", "types"}
    assert not reserved & pipeline.keys()
    jobs = {name: job for name, job in pipeline.items() if name not in words}
    assert jobs
    for name, job in jobs.items():
        assert job["stage"] in pipeline["stages"], name
        assert job["script"], name


# The golden path: rendered for every combination of its choices.


def engine() -> jinja2.Environment:
    """Plain Jinja2 with the delimiters and the few filters of the dialect."""
    environment = jinja2.Environment(  # noqa: S701 - it makes source code, not HTML
        variable_start_string="${{", variable_end_string="}}", keep_trailing_newline=True
    )
    environment.filters["dump"] = lambda value: json.dumps(value, ensure_ascii=False)
    environment.filters["pick"] = lambda value, key: value[key]
    environment.filters["parseEntityRef"] = lambda text, _: {"name": text.rpartition("/")[2]}
    return environment


def values_for(parameters: dict[str, Any]) -> dict[str, Any]:
    """What the fetch step hands to the skeleton; a lone expression keeps its type."""
    step = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))["spec"]["steps"][0]
    return {
        name: engine().compile_expression(text[3:-2].strip())(parameters=parameters)
        for name, text in step["input"]["values"].items()
    }


def render(parameters: dict[str, Any], into: Path) -> None:
    values = values_for(parameters)
    skeleton = TEMPLATE.parent / "skeleton"
    for source in filter(Path.is_file, skeleton.glob("**/*")):
        name = engine().from_string(str(source.relative_to(skeleton))).render(values=values)
        if not name or name.startswith("/") or "//" in name:
            continue
        text = engine().from_string(source.read_text(encoding="utf-8")).render(values=values)
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        (into / name).write_text(text, encoding="utf-8")


COMBINATIONS = list(itertools.product(["none", "postgresql"], [False, True]))


@pytest.fixture(params=COMBINATIONS, ids=lambda pair: f"{pair[0]}-{'public' * pair[1]}")
def answers(request: pytest.FixtureRequest) -> dict[str, Any]:
    database, public = request.param
    return {
        "name": "harbour-lights",
        "description": 'Switches the "lights"\r\nof the harbour: on, off & \\ blinking. 🚢',
        "owner": "group:default/checkout",
        "database": database,
        "public": public,
    }


@pytest.fixture
def project(answers: dict[str, Any], tmp_path: Path) -> Path:
    render(answers, tmp_path)
    return tmp_path


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    clean = {"PATH": os.environ["PATH"], "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True)


def test_rendered_project_passes_its_own_tests(project: Path) -> None:
    done = run(project, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout + done.stderr


def test_rendered_project_is_clean_source_code(answers: dict[str, Any], tmp_path: Path) -> None:
    render(answers | {"description": "Long, but plain. " * 12}, tmp_path)
    ruff = Path(sys.executable).with_name("ruff")
    for command in (["check", "--no-cache"], ["format", "--no-cache", "--check"]):
        done = run(tmp_path, str(ruff), *command, ".")
        assert done.returncode == 0, done.stdout + done.stderr


def test_rendered_files_are_complete(project: Path, answers: dict[str, Any]) -> None:
    files = {str(path.relative_to(project)) for path in project.glob("**/*") if path.is_file()}
    wanted = {"README.md", "CODEOWNERS", "Dockerfile", "pyproject.toml", "docs/index.md"}
    with_database = {
        "compose.yaml",
        "migrations/0001_create_example.sql",
        "src/harbour_lights/database/migrate.py",
    }
    assert wanted <= files
    assert "docs/runbook.md" not in files
    assert (with_database & files) == (with_database if answers["database"] != "none" else set())
    for file in files:
        text = (project / file).read_text(encoding="utf-8")
        assert text.endswith("\n"), file
        assert not re.search(r"\$\{\{|\{%|[ \t]\n|\n\n\n\n", text), file


def test_rendered_configuration_can_be_read(project: Path, answers: dict[str, Any]) -> None:
    tomllib = pytest.importorskip("tomllib")
    about = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    line = answers["description"].replace("\r\n", " ")
    assert (about["name"], about["description"]) == ("harbour-lights", line)
    check_pipeline(yaml.safe_load((project / ".gitlab-ci.yml").read_text(encoding="utf-8")))


def test_rendered_descriptor_is_accepted(project: Path, answers: dict[str, Any]) -> None:
    path = project / "catalog-info.yaml"
    entities = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    assert [problems_of(path, entity) for entity in entities] == [[] for _ in entities]
    component = entities[0]
    assert ref(component) == "component:default/harbour-lights"
    assert component["spec"]["owner"] == answers["owner"]
    assert ("public" in component["metadata"]["tags"]) is answers["public"]
    own = {ref(entity) for entity in entities} | {answers["owner"]}
    assert {name for entity in entities for name in refs(entity)} <= own


@pytest.mark.parametrize(
    ("name", "package"), [("harbour-lights", "harbour_lights"), ("calendar", "calendar_service")]
)
def test_package_never_hides_a_module_of_python(name: str, package: str) -> None:
    parameters = {"name": name, "description": "x", "owner": "checkout"}
    assert values_for(parameters)["package"] == package


@pytest.mark.parametrize(
    ("name", "accepted"),
    [("abc", True), ("a-1", True), ("ab", False), ("ab-", False), ("1ab", False), ("Abc", False)],
)
def test_name_pattern(name: str, accepted: bool) -> None:
    pages = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))["spec"]["parameters"]
    pattern = pages[0]["properties"]["name"]["pattern"]
    assert bool(re.search(pattern, name)) is accepted


def test_golden_path_uses_every_answer() -> None:
    spec = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))["spec"]
    asked = {name for page in spec["parameters"] for name in page["properties"]}
    assert asked <= spec["steps"][0]["input"]["values"].keys()
    text: Callable[[object], str] = json.dumps
    assert all(f"parameters.{name}" in text(spec["steps"]) for name in asked)


ADD_POSTGRESQL = TEMPLATE.parent.parent / "add-postgresql"


@pytest.mark.parametrize("data", ["internal", "cardholder"])
def test_a_database_is_a_resource_of_its_service_and_a_cluster(data: str) -> None:
    values = {
        "name": "seat-maps", "owner": "group:default/shop", "dataClass": data, "size": 20,
        "instances": 2, "component": "component:default/timetable",
    }  # fmt: skip
    files = {
        path.name: yaml.safe_load(engine().from_string(path.read_text()).render(values=values))
        for path in (ADD_POSTGRESQL / "skeleton").iterdir()
    }
    assert problems_of(ADD_POSTGRESQL, files["resource.yaml"]) == []
    assert files["resource.yaml"]["spec"]["dependencyOf"] == [values["component"]]
    assert files["cluster.yaml"]["spec"]["bootstrap"]["initdb"]["database"] == "seat_maps"
    assert ("certificates" in files["cluster.yaml"]["spec"]) is (data == "cardholder")
    spec = yaml.safe_load((ADD_POSTGRESQL / "template.yaml").read_text())["spec"]
    asked = {name for page in spec["parameters"] for name in page["properties"]}
    assert asked == set(values) == spec["steps"][0]["input"]["values"].keys()
