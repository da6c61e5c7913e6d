import json
import logging

from ${{ values.package }} import NAME
from ${{ values.package }}.app import App


def test_root_says_what_it_is(get):
    status, headers, body = get("/")
    assert status == 200
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body)["name"] == NAME


def test_health_does_not_depend_on_anything(get):
    status, _, body = get("/healthz", App(is_ready=lambda: False))
    assert (status, json.loads(body)) == (200, {"status": "ok"})


def test_readiness_follows_what_it_needs(get):
    assert get("/readyz", App(is_ready=lambda: True))[0] == 200
    assert get("/readyz", App(is_ready=lambda: False))[0] == 503


def test_unknown_address(get):
    assert get("/nothing-here")[0] == 404


def test_only_reading_is_allowed(get):
    status, headers, _ = get("/", method="POST")
    assert (status, headers["Allow"]) == (405, "GET, HEAD")


def test_head_has_no_body(get):
    status, headers, body = get("/healthz", method="HEAD")
    assert (status, body) == (200, b"")
    assert headers["Content-Length"] == "16"


def test_unexpected_error_is_logged_and_not_shown(get, caplog):
    def explode() -> bool:
        raise RuntimeError("the details")

    status, _, body = get("/readyz", App(is_ready=explode))
    assert status == 500
    assert b"the details" not in body
    assert "the details" in caplog.text


def test_request_id_of_the_caller_is_kept(get):
    assert get("/", HTTP_X_REQUEST_ID="abc-123")[1]["X-Request-Id"] == "abc-123"


def test_strange_request_id_is_replaced(get):
    assert get("/", HTTP_X_REQUEST_ID="a\r\nb")[1]["X-Request-Id"] != "a\r\nb"


def test_every_request_is_logged(get, caplog):
    caplog.set_level(logging.INFO)
    get("/healthz", HTTP_X_REQUEST_ID="abc-123")
    fields = caplog.records[-1].fields
    assert (fields["path"], fields["status"], fields["request_id"]) == ("/healthz", 200, "abc-123")
{%- if values.public %}


def test_security_headers_are_on_every_answer(get):
    for path in ("/", "/nothing-here"):
        headers = get(path)[1]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "max-age" in headers["Strict-Transport-Security"]
{%- endif %}
