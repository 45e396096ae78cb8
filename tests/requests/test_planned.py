"""A plan marks every parameter that is a sample: what only a deployment, or the run itself, gives."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from novaline.customization.checks import check_file
from novaline.customization.compile import compile_run
from novaline.environments import load_environment
from novaline.requests.conformance import check_request
from novaline.requests.planned import planned_requests
from novaline.requests.resources import Resources

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def planned():
    """Requests by state, planned offline and for a deployed environment."""
    environment = load_environment(ROOT / "environments" / "dev.yaml")
    checked = check_file(ROOT / "examples" / "support-intents" / "customization.yaml", environment=environment)
    samples = Resources.placeholder(environment)
    found = []
    for resources in (samples, replace(samples, deployed=True)):
        compiled = compile_run(checked, environment=environment, resources=resources, run="the-run", created="now")
        found.append({request.state: request for request in planned_requests(compiled.claim, resources)})
    return found


def test_every_request_conforms_to_the_model_of_its_service(planned):
    for request in planned[0].values():
        assert check_request(request.service, request.action, request.parameters) == (), request.state


def test_an_offline_plan_marks_every_name_that_a_deployment_gives(planned):
    marked = planned[0]["Train"].at_run
    assert marked["RoleArn"] == "with the environment's training role"
    assert marked["OutputDataConfig.KmsKeyId"] == "with the environment's key"
    assert marked["OutputDataConfig.S3OutputPath"] == "with the environment's artifact bucket and the run's id"
    assert planned[0]["Import model"].at_run["roleArn"] == "with the environment's import role"


def test_no_sample_is_left_unmarked(planned):
    samples = Resources.placeholder(load_environment(ROOT / "environments" / "dev.yaml")).samples
    assert len(samples) == 6
    for request in planned[0].values():
        unmarked = {
            name: value
            for name, value in request.parameters.items()
            if not any(p.startswith(name) for p in request.at_run)
        }
        assert not any(sample in json.dumps(unmarked) for sample in samples), request.state


def test_a_plan_for_a_deployed_environment_marks_only_what_the_run_gives(planned):
    assert set(planned[1]["Train"].at_run) == {"TrainingJobName"}
    assert set(planned[1]["Evaluate candidate"].at_run) == {"TrainingJobName", "HyperParameters.base_model_location"}
