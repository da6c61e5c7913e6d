"""Reports on templates that are not known yet, and registering the ready ones."""

import json

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import CommandError, call_command
from django.test import Client

from catalog.models import Location
from scaffolder import services
from scaffolder.models import Release
from scaffolder.reports import template_reports
from scaffolder.weave.tree import File
from tests.scaffolder.conftest import FETCH

pytestmark = pytest.mark.django_db

TEMPLATE = """apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: {name: NAME, title: The NAME}
spec:
  owner: group:default/platform
  type: service
  steps:
    - {id: do, name: Do, action: "ACTION", input: INPUT}
"""


def template(name: str, action: str = "debug:log", given: str = "{}") -> str:
    return TEMPLATE.replace("NAME", name).replace("ACTION", action).replace("INPUT", given)


FILES = {
    "good/template.yaml": template("good", "fetch:template", "{url: ./skeleton}"),
    "good/skeleton/ci.yml": "on: push\nx: ${{ github.sha }}\n",
    "good/skeleton/template.yaml": template("${{ values.name }}"),
    "hub/template.yaml": template("hub", "publish:github", '{repoUrl: "x?owner=a&repo=b"}'),
    "bad/template.yaml": template("bad", "acme:deploy", '{x: "${{ parameters.a | acme }}"}'),
    "broken/template.yaml": "apiVersion: scaffolder.backstage.io/v1beta3\nkind: Template\nx: [",
    "openshift.yaml": "apiVersion: template.openshift.io/v1\nkind: Template\n",
}


def test_each_template_gets_its_verdict_with_lines():
    tree = {path: File(text.encode()) for path, text in FILES.items()}
    found = {report.path: report for report in template_reports(tree)}
    assert {path: report.verdict for path, report in found.items()} == {
        "good/template.yaml": "ready",
        "hub/template.yaml": "needs a mapping",
        "bad/template.yaml": "cannot be started",
        "broken/template.yaml": "cannot be started",
    }
    (warning,) = found["good/template.yaml"].warnings
    assert (warning.path, warning.line) == ("good/skeleton/ci.yml", 2)
    bad = [(p.line, p.message) for p in found["bad/template.yaml"].errors]
    assert bad == [(8, "There is no action `acme:deploy`."), (8, "There is no filter `acme`.")]


def test_the_page_reports_and_registers_what_is_ready(project, group, person, client: Client):
    path = project(files=FILES)
    project(files={"README.md": "nothing"})
    client.force_login(person())
    assert "Register what" not in client.get("/create/import/", {"place": path}).content.decode()
    assert client.get("/create/import/", {"place": "no/such"}).status_code == 422
    client.force_login(person("platform"))
    page = client.get("/create/import/", {"place": group}).content.decode()
    for words in ("cannot be started", "needs a mapping", "Register what", "No golden path in"):
        assert words in page
    given = {"project": path, "path": "good/template.yaml"}
    assert client.post("/create/import/", given).status_code == 302
    assert Location.objects.filter(repository__path=path, path="good/template.yaml").exists()


def test_only_what_is_ready_and_only_by_platform_engineers(project, person):
    path = project(files=FILES)
    with pytest.raises(PermissionDenied):
        services.register_templates(project=path, paths=["good/template.yaml"], by=person())
    with pytest.raises(ValidationError):
        services.register_templates(
            project=path, paths=["bad/template.yaml"], by=person("platform")
        )


def test_the_command_ends_by_what_it_found(tmp_path, capsys):
    for name in ("good/template.yaml", "good/skeleton/ci.yml", "bad/template.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(FILES[name])
    call_command("template_report", str(tmp_path / "good"))
    with pytest.raises(CommandError) as strict:
        call_command("template_report", str(tmp_path / "good"), "--strict")
    with pytest.raises(CommandError) as failed:
        call_command("template_report", str(tmp_path), "--json")
    with pytest.raises(CommandError) as nothing:
        call_command("template_report", str(tmp_path / "good/skeleton"))
    assert [e.value.returncode for e in (strict, failed, nothing)] == [1, 1, 2]
    printed = capsys.readouterr().out
    rows = json.loads(printed[printed.index("[\n") :])
    assert [row["verdict"] for row in rows] == ["cannot be started", "ready"]


def test_problems_are_found_anew_when_settings_change(release, settings):
    url = {"repoUrl": "github.com?owner=a&repo=b"}
    made = release([FETCH, {"id": "p", "action": "publish:github", "input": url}])
    assert not made.startable
    assert services.judge_again() == []
    settings.PUBLISH_GITHUB_TO_FORGE = True
    assert services.judge_again() == [made.block_ref]
    assert Release.objects.get(pk=made.pk).startable
    assert services.judge_again() == []
