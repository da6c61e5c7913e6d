"""What must not happen: roles by a pushed file, leaks, lost entities, readers that crash."""

import pytest
from django.conf import settings as django_settings
from django.test import Client

from catalog import services
from catalog.models import Entity, Problem, Repository
from catalog.services import rebuild_memberships
from forge import Change, Forge
from tests.catalog.test_entities import PRIVATE
from tests.conftest import component, entity

pytestmark = pytest.mark.django_db
EVIL = """apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {{name: evil}}
spec: {{type: team, parent: platform, children: [], members: [{}]}}
"""


def test_nobody_gives_himself_a_role_by_pushing_a_file(project, person, settings):
    me = person("viewer")
    settings.TRUSTED_REPOSITORIES = ["someone/else/*"]
    path = project(
        files={"catalog-info.yaml": EVIL.format(me.entity_ref) + "---\n" + component("a")}
    )
    services.read_repository(path=path)
    rebuild_memberships()
    assert type(me).objects.get(pk=me.pk).roles == frozenset()
    assert not Entity.objects.filter(kind="group").exists()
    assert entity("component:default/a")
    problem = Problem.objects.get()
    assert "not of an allowed kind" in problem.message
    assert "TRUSTED_REPOSITORIES" in problem.hint


@pytest.mark.parametrize("kind", ["Aspect", "Template", "Scorecard", "User"])
def test_blocks_come_from_trusted_repositories_only(project, settings, kind: str):
    settings.TRUSTED_REPOSITORIES = []
    version = {
        "Template": "scaffolder.backstage.io/v1beta3", "User": "backstage.io/v1alpha1",
    }.get(kind, "bespoke/v1alpha1")  # fmt: skip
    text = (
        f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: x}}\n"
        "spec: {owner: a, type: b, memberOf: [], weave: [], steps: [], checks: []}\n"
    )
    services.read_repository(path=project(files={"catalog-info.yaml": text}))
    assert not Entity.objects.exists()
    assert "not of an allowed kind" in Problem.objects.get().message


def test_the_default_trusts_nobody():
    import subprocess
    import sys

    from tests.conftest import ROOT, clean_environment

    code = "from django.conf import settings; print(settings.TRUSTED_REPOSITORIES)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True,
        env=clean_environment() | {"DJANGO_SETTINGS_MODULE": "portal.settings", "BESPOKE_DATA": "/nonexistent"},
    )  # fmt: skip
    assert done.stdout.strip() == "[]"
    assert django_settings.TRUSTED_REPOSITORIES == ["*"]


def test_what_is_private_is_in_no_list_of_problems(ingest, client: Client, person):
    broken = PRIVATE.replace("type: service", "type: [1]")
    ingest(broken)
    stranger, platform = person("viewer"), person("platform")
    for user, sees in ((stranger, False), (platform, True)):
        client.force_login(user)
        assert (client.get("/catalog/component/default/secret/").status_code == 200) is sees
        assert (
            "component:default/secret" in client.get("/catalog/problems/").content.decode()
        ) is sees


def test_titles_of_private_owners_are_not_shown(ingest, client: Client, person):
    group = EVIL.format("user:default/x").replace(
        "{name: evil}",
        "{name: checkout, title: Topsecret, annotations: {bespoke/visibility: private}}",
    )
    ingest(group + "---\n" + component("a"))
    client.force_login(person("viewer"))
    assert "Topsecret" not in client.get("/catalog/").content.decode()


def test_a_broken_root_keeps_the_entities_of_the_files_it_named(project, forge: Forge):
    root = "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: l}\nspec: {target: ./a.yaml}\n"
    path = project(files={"catalog-info.yaml": root, "a.yaml": component("a")})
    services.read_repository(path=path)
    forge.commit(
        path, branch="main", message="x", changes=[Change("update", "catalog-info.yaml", b"a: [")]
    )
    services.read_repository(path=path)
    assert entity("component:default/a").orphaned_at is None
    assert Problem.objects.exists()


def test_an_entity_may_move_to_another_file(project, forge: Forge):
    root = "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: l}\nspec: {target: ./a.yaml}\n"
    path = project(files={"catalog-info.yaml": root, "a.yaml": component("a")})
    services.read_repository(path=path)
    forge.commit(path, branch="main", message="x", changes=[
        Change("update", "catalog-info.yaml", component("a").encode()), Change("delete", "a.yaml"),
    ])  # fmt: skip
    services.read_repository(path=path)
    row = entity("component:default/a")
    assert (row.orphaned_at, row.location.path) == (None, "catalog-info.yaml")
    assert not Problem.objects.exists()


