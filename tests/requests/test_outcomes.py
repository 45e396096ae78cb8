"""Every status that AWS knows means one thing."""

import pytest

from novaline.requests.conformance import service_model
from novaline.requests.outcomes import STATUSES, outcome

SHAPES = {
    "training-job": ("sagemaker", "TrainingJobStatus"),
    "customization-job": ("bedrock", "ModelCustomizationJobStatus"),
    "custom-model": ("bedrock", "ModelStatus"),
    "model-deployment": ("bedrock", "CustomModelDeploymentStatus"),
    "provisioned-throughput": ("bedrock", "ProvisionedModelStatus"),
    "endpoint": ("sagemaker", "EndpointStatus"),
    "inference-component": ("sagemaker", "InferenceComponentStatus"),
}


def test_every_kind_of_resource_is_held_against_awss_model():
    assert SHAPES.keys() == STATUSES.keys()


@pytest.mark.parametrize("kind", sorted(SHAPES))
def test_the_statuses_are_those_of_awss_model(kind):
    service, shape = SHAPES[kind]
    assert STATUSES[kind].keys() == set(service_model(service).shape_for(shape).enum)


@pytest.mark.parametrize("kind", sorted(SHAPES))
def test_each_kind_can_succeed_in_exactly_one_way(kind):
    assert list(STATUSES[kind].values()).count("succeeded") == 1


def test_a_job_that_ran_out_of_time_is_told_from_one_that_was_stopped():
    assert outcome("training-job", "Stopped", secondary="MaxRuntimeExceeded") == "timed-out"
    assert outcome("training-job", "Stopped", secondary="Stopped") == "stopped"
    assert outcome("training-job", "Completed", secondary="Completed") == "succeeded"


def test_a_status_that_is_not_known_is_taken_for_no_other():
    with pytest.raises(ValueError, match="endpoint has the status 'Ready'; expected one of Creating, InService"):
        outcome("endpoint", "Ready")
