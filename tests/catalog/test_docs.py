"""Documentation: which pages in which order, links and images, and a forge that is away."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from catalog.documents import Address, Page, address_of, inside, navigation, root_of
from catalog.models import Location, Repository
from forge import Change, Forge
from tests.conftest import component, entity

Ingest = Callable[[str], list[str]]
PNG = b"\x89PNG\r\n\x1a\n"
FILES = {
    "README.md": "# Tides\n\n[guide](docs/guide.md#set-up) [code](src/main.py) [out](https://ok.example/)\n",
    "docs/index.md": "# Start\n\n![map](img/map.png) ![badge](https://badge.example/b.svg) [up](../README.md)\n",
    "docs/guide.md": "# Guide\n\n## Set up\n\n<script>alert(1)</script>\n",
    "src/main.py": "print()\n",
}


def test_the_order_is_that_of_the_paths_or_of_mkdocs():
    files = [
        "README.md",
        "docs/z.md",
        "docs/index.md",
        "docs/sub/how-to.md",
        "other/x.md",
        "mkdocs.yml",
    ]
    assert navigation(files, "", "") == ([
        Page("README", "README.md"), Page("Docs", "docs/index.md"), Page("Z", "docs/z.md"),
        Page("How to", "docs/sub/how-to.md", 1),
    ], "")  # fmt: skip
    config = "x: !ENV Y\nnav: [index.md, {More: [{Deep: sub/how-to.md}, gone.md, https://x.example]}, {None: [gone.md]}]"
    assert navigation(files, "", config) == ([
        Page("README", "README.md"), Page("Docs", "docs/index.md"), Page("More"),
        Page("Deep", "docs/sub/how-to.md", 1),
    ], "")  # fmt: skip
    assert navigation(["s/other/x.md"], "s", "docs_dir: other") == ([Page("X", "s/other/x.md")], "")
    pages, problem = navigation(files, "", "nav: [")
    assert (len(pages), bool(problem)) == (4, True)


def test_where_links_lead():
    assert address_of("docs/a.md", "b.md#x") == Address("docs/b.md", "x")
    assert address_of("docs/a.md", "../img/a%20b.png") == Address("img/a b.png")
    assert address_of("docs/a.md", "/LICENSE") == Address("LICENSE")
    assert address_of("docs/a.md", "?x#y") == Address("docs/a.md", "y")
    for elsewhere in (
        "https://x.example/",
        "//x.example/",
        "mailto:a@b",
        "../../etc/passwd",
        "http://[",
    ):
        assert address_of("docs/a.md", elsewhere) is None
    assert root_of("dir:./sub", "group") == "group/sub"
    assert root_of("dir:../..", "group") == root_of("url:https://x", "") == ""
    assert inside("a/../../b") is None


@pytest.fixture
def tides(project, forge: Forge, ingest: Ingest, location: Location) -> str:
    """A component with documentation in the forge; returns the page's address."""
    path = project(files=FILES)
    changes = [
        Change("create", "docs/img/map.png", PNG),
        Change("create", "docs/img/x.html", b"<b>"),
    ]
    commit = forge.commit(path, branch="main", message="Pictures", changes=changes)
    Repository.objects.filter(pk=location.repository_id).update(path=path, commit=commit.id)
    ingest(component("tides"))
    return "/catalog/component/default/tides/"


@pytest.fixture
def dana(client: Client, person) -> Client:
    client.force_login(person())
    return client


def text_of(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status
    return answer.content.decode()


def test_the_readme_comes_first_and_links_lead_on(tides: str, dana: Client, settings):
    page = text_of(dana, f"{tides}docs/")
    assert "Tides</h1>" in page
    assert f'href="{tides}docs/docs/guide.md#doc-set-up"' in page
    assert f'href="{settings.GITLAB_URL}/' in page
    assert "/src/main.py" in page
    assert 'href="https://ok.example/"' in page
    assert f'href="{tides}docs/docs/index.md"' in page


def test_images_come_from_the_forge_through_the_portal(tides: str, dana: Client):
    page = text_of(dana, f"{tides}docs/docs/index.md")
    assert f'src="{tides}docs-images/docs/img/map.png"' in page
    assert "badge.example" not in page
    assert f'href="{tides}docs/README.md"' in page
    answer = dana.get(f"{tides}docs-images/docs/img/map.png")
    assert (answer.content, answer["Content-Type"]) == (PNG, "image/png")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    for other in ("docs/img/x.html", "README.md", "docs/img/none.png", "docs/../img.png"):
        assert dana.get(f"{tides}docs-images/{other}").status_code == 404


def test_nothing_in_a_page_runs_and_missing_pages_are_said(tides: str, dana: Client):
    page = text_of(dana, f"{tides}docs/docs/guide.md")
    assert 'id="doc-set-up"' in page
    assert "alert(1)" not in page
    assert "There is no such page" in text_of(dana, f"{tides}docs/docs/none.md", 404)


def test_a_commit_is_asked_for_once(
    tides: str, dana: Client, monkeypatch, django_assert_max_num_queries
):
    assert "Tides</h1>" in text_of(dana, f"{tides}docs/")
    monkeypatch.setattr("catalog.forges.connect", None)
    with django_assert_max_num_queries(6):
        assert "Tides</h1>" in text_of(dana, f"{tides}docs/")


def test_a_forge_that_is_away_is_said(ingest: Ingest, dana: Client, settings):
    ingest(component("tides"))
    settings.GITLAB_URL = "http://127.0.0.1:1"
    page = text_of(dana, "/catalog/component/default/tides/docs/", 503)
    assert "cannot be shown now" in page
    assert "did not answer" in page
    image = dana.get("/catalog/component/default/tides/docs-images/a.png")
    assert (image.status_code, image["Content-Type"]) == (503, "text/plain")


def test_a_repository_without_documentation_says_how_to_have_some(
    tides: str, project, dana: Client
):
    Repository.objects.update(path=project(), commit="")
    assert "There is no documentation" in text_of(dana, f"{tides}docs/")


def test_documentation_of_hidden_entities_is_hidden(tides: str, dana: Client):
    row = entity("component:default/tides")
    row.private = True
    row.save()
    for address in ("docs/", "docs/README.md", "docs-images/docs/img/map.png"):
        assert dana.get(f"{tides}{address}").status_code == 404
