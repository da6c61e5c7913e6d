"""Users, their namespaces and their tokens."""

import json
from typing import Any

from localforge import clock, secrets
from localforge.store.database import Db, Row


def create_user(
    db: Db, *, username: str, name: str, email: str, password: str | None = None,
    admin: bool = False, bot: bool = False, data: dict[str, Any] | None = None,
) -> Row:  # fmt: skip
    """A user with a namespace of the same path."""
    user_id = db.insert(
        "users", username=username, name=name, email=email, admin=int(admin), bot=int(bot),
        password=secrets.hash_password(password) if password else None,
        created_at=clock.now(), data=data or {},
    )  # fmt: skip
    if not bot:
        db.insert(
            "namespaces", kind="user", path=username, full_path=username, name=name,
            visibility="public", owner_id=user_id, created_at=clock.now(),
        )  # fmt: skip
    user = get_user(db, user_id)
    assert user is not None
    return user


def get_user(db: Db, user_id: int | None) -> Row | None:
    """A user by id."""
    return db.one("SELECT * FROM users WHERE id = ?", user_id) if user_id else None


def find_user(db: Db, username: str) -> Row | None:
    """A user by user name."""
    return db.one("SELECT * FROM users WHERE username = ?", username)


def user_namespace(db: Db, user_id: int) -> Row | None:
    """The namespace that belongs to a user."""
    return db.one("SELECT * FROM namespaces WHERE kind = 'user' AND owner_id = ?", user_id)


def create_token(
    db: Db, user_id: int, *, name: str, scopes: list[str], kind: str = "personal",
    source_id: int | None = None, access_level: int | None = None,
    expires_at: str | None = None, secret: str | None = None, description: str | None = None,
) -> tuple[Row, str]:  # fmt: skip
    """A token; the secret is given out this once."""
    secret = secret or secrets.new_token()
    token_id = db.insert(
        "tokens", user_id=user_id, kind=kind, source_id=source_id, name=name,
        description=description, digest=secrets.digest(secret), scopes=json.dumps(scopes),
        access_level=access_level, expires_at=expires_at, created_at=clock.now(),
    )  # fmt: skip
    row = db.one("SELECT * FROM tokens WHERE id = ?", token_id)
    assert row is not None
    return row, secret


def find_token(db: Db, secret: str) -> Row | None:
    """The usable token with this secret."""
    return db.one(
        "SELECT * FROM tokens WHERE digest = ? AND revoked = 0"
        " AND (expires_at IS NULL OR expires_at > ?)",
        secrets.digest(secret),
        clock.today(),
    )
