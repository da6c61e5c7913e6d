"""Webhook signatures: GitLab's new signing scheme, which is Standard Webhooks' (v1).

Where there is a signature, only the signature counts. A GitLab that does not sign yet sends the old
X-Gitlab-Token header, a password that travels with every delivery: it is made from the secret, so
that it tells nobody how to sign.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

TOLERANCE_SECONDS = 300
_SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")


class InvalidSignature(Exception):
    """The delivery was not signed by the forge, or is too old; str() says which."""


def signature(secret: str, *, delivery_id: str, timestamp: str, body: bytes) -> str:
    """`v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`; `secret` is `whsec_` + base64."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise InvalidSignature("WEBHOOK_SECRET is not base64") from error
    signed = f"{delivery_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def plain_token(secret: str) -> str:
    """What a forge that cannot sign sends in X-Gitlab-Token."""
    return hmac.new(secret.encode(), b"X-Gitlab-Token", hashlib.sha256).hexdigest()


def _verify_unsigned(secret: str, headers: Mapping[str, str], body: bytes) -> str:
    given = headers.get("X-Gitlab-Token", "")
    if not (secret and given):
        raise InvalidSignature("The delivery is not signed")
    if not hmac.compare_digest(plain_token(secret).encode(), given.encode()):
        raise InvalidSignature("The token does not match")
    return headers.get("Idempotency-Key") or hashlib.sha256(body).hexdigest()


def verify(secret: str, headers: Mapping[str, str], body: bytes, *, now: float) -> str:
    """Returns the delivery's id (the same when the forge sends it again).

    Raises InvalidSignature. `now` is in seconds since the epoch.
    """
    delivery_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "").split()
    if not any(name in headers for name in _SIGNED):
        return _verify_unsigned(secret, headers, body)
    if not (secret and delivery_id and given):
        raise InvalidSignature("The delivery is not signed")
    if (
        not (timestamp.isascii() and timestamp.isdecimal())
        or abs(now - int(timestamp)) > TOLERANCE_SECONDS
    ):
        raise InvalidSignature("The delivery's time is more than five minutes off")
    expected = signature(secret, delivery_id=delivery_id, timestamp=timestamp, body=body)
    if not any(hmac.compare_digest(expected.encode(), one.encode()) for one in given):
        raise InvalidSignature("The signature does not match")
    return delivery_id
