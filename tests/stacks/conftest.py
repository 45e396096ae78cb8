"""The app, synthesized once for all tests of the stacks."""

import pytest
from synthesized import Assembly, synthesize_app


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """Every environment of the repository, without rule packs."""
    return synthesize_app(tmp_path_factory.mktemp("assembly"))
