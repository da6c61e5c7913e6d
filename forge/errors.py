"""What can go wrong on the line to the forge, and the one place that maps GitLab's errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gitlab.exceptions
import requests


class ForgeError(Exception):
    """The forge did not do what was asked; str() is a sentence for people."""


class ForgeUnavailable(ForgeError):
    """No answer, too many requests or a server error: worth another try later.

    `retry_after` is in seconds, None when the forge named no time.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ForgeNotFound(ForgeError):
    """It does not exist, or the token may not see it (GitLab answers 404 to both)."""


class ForgeForbidden(ForgeError):
    """The token is wrong, or lacks a right."""


class ForgeConflict(ForgeError):
    """It is there already, or has changed meanwhile."""


class ForgeRefused(ForgeError):
    """The forge found the request invalid."""


def _sentence(message: Any) -> str:
    """GitLab's message, which may be text, a list, or lists by field, as one line."""
    if isinstance(message, bytes):
        message = message.decode(errors="replace")
    if isinstance(message, dict):
        parts = (f"{key} {_sentence(value)}" for key, value in message.items())
        return "; ".join(dict.fromkeys(parts))
    if isinstance(message, list):
        return ", ".join(_sentence(item) for item in message)
    return str(message).strip()[:500]


def from_gitlab(
    error: gitlab.exceptions.GitlabError, doing: str, retry_after: float | None = None
) -> ForgeError:
    """The typed error for one of python-gitlab's; `doing` names the attempt, as in “create x”."""
    if isinstance(error, gitlab.exceptions.RedirectError):
        return ForgeRefused(
            f"The forge could not {doing}: GITLAB_URL is answered by a redirect. Set it to the "
            "address that the forge itself uses (https, no path more)."
        )
    code = error.response_code
    text = f"The forge could not {doing}: {_sentence(error.error_message)} (HTTP {code})"
    if code == 429 or code is None or code >= 500:
        return ForgeUnavailable(text, retry_after)
    if code == 404:
        return ForgeNotFound(text)
    if code in (401, 403):
        return ForgeForbidden(text)
    taken = code == 409 or "already" in text
    return ForgeConflict(text) if taken else ForgeRefused(text)


@contextmanager
def translated(doing: str, retry_after: Callable[[], float | None]) -> Iterator[None]:
    """Turns every error of python-gitlab and requests into one of ours.

    `retry_after` tells how many seconds the forge's last answer asked us to wait.
    """
    try:
        yield
    except gitlab.exceptions.GitlabError as error:
        raise from_gitlab(error, doing, retry_after()) from error
    except requests.RequestException as error:
        text = f"The forge did not answer ({_reason(error)}); tried to {doing}"
        raise ForgeUnavailable(text) from error


def _reason(error: requests.RequestException) -> str:
    """Why there was no answer, and which setting to look at."""
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy does not let us through; see GITLAB_PROXY"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not trusted; GITLAB_CA_BUNDLE names the file of your own CA"
    if isinstance(error, requests.Timeout):
        return "it takes too long; see GITLAB_TIMEOUT_SECONDS"
    if "NameResolutionError" in str(error):
        return "nobody knows its host name; see GITLAB_URL"
    return type(error).__name__
