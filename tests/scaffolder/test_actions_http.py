"""http:request: to listed hosts, to the address that was checked, and never to an internal one."""

from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from forge import outside
from forge.outside import OutsideFailed, OutsideRefused, request
from scaffolder.models import Run

HOSTS = {"api.example.com", "10.0.0.1", "127.0.0.1", "localhost", "[::1]", "::1"}


class Echo(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.path, dict(self.headers), body))
        status = {"/bad": 500, "/moved": 302}.get(self.path.partition("?")[0], 200)
        content = b"x" * 2_000_000 if self.path == "/big" else json.dumps({"ok": True}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Location", "http://127.0.0.1/secret")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch):
    """A server that plays api.example.com: its address counts as a public one here."""
    made = HTTPServer(("127.0.0.1", 0), Echo)
    made.seen = []
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    real = socket.getaddrinfo

    def found(host: str, *given: object, **more: object) -> object:
        return real("127.0.0.1" if host == "api.example.com" else host, *given, **more)

    monkeypatch.setattr(outside.socket, "getaddrinfo", found)
    public = outside._is_public
    monkeypatch.setattr(outside, "_is_public", lambda a: a == "127.0.0.1" or public(a))
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://localhost:80/", "http://10.0.0.1/", "http://[::1]/",
        "http://169.254.169.254/latest/meta-data/", "http://other.example/",
        "http://api.example.com@127.0.0.1/", "file:///etc/passwd", "gopher://api.example.com/",
        "/api/proxy/x", "", "http://api.example.com:99999/", "http://0x7f000001/",
    ],
)  # fmt: skip
def test_internal_unlisted_and_odd_addresses_are_refused(url: str):
    with pytest.raises(OutsideRefused):
        request("GET", url, hosts=HOSTS)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1",
     "0.0.0.0", "::1", "fe80::1", "fc00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::",
     "224.0.0.1"],
)  # fmt: skip
def test_a_listed_name_with_an_internal_address_is_refused(monkeypatch, address: str):
    found = [(0, 0, 0, "", ("93.184.216.34", 80)), (0, 0, 0, "", (address, 80))]
    monkeypatch.setattr(outside.socket, "getaddrinfo", lambda *a, **k: found)
    with pytest.raises(OutsideRefused, match="internal address"):
        request("GET", "https://api.example.com/", hosts=HOSTS)


def test_an_answer_comes_back(server):
    port = server.server_port
    answer = request(
        "POST", f"http://api.example.com:{port}/x?a=1", hosts={f"api.example.com:{port}"},
        params={"b": "2 3"}, headers={"X-One": "1"}, body=b"hi",
    )  # fmt: skip
    assert (answer.code, answer.body) == (200, {"ok": True})
    path, headers, body = server.seen[0]
    assert path == "/x?a=1&b=2+3"
    assert headers["Host"] == f"api.example.com:{port}"
    assert headers["X-One"] == "1"
    assert body == b"hi"


def test_redirects_and_huge_answers_are_refused(server):
    base, hosts = (
        f"http://api.example.com:{server.server_port}",
        {f"api.example.com:{server.server_port}"},
    )
    with pytest.raises(OutsideRefused, match="redirects"):
        request("GET", f"{base}/moved", hosts=hosts)
    with pytest.raises(OutsideFailed, match="more than"):
        request("GET", f"{base}/big", hosts=hosts)
    assert len(server.seen) == 2


def call(url: str, **given: object) -> dict[str, object]:
    return {"id": "step", "name": "Call", "action": "http:request",
            "input": {"method": "POST", "url": url} | given}  # fmt: skip


@pytest.mark.django_db
def test_a_step_calls_once_and_not_again_after_a_lost_worker(release, run, server, settings):
    from scaffolder import services
    from tests.scaffolder.test_runs import died_at

    host = f"api.example.com:{server.server_port}"
    settings.HTTP_REQUEST_HOSTS = [host]
    done = run(release([call(f"http://{host}/x", body={"n": "${{ parameters.name }}"})],
                       weave=False))  # fmt: skip
    assert done.error == ""
    assert done.steps.get().output["body"] == {"ok": True}
    assert json.loads(server.seen[0][2]) == {"n": "svc"}
    services.execute_run(pk=died_at(done, "step").pk)
    done.refresh_from_db()
    assert done.status == Run.Status.FAILED
    assert "see whether it arrived" in done.error
    assert len(server.seen) == 1


@pytest.mark.django_db
def test_an_error_of_the_other_system_fails_the_step_unless_it_may(release, run, server, settings):
    host = f"api.example.com:{server.server_port}"
    settings.HTTP_REQUEST_HOSTS = [host]
    url = f"http://{host}/bad"
    assert "answered 500" in run(release([call(url)], weave=False)).error
    done = run(release([call(url, continueOnBadResponse=True)], weave=False))
    assert done.steps.get().output["code"] == 500


@pytest.mark.django_db
def test_without_listed_hosts_the_golden_path_cannot_be_started(release):
    assert "HTTP_REQUEST_HOSTS" in release([call("https://api.example.com")]).problems[0]
