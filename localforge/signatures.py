"""The signature of a webhook, by the Standard Webhooks scheme that GitLab took up: HMAC-SHA256 over
id, time and raw body, with a key that is written `whsec_` and base64."""

import base64
import binascii
import hashlib
import hmac

_PREFIX = "whsec_"


def key_of(token: str) -> bytes | None:
    """The key in a signing token, or None if it is not one."""
    if not token.startswith(_PREFIX):
        return None
    try:
        key = base64.b64decode(token[len(_PREFIX) :], validate=True)
    except binascii.Error:
        return None
    return key if len(key) >= 16 else None


def sign(token: str, message_id: str, timestamp: str, body: bytes) -> str:
    """The value of the `webhook-signature` header."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    mac = hmac.new(key_of(token) or b"", signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(mac).decode()
