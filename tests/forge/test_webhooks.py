"""Deliveries that are signed, those of a GitLab that cannot sign yet, and forged ones."""

from __future__ import annotations

import base64
import json
import statistics
import time
from collections.abc import Iterator
from typing import Any

import pytest

from catalog.models import WebhookDelivery
from forge import Forge
from forge.webhooks import InvalidSignature, plain_token, signature, verify
from tests.localforge.receiver import Delivery, Receiver

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
BODY = b'{"object_kind": "push"}'
NOW = 1_800_000_000


def signed(**changes: str) -> dict[str, str]:
    given = signature(SECRET, delivery_id="d", timestamp=str(NOW), body=BODY)
    headers = {"webhook-id": "d", "webhook-timestamp": str(NOW), "webhook-signature": given}
    return {name: text for name, text in (headers | changes).items() if text}


def test_a_signed_delivery_is_known_by_its_id():
    assert verify(SECRET, signed(), BODY, now=NOW + 299) == "d"
    several = {"webhook-signature": "v1,AAAA " + signed()["webhook-signature"]}
    assert verify(SECRET, signed(**several), BODY, now=NOW) == "d"


@pytest.mark.parametrize("odd", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("value", ["", "x"])
def test_where_there_is_a_signature_a_right_token_is_no_way_around_it(odd: str, value: str):
    headers = signed(**{odd: value}) | {"X-Gitlab-Token": plain_token(SECRET)}
    with pytest.raises(InvalidSignature):
        verify(SECRET, headers, BODY, now=NOW)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_five_minutes_are_the_limit(seconds: int):
    with pytest.raises(InvalidSignature, match="five minutes"):
        verify(SECRET, signed(), BODY, now=NOW + seconds)


def test_a_token_alone_has_to_be_the_one_that_was_set():
    headers = {"X-Gitlab-Token": plain_token(SECRET), "Idempotency-Key": "k"}
    assert verify(SECRET, headers, BODY, now=NOW) == "k"
    del headers["Idempotency-Key"]
    assert verify(SECRET, headers, BODY, now=NOW) == verify(SECRET, headers, BODY, now=NOW)
    for wrong in ("", SECRET, plain_token("")):
        with pytest.raises(InvalidSignature):
            verify(SECRET, {"X-Gitlab-Token": wrong}, BODY, now=NOW)
    with pytest.raises(InvalidSignature):
        verify("", {"X-Gitlab-Token": plain_token("")}, BODY, now=NOW)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.close()


def _delivery(forge: Forge, group: str, project: Any, receiver: Receiver) -> Delivery:
    forge.ensure_group_hook(group, url=receiver.url, signing_token=SECRET)
    project(files={"a": "1"})
    return receiver.until("push")


def test_the_hook_is_signed_and_no_password_travels(forge, group: str, project, receiver):
    found = _delivery(forge, group, project, receiver)
    assert "X-Gitlab-Token" not in found.headers
    now = int(found.headers["webhook-timestamp"])
    assert verify(SECRET, found.headers, found.body, now=now) == found.headers["Idempotency-Key"]


def test_a_forge_that_cannot_sign_is_given_a_token(
    forge, group: str, project, receiver, monkeypatch: pytest.MonkeyPatch
):
    for verb in ("_post", "_put"):
        real = getattr(Forge, verb)

        def older(self: Forge, path: str, doing: str, data: Any, real: Any = real) -> Any:
            known = {name: value for name, value in data.items() if name != "signing_token"}
            return real(self, path, doing, known)

        monkeypatch.setattr(Forge, verb, older)
    found = _delivery(forge, group, project, receiver)
    assert "webhook-signature" not in found.headers
    assert SECRET not in str(found.headers)
    assert verify(SECRET, found.headers, found.body, now=0) == found.headers["Idempotency-Key"]
    forge.ensure_group_hook(group, url=receiver.url, signing_token=SECRET)
    assert len(list(forge._list(f"/groups/{group}/hooks", "list"))) == 1


def test_the_receiver_answers_within_100_ms(client, db, settings):
    settings.WEBHOOK_SECRET = SECRET
    body = json.dumps({"object_kind": "push", "commits": ["x" * 1000] * 20}).encode()
    seconds = []
    for number in range(21):
        stamp = str(int(time.time()))
        given = signature(SECRET, delivery_id=f"d{number}", timestamp=stamp, body=body)
        started = time.perf_counter()
        answer = client.post(
            "/webhooks/gitlab/", body, "application/json",
            headers={"webhook-id": f"d{number}", "webhook-timestamp": stamp,
                     "webhook-signature": given},
        )  # fmt: skip
        seconds.append(time.perf_counter() - started)
        assert answer.status_code == 204
    assert WebhookDelivery.objects.count() == 21
    assert statistics.median(seconds) < 0.1
