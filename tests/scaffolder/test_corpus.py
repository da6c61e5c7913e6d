"""Real templates as their authors published them: the right report for each, and those that this
portal can do run to their end in a dry run. Their skeletons are not there, so one is made up."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

import pytest

from scaffolder import reports
from scaffolder.actions import actions
from scaffolder.blocks import GoldenPath
from scaffolder.blueprint import Field, active_schema, fields_of, read_blueprint
from scaffolder.expressions import evaluate
from scaffolder.models import Release
from scaffolder.services.preview import preview
from scaffolder.weave.documents import load_documents
from scaffolder.weave.tree import File
from tests.conftest import component

CORPUS = Path(__file__).resolve().parents[3] / "shared/corpus/templates"
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="no folder of real templates on this machine"),
]
SWITCHES = {"publish:github", "publish:github:pull-request", "http:request",
            "http:backstage:request"}  # fmt: skip


@pytest.fixture(scope="module")
def corpus() -> dict[str, File]:
    paths = sorted(CORPUS.rglob("*.yaml"))
    return {path.relative_to(CORPUS).as_posix(): File(path.read_bytes()) for path in paths}


def test_each_report_names_what_this_portal_does_not_have(corpus):
    found = reports.template_reports(corpus)
    assert len(found) > 30
    for report in found:
        text = corpus[report.path].content.decode()
        used = set(re.findall(r"^\s*(?:- )?action: ['\"]?([\w:-]+)", text, re.M))
        unknown = {name for name in used if name not in actions()}
        said = {
            re.findall("`(.*?)`", p.message)[0] for p in report.errors if "no action" in p.message
        }
        assert said == unknown, report.path
        assert all(problem.line for problem in report.errors), report.path
        if not report.errors:
            assert not used & SWITCHES, report.path
        if report.verdict == "needs a mapping":
            assert used & SWITCHES, report.path


def test_those_that_can_be_done_run_to_the_end(corpus, settings, person, ingest):
    settings.PUBLISH_GITHUB_TO_FORGE = True
    settings.HTTP_REQUEST_HOSTS = ["api.example"]
    ingest(component("svc"))
    someone, ready = person(), [r for r in reports.template_reports(corpus) if not r.errors]
    done = 0
    for report in ready:
        shown, values = _dry_run(report.path, corpus[report.path].content.decode(), someone)
        elsewhere = "is not on the configured forge" in shown.error  # the answers named it
        assert elsewhere or not shown.error, f"{report.path}: {shown.error} with {values}"
        done += not shown.error
    assert done >= 15


def _dry_run(path: str, text: str, user: Any) -> Any:
    document = next(d for d, _ in load_documents(text).documents if d.get("kind") == "Template")
    blueprint, problems = read_blueprint(text)
    assert blueprint is not None
    assert problems == []
    release = Release(block_ref=f"template:default/{blueprint.name}", kind="template",
                      version="1.0.0", path=path, descriptor=document, tree={})  # fmt: skip
    golden = GoldenPath(release, blueprint)
    values: dict[str, Any] = {}
    for page in golden.pages:
        for _ in range(4):  # an answer may bring further questions
            for field in fields_of(active_schema(page.schema, values)):
                values.setdefault(field.name, _plausible(field))
    source = _made_up(path, blueprint, values)
    return preview(golden, values, set(values), user, source=source), values


def _made_up(path: str, blueprint: Any, values: dict[str, Any]) -> dict[str, File]:
    """A small skeleton wherever a step looks for one."""
    home, made = posixpath.dirname(path), {}
    for step in blueprint.steps:
        url = step.input.get("url") if step.action.startswith("fetch:") else None
        if isinstance(url, str) and "://" not in url:
            names = {"parameters": values, "steps": {}}
            folder = posixpath.normpath(posixpath.join(home, str(evaluate(url, names))))
            made[f"{folder}/README.md"] = File(b"# ${{ values.name }}\n")
    return made


def _plausible(field: Field) -> Any:
    if field.has_default:
        return field.default
    if field.enum:
        return field.enum[0]
    made = {
        "RepoUrlPicker": "github.com?owner=acme&repo=svc",
        "EntityPicker": "component:default/svc",
        "OwnedEntityPicker": "component:default/svc",
        "OwnerPicker": "group:default/checkout",
        "MultiEntityPicker": ["component:default/svc"],
    }
    if field.ui_field in made:
        return made[field.ui_field]
    if field.type == "object":
        return {inner.name: _plausible(inner) for inner in field.fields}
    if field.type == "array":
        return [_plausible(field.items)] if field.items else ["one"]
    plain = {"boolean": True, "integer": field.minimum or 1, "number": field.minimum or 1}
    return plain.get(field.type, "example-service")
