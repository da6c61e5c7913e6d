"""Files that were sent along: avatars and attachments, kept under unguessable names."""

import json
import os
import re
import secrets

from localforge.call import Upload
from localforge.context import Context
from localforge.errors import message, not_found
from localforge.store import records

_MAXIMUM = 10 * 1024 * 1024
_SAFE = re.compile(r"[^A-Za-z0-9._-]+")


def safe_name(name: str) -> str:
    """A file name without anything that could lead elsewhere."""
    return _SAFE.sub("_", name).strip(".") or "file"


def keep(ctx: Context, scope: str, scope_id: int, upload: Upload) -> str:
    """Keeps a file; the path at which it can be fetched."""
    if len(upload.data) > _MAXIMUM:
        raise message(413, "the file is larger than 10 MB")
    key, name = secrets.token_hex(16), safe_name(upload.name)
    folder = ctx.forge.settings.data / "uploads" / key
    folder.mkdir(parents=True)
    with open(folder / "content", "wb") as file:
        file.write(upload.data)
        os.fchmod(file.fileno(), 0o600)
    record = {"name": name, "media_type": upload.media_type, "size": len(upload.data)}
    records.add(ctx.db, "upload", (scope, scope_id), record, key)
    return f"/uploads/{key}/{name}"


def fetch(ctx: Context, key: str) -> tuple[bytes, str]:
    """A kept file and its type."""
    row = ctx.db.one("SELECT * FROM records WHERE kind = 'upload' AND key = ?", key)
    if row is None:
        raise not_found("File")
    data = (ctx.forge.settings.data / "uploads" / row["key"] / "content").read_bytes()
    return data, json.loads(row["data"])["media_type"]
