"""The fleet's REST API, and which repositories a campaign is about."""

from __future__ import annotations

import csv
import json
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.services import create_token
from catalog.models import Entity
from fleet import services
from fleet.models import Campaign
from forge import Forge
from scorecards.models import Verdict
from tests.fleet.conftest import edit, next_release, plan_all, work
from tests.fleet.test_campaigns import NEW

pytestmark = pytest.mark.django_db
BASE = "/api/fleet/campaigns"


def post(client, path: str, body: object = None, **headers: str):
    return client.post(f"{BASE}{path}", json.dumps(body or {}), "application/json", headers=headers)


def test_a_campaign_from_beginning_to_end(aspect, fleet, client, person, forge: Forge):
    one, two = fleet("one", "two")
    readme = forge.read_file(two, "README.md", "main").decode()
    edit(forge, two, README__md=readme.replace("Line two.", "=Line two, ours."))
    next_release(aspect, "1.1.0", NEW)
    client.force_login(person("platform"))
    wanted = {
        "release": "aspect:default/sign", "kind": "upgrade_block", "title": "Sign 1.1",
        "roll": {"waves_text": "rest", "per_hour": 0}, "selection": {"query": "entity.kind != ''"},
    }  # fmt: skip
    for bad in ({"roll": {"waves": "1"}}, {"roll": {"per_hour": "x"}}, {"selection": {"q": "x"}},
                {"roll": {"waves_text": "many"}}, {"selection": {"query": "entity."}}):  # fmt: skip
        answer = post(client, "", wanted | bad)
        assert answer.status_code == 400, answer.content
    assert post(client, "", wanted | {"release": "aspect:default/no"}).status_code == 404
    made = post(client, "", wanted)
    assert made.status_code == 201
    assert made.json()["release"] == "aspect:default/sign@1.1.0"
    key = made.json()["key"]
    campaign = Campaign.objects.get(key=key)
    plan_all(campaign)
    shown = client.get(f"{BASE}/{key}").json()
    assert shown["counts"] == {"planned": 1, "conflict": 1}
    assert shown["selection"] == {"query": "entity.kind != ''"}
    (target,) = client.get(f"{BASE}/{key}/targets?state=conflict").json()["items"]
    assert (target["repository"], target["conflicts"]) == (two, ["README.md"])
    detail = client.get(f"{BASE}/{key}/targets/{target['id']}").json()
    assert [finding["kind"] for finding in detail["findings"]] == ["conflict"]
    assert post(client, f"/{key}/start").json()["status"] == "running"
    assert post(client, f"/{key}/start").status_code == 400
    work(campaign)
    assert post(client, f"/{key}/pause").status_code == 400, "a reason is needed"
    assert post(client, f"/{key}/pause", {"reason": "Lunch"}).json()["reason"] == "Lunch"
    until = (timezone.localdate() + timedelta(days=3)).isoformat()
    postponed = post(client, f"/{key}/targets/{target['id']}/postpone",
                     {"reason": "=1+1", "until": until})  # fmt: skip
    assert postponed.json()["state"] == "waived"
    listed = client.get(f"{BASE}?status=paused").json()
    assert [(row["key"], row["targets"]) for row in listed["items"]] == [(key, 2)]
    for url in (f"{BASE}/{key}/targets.csv", f"/campaigns/{key}/targets.csv"):
        text = b"".join(client.get(url).streaming_content).decode()
        rows = {row["repository"]: row for row in csv.DictReader(text.splitlines())}
        assert rows[one]["state"] == "open"
        assert rows[one]["merge request"].endswith("/2")
        assert rows[two]["reason"] == "'=1+1", "no formula for a spreadsheet"
    text = b"".join(client.get(f"{BASE}/{key}/targets.csv?state=open").streaming_content).decode()
    assert len(text.splitlines()) == 2
    assert post(client, f"/{key}/abort", {"reason": "Done"}).json()["status"] == "aborted"


def test_who_may_do_and_see_what(aspect, fleet, client, person):
    (repository,) = fleet("one")
    new = next_release(aspect, "1.1.0", NEW)
    platform, developer = person("platform"), person()
    made = services.create_campaign(release=new, kind="upgrade_block", title="x", by=platform)
    client.force_login(developer)
    assert post(client, f"/{made.key}/start").status_code == 403
    ref = "component:default/one"
    Entity.objects.filter(ref=ref).update(private=True, owner_ref="group:default/other")
    assert client.get(f"{BASE}/{made.key}/targets").json()["items"] == []
    assert (
        repository
        not in b"".join(client.get(f"{BASE}/{made.key}/targets.csv").streaming_content).decode()
    )
    Entity.objects.filter(ref="aspect:default/sign").update(private=True)
    assert client.get(f"{BASE}/{made.key}").status_code == 404
    client.logout()
    assert client.get(BASE).status_code == 401
    _, secret = create_token(user=platform, name="t", scopes=["read"], days=1, by=platform)
    header = {"Authorization": f"Bearer {secret}"}
    assert client.get(BASE, headers=header).json()["total"] == 1
    assert post(client, f"/{made.key}/start", **header).status_code == 403


# -- which repositories -------------------------------------------------------------------------
def test_targets_are_chosen_by_rule_lineage_check_and_list(aspect, fleet, campaign):
    one, two = fleet("one", "two")
    new = next_release(aspect, "1.1.0", NEW)
    entity = Entity.objects.get(ref="component:default/two")
    Verdict.objects.create(
        entity=entity, scorecard_ref="scorecard:default/ready", check_id="signed", title="Signed",
        level="one", level_order=0, order=0, verdict="fail", changed_at=timezone.now(),
    )  # fmt: skip

    def chosen(**selection: str) -> list[str]:
        made = campaign(new, selection=services.Selection(**selection))
        return list(made.targets.values_list("repository", flat=True))

    assert chosen() == [one, two]
    assert chosen(query="entity.metadata.name == 'one'") == [one]
    assert chosen(made_with="aspect:default/sign@1.0.0") == [one, two]
    assert chosen(failing="scorecard:default/ready/signed") == [two]
    assert chosen(repositories=f"{one}\ncomponent:default/two") == [one, two]
    for field, text, words in (
        ("query", "entity.", "cannot be used"),
        ("made_with", "template:default/nothing", "No repository is made with"),
        ("failing", "scorecard:default/ready/other", "Nothing was evaluated"),
        ("repositories", "g/nothing", "not about g/nothing"),
        ("query", "entity.metadata.name == 'three'", "No repository is in need"),
    ):
        with pytest.raises(ValidationError, match=words):
            chosen(**{field: text})
