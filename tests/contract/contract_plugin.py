"""Stands in for pytest-docker while python-gitlab's own functional suite runs: the "container" is a
running embedded forge. Long waits, which a real GitLab needs, are cut short."""

import os
import time

import pytest

_real_sleep = time.sleep
_LONGEST = 0.1


def _short_sleep(seconds: float) -> None:
    _real_sleep(min(seconds, _LONGEST))


def pytest_configure(config: pytest.Config) -> None:
    """Cuts the waits; a test about rate limits has to wait for real."""
    time.sleep = _short_sleep
    for mark in ("gitlab_premium", "gitlab_ultimate"):
        config.addinivalue_line("markers", mark)


@pytest.fixture(autouse=True)
def _real_waits_for_rate_limits(request: pytest.FixtureRequest):
    if "rate_limits" not in request.node.name:
        yield
        return
    time.sleep = _real_sleep
    yield
    time.sleep = _short_sleep


class _Services:
    def port_for(self, service: str, container_port: int) -> int:
        return int(os.environ["LOCALFORGE_PORT"])

    def wait_until_responsive(self, **_: object) -> None:
        """The runner has waited already."""


@pytest.fixture(scope="session")
def docker_services() -> _Services:
    """What pytest-docker would give."""
    return _Services()


@pytest.fixture(scope="session")
def docker_ip() -> str:
    """Where the forge listens."""
    return "127.0.0.1"
