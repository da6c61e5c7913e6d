"""Secrets of a run: sealed while it goes on, wiped at its end, hidden wherever they could show."""

from __future__ import annotations

import base64
import json
import logging
from urllib.parse import quote

import pytest
from django.core.exceptions import ValidationError
from django.core.serializers import serialize
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import AuditEvent
from scaffolder import services
from scaffolder.actions import actions
from scaffolder.models import Blob, Draft, Run, RunLog, RunStep
from scaffolder.vault import CannotOpen, Vault
from tests.scaffolder.conftest import PAGE

SECRET = 'hunter2/"q+ü&x'
ASKING = PAGE | {
    "properties": PAGE["properties"] | {"token": {"type": "string", "ui:field": "Secret"}},
    "required": [*PAGE["required"], "token"],
}


def log(message: object, **more: object) -> dict[str, object]:
    return {"id": "log", "name": "Say", "action": "debug:log", "input": {"message": message}} | more


def everything() -> str:
    """All that the database holds of runs, and of what they leave behind."""
    models = (Run, RunStep, RunLog, AuditEvent, Draft)
    rows = [serialize("json", model.objects.all()) for model in models]
    blobs = [bytes(blob.content).decode("utf-8", "replace") for blob in Blob.objects.all()]
    return "\n".join([*rows, *blobs])


