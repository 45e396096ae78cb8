"""What boto3 writes is decoded to what it was given, and what is encoded is what boto3 reads, in both protocols."""

import json
from datetime import UTC, datetime

import botocore.session
import pytest
from botocore.awsrequest import prepare_request_dict
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from novaline.rehearsal import wire
from novaline.rehearsal.wire import HttpRequest

MOMENT = datetime(2026, 5, 17, 8, 30, tzinfo=UTC)
DEPLOYMENT = "arn:aws:bedrock:us-east-1:111111111111:custom-model-deployment/abcdefghijkl"
REQUESTS = [
    ("sagemaker", "ListTrainingJobs", {"NameContains": "x", "CreationTimeAfter": MOMENT, "MaxResults": 3}),
    ("sagemaker", "AddTags", {"ResourceArn": "arn", "Tags": [{"Key": "a", "Value": "b"}]}),
    ("bedrock", "GetCustomModelDeployment", {"customModelDeploymentIdentifier": DEPLOYMENT}),
    ("bedrock", "ListCustomModelDeployments", {"nameContains": "x", "maxResults": 5, "createdAfter": MOMENT}),
    (
        "bedrock",
        "CreateCustomModel",
        {"modelName": "m", "modelSourceConfig": {"s3DataSource": {"s3Uri": "s3://b/k"}}, "roleArn": "r"},
    ),
    (
        "bedrock-runtime",
        "Converse",
        {"modelId": DEPLOYMENT, "messages": [{"role": "user", "content": [{"text": "hallo"}]}]},
    ),
]


def sent(service, operation, parameters):
    """The request as botocore writes it."""
    model = wire.service_model(service)
    written = create_serializer(model.protocol).serialize_to_request(parameters, model.operation_model(operation))
    prepare_request_dict(written, "https://127.0.0.1:1")
    path, _, _ = written["url"].removeprefix("https://127.0.0.1:1").partition("?")
    body = written["body"] or b""
    return HttpRequest(
        method=written["method"],
        path=botocore.compat.unquote(path),
        headers={name.lower(): value for name, value in written["headers"].items()},
        query={name: [str(value)] for name, value in written["query_string"].items()}
        if written["query_string"]
        else {},
        body=body.encode() if isinstance(body, str) else body,
    )


@pytest.mark.parametrize(("service", "operation", "parameters"), REQUESTS)
def test_a_request_is_decoded_to_what_boto3_was_given(service, operation, parameters):
    request = sent(service, operation, parameters)
    found = wire.find_operation(service, request)
    assert found is not None
    assert found.name == operation
    assert wire.decode(found, request) == parameters


RESPONSES = [
    (
        "sagemaker",
        "DescribeTrainingJob",
        {"TrainingJobName": "x", "CreationTime": MOMENT, "HyperParameters": {"a": "b"}},
    ),
    (
        "bedrock",
        "GetCustomModelDeployment",
        {"customModelDeploymentArn": DEPLOYMENT, "createdAt": MOMENT, "status": "Active"},
    ),
    (
        "bedrock-runtime",
        "Converse",
        {
            "output": {"message": {"role": "assistant", "content": [{"text": "gut"}]}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
        },
    ),
]


def read(response, operation):
    parser = create_parser(operation.service_model.protocol)
    answer = {
        "body": response.body,
        "headers": {name.lower(): value for name, value in response.headers.items()},
        "status_code": response.status,
    }
    return parser.parse(answer, operation.output_shape)


@pytest.mark.parametrize(("service", "operation", "content"), RESPONSES)
def test_a_response_is_read_by_boto3_as_it_was_given(service, operation, content):
    model = wire.service_model(service).operation_model(operation)
    found = read(wire.encode(model, content, "request-1"), model)
    assert found.pop("ResponseMetadata")["RequestId"] == "request-1"
    assert found == content


@pytest.mark.parametrize(
    ("service", "operation"), [("sagemaker", "DescribeTrainingJob"), ("bedrock", "GetCustomModel")]
)
def test_a_refusal_is_read_by_boto3_in_either_protocol(service, operation):
    model = wire.service_model(service).operation_model(operation)
    found = read(wire.encode_error(service, "ThrottlingException", "Rate exceeded", 429, "request-2"), model)
    assert found["Error"]["Code"] == "ThrottlingException"
    assert found["Error"]["Message"] == "Rate exceeded"
    assert found["ResponseMetadata"]["HTTPStatusCode"] == 429


def test_a_member_that_the_response_does_not_have_is_a_defect():
    model = wire.service_model("sagemaker").operation_model("DescribeTrainingJob")
    with pytest.raises(KeyError, match="NoSuchMember"):
        wire.encode(model, {"NoSuchMember": 1}, "request-3")


@pytest.mark.parametrize("body", [b"[]", b'{"Tags": {}}', b"{"])
def test_a_body_of_another_shape_is_refused(body):
    model = wire.service_model("sagemaker").operation_model("AddTags")
    request = HttpRequest(method="POST", path="/", headers={}, query={}, body=body)
    with pytest.raises((TypeError, ValueError)):
        wire.decode(model, request)


def test_an_unknown_target_is_no_operation():
    headers = {"x-amz-target": "SageMaker.NoSuchThing"}
    request = HttpRequest(method="POST", path="/", headers=headers, query={}, body=json.dumps({}).encode())
    assert wire.find_operation("sagemaker", request) is None
