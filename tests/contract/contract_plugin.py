"""Stands in for pytest-docker while python-gitlab's own functional suite runs: the "container" is a
running embedded forge. Long waits, which a real GitLab needs, are cut short."""

import os
import time

import pytest

_real_sleep = time.sleep
_LONGEST = 0.05
_SPEED = 25  # of the rate limiter's clock, see fast_forge.py


def _short_sleep(seconds: float) -> None:
    _real_sleep(min(seconds, _LONGEST))


def _scaled_sleep(seconds: float) -> None:
    _real_sleep(seconds / _SPEED)


def pytest_configure(config: pytest.Config) -> None:
    """Cuts the waits."""
    time.sleep = _short_sleep
    for mark in ("gitlab_premium", "gitlab_ultimate"):
        config.addinivalue_line("markers", mark)


@pytest.fixture(autouse=True)
def _whole_waits_for_rate_limits(request: pytest.FixtureRequest):
    """A test about rate limits has to wait as long as it is told, on the limiter's clock."""
    if "rate_limits" not in request.node.name:
        yield
        return
    time.sleep = _scaled_sleep
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
