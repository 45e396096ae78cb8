"""Fixtures for tests of the embedded AWS."""

from collections.abc import Iterator

import pytest

from novaline.rehearsal.emulator import Emulator
from tests.rehearsal.account import Account
from tests.rehearsal.deployed import Deployed, deployed_environment


def pytest_configure(config: pytest.Config) -> None:
    """Let the marker be known without pytest-xdist too: tests of one group share what takes long to make."""
    config.addinivalue_line("markers", "xdist_group(name): run in the same process of pytest-xdist")


@pytest.fixture(scope="session")
def aws(emulator: Emulator) -> Account:
    """The embedded account."""
    return Account(emulator)


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """The environment dev, deployed in an embedded AWS of its own, once for the tests of the group `deployed`."""
    with deployed_environment(tmp_path_factory.mktemp("deployed")) as environment:
        yield environment
