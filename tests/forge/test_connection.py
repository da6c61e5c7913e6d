"""The way to a forge: its certificates, a proxy before it, an address that only redirects."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from forge import Forge, ForgeRefused, ForgeUnavailable, GitCache

COMMIT = "1" * 40


class Answering:
    """Answers /version and redirects /old; everything else is not found. Remembers the lines."""

    def __init__(self, certificate: Path | None = None) -> None:
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                body = json.dumps({"version": "17.0.0", "id": 7}).encode()
                status = 200 if "/api/v4/version" in self.path else 404
                self.send_response(301 if self.path.startswith("/old") else status)
                self.send_header("Location", "/new")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.do_GET()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        scheme = "https" if certificate else "http"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def answering() -> Iterator[Callable[..., Answering]]:
    running: list[Answering] = []

    def start(certificate: Path | None = None) -> Answering:
        running.append(Answering(certificate))
        return running[-1]

    yield start
    for one in running:
        one.close()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A key and a certificate that nobody knows, in one file."""
    path = tmp_path / "own.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            "-subj", "/CN=forge", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", str(path), "-out", str(path) + ".crt",
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


def test_a_certificate_of_ones_own_is_believed_by_the_api_and_by_git(
    answering, certificate: Path, tmp_path: Path
):
    server = answering(certificate)
    with pytest.raises(ForgeUnavailable, match="not trusted"):
        Forge(server.url, "t").version()
    bundle = f"{certificate}.crt"
    assert Forge(server.url, "t", ca_bundle=bundle).version() == "17.0.0"
    with pytest.raises(ForgeUnavailable, match="certificate"):
        GitCache(tmp_path / "a", server.url, "t").snapshot("g/p", COMMIT)
    with pytest.raises(ForgeUnavailable, match="not found"):
        GitCache(tmp_path / "b", server.url, "t", ca_bundle=bundle).snapshot("g/p", COMMIT)


def test_the_api_and_git_go_through_the_proxy(answering, tmp_path: Path):
    proxy = answering()
    url = "http://forge.invalid"
    assert Forge(url, "t", proxy=proxy.url).version() == "17.0.0"
    with pytest.raises(ForgeUnavailable, match="not found"):
        GitCache(tmp_path, url, "t", proxy=proxy.url).snapshot("g/p", COMMIT)
    assert proxy.asked == [
        f"{url}/api/v4/version",
        f"{url}/g/p.git/info/refs?service=git-upload-pack",
    ]


def test_an_address_that_redirects_is_named_as_the_fault_and_not_tried_again(answering):
    server = answering()
    with pytest.raises(ForgeRefused, match="GITLAB_URL"):
        Forge(f"{server.url}/old", "t")._post("/projects", "create x", {})
    assert len(server.asked) == 2
