"""Fixtures that several rooms use."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from novaline.rehearsal.emulator import Emulator

ACCOUNT = "111111111111"
REGION = "us-east-1"


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One embedded AWS for the whole test run (for each worker of it); names of what a test makes must be its own."""
    folder: Path = tmp_path_factory.mktemp("emulator")
    with Emulator(account=ACCOUNT, region=REGION, folder=folder, keep_log=True) as running:
        yield running


# The same examples each time: a change is judged by what it changed. Run hypothesis by hand to search further.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A long value is no name; and an archive holds the time, so that workers would not agree on its test's name."""
    return f"long-{argname}" if isinstance(val, bytes | str) and len(val) > 100 else None
