"""Login, roles, tokens and the audit trail."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import services
from accounts.models import ApiToken, AuditEvent, Membership, Role, User

pytestmark = pytest.mark.django_db


def test_every_page_sends_a_stranger_to_the_login_page(client: Client):
    for path in ("/", "/catalog/", "/create/", "/runs/", "/scorecards/", "/tokens/", "/ui/"):
        response = client.get(path)
        assert response.status_code == 302, path
        assert response["Location"].startswith("/login/"), path


def test_the_api_answers_a_stranger_with_401(client: Client):
    for path in ("/api/catalog/entities", "/api/scaffolder/v2/tasks", "/api/schema/"):
        response = client.get(path)
        assert response.status_code == 401, path
        assert b"message" in response.content


def test_htmx_is_sent_to_the_login_page_as_a_whole_page(client: Client):
    response = client.get("/catalog/", headers={"HX-Request": "true"})
    assert response["HX-Redirect"].startswith("/login/")


def test_signing_in_is_audited_and_leads_home(client: Client, person):
    user = person()
    response = client.post("/login/", {"username": user.username, "password": "pass-1234"})
    assert response["Location"] == "/"
    assert AuditEvent.objects.filter(verb="signed in", actor=user.username).exists()


def test_too_many_wrong_passwords_lock_the_name_even_for_the_right_one(client: Client, person):
    user = person()
    for _ in range(services.FAILED_LOGINS_ALLOWED):
        client.post("/login/", {"username": user.username, "password": "wrong"})
    response = client.post("/login/", {"username": user.username, "password": "pass-1234"})
    assert response.status_code == 200
    assert "Too many wrong passwords" in response.content.decode()


def test_roles_come_from_groups_further_up_too(person):
    user = person("viewer")
    assert user.roles == frozenset()
    Membership.objects.create(
        user_ref=user.entity_ref, group_ref="group:default/platform", direct=False
    )
    assert User.objects.get(pk=user.pk).roles == {Role.PLATFORM}


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def test_a_token_is_kept_as_a_digest_only_and_signs_in(client: Client, person):
    user = person()
    token, secret = services.create_token(user=user, name="ci", scopes=["read"], days=1, by=user)
    assert secret not in str(ApiToken.objects.filter(pk=token.pk).values().get())
    assert client.get("/api/catalog/entities", headers=bearer(secret)).status_code == 200


@pytest.mark.parametrize("reason", ["revoked", "expired", "inactive", "unknown"])
def test_a_token_that_is_not_good_any_more_is_refused(client: Client, person, reason: str):
    user = person()
    token, secret = services.create_token(user=user, name="ci", scopes=["read"], days=1, by=user)
    if reason == "revoked":
        services.revoke_token(token=token, by=user)
    elif reason == "expired":
        ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif reason == "inactive":
        User.objects.update(is_active=False)
    else:
        secret += "x"
    assert client.get("/api/catalog/entities", headers=bearer(secret)).status_code == 401


def test_a_reading_token_cannot_write(client: Client, person):
    user = person()
    _, secret = services.create_token(user=user, name="ci", scopes=["read"], days=1, by=user)
    response = client.post(
        "/api/scaffolder/v2/tasks", {}, "application/json", headers=bearer(secret)
    )
    assert response.status_code == 403
    assert "scope" in response.json()["error"]["message"]


def test_the_secret_is_shown_once(client: Client, person):
    client.force_login(person())
    data = {"name": "laptop", "scope": "write", "days": "30"}
    page = client.post(reverse("accounts:tokens"), data).content.decode()
    assert services.TOKEN_PREFIX in page
    again = client.get(reverse("accounts:tokens")).content.decode()
    prefix = ApiToken.objects.get().prefix
    assert prefix in again
    assert again.count(services.TOKEN_PREFIX) == again.count(prefix)


def test_an_invalid_token_form_is_422_with_the_message_at_the_field(client: Client, person):
    client.force_login(person())
    response = client.post(reverse("accounts:tokens"), {"name": "", "scope": "x", "days": "30"})
    assert response.status_code == 422
    assert "This field is required." in response.content.decode()


def test_nobody_revokes_somebody_elses_token(client: Client, person):
    token, _ = services.create_token(user=person(), name="x", scopes=["read"], days=1, by=None)
    client.force_login(person())
    assert client.post(reverse("accounts:revoke-token", args=[token.pk])).status_code == 404


def test_the_audit_trail_cannot_be_changed_or_shortened(person):
    services.note_login(user=person())
    for statement in (
        "UPDATE accounts_auditevent SET verb = 'x'",
        "DELETE FROM accounts_auditevent",
    ):
        with (
            pytest.raises(DatabaseError, match="append-only"),
            connection.cursor() as cursor,
        ):
            from django.db import transaction

            with transaction.atomic():
                cursor.execute(statement)


def test_the_audit_trail_is_for_those_who_see_everything(client: Client, person):
    client.force_login(person("developer"))
    assert client.get("/audit/").status_code == 403
    client.force_login(person("approver"))
    assert client.get("/audit/").status_code == 200


def test_replacing_memberships_says_how_many_changed(db):
    rows = [
        ("user:default/a", "group:default/x", True),
        ("user:default/a", "group:default/y", False),
    ]
    assert services.replace_memberships(rows=rows) == 2
    assert services.replace_memberships(rows=rows) == 0
    assert services.replace_memberships(rows=rows[:1]) == 1
    assert Membership.objects.count() == 1


def test_what_an_administrator_does_is_audited(client: Client):
    client.force_login(User.objects.create_superuser("root", password="x"))
    form = {
        "username": "new",
        "usable_password": "true",
        "password1": "long-enough-1",
        "password2": "long-enough-1",
    }
    source = {"kind": "group", "group": "some/group"}
    assert client.post("/admin/accounts/user/add/", form).status_code == 302
    assert client.post("/admin/catalog/source/add/", source).status_code == 302
    for wrong in ({"kind": "nonsense"}, {"group": "https://forge.example/some/group"}):
        assert client.post("/admin/catalog/source/add/", source | wrong).status_code == 200
    rows = set(AuditEvent.objects.filter(actor="root").values_list("verb", "object_type"))
    assert {("created", "user"), ("added", "source")} <= rows
