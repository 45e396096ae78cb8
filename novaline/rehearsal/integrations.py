"""Step Functions service integrations as AWS makes them: every request under the state machine's role.

`aws-sdk` integrations take and return PascalCase members, whatever the service's own casing, and name errors after the
SDK for Java 2 (`Bedrock.ThrottlingException`). Optimized integrations take the service's own names, return its own, and
name errors after the SDK for Java 1 (`SageMaker.AmazonSageMakerException`).
Source: https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from botocore import xform_name
from botocore.exceptions import ClientError, ParamValidationError
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from novaline.rehearsal.aws_call import AwsError
from novaline.rehearsal.wire import is_document

MANAGED_RULE = "StepFunctionsGetEventsForSageMakerTrainingJobsRule"
MANAGED_TAG = {"Key": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"}
POLL_SECONDS = 0.2

# Names that Step Functions gives services -> botocore's, where they differ
_BOTOCORE = {
    "bedrockruntime": "bedrock-runtime",
    "cloudwatchlogs": "logs",
    "eventbridge": "events",
    "sfn": "stepfunctions",
}
# … and the prefix of their errors, where it is not the name with a capital
_SDK_PREFIX = {
    "bedrockruntime": "BedrockRuntime",
    "cloudwatch": "CloudWatch",
    "cloudwatchlogs": "CloudWatchLogs",
    "dynamodb": "DynamoDb",
    "eventbridge": "EventBridge",
    "sagemaker": "SageMaker",
}
_OPTIMIZED_PREFIX = {"dynamodb": "DynamoDB", "lambda": "Lambda", "sagemaker": "SageMaker", "sns": "SNS"}
_OPTIMIZED_GENERIC = {
    "dynamodb": "AmazonDynamoDBException",
    "lambda": "AWSLambdaException",
    "sagemaker": "AmazonSageMakerException",
    "sns": "AmazonSNSException",
}
_OPTIMIZED = {
    "dynamodb": {"getItem", "putItem", "updateItem", "deleteItem"},
    "lambda": {"invoke"},
    "sagemaker": {"createTrainingJob"},
    "sns": {"publish"},
}


class TaskError(Exception):
    """A task failed: an error name that Retry and Catch match, and its cause."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause


class Stopped(BaseException):
    """The work is no longer wanted: its execution was aborted, its state timed out, or a parallel branch failed.

    Not an Exception: no Retry or Catch of the state machine may take it for an error.
    """


class Worker(Protocol):
    """Under what a task runs: the state machine's role, and whether its result is still wanted."""

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its client classes at run time
        """A boto3 client under the state machine's role."""
        ...

    def require(self, action: str, resource: str) -> None:
        """Raise AwsError unless the state machine's role may do `action`."""
        ...

    def wait(self, seconds: float) -> None:
        """Let real `seconds` pass; raises Stopped as soon as the work is no longer wanted."""
        ...

    def submitted(self, output: Mapping[str, Any]) -> None:
        """Note in the execution's history what was started."""
        ...

    @property
    def place(self) -> str:
        """The region and account: `us-east-1:111111111111`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """One `arn:aws:states:::…` resource, taken apart."""

    service: str  # botocore's name
    action: str  # "createTrainingJob"
    prefix: str  # of its errors
    sdk: bool
    sync: bool

    @property
    def operation(self) -> str:
        """botocore's name of the operation."""
        return self.action[0].upper() + self.action[1:]


def parse(resource: str) -> Integration | None:
    """The integration that a Task's Resource names; None if it is one that the rehearsal does not make."""
    parts = resource.split(":")
    if not resource.startswith("arn:aws:states:::") or len(parts) < 7:
        return None
    sync = parts[-1].endswith(".sync")
    if parts[5] == "aws-sdk" and len(parts) == 8:
        service, action = parts[6].lower(), parts[7]
        if sync:
            return None
        return Integration(
            service=_BOTOCORE.get(service, service),
            action=action,
            prefix=_SDK_PREFIX.get(service, service.capitalize()),
            sdk=True,
            sync=False,
        )
    service, action = parts[5], parts[6].removesuffix(".sync")
    if action not in _OPTIMIZED.get(service, ()) or (sync and action != "createTrainingJob"):
        return None
    return Integration(service=service, action=action, prefix=_OPTIMIZED_PREFIX[service], sdk=False, sync=sync)


def run(resource: str, arguments: Any, worker: Worker) -> Any:  # noqa: ANN401 - JSON in and out
    """The task's result. Raises TaskError, or Stopped."""
    if ":function:" in resource and resource.startswith("arn:aws:lambda:"):
        return _invoke({"FunctionName": resource, "Payload": arguments}, worker)["Payload"]
    integration = parse(resource)
    if integration is None:
        raise TaskError("States.Runtime", f"{resource} is not among the integrations that the rehearsal makes")
    if not isinstance(arguments, dict):
        raise TaskError("States.Runtime", f"The Arguments of {resource} are not a JSON object")
    if integration.service == "lambda" and not integration.sdk:
        return _invoke(arguments, worker)
    if integration.sync:
        return _train(integration, arguments, worker)
    return _request(integration, arguments, worker)