ODD = {
    "a blank type": ("type: service", "type:"),
    "a long title": ("  name: a", f"  name: a\n  title: {'x' * 600}"),
    "a long type": ("type: service", f"type: {'x' * 300}"),
    "a key that is a number": ("  name: a", "  name: a\n  80: http"),
    "no number": ("  name: a", "  name: a\n  x: .nan"),
    "a NUL": ("  name: a", '  name: a\n  x: "\\0"'),
    "a huge number": ("  name: a", f"  name: a\n  x: {'9' * 5000}"),
    "a wrong tag": ("  name: a", "  name: a\n  x: !!int abc"),
    "binary": ("  name: a", "  name: a\n  x: !!binary aGk="),
    "a set": ("  name: a", "  name: a\n  x: !!set {a, b}"),
    "a bomb": ("  name: a", "  name: a\n  x0: &a0 [1,1,1,1,1,1,1,1,1,1]\n" + "\n".join(
        f"  x{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9))),
    "a snake that eats itself": ("  name: a", "  name: a\n  x: &a [*a]"),
    "a script as a link": ("  name: a", "  name: a\n  links: [{url: 'javascript:alert(1)'}]"),
}  # fmt: skip


@pytest.mark.parametrize("case", ODD)
def test_odd_descriptors_are_problems_and_leave_the_others_alone(project, case: str):
    text = component("a").replace(*ODD[case]) + "---\n" + component("fine")
    path = project(files={"catalog-info.yaml": text})
    services.read_repository(path=path)
    assert entity("component:default/fine")
    assert not Entity.objects.filter(name="a").exists()
    assert Problem.objects.exists()
    assert Repository.objects.get(path=path).error == ""


def test_a_deleted_project_is_shown(project, forge: Forge, client: Client, person):
    path = project(files={"catalog-info.yaml": component("a")})
    services.read_repository(path=path)
    forge.delete_project(path)
    services.read_repository(path=path)
    client.force_login(person())
    assert path in client.get("/catalog/problems/").content.decode()


def test_only_our_own_hook_is_touched(forge: Forge, group: str):
    url = f"/groups/{group}/hooks"
    other = "https://ci.example.com/webhooks/gitlab/"
    forge._post(url, "x", {"url": other})
    forge.ensure_group_hook(group, url="http://localhost/webhooks/gitlab/", signing_token="")
    assert other in [hook["url"] for hook in forge._list(url, "x")]


def test_a_delivery_without_a_project_is_handled(db):
    from catalog.models import WebhookDelivery

    services.receive_delivery(delivery_id="x", event="Push Hook", payload={"project": None})
    services.handle_delivery(pk=WebhookDelivery.objects.get().pk)
    assert WebhookDelivery.objects.get().handled_at


@pytest.mark.parametrize(
    "path",
    [
        "/catalog/?q=%00",
        "/catalog/?kind=%00",
        "/runs/?status=%00",
        "/api/catalog/entities?filter=kind=%00",
    ],
)
def test_a_nul_in_the_address_is_a_bad_request(client: Client, person, path: str):
    client.force_login(person())
    assert client.get(path).status_code == 400


def test_the_address_of_the_trail_is_not_what_the_client_says(client: Client, person, settings):
    from accounts.models import AuditEvent

    def address() -> str:
        client.post(
            "/login/", {"username": "x", "password": "y"}, headers={"X-Forwarded-For": "8.8.8.8"}
        )
        return AuditEvent.objects.first().address

    assert address() == "127.0.0.1"
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    assert address() == "8.8.8.8"


def test_the_admin_has_no_login_of_its_own(client: Client):
    assert client.post("/admin/login/", {"username": "a", "password": "b"})["Location"].startswith(
        "/login/"
    )


def test_a_name_that_is_free_again_goes_to_who_wanted_it(project, forge: Forge):
    holder = project(files={"catalog-info.yaml": component("a")})
    loser = project(files={"catalog-info.yaml": component("a", owner="ledger")})
    services.read_repository(path=holder)
    services.read_repository(path=loser)
    assert "already defined" in Problem.objects.get().message
    forge.commit(
        holder, branch="main", message="x", changes=[Change("delete", "catalog-info.yaml")]
    )
    services.read_repository(path=holder)
    services.read_repository(path=loser)  # what the queued task does
    row = entity("component:default/a")
    assert (row.owner_ref, row.orphaned_at) == ("group:default/ledger", None)
    assert not Problem.objects.exists()


def test_the_line_follows_the_file(ingest):
    ingest(component("a"))
    ingest("# one\n# two\n# three\n" + component("a"))
    assert entity("component:default/a").line == 4
