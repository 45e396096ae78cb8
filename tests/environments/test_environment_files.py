"""The project's own environment files, and the schema that editors check them with."""

from pathlib import Path

import pytest

from novaline.environments import Environment, load_environments
from novaline.environments.schema import environment_schema

FOLDER = Path(__file__).resolve().parents[2] / "environments"


@pytest.fixture(scope="module")
def environments() -> dict[str, Environment]:
    return {environment.name: environment for environment in load_environments(FOLDER)}


def test_there_are_three_environments_each_in_an_account_of_its_own(environments):
    assert list(environments) == ["dev", "prod", "staging"]
    assert len({environment.account for environment in environments.values()}) == 3


def test_only_dev_lets_its_data_go(environments):
    assert {name: environment.retain for name, environment in environments.items()} == {
        "dev": False,
        "prod": True,
        "staging": True,
    }


def test_only_production_is_protected_from_deletion(environments):
    assert [name for name, environment in environments.items() if environment.termination_protection] == ["prod"]


def test_dev_declares_a_reward_and_a_processor_in_us_east_1(environments):
    assert environments["dev"].region == "us-east-1"
    assert environments["dev"].rewards["classification"].function == "classification"
    assert environments["dev"].processors["decisions"].metrics["settled"].function == "classification"


def test_the_published_schema_is_current():
    published = (FOLDER / "environment.schema.json").read_text(encoding="utf-8")
    assert published == environment_schema(), (
        "run `python -m novaline.environments.schema > environments/environment.schema.json`"
    )


def test_every_file_names_the_schema(environments):
    files = sorted(FOLDER.glob("*.yaml"))
    assert len(files) == len(environments)
    for file in files:
        first_line = file.read_text(encoding="utf-8").splitlines()[0]
        assert first_line == "# yaml-language-server: $schema=environment.schema.json"
