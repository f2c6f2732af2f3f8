"""Fixtures that every scenario may use: one origin and one gateway for the run, and a place to report measurements.

A test that needs other settings starts its own `Gateway(to=origin, …)` instead.
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from kit.gateway import Gateway  # noqa: E402
from kit.origin import Origin  # noqa: E402

_measurements = []


@pytest.fixture(scope="session")
def shared_origin():
    with Origin() as origin:
        yield origin


@pytest.fixture
def origin(shared_origin):
    shared_origin.forget()
    return shared_origin


@pytest.fixture(scope="session")
def shared_gateway(shared_origin):
    with Gateway(to=shared_origin) as gateway:
        yield gateway


@pytest.fixture
def gateway(shared_gateway):
    """The run's common gateway (one worker, everything to `origin`); a test that makes its worker die fails by name."""
    before = shared_gateway.workers()
    yield shared_gateway
    assert shared_gateway.workers() == before, f"a worker died in this test:\n{shared_gateway.log()[-4000:]}"


@pytest.fixture
def measure():
    """`measure("respawn of a worker", 0.012, "s")`: shown at the end of the run."""
    return lambda name, value, unit="s": _measurements.append((name, value, unit))


def pytest_terminal_summary(terminalreporter):
    if not _measurements:
        return
    terminalreporter.section("measured here")
    for name, value, unit in _measurements:
        number = value if isinstance(value, str) else f"{value:,}"
        text = f"{value * 1000:.1f} ms" if unit == "s" else f"{number} {unit}"
        terminalreporter.write_line(f"{name}: {text}")