FORMS = {
    "as it is": lambda s: s,
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "in the middle of base64": lambda s: base64.b64encode(f"user:{s}!".encode()).decode(),
    "at another offset": lambda s: base64.b64encode(f"u:{s}".encode()).decode(),
    "URL-safe base64": lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
    "URL": lambda s: quote(s, safe=""),
    "JSON": lambda s: json.dumps({"a": s}),
    "JSON in JSON": lambda s: json.dumps(json.dumps(s)),
    "hexadecimal": lambda s: s.encode().hex().upper(),
    "backwards": lambda s: s[::-1],
    "upper case": lambda s: s.upper(),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_hidden_in_every_form(form: str):
    shown = Vault(given={"t": SECRET}).hide(f"before {FORMS[form](SECRET)} after")
    assert "***" in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    assert "hunter2" not in shown.lower()
    for other in FORMS.values():
        assert other(SECRET) not in shown


@given(st.text(min_size=6, max_size=40).filter(lambda text: len(text.strip()) > 5))
def test_any_secret_is_hidden_in_base64_json_and_urls(secret: str):
    vault = Vault(given={"t": secret})
    for write in (FORMS["as it is"], FORMS["URL"], FORMS["JSON"]):
        assert write(secret) != vault.hide(write(secret))
        assert "***" in vault.hide(write(secret))


def test_objects_lists_keys_and_numbers_are_looked_through():
    vault = Vault(given={"t": "12345"})
    hidden = vault.hide({"a12345": [{"x": "12345"}, 12345, 1, True, None]})
    assert hidden == {"a***": [{"x": "***"}, "***", 1, True, None]}


def test_what_is_sealed_opens_with_an_older_key_and_with_no_other(settings):
    sealed = Vault(given={"t": "s3cret"}, made=["m"], outputs={"a": {"b": "m"}}).sealed()
    assert "s3cret" not in sealed
    settings.RUN_SECRETS_KEYS = ["a newer key"]
    assert Vault.opened(sealed).given == {"t": "s3cret"}
    assert Vault.opened(sealed).outputs == {"a": {"b": "m"}}
    newer = Vault(given={"t": "s3cret"}).sealed()
    settings.RUN_SECRETS_KEYS = []
    with pytest.raises(CannotOpen, match="another key"):
        Vault.opened(newer)


@pytest.fixture
def started(release, person, db):
    def start(steps, **more):
        user = person()
        made = release(steps, parameters=[ASKING], **more)
        return services.start_run(
            release=made, answers={"name": "svc", "owner": "group:default/checkout"}, by=user,
            secrets={"token": SECRET},
        )  # fmt: skip

    return start


def test_no_row_and_no_log_ever_holds_a_secret(started, caplog, monkeypatch):
    seen = []
    real = actions()["debug:log"].run

    def look(context, given):
        seen.append((given["message"], everything()))
        real(context, given)
        context.made(f"made {SECRET}", "https://x.example")
        return {"text": given["message"]}

    import dataclasses

    monkeypatch.setitem(
        actions(), "debug:log", dataclasses.replace(actions()["debug:log"], run=look)
    )
    run = started(
        [
            log("${{ secrets.token }}"),
            log("${{ secrets.token | dump }} ${{ steps.log.output.text }}", id="two"),
            log("${{ secrets.token | urlencode }}", id="each", each=["a"]),
        ],
        output={"text": [{"title": "x", "content": "${{ steps.log.output.text }}"}]},
    )
    assert run.values["token"] == "***"
    assert SECRET not in everything()
    with caplog.at_level(logging.DEBUG):
        services.execute_run(pk=run.pk)
    run.refresh_from_db()
    assert (run.status, run.error) == (Run.Status.COMPLETED, "")
    assert seen[0][0] == SECRET
    assert seen[1][0].endswith(SECRET), "a later step gets the real output"
    assert run.secrets == ""
    assert run.output["text"][0]["content"] == "***"
    for rows in (everything(), caplog.text, *(rows for _, rows in seen)):
        for form in FORMS.values():
            assert form(SECRET) not in rows


def test_only_the_inputs_of_actions_can_read_a_secret(started):
    run = started(
        [log("x", **{"if": "${{ secrets.token }}"})], output={"a": "${{ secrets.token }}"}
    )
    services.execute_run(pk=run.pk)
    run.refresh_from_db()
    assert run.steps.get(step_id="log").status == RunStep.Status.SKIPPED
    assert run.output == {}


def test_an_error_does_not_tell_the_secret(started, caplog, monkeypatch):
    import dataclasses

    def burst(context, given):
        raise RuntimeError(f"no {given['message']}")

    monkeypatch.setitem(
        actions(), "debug:log", dataclasses.replace(actions()["debug:log"], run=burst)
    )
    run = started([log("${{ secrets.token }}")])
    services.execute_run(pk=run.pk)
    assert Run.objects.get().status == Run.Status.FAILED
    assert "RuntimeError" in Run.objects.get().error
    assert SECRET not in everything()
    assert SECRET not in caplog.text


def test_a_secret_never_gets_into_a_file(started):
    fetch = {
        "id": "fetch", "name": "Render", "action": "fetch:template",
        "input": {"url": "./skeleton", "values": {"name": "${{ secrets.token | replace('/', '/') }}",
                                                  "owner": "x"}},
    }  # fmt: skip
    run = started([fetch])
    services.execute_run(pk=run.pk)
    run.refresh_from_db()
    assert run.status == Run.Status.FAILED
    assert "would hold a secret" in run.error
    assert run.workspace == {}
    assert SECRET not in everything()


def test_a_missing_secret_is_named_and_one_among_the_answers_is_taken_out(release, person, db):
    made = release([log("x")], parameters=[ASKING])
    answers = {"name": "svc", "owner": "group:default/checkout"}
    with pytest.raises(ValidationError) as caught:
        services.start_run(release=made, answers=answers, by=person())
    assert caught.value.message_dict == {"secrets.token": ["This secret is needed."]}
    run = services.start_run(release=made, answers=answers | {"token": SECRET}, by=person())
    assert run.values["token"] == "***"
    assert Vault.opened(run.secrets).given == {"token": SECRET}


def test_a_password_is_a_parameter_for_actions_alone(release, person, db):
    page = PAGE | {"properties": {"name": {"type": "string"},
                                  "pass": {"type": "string", "ui:widget": "password"}},
                   "required": ["name"]}  # fmt: skip
    made = release(
        [
            log(
                "${{ parameters.pass | upper | replace('OPEN', '') }} ${{ parameters.pass | length }}"
            )
        ],
        parameters=[page],
        weave=False,
    )
    run = services.start_run(release=made, answers={"name": "a", "pass": "opensesame"}, by=person())
    services.execute_run(pk=run.pk)
    assert list(run.log.values_list("text", flat=True)) == ["SESAME 10"]
    assert "opensesame" not in everything()


def test_a_cancelled_run_forgets_and_a_retry_wants_the_secret_again(started):
    run = started([log("${{ secrets.token | length }}")])
    services.cancel_run(run=run, by=run.user)
    assert run.secrets == ""
    with pytest.raises(ValidationError, match="Give again: token"):
        services.retry_run(run=run, by=run.user)
    services.retry_run(run=run, by=run.user, secrets={"token": "new one"})
    services.execute_run(pk=run.pk)
    assert "7" in run.log.values_list("text", flat=True)


def test_the_review_page_asks_for_the_secret_and_no_draft_holds_it(release, person, client):
    made = release([log("x")], parameters=[ASKING], name="asking")
    user = person()
    client.force_login(user)
    services.save_draft(
        user=user, template_ref=made.block_ref,
        answers={"name": "svc", "owner": "group:default/checkout"},
    )  # fmt: skip
    page = client.get("/create/default/asking/").content.decode()
    assert 'name="token"' not in page
    review = client.get("/create/default/asking/review/").content.decode()
    assert 'name="secret-token"' in review
    answer = client.post("/create/default/asking/review/", {"secret-token": SECRET}, follow=True)
    assert answer.status_code == 200
    assert SECRET not in answer.content.decode()
    assert Vault.opened(Run.objects.get().secrets).given == {"token": SECRET}