# ---- requests ----------------------------------------------------------------------------------------------------


def _request(integration: Integration, arguments: dict[str, Any], worker: Worker) -> dict[str, Any]:
    client = worker.client(integration.service)
    if integration.operation not in client.meta.service_model.operation_names:
        raise TaskError("States.Runtime", f"{integration.service} has no operation {integration.operation}")
    operation = client.meta.service_model.operation_model(integration.operation)
    response = call(integration, client, operation, _parameters(integration, operation, arguments))
    metadata = response.pop("ResponseMetadata", {})
    found: dict[str, Any] = _result(response, operation.output_shape, integration)
    if not integration.sdk:
        found["SdkHttpMetadata"] = {"HttpStatusCode": metadata.get("HTTPStatusCode", 200)}
        found["SdkResponseMetadata"] = {"RequestId": metadata.get("RequestId", "")}
    return found


def call(
    integration: Integration,
    client: Any,  # noqa: ANN401 - boto3 makes its client classes at run time
    operation: OperationModel,
    parameters: dict[str, Any],
) -> dict[str, Any]:
    """boto3's response. Raises TaskError with the name and cause that Step Functions gives to the error."""
    try:
        response: dict[str, Any] = getattr(client, xform_name(operation.name))(**parameters)
    except ParamValidationError as error:
        reason = str(error).partition("\n")[2] or str(error)
        text = f"The Parameters could not be used to start the Task: [{reason}]"
        raise TaskError("States.Runtime", text) from error
    except ClientError as error:
        raise failure(integration, operation, error) from error
    return response


def failure(integration: Integration, operation: OperationModel, error: ClientError) -> TaskError:
    """The task error for a refusal by the service, named as the SDK for Java would."""
    code = str(error.response["Error"].get("Code", ""))
    message = str(error.response["Error"].get("Message", ""))
    metadata = error.response.get("ResponseMetadata", {})
    status, request = metadata.get("HTTPStatusCode", 0), metadata.get("RequestId", "")
    modeled = {str(shape.metadata.get("error", {}).get("code", shape.name)) for shape in operation.error_shapes}
    modeled |= {shape.name for shape in operation.error_shapes}
    name = code if code.endswith("Exception") else f"{code}Exception"
    if integration.sdk:
        generic = f"{integration.prefix}Exception"
        cause = f"{message} (Service: {integration.prefix}, Status Code: {status}, Request ID: {request})"
    else:
        generic = _OPTIMIZED_GENERIC[integration.service]
        cause = f"{message} (Service: {integration.prefix}; Status Code: {status}; Error Code: {code}; "
        cause += f"Request ID: {request}; Proxy: null)"
    return TaskError(f"{integration.prefix}.{name if code in modeled else generic}", cause)


def _parameters(integration: Integration, operation: OperationModel, arguments: dict[str, Any]) -> dict[str, Any]:
    if operation.input_shape is None:
        return {}
    found: dict[str, Any] = _argument(arguments, operation.input_shape, integration, "")
    return found


def _argument(value: Any, shape: Shape, integration: Integration, path: str) -> Any:  # noqa: ANN401 - any JSON value
    """A JSON value as boto3 takes it: members renamed, whole numbers made integers, times parsed."""
    match shape:
        case StructureShape() if isinstance(value, dict) and not is_document(shape):
            names = {_pascal(name) if integration.sdk else name: name for name in shape.members}
            unknown = sorted(set(value) - set(names))
            if unknown:
                raise TaskError("States.Runtime", f"The field '{path}{unknown[0]}' is not supported by Step Functions")
            return {
                names[key]: _argument(item, shape.members[names[key]], integration, f"{path}{key}.")
                for key, item in value.items()
                if item is not None
            }
        case ListShape() if isinstance(value, list):
            return [_argument(item, shape.member, integration, path) for item in value]
        case MapShape() if isinstance(value, dict):
            return {key: _argument(item, shape.value, integration, path) for key, item in value.items()}
    return _scalar_argument(value, shape.type_name)


def _scalar_argument(value: Any, kind: str) -> Any:  # noqa: ANN401 - any JSON value
    match kind, value:
        case (("integer" | "long"), float()) if value.is_integer():
            return int(value)
        case "blob", str():
            return value.encode()
        case "string", dict() | list():
            return json.dumps(value)  # Step Functions writes JSON where the API takes text (SNS's Message)
    return value


