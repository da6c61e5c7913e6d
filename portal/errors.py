"""Errors of the REST API: JSON with a sentence, and an id that the log knows too."""

from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, ValidationError
from rest_framework.exceptions import ValidationError as ApiValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

log = structlog.get_logger(__name__)


def request_id() -> str:
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


NAMES = {
    400: "InputError",
    401: "AuthenticationError",
    403: "NotAllowedError",
    404: "NotFoundError",
    409: "ConflictError",
    503: "ServiceUnavailableError",
}


def api_exception(error: Exception, context: dict[str, Any]) -> Response | None:
    """REST framework's answers in Backstage's shape, which its clients read the reason from."""
    if isinstance(error, ValidationError):
        error = ApiValidationError(detail=error.messages)
    message = str(error) if isinstance(error, PermissionDenied) and str(error) else None
    response = exception_handler(error, context)
    if response is None:
        return None
    if isinstance(response.data, dict) and "detail" in response.data:
        message = message or str(response.data["detail"])
    name = NAMES.get(response.status_code, type(error).__name__)
    reason: dict[str, Any] = {
        "name": name,
        "message": message or "The request is not valid.",
        "requestId": request_id(),
    }
    if message is None:
        reason["details"] = response.data
    request = context["request"]
    response.data = {
        "error": reason,
        "request": {"method": request.method, "url": request.get_full_path()},
        "response": {"statusCode": response.status_code},
    }
    return response
