"""Repositories that the portal did not make: under lineage, or with one aspect woven in alone."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from catalog.models import Entity
from fleet import services
from fleet.adopting import Trace, backstage_trace, copier_trace, cruft_trace, proposals
from fleet.models import Campaign
from forge import Forge
from scaffolder.models import Lineage, Release
from scaffolder.services.lineage import LINEAGE_PATH
from tests.fleet.conftest import edit, know, next_release, plan_all, state, work
from tests.scaffolder.conftest import CATALOG_INFO, PAGE, SKELETON

pytestmark = pytest.mark.django_db


@pytest.fixture
def stranger(project):
    """A repository as the golden path would make it, but for its README; nobody knows its making."""

    def make(name: str, **files: str) -> str:
        made = {
            path.removeprefix("skeleton/"): text.replace("${{ values.name }}", name).replace(
                "${{ values.owner }}", "checkout"
            )
            for path, text in SKELETON.items()
        }
        del made["run.sh"]  # the skeleton's is executable
        path = project(name, made | {"README.md": f"# {name}\nOurs.\n"} | files)
        know(path, name)
        return path

    return make


@pytest.fixture
def path(release) -> Release:
    files = {k: v for k, v in SKELETON.items() if k != "skeleton/run.sh"}
    files |= {"skeleton/a.txt": "a\n"}
    return release(files=files, name="path")


# -- traces -------------------------------------------------------------------------------------
def test_what_other_tools_leave_behind():
    assert copier_trace("_commit: v1.2\n_src_path: gh:acme/tpl\nname: x\nport: 80\n") == Trace(
        "copier", "gh:acme/tpl", "v1.2", {"name": "x", "port": 80}
    )
    cruft = {"template": "https://f/acme/tpl", "commit": "abc", "checkout": None,
             "context": {"cookiecutter": {"name": "x", "_extensions": []}}}  # fmt: skip
    assert cruft_trace(json.dumps(cruft)) == Trace(
        "cruft", "https://f/acme/tpl", "abc", {"name": "x"}
    )
    annotations = {"backstage.io/source-template": "template:default/path"}
    assert backstage_trace({"metadata": {"annotations": annotations}}) == Trace(
        "Backstage", "template:default/path"
    )
    assert backstage_trace({"metadata": {}}) is None


@pytest.mark.parametrize("text", ["", "- 1", "{", "a: [", "null"])
def test_broken_traces_are_no_traces(text: str):
    assert copier_trace(text) is None
    assert cruft_trace(text) is None


# -- proposals ----------------------------------------------------------------------------------
def test_the_release_with_the_most_files_alike_is_proposed_first(path, release, stranger, person):
    stranger("svc", **{"a.txt": "a\n"})
    release(files={"skeleton/other": "x"}, name="another")
    next_release(path, "2.0.0", {"skeleton/catalog-info.yaml": CATALOG_INFO, "skeleton/a.txt": "b"})
    entity = Entity.objects.with_place().get(ref="component:default/svc")
    trace, found = proposals(entity, person("platform"))
    assert trace is None
    best = found[0]
    assert (best.release.pk, best.same, best.made, best.other) == (path.pk, 2, 3, 1)
    assert best.answers == {"name": "svc", "owner": "checkout"}
    assert [p.release.version for p in found if p.release.block_ref == path.block_ref] == [
        "1.0.0", "2.0.0",
    ]  # fmt: skip


def test_a_trace_names_the_golden_path_and_the_answers(path, release, stranger, person):
    source = f"https://forge.example/{path.repository}.git"
    answers = f"_src_path: {source}\n_commit: v1.0.0\nname: other\ntier: one\n"
    stranger("svc", **{".copier-answers.yml": answers})
    entity = Entity.objects.with_place().get(ref="component:default/svc")
    trace, found = proposals(entity, person("platform"))
    assert trace
    assert trace.tool == "copier"
    assert found[0].traced
    assert found[0].answers == {"name": "other", "owner": "checkout", "tier": "one"}


# -- adopting -----------------------------------------------------------------------------------
def test_from_the_entitys_page_to_the_next_upgrade(
    path, stranger, client: Client, person, forge: Forge
):
    repository = stranger("svc", **{"a.txt": "a\n"})
    client.force_login(person())
    url = "/campaigns/adopt/component/default/svc/"
    assert url not in client.get("/catalog/component/default/svc/").content.decode()
    assert client.get(url).status_code == 403
    client.force_login(person("platform"))
    assert url in client.get("/catalog/component/default/svc/").content.decode()
    page = client.get(url).content.decode()
    for words in ("2 of 3 files are the same", "Ours.", 'value="svc"', "README.md"):
        assert words in page, words
    good = {"release": path.pk, "name": "svc", "owner": "checkout", "tier": "two"}
    assert client.post(url, good | {"name": "No!"}).status_code == 422
    shown = client.post(url, good | {"owner": "other", "_show": "1"}).content.decode()
    assert "1 of 3 files are the same" in shown
    assert not Campaign.objects.exists()
    client.post(url, good)
    made = Campaign.objects.get()
    plan_all(made)
    target = made.targets.get()
    assert (target.state, list(target.after)) == ("planned", [LINEAGE_PATH])
    assert target.answers["tier"] == {"value": "two", "origin": "default"}
    services.start_campaign(campaign=made, by=made.created_by)
    work(made)
    target.refresh_from_db()
    forge.merge(repository, target.merge_request_iid)
    services.follow()
    row = Lineage.objects.get(repository=repository)
    assert (row.release, row.entity_ref) == (path, "component:default/svc")
    assert forge.read_file(repository, "README.md", "main") == b"# svc\nOurs.\n"
    assert "adopt" not in client.get("/catalog/component/default/svc/").content.decode()

    texts = {"skeleton/catalog-info.yaml": CATALOG_INFO, "skeleton/a.txt": "better\n",
             "skeleton/README.md": SKELETON["skeleton/README.md"]}  # fmt: skip
    new = next_release(path, "2.0.0", texts)
    upgrade = services.create_campaign(
        release=new, kind="upgrade_block", title="2", by=made.created_by
    )
    plan_all(upgrade)
    assert upgrade.targets.get().after.keys() == {LINEAGE_PATH, "a.txt"}, "what differs is ours"


def test_an_estate_is_adopted_by_one_campaign_and_strangers_stay_out(
    path, stranger, project, campaign
):
    like = stranger("like", **{"a.txt": "a\n"})
    unlike = project("unlike", {"catalog-info.yaml": "x", "main.go": "package main\n"})
    know(unlike, "unlike")
    made = campaign(path, "adopt")
    assert (state(made, like), state(made, unlike)) == ("planned", "failed")
    assert "Only 0 of the 3 files" in made.targets.get(repository=unlike).problem


# -- one aspect alone ---------------------------------------------------------------------------
def aspect_of(release, **spec) -> Release:
    note = {"note.md": "Mail ${{ values.name }}.\n", "files/SECURITY.md": "One.\n"}
    advice = [{"region": "README.md", "from": "./note.md"}, {"files": "./files"}]
    return release(kind="Aspect", name="sign", files=note, weave=advice, **spec)


def merged(made: Campaign, repository: str, forge: Forge) -> None:
    services.start_campaign(campaign=made, by=made.created_by)
    work(made)
    target = made.targets.get(repository=repository)
    forge.merge(repository, target.merge_request_iid)
    services.follow()
    target.refresh_from_db()
    assert target.state == "merged"


def test_an_aspect_comes_into_a_stranger_is_upgraded_there_and_taken_out(
    release, stranger, campaign, forge: Forge
):
    repository = stranger("svc")
    old = aspect_of(release)

    def text(path: str) -> str:
        return forge.read_file(repository, path, "main").decode()

    merged(campaign(old, "weave_aspect"), repository, forge)
    assert text("README.md").startswith("# svc\nOurs.\n")
    assert "Mail svc." in text("README.md")
    assert "aspect:default/sign" in text(LINEAGE_PATH)
    edit(forge, repository, README__md=text("README.md").replace("# svc", "# Our svc"),
         own__txt="own")  # fmt: skip

    new = next_release(old, "2.0.0", {"note.md": "Call ${{ values.name }}.\n"},
                       weave=[{"region": "README.md", "from": "./note.md"}])  # fmt: skip
    made = campaign(new)
    assert made.targets.get().state == "planned"
    merged(made, repository, forge)
    assert text("README.md").startswith("# Our svc\nOurs.\n")
    assert "Call svc." in text("README.md")
    assert "Mail" not in text("README.md")
    assert "SECURITY.md" not in forge.tree(repository, "main"), "the new release drops it"

    made = campaign(new, "unweave_aspect")
    merged(made, repository, forge)
    assert text("README.md") == "# Our svc\nOurs.\n"
    assert LINEAGE_PATH not in forge.tree(repository, "main")
    assert not Lineage.objects.filter(repository=repository).exists()
    assert text("own.txt") == "own"


def test_an_aspect_that_asks_is_answered_by_the_owner(
    release, stranger, campaign, client: Client, person
):
    stranger("svc")
    question = {
        "properties": {"oncall": {"type": "string", "minLength": 3}},
        "required": ["oncall"],
    }
    made = campaign(aspect_of(release, parameters=[question]), "weave_aspect")
    target = made.targets.get()
    assert (target.state, target.asked) == ("needs_answer", ["oncall"])
    url = f"/campaigns/{made.key}/{target.pk}/"
    client.force_login(person())
    assert 'name="oncall"' not in client.get(url).content.decode()
    assert client.post(f"{url}answer/", {"oncall": "Ada"}).status_code == 403
    client.force_login(person("developer", "group:default/checkout"))
    assert 'name="oncall"' in client.get(url).content.decode()
    wrong = client.post(f"{url}answer/", {"oncall": "A"})
    assert wrong.status_code == 422
    client.post(f"{url}answer/", {"oncall": "Ada"})
    plan_all(made)
    target.refresh_from_db()
    assert target.state == "planned"
    assert target.answers == {"oncall": {"value": "Ada", "origin": "chosen"}}


def test_a_golden_paths_new_question_is_answered_by_the_owner(
    fleet, campaign, client: Client, person
):
    fleet("svc", "other")
    old = Release.objects.get(block_ref="template:default/path")
    page = PAGE | {
        "required": [*PAGE["required"], "cost"],
        "properties": PAGE["properties"] | {"cost": {"type": "string", "title": "Cost centre"}},
    }
    made = campaign(next_release(old, "2.0.0", SKELETON, parameters=[page]))
    target = made.targets.get(repository__endswith="/svc")
    services.start_campaign(campaign=made, by=made.created_by)
    client.force_login(person("developer", "group:default/checkout"))
    url = f"/campaigns/{made.key}/{target.pk}/"
    shown = client.get(url).content.decode()
    assert "Cost centre" in shown
    assert 'name="owner"' not in shown, "what is known is not asked again"
    client.post(f"{url}answer/", {"cost": "4711"})
    plan_all(made)
    target.refresh_from_db()
    assert target.answers["cost"] == {"value": "4711", "origin": "chosen"}
    assert made.targets.get(repository__endswith="/other").state == "needs_answer"
