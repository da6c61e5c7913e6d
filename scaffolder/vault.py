"""Secrets of a run: sealed in its row while it goes on, hidden in everything that it leaves behind.

A secret is known by its text and by every form that a template's filters can give it: another case,
JSON, URL, HTML, hexadecimal, Base64 at any offset, backwards.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from scaffolder.weave.tree import Tree

HIDDEN = "***"
_SHORTEST = 3  # shorter texts would hide half of every log
_SHORTEST_LINE = 8


class CannotOpen(Exception):
    """The row was sealed with a key that this process does not have."""


def _key(text: str) -> Fernet:
    derived = HKDF(SHA256(), 32, salt=None, info=b"bespoke run secrets").derive(text.encode())
    return Fernet(base64.urlsafe_b64encode(derived))


def _box() -> MultiFernet:
    """The first key seals; all of them open, so that a key can be rotated."""
    keys = [*settings.RUN_SECRETS_KEYS, settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([_key(key) for key in keys])


@dataclass
class Vault:
    """What a run must not show: what a person gave it, what its actions made, and the real outputs
    of steps whose rows hold them with the secrets hidden."""

    given: dict[str, str] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    _pattern: re.Pattern[str] | None = field(default=None, repr=False)
    _known: int = field(default=-1, repr=False)

    @classmethod
    def opened(cls, sealed: str) -> Vault:
        """Raises CannotOpen."""
        if not sealed:
            return cls()
        try:
            return cls(**json.loads(_box().decrypt(sealed.encode())))
        except InvalidToken:
            raise CannotOpen(
                "The secrets of this run were sealed with another key: start it again."
            ) from None

    def sealed(self) -> str:
        if not (self.given or self.made or self.outputs):
            return ""
        content = {"given": self.given, "made": self.made, "outputs": self.outputs}
        return _box().encrypt(json.dumps(content).encode()).decode()

    def passwords(self, values: Mapping[str, Any]) -> dict[str, str]:
        """What stands behind the hidden values: the inputs of actions see it as a parameter too."""
        return {k: v for k, v in self.given.items() if values.get(k) == HIDDEN}

    def add(self, secret: str) -> None:
        if secret not in self.made:
            self.made.append(secret)

    def hide(self, value: Any) -> Any:
        """The value with every secret in any of its texts replaced by ***."""
        pattern = self._compiled()
        return _hidden(value, pattern) if pattern else value

    def found_in(self, tree: Tree) -> str:
        """The path of a file that holds a secret; empty when none does."""
        pattern = self._compiled()
        if pattern is None:
            return ""
        shown = (
            path for path, file in tree.items()
            if pattern.search(file.content.decode("utf-8", "replace")) or pattern.search(path)
        )  # fmt: skip
        return next(shown, "")

    def _compiled(self) -> re.Pattern[str] | None:
        secrets = [*self.given.values(), *self.made]
        if self._known != len(secrets):
            forms = {form for secret in secrets for form in forms_of(secret)}
            parts = map(re.escape, sorted(forms, key=lambda form: (-len(form), form)))
            self._pattern = re.compile("|".join(parts), re.IGNORECASE) if forms else None
            self._known = len(secrets)
        return self._pattern


def _hidden(value: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return pattern.sub(HIDDEN, value)
    if isinstance(value, Mapping):
        return {pattern.sub(HIDDEN, str(k)): _hidden(item, pattern) for k, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_hidden(item, pattern) for item in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return HIDDEN if pattern.fullmatch(str(value)) else value
    return value


def forms_of(secret: str) -> set[str]:
    """The secret as it may turn up, letters of either case being one."""
    texts = {secret, secret.strip()}
    texts |= {line.strip() for line in secret.splitlines() if len(line.strip()) >= _SHORTEST_LINE}
    return {form for text in texts if len(text) >= _SHORTEST for form in _written(text)}


def _written(text: str) -> Iterator[str]:
    raw = text.encode()
    yield from (text, text[::-1], raw.hex(), quote(text, safe=""), quote(text), quote_plus(text))
    yield from (html.escape(text), html.escape(text).replace("&#x27;", "&#39;"))
    for ascii_only in (True, False):
        once = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield from (once, json.dumps(once, ensure_ascii=ascii_only)[1:-1])
    for before in range(3):
        yield from _base64(raw, before)


def _base64(raw: bytes, before: int) -> Iterator[str]:
    """The digits that depend on nothing but the secret when `before` bytes stand in front of it."""
    skipped = (before * 8 + 5) // 6
    whole = (before + len(raw)) * 8 // 6
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        digits = encode(b"\0" * before + raw).decode()[skipped:whole]
        if len(digits) >= _SHORTEST:
            yield digits
