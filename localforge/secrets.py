"""Tokens and passwords: only digests are kept."""

import hashlib
import hmac
import secrets


def new_token(prefix: str = "glpat-") -> str:
    """A fresh token."""
    return prefix + secrets.token_urlsafe(20)


def digest(token: str) -> str:
    """What is kept of a token: it is random enough that one round suffices."""
    return hashlib.sha256(token.encode()).hexdigest()


def hash_password(password: str) -> str:
    """A salted, slow hash of a password."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}${_scrypt(password, salt).hex()}"


def check_password(password: str, stored: str | None) -> bool:
    """Whether a password is the one that was hashed."""
    salt, _, expected = (stored or "00$").partition("$")
    found = _scrypt(password, bytes.fromhex(salt)).hex()
    return hmac.compare_digest(found, expected)


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=2**13, r=8, p=1)
