"""Health, error pages, headers, the supervisor's refusals and the OpenAPI description."""

import socket
import subprocess
import sys

import pytest
from django.core.management import call_command
from django.test import Client

from portal import health
from tests.conftest import ROOT, clean_environment

pytestmark = pytest.mark.django_db


def test_healthz_needs_nothing(client: Client):
    assert client.get("/healthz").content == b"ok\n"


def test_readyz_names_the_part_that_is_missing(client: Client, settings):
    answer = client.get("/readyz")
    assert answer.status_code == 503  # no worker runs in the unit tests
    parts = answer.json()["parts"]
    assert (parts["database"], parts["broker"], parts["forge"]) == ("ok", "ok", "ok")
    assert parts["worker"] != "ok"
    settings.GITLAB_URL = "http://127.0.0.1:1"
    assert health.readiness()["forge"] == "ForgeUnavailable"


def test_every_answer_has_a_strict_policy(client: Client):
    headers = client.get("/login/").headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Request-ID"]


def test_error_pages_are_for_people(client: Client, person):
    client.force_login(person())
    page = client.get("/no/such/page")
    assert page.status_code == 404
    assert "nothing at this address" in page.content.decode()
    answer = client.get("/api/no/such")
    assert answer.status_code == 404
    assert answer.json()["error"]["message"]


def test_an_unexpected_error_shows_its_id_and_no_trace(person, monkeypatch):
    client = Client(raise_request_exception=False)
    client.force_login(person())
    monkeypatch.setattr("portal.views.Problem", None)
    answer = client.get("/")
    page = answer.content.decode()
    assert answer.status_code == 500
    assert answer.headers["X-Request-ID"] in page
    assert "Traceback" not in page
    assert "NoneType" not in page


def test_a_form_without_its_token_is_explained(person):
    client = Client(enforce_csrf_checks=True)
    client.force_login(person())
    answer = client.post("/theme/", {"theme": "dark"})
    assert answer.status_code == 403
    assert "expired" in answer.content.decode()


def test_the_theme_is_kept_and_leads_nowhere_else(client: Client):
    answer = client.post("/theme/", {"theme": "dark", "next": "https://evil.example/"})
    assert answer["Location"] == "/"
    assert 'data-bs-theme="dark"' in client.get("/login/").content.decode()


def test_every_page_of_the_navigation_answers(client: Client, person):
    client.force_login(person("platform"))
    for path in ("/", "/catalog/", "/catalog/problems/", "/create/", "/runs/", "/scorecards/", "/campaigns/",
                 "/tokens/", "/audit/", "/ui/", "/api/docs/", "/api/schema/"):  # fmt: skip
        assert client.get(path).status_code == 200, path


def test_the_openapi_description_has_no_warnings():
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", "/dev/null")


def test_no_model_change_lacks_its_migration():
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_production_settings_pass_the_deploy_check():
    environment = clean_environment() | {
        "SECRET_KEY": "k" * 30 + "abcdefghijklmnopqrstuvwxyz123",
        "WEBHOOK_SECRET": "whsec_eA==",
        "GITLAB_URL": "https://gitlab.example",
        "GITLAB_TOKEN": "x",
        "BESPOKE_URL": "https://portal.example",
        "BESPOKE_DATA": "/nonexistent",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def up(tmp_path, *arguments: str, **environment: str) -> str:
    """What `up` says when it refuses to start."""
    done = subprocess.run(
        [sys.executable, "manage.py", "up", "--data", str(tmp_path), *arguments],
        cwd=ROOT, env=clean_environment() | environment, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    return done.stderr.strip()


def test_a_port_in_use_gives_one_clear_line(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        message = up(tmp_path, "--port", str(port))
    assert message == f"CommandError: Port {port} is in use: choose another with --port."


def test_the_demo_binds_to_loopback_only(tmp_path):
    message = up(tmp_path, BESPOKE_BIND="0.0.0.0")
    assert "loopback only" in message
    assert "\n" not in message


def test_a_missing_git_is_named(tmp_path):
    assert "git is needed" in up(tmp_path, PATH="/nonexistent")
