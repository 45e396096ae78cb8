"""Fixtures for tests of the embedded AWS."""

import pytest

from novaline.rehearsal.emulator import Emulator
from tests.rehearsal.account import Account


@pytest.fixture(scope="session")
def aws(emulator: Emulator) -> Account:
    """The embedded account."""
    return Account(emulator)
