"""What every page needs: style sheets and scripts, uploaded files, and the health endpoints."""

from functools import lru_cache
from importlib.resources import files
from typing import Any

from localforge import __version__
from localforge.call import Call
from localforge.errors import not_found
from localforge.reply import Reply, blob
from localforge.routing import get
from localforge.verbs import uploads

_TABLER = ("jazzy_tabler", "static/vendor/tabler/css/tabler.min.css")
_FILES = {
    "tabler.css": (*_TABLER, "text/css; charset=utf-8"),
    "forge.css": ("localforge", "static/forge.css", "text/css; charset=utf-8"),
    "theme.js": ("localforge", "static/theme.js", "text/javascript; charset=utf-8"),
    "icon.svg": ("localforge", "static/icon.svg", "image/svg+xml"),
}


@lru_cache
def _read(name: str) -> tuple[bytes, str]:
    package, path, media_type = _FILES[name]
    return files(package).joinpath(path).read_bytes(), media_type


def static(call: Call) -> Reply:
    """GET /-/static/:name"""
    if call.values["name"] not in _FILES:
        raise not_found("File")
    data, media_type = _read(call.values["name"])
    return blob(data, media_type, {"cache-control": "public, max-age=3600"})


def upload(call: Call) -> Reply:
    """GET /uploads/:key/:name; never as anything that a browser would run"""
    data, media_type = uploads.fetch(call, call.values["key"])
    safe = (
        media_type
        if media_type.startswith("image/") and "svg" not in media_type
        else "application/octet-stream"
    )
    return blob(data, safe, {"content-security-policy": "default-src 'none'; sandbox"})


def health(call: Call) -> Reply:
    """GET /-/health and /-/liveness"""
    return blob(b"GitLab OK", "text/plain")


def readiness(call: Call) -> dict[str, Any]:
    """GET /-/readiness"""
    call.db.value("SELECT 1")
    return {"status": "ok", "master_check": [{"status": "ok"}], "version": __version__}


ROUTES = [
    get("/-/health", health),
    get("/-/liveness", health),
    get("/-/readiness", readiness),
    get("/-/static/:name", static),
    get("/uploads/:key/:name", upload),
]
