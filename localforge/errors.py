"""The answers that are not a success, in the shapes that GitLab's clients know how to read."""

from typing import Any


class ApiError(Exception):
    """Ends a call with a status and a JSON body."""

    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body
        self.headers = headers or {}


def message(status: int, text: Any) -> ApiError:
    """An error whose body is `{"message": ...}`: a text, a list, or lists by field."""
    return ApiError(status, {"message": text})


def bad_request(text: Any) -> ApiError:
    """400 with a message."""
    return message(400, text)


def param_error(text: str) -> ApiError:
    """400 in the shape of a parameter check."""
    return ApiError(400, {"error": text})


def missing(name: str) -> ApiError:
    """400 for a required parameter that was not sent."""
    return param_error(f"{name} is missing")


def unauthorized() -> ApiError:
    """401, for a call that needs somebody."""
    return message(401, "401 Unauthorized")


def forbidden(why: str = "") -> ApiError:
    """403; with a reason, GitLab puts it after a dash."""
    return message(403, f"403 Forbidden - {why}" if why else "403 Forbidden")


def not_found(what: str = "") -> ApiError:
    """404; also for things that the caller may not know of."""
    return message(404, f"404 {what} Not Found" if what else "404 Not found")


def conflict(text: Any) -> ApiError:
    """409 with a message."""
    return message(409, text)
