"""Campaigns without a block: a text for another, values merged in."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from fleet import services
from fleet.edits import merged, replaced
from fleet.models import Campaign
from forge import Forge
from scaffolder.models import Lineage
from scaffolder.weave.tree import File
from tests.fleet.conftest import know, plan_all, work

pytestmark = pytest.mark.django_db
CI = "stages: [test]  # ours\nimage: python:3.9\n"


def tree(**files: str) -> dict[str, File]:
    return {name.replace("__", "."): File(text.encode()) for name, text in files.items()}


def test_only_texts_that_match_are_replaced():
    files = tree(a__md="old (x)\r\n", b__txt="old (x)") | {
        "bin.md": File(b"\0old (x)"), "link.md": File(b"old (x)", "120000"),
    }  # fmt: skip
    settings = {"paths": "*.md", "find": "old (x)", "replacement": r"new \1", "is_pattern": ""}
    assert replaced(files, settings) == {"a.md": File(b"new \\1\r\n")}
    pattern = {"paths": "**", "find": r"old \((.)\)$", "replacement": r"\1", "is_pattern": "yes"}
    assert replaced(files, pattern) == {"b.txt": File(b"x")}


def test_values_are_merged_where_the_file_is():
    settings = {"paths": ".gitlab-ci.yml", "fragment": "image: python:3.12\nvariables: {A: b}\n"}
    (changed,) = merged(
        {".gitlab-ci.yml": File(CI.encode()), "x.yml": File(b"")}, settings
    ).values()
    assert b"stages: [test]  # ours" in changed.content
    assert b"image: python:3.12" in changed.content


def test_a_text_is_replaced_everywhere_and_the_lineage_stays(
    fleet, project, client: Client, person, forge: Forge
):
    (made_by_us,) = fleet("svc")
    other = project("other", {"README.md": "# other\n", "catalog-info.yaml": "x"})
    without = project("without", {"catalog-info.yaml": "x"})
    know(other, "other")
    know(without, "without")
    before = list(Lineage.objects.filter(repository=made_by_us).values_list("release", flat=True))
    client.force_login(person("platform"))
    url = "/campaigns/change/replace_text/"
    assert url in client.get("/campaigns/").content.decode()
    wrong = client.post(url, form(find="(", is_pattern="on"))
    assert wrong.status_code == 422
    assert "no regular expression" in wrong.content.decode()
    assert client.post(url, form(find="^# ", replacement="## ", is_pattern="on")).status_code == 302
    campaign = Campaign.objects.get()
    plan_all(campaign)
    states = dict(campaign.targets.values_list("repository", "state"))
    assert states == {made_by_us: "planned", other: "planned", without: "no_op"}
    page = client.get(f"/campaigns/{campaign.key}/").content.decode()
    assert "Replace text" in page
    services.start_campaign(campaign=campaign, by=campaign.created_by)
    work(campaign)
    assert forge.read_file(other, "README.md", campaign.branch) == b"## other\n"
    for target in campaign.targets.open():
        forge.merge(target.repository, target.merge_request_iid)
    services.follow()
    campaign.refresh_from_db()
    assert campaign.status == "finished"
    rows = Lineage.objects.filter(repository=made_by_us)
    assert list(rows.values_list("release", flat=True)) == before
    assert not Lineage.objects.filter(repository=other).exists()


def form(**settings: str) -> dict[str, object]:
    return {
        "title": "Titles", "paths": "*.md", "replacement": "", "notes": "", "waves_text": "rest",
        "per_hour": 0, "per_group": 0, "proceed_percent": 80, "stop_percent": 10,
        "auto_merge": "never", "remind_days": 7,
    } | settings  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "told", "field"),
    [
        ("replace_text", {"paths": "*"}, "find"),
        ("replace_text", {"paths": "*", "find": "a", "other": "x"}, "settings"),
        ("replace_text", {"paths": "*", "find": "(", "is_pattern": "yes"}, "find"),
        ("replace_text", {"paths": "*", "find": "a", "replacement": r"\2", "is_pattern": "yes"},
         "find"),
        ("merge_values", {"paths": "*.md", "fragment": "a: 1"}, "paths"),
        ("merge_values", {"paths": "*.yml", "fragment": "a: ["}, "fragment"),
        ("merge_values", {"paths": "*.yml", "fragment": "- a"}, "fragment"),
        ("upgrade_block", {}, "kind"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_field(kind, told, field, person):
    with pytest.raises(ValidationError) as caught:
        services.create_campaign(
            release=None, kind=kind, title="x", by=person("platform"), settings=told
        )
    assert list(caught.value.message_dict) == [field]
