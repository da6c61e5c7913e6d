"""The request's id on every answer, so that a person can quote it and the log be searched."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from portal.errors import request_id

GetResponse = Callable[[HttpRequest], HttpResponse]


def request_id_header(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response["X-Request-ID"] = request_id()
        return response

    return middleware
