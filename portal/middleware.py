"""The request's id on every answer, so that a person can quote it and the log be searched."""

from collections.abc import Callable

import structlog
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse

from portal.errors import request_id

GetResponse = Callable[[HttpRequest], HttpResponse]


def caller(get_response: GetResponse) -> GetResponse:
    """Notes the address that asks, for the log and the audit trail; refuses NUL characters.

    X-Forwarded-For is believed only when one of our own proxies (TRUSTED_PROXIES) wrote it.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        address = request.META.get("REMOTE_ADDR", "")
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
        if forwarded and address in settings.TRUSTED_PROXIES:
            address = forwarded
        structlog.contextvars.bind_contextvars(ip=address)
        if "%00" in request.META.get("QUERY_STRING", "") or "\0" in request.path:
            raise SuspiciousOperation("a NUL character in the address")
        return get_response(request)

    return middleware


def request_id_header(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response["X-Request-ID"] = request_id()
        return response

    return middleware
