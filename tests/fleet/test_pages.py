"""The pages of the fleet: who sees what, what can be done there, and how much they ask."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from catalog.models import Entity
from fleet import services
from fleet.models import Campaign, Target, Wave
from scaffolder.models import Lineage, Release
from tests.conftest import component
from tests.fleet.conftest import edit, next_release, work
from tests.fleet.test_campaigns import NEW

pytestmark = pytest.mark.django_db


@pytest.fixture
def big(aspect: Release, person):
    """A campaign over many repositories that nobody has to make."""

    def make(count: int) -> Campaign:
        made = Campaign.objects.create(
            title="Big", kind="upgrade_block", release=aspect, created_by=person("platform"),
            status="running", started_at=timezone.now() - timedelta(hours=3),
        )  # fmt: skip
        wave = Wave.objects.create(campaign=made, index=0, name="Canary")
        for n in range(count):
            Target.objects.create(
                campaign=made, wave=wave, repository=f"g/r{n}", state="planned", shape=f"{n % 3}",
                summary={"files": 1, "plus": n, "minus": 0}, owner_ref="group:default/checkout",
            )  # fmt: skip
        return made

    return make


def test_the_way_through_the_pages(aspect, fleet, client: Client, person, forge):
    (repository,) = fleet("svc")
    text = forge.read_file(repository, "README.md", "main").decode()
    edit(forge, repository, README__md=text.replace("Line two.", "Line <b>two</b>."))
    new = next_release(aspect, "1.1.0", NEW)
    platform = person("platform")
    client.force_login(platform)
    block = client.get("/campaigns/blocks/aspect/default/sign/").content.decode()
    assert f"/campaigns/new/{new.pk}/" in block
    assert repository in block
    assert "1.1.0" in block
    url = f"/campaigns/new/{new.pk}/"
    assert "Upgrade to this release: 1 repository" in client.get(url).content.decode()
    good = {
        "kind": "upgrade_block", "title": "Sign better", "notes": "", "waves_text": "1, rest",
        "windows": "", "freezes": "", "per_hour": 5, "per_group": 5, "proceed_percent": 80,
        "stop_percent": 10, "auto_merge": "never", "remind_days": 7,
    }  # fmt: skip
    wrong = client.post(url, good | {"waves_text": "many"})
    assert wrong.status_code == 422
    assert "is no wave" in wrong.content.decode()
    response = client.post(url, good)
    made = Campaign.objects.get()
    page = f"/campaigns/{made.key}/"
    assert response["Location"] == page
    assert "0 of 1 are planned" in client.get(page).content.decode()
    target = made.targets.get()
    services.plan_target(pk=target.pk)
    shown = client.get(f"{page}{target.pk}/").content.decode()
    for words in ("README.md was changed here", "Line &lt;b&gt;two&lt;/b&gt;.", "Line two, better.", "As it was made"):  # fmt: skip
        assert words in shown, words
    assert "README.md" in client.get(page).content.decode()
    client.post(f"{page}start/")
    made.refresh_from_db()
    work(made)
    assert "!2" in client.get(page).content.decode()
    client.force_login(person("developer", "group:default/checkout"))
    home = client.get("/").content.decode()
    assert f"/campaigns/{made.key}/{target.pk}/" in home
    assert "Pause" not in client.get(page).content.decode()
    until = (timezone.localdate() + timedelta(days=3)).isoformat()
    assert client.post(f"{page}{target.pk}/", {"reason": "", "until": until}).status_code == 422
    client.post(f"{page}{target.pk}/", {"reason": "Busy", "until": until})
    target.refresh_from_db()
    assert (target.state, target.waiver_reason) == ("waived", "Busy")
    assert "Postponed until" in client.get(f"{page}{target.pk}/").content.decode()


def test_buttons_do_what_they_say_and_only_for_platform_engineers(big, client: Client, person):
    made = big(1)
    page = f"/campaigns/{made.key}/"
    client.force_login(person())
    for verb in ("start", "pause", "resume", "abort"):
        assert client.post(f"{page}{verb}/", {"reason": "x"}).status_code == 403
    assert client.get(f"/campaigns/new/{made.release_id}/").status_code == 403
    client.force_login(person("platform"))
    client.post(f"{page}pause/", {"reason": ""})
    assert Campaign.objects.get().status == "running"
    client.post(f"{page}pause/", {"reason": "Lunch"})
    assert "Lunch" in client.get(page).content.decode()
    client.post(f"{page}resume/", {"stop_percent": "30"})
    assert (Campaign.objects.get().status, Campaign.objects.get().stop_percent) == ("running", 30)
    assert (
        "already"
        not in client.post(f"{page}abort/", {"reason": "Wrong"}, follow=True).content.decode()
    )
    assert "Aborted" in client.get(page).content.decode()
    assert (
        "over already"
        in client.post(f"{page}abort/", {"reason": "Wrong"}, follow=True).content.decode()
    )


def test_who_may_not_see_an_entity_does_not_see_its_target(big, ingest, client: Client, person):
    made = big(2)
    ingest(component("secret"))
    Entity.objects.filter(ref="component:default/secret").update(private=True)
    hidden = made.targets.get(repository="g/r0")
    Target.objects.filter(pk=hidden.pk).update(entity_ref="component:default/secret")
    client.force_login(person())
    page = client.get(f"/campaigns/{made.key}/").content.decode()
    assert "g/r0" not in page
    assert "0 of 1 finished" in page
    assert client.get(f"/campaigns/{made.key}/{hidden.pk}/").status_code == 404
    client.force_login(person("platform"))
    assert client.get(f"/campaigns/{made.key}/{hidden.pk}/").status_code == 200


def test_a_campaign_of_a_hidden_block_is_not_there_for_a_stranger(big, client: Client, person):
    made = big(1)
    Entity.objects.filter(ref=made.release.block_ref).update(private=True)
    client.force_login(person())
    assert client.get(f"/campaigns/{made.key}/").status_code == 404
    assert "Big" not in client.get("/campaigns/").content.decode()
    assert client.get("/campaigns/blocks/aspect/default/sign/").status_code == 404


def test_who_uses_a_block_is_told_only_to_those_who_may_see_them(aspect, ingest, client, person):
    ingest(component("secret"))
    Entity.objects.filter(ref="component:default/secret").update(private=True)
    for name, ref in (("g/open", ""), ("g/hidden", "component:default/secret")):
        Lineage.objects.create(repository=name, release=aspect, answers={}, base={}, entity_ref=ref)
    client.force_login(person())
    page = client.get("/campaigns/blocks/aspect/default/sign/").content.decode()
    assert "g/open" in page
    assert "g/hidden" not in page


def test_targets_are_filtered_and_paginated(big, client: Client, person):
    made = big(60)
    Target.objects.filter(repository="g/r7").update(state="failed", problem="Broken.")
    client.force_login(person())
    page = f"/campaigns/{made.key}/"
    assert "1–50 of 60" in client.get(page).content.decode()
    assert "Broken." in client.get(page, {"state": "failed"}).content.decode()
    assert "r59" in client.get(page, {"q": "r59"}).content.decode()
    assert "No such repositories" in client.get(page, {"q": "nothing"}).content.decode()
    assert client.get(page, {"shape": "0"}).context["page"].paginator.count == 20
    assert client.get(page, {"wave": "1"}).context["page"].paginator.count == 0


def test_an_open_page_asks_for_its_progress_and_reloads_when_the_state_is_another(
    big, client: Client, person
):
    made = big(1)
    client.force_login(person())
    url = f"/campaigns/{made.key}/?seen=running"
    partial = client.get(url, headers={"HX-Request": "true"})
    assert "<html" not in partial.content.decode()
    assert "HX-Refresh" not in partial
    Campaign.objects.update(status="paused", reason="x")
    assert client.get(url, headers={"HX-Request": "true"})["HX-Refresh"] == "true"


@pytest.mark.parametrize("address", ["/campaigns/", "/campaigns/{key}/", "/campaigns/{key}/{pk}/", "/campaigns/blocks/aspect/default/sign/"])  # fmt: skip
def test_the_number_of_queries_does_not_grow(
    big, client: Client, person, django_assert_max_num_queries, address: str
):
    made = big(40)
    release = made.release
    for n in range(20):
        Lineage.objects.create(repository=f"g/r{n}", release=release, answers={}, base={})
        Campaign.objects.create(
            title=f"c{n}", kind="upgrade_block", release=release, created_by=made.created_by
        )
    client.force_login(person())
    url = address.format(key=made.key, pk=made.targets.first().pk)
    client.get(url)
    with django_assert_max_num_queries(22):
        assert client.get(url).status_code == 200


def test_pages_have_no_inline_style_or_script(big, client: Client, person):
    made = big(3)
    client.force_login(person("platform"))
    for url in ("/campaigns/", f"/campaigns/{made.key}/", f"/campaigns/{made.key}/{made.targets.first().pk}/", f"/campaigns/new/{made.release_id}/"):  # fmt: skip
        page = client.get(url).content.decode()
        assert " style=" not in page
        assert "<script>" not in page
        assert "onclick" not in page


def test_the_entity_page_leads_to_campaigns_and_releases(big, ingest, client: Client, person):
    ingest(component("shop"))
    made = big(1)
    Target.objects.update(entity_ref="component:default/shop")
    client.force_login(person())
    assert (
        f"/campaigns/{made.key}/" in client.get("/catalog/component/default/shop/").content.decode()
    )
    assert (
        "/campaigns/blocks/aspect/default/sign/"
        in client.get("/catalog/aspect/default/sign/").content.decode()
    )


def test_a_webhook_moves_a_target(big, client: Client):
    from catalog.models import WebhookDelivery
    from catalog.services.deliveries import handle_delivery

    made = big(1)
    target = made.targets.get()
    Target.objects.update(
        state="open", merge_request_iid=4, answers={}, base={}, releases=[made.release_id]
    )
    payloads = [
        ({"object_kind": "pipeline", "object_attributes": {"ref": made.branch, "status": "failed"}}, "red"),
        ({"object_kind": "pipeline", "object_attributes": {"ref": "refs/merge-requests/4/head", "status": "success"}, "merge_request": {"iid": 4}}, "green"),
        ({"object_kind": "merge_request", "object_attributes": {"iid": 4, "state": "merged"}}, "merged"),
    ]  # fmt: skip
    for n, (payload, state) in enumerate(payloads):
        payload["project"] = {"path_with_namespace": "g/r0"}
        delivery = WebhookDelivery.objects.create(delivery_id=str(n), event="x", payload=payload)
        handle_delivery(pk=delivery.pk)
        target.refresh_from_db()
        assert target.state == state
    assert Lineage.objects.get(repository="g/r0").release == made.release
