from collections.abc import Callable

import pytest

from ${{ values.package }}.app import App


@pytest.fixture
def get() -> Callable:
    """Calls the application as a web server would: status, headers and body of the answer."""

    def call(path: str, app: App | None = None, method: str = "GET", **environ: str):
        answer = {}

        def start_response(status: str, headers: list[tuple[str, str]]) -> None:
            answer.update(status=int(status.split()[0]), headers=dict(headers))

        request = {"REQUEST_METHOD": method, "PATH_INFO": path, **environ}
        body = b"".join((app or App())(request, start_response))
        return answer["status"], answer["headers"], body

    return call
