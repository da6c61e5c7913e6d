"""Entities that no file declares any more: a time of grace, and a way to keep them."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent
from catalog import services
from catalog.models import Entity, Relation
from tests.conftest import component, entity

pytestmark = pytest.mark.django_db
REF = "component:default/b"


@pytest.fixture
def orphan(ingest, settings) -> Entity:
    settings.ORPHAN_GRACE_DAYS = 7
    ingest(component("a", dependsOn="[component:b]") + "---\n" + component("b"))
    ingest(component("a", dependsOn="[component:b]"))
    return entity(REF)


def in_days(days: float):
    return timezone.now() + timedelta(days=days)


def test_an_orphan_goes_when_its_time_is_over(orphan: Entity):
    assert services.remove_orphans(now=in_days(6.9)) == []
    assert services.remove_orphans(now=in_days(7.1)) == [REF]
    assert services.remove_orphans(now=in_days(7.1)) == []
    assert not Entity.objects.filter(ref=REF).exists()
    assert AuditEvent.objects.get(verb="removed", object_id=REF).data["descriptor"]["metadata"]
    assert Relation.objects.filter(source_ref="component:default/a", type="dependsOn").exists()
    assert "ownerOf" not in entity("component:default/a").answer


def test_a_kept_orphan_stays_until_it_is_let_go(orphan: Entity, person):
    owner = person("developer", "group:default/checkout")
    services.keep_orphan(entity=orphan, by=owner)
    services.keep_orphan(entity=orphan, by=owner)
    assert AuditEvent.objects.filter(verb="kept").count() == 1
    assert services.remove_orphans(now=in_days(100)) == []
    services.release_orphan(entity=orphan, by=person("platform"))
    assert services.remove_orphans(now=in_days(100)) == [REF]


def test_an_orphan_that_is_declared_again_is_like_any_other(orphan: Entity, ingest, person):
    services.keep_orphan(entity=orphan, by=person("platform"))
    ingest(component("a") + "---\n" + component("b"))
    row = entity(REF)
    assert (row.uid, row.orphaned_at, row.kept) == (orphan.uid, None, False)
    assert services.remove_orphans(now=in_days(100)) == []


def test_only_owners_and_platform_engineers_keep_one(orphan: Entity, person):
    with pytest.raises(PermissionDenied):
        services.keep_orphan(entity=orphan, by=person("developer"))


def test_the_page_says_when_it_goes_and_lets_its_owners_keep_it(
    orphan: Entity, person, client: Client
):
    client.force_login(person("viewer"))
    page = client.get("/catalog/component/default/b/").content.decode()
    assert "It is removed on" in page
    assert "Keep it" not in page
    client.force_login(person("developer", "group:default/checkout"))
    assert "Keep it" in client.get("/catalog/component/default/b/").content.decode()
    answer = client.post(f"/catalog/orphans/{orphan.pk}/keep/", follow=True).content.decode()
    assert "somebody wants to keep it" in answer
    client.post(f"/catalog/orphans/{orphan.pk}/keep/", {"release": "1"})
    assert not entity(REF).kept