def _result(value: Any, shape: Shape | None, integration: Integration) -> Any:  # noqa: ANN401 - any value of boto3
    """A value of boto3 as JSON: members renamed, times as Step Functions writes them."""
    if isinstance(value, dict):
        if isinstance(shape, StructureShape):
            return {
                (_pascal(key) if integration.sdk else key): _result(item, shape.members.get(key), integration)
                for key, item in value.items()
                if item is not None
            }
        inner = shape.value if isinstance(shape, MapShape) else None
        return {key: _result(item, inner, integration) for key, item in value.items()}
    if isinstance(value, list):
        inner = shape.member if isinstance(shape, ListShape) else None
        return [_result(item, inner, integration) for item in value]
    return _scalar_result(value, integration)


def _scalar_result(value: Any, integration: Integration) -> Any:  # noqa: ANN401 - any value of boto3
    if isinstance(value, datetime):
        if integration.sdk:
            moment = value.astimezone(UTC)
            return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
        return int(value.timestamp() * 1000)
    if hasattr(value, "read"):
        value = value.read()
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else value


def _pascal(name: str) -> str:
    return name[:1].upper() + name[1:]


# ---- Lambda ------------------------------------------------------------------------------------------------------


def _invoke(arguments: dict[str, Any], worker: Worker) -> dict[str, Any]:
    integration = Integration(service="lambda", action="invoke", prefix="Lambda", sdk=False, sync=False)
    client = worker.client("lambda")
    operation = client.meta.service_model.operation_model("Invoke")
    known = {"FunctionName", "Payload", "InvocationType", "LogType", "ClientContext", "Qualifier"}
    unknown = sorted(set(arguments) - known)
    if unknown:
        raise TaskError("States.Runtime", f"The field '{unknown[0]}' is not supported by Step Functions")
    payload = json.dumps(arguments.get("Payload", {})).encode()
    response = call(integration, client, operation, {**arguments, "Payload": payload})
    text = response["Payload"].read().decode("utf-8")
    body = json.loads(text) if text else None
    if "FunctionError" in response:
        kind = body.get("errorType") if isinstance(body, dict) else None
        raise TaskError(str(kind or "Lambda.Unknown"), text)
    return {
        "ExecutedVersion": response.get("ExecutedVersion", "$LATEST"),
        "Payload": body,
        "SdkHttpMetadata": {"HttpStatusCode": response["StatusCode"]},
        "SdkResponseMetadata": {"RequestId": response["ResponseMetadata"].get("RequestId", "")},
        "StatusCode": response["StatusCode"],
    }


# ---- createTrainingJob.sync ----------------------------------------------------------------------------------------


def _train(integration: Integration, arguments: dict[str, Any], worker: Worker) -> dict[str, Any]:
    """Start a training job, wait for its end, and return its description; stop it if it is no longer wanted."""
    client = worker.client("sagemaker")
    model = client.meta.service_model
    _require_managed_rule(worker)
    operation = model.operation_model("CreateTrainingJob")
    parameters = _parameters(integration, operation, arguments)
    parameters["Tags"] = [*parameters.get("Tags", []), MANAGED_TAG]
    created = call(integration, client, operation, parameters)
    name = parameters["TrainingJobName"]
    worker.submitted({"TrainingJobArn": created["TrainingJobArn"]})
    describe = model.operation_model("DescribeTrainingJob")
    try:
        while True:
            found = call(integration, client, describe, {"TrainingJobName": name})
            if found["TrainingJobStatus"] in {"Completed", "Failed", "Stopped"}:
                break
            worker.wait(POLL_SECONDS)
    except Stopped:
        stop_training_job(client, name)
        raise
    found.pop("ResponseMetadata", None)
    result: dict[str, Any] = _result(found, describe.output_shape, integration)
    if found["TrainingJobStatus"] != "Completed":
        raise TaskError("States.TaskFailed", json.dumps(result))
    return result


def stop_training_job(client: Any, name: str) -> None:  # noqa: ANN401 - made at run time
    """Stop a job as well as the role allows: like Step Functions, without an error if it cannot."""
    try:
        client.stop_training_job(TrainingJobName=name)
    except ClientError:
        return


def _require_managed_rule(worker: Worker) -> None:
    """The three permissions by which Step Functions keeps the rule that tells it of finished jobs.

    They are asked for, not used: the rule itself would outlive the stack, and the rehearsal polls instead.
    """
    rule = f"arn:aws:events:{worker.place}:rule/{MANAGED_RULE}"
    for action in ("events:PutTargets", "events:PutRule", "events:DescribeRule"):
        try:
            worker.require(action, rule)
        except AwsError as error:
            text = f"{error.message} (Service: AmazonCloudWatchEvents; Error Code: AccessDeniedException)"
            raise TaskError("States.Runtime", text) from error
