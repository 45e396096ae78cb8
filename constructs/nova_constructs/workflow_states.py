"""The states of the customization workflow, in JSONata, one builder per step.

Tasks are `CustomState`s: the typed tasks lag what Nova needs (`Converse` data, a compression type), grant a function's
versions beside the function, and cannot give each permission a name. Their permissions stand in
`customization_workflow.py`, one statement a purpose. Large documents stay in S3; a state carries a few kilobytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

Json = Mapping[str, Any]

RUN: Final = "{% $states.context.Execution.Input.run %}"
CLAIM: Final = "{% $states.context.Execution.Input.claim %}"
FAILURE: Final = (
    "{'error': $states.errorOutput.Error, 'cause': $substring($string($states.errorOutput.Cause), 0, 4000)}"
)
LONGEST_JOB_SECONDS: Final = 432_000 + 86_400
"""Five days of run time, which Admit enforces, and a day for capacity, download and upload."""

_LAMBDA_FAULTS: Final = [
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.ClientExecutionTimeoutException",
]
_BEDROCK_THROTTLES: Final = ["Bedrock.ThrottlingException", "Bedrock.ServiceQuotaExceededException"]
_BEDROCK_FAULTS: Final = ["Bedrock.InternalServerException", "Bedrock.SdkClientException"]


def retry(errors: Sequence[str], *, seconds: int, attempts: int, backoff: float = 2.0, longest: int = 3600) -> Json:
    """One class of error and how it is retried; jitter keeps parallel runs from coming back together."""
    return {
        "ErrorEquals": list(errors),
        "IntervalSeconds": seconds,
        "MaxAttempts": attempts,
        "BackoffRate": backoff,
        "MaxDelaySeconds": longest,
        "JitterStrategy": "FULL",
    }


LAMBDA_RETRIES: Final = [retry(_LAMBDA_FAULTS, seconds=2, attempts=5, longest=60)]
TRIAL_RETRIES: Final = [
    *LAMBDA_RETRIES,
    # What the trial meets when it invokes the reward function, under the name of its own exception.
    retry(["TooManyRequestsException", "ServiceException"], seconds=5, attempts=4, longest=60),
]
STORE_RETRIES: Final = [
    retry(
        [
            "DynamoDB.ThrottlingException",
            "DynamoDB.ProvisionedThroughputExceededException",
            "DynamoDB.InternalServerError",
        ],
        seconds=2,
        attempts=5,
        longest=60,
    ),
    retry(["SNS.ThrottledException", "SNS.InternalErrorException"], seconds=2, attempts=5, longest=60),
]
BEDROCK_RETRIES: Final = [
    retry(_BEDROCK_THROTTLES, seconds=30, attempts=8, longest=600),
    retry(_BEDROCK_FAULTS, seconds=10, attempts=4, longest=300),
]
TRAINING_RETRIES: Final = [
    # A quota that is used up comes free after hours, not seconds. Each attempt is a new job under a new name.
    # A job that was made and then found no capacity has failed, and is not tried again: it may have cost something.
    retry(["SageMaker.ResourceLimitExceededException"], seconds=300, attempts=8),
    retry(["SageMaker.ThrottlingException", "ThrottlingException"], seconds=10, attempts=6, longest=300),
    # The integration's general error covers service faults and refusals alike, so it is tried again only twice.
    retry(["SageMaker.AmazonSageMakerException"], seconds=20, attempts=2, longest=60),
]


class States:
    """Builds the states below one construct; every task catches into `on_failure`, where there is one.

    `of_stage` is for states that are entered once for each stage: their failures name the stage beside the state.
    """

    def __init__(self, scope: Construct, *, on_failure: sfn.IChainable | None = None, of_stage: bool = False) -> None:
        self._scope = scope
        self._on_failure = on_failure
        self._of_stage = of_stage

    def task(
        self,
        name: str,
        *,
        resource: str,
        arguments: Json,
        timeout: int,
        retries: Sequence[Json],
        assign: Json | None = None,
        output: object = None,
    ) -> sfn.CustomState:
        """A task with timeout, retries by class of error, and a catch that ends in a recorded, notified failure."""
        state: dict[str, Any] = {
            "Type": "Task",
            "Resource": f"arn:aws:states:::{resource}",
            "Arguments": dict(arguments),
            "TimeoutSeconds": timeout,
            "Retry": list(retries),
        }
        if assign is not None:
            state["Assign"] = dict(assign)
        if output is not None:
            state["Output"] = output
        custom = sfn.CustomState(self._scope, name, state_json=state)
        self.catch(custom, name)
        return custom

    def catch(self, state: sfn.CustomState | sfn.Map, name: str) -> None:
        """Whatever goes wrong in the state becomes `$failure`, with the state's name, and the run ends as failed."""
        if self._on_failure is None:
            return
        where = f"'{name} (' & $stage & ')'" if self._of_stage else f"'{name}'"
        state.add_catch(
            self._on_failure,
            errors=["States.ALL"],
            assign={"failure": f"{{% $merge([{FAILURE}, {{'state': {where}}}]) %}}"},
        )

    def invoke(
        self, name: str, *, function_arn: str, payload: Json, assign: Json, retries: Sequence[Json] = LAMBDA_RETRIES
    ) -> sfn.CustomState:
        """One Lambda function with a payload; `$states.result.Payload` is what it returned."""
        return self.task(
            name,
            resource="lambda:invoke",
            arguments={"FunctionName": function_arn, "Payload": dict(payload)},
            timeout=330,
            retries=retries,
            assign=assign,
            output={},
        )

    def training_job(self, name: str, *, job: str, output: object, assign: Json | None = None) -> sfn.CustomState:
        """A SageMaker job, waited for. `job` is the JSONata path of `{"base_name", "request"}`.

        The members are named one by one, so that a claim cannot add one that this workflow does not know.
        A job's name is never free again, so each retry and each redrive makes a new one.
        """
        redrives = (
            "($exists($states.context.Execution.RedriveCount) ? $string($states.context.Execution.RedriveCount) : '0')"
        )
        job_name = f"{job}.base_name & '-r' & $string($states.context.State.RetryCount) & '-d' & {redrives}"
        members = (
            "AlgorithmSpecification",
            "EnableInterContainerTrafficEncryption",
            "EnableNetworkIsolation",
            "HyperParameters",
            "InputDataConfig",
            "OutputDataConfig",
            "ResourceConfig",
            "RoleArn",
            "StoppingCondition",
            "Tags",
        )
        return self.task(
            name,
            resource="sagemaker:createTrainingJob.sync",
            arguments={
                "TrainingJobName": f"{{% {job_name} %}}",
                **{member: f"{{% {job}.request.{member} %}}" for member in members},
            },
            timeout=LONGEST_JOB_SECONDS,
            retries=TRAINING_RETRIES,
            assign=assign,
            output=output,
        )

    def bedrock(
        self, name: str, *, action: str, arguments: Json, assign: Json, retries: Sequence[Json] = BEDROCK_RETRIES
    ) -> sfn.CustomState:
        """One Bedrock operation through Step Functions' SDK integration, whose members are in PascalCase."""
        return self.task(
            name,
            resource=f"aws-sdk:bedrock:{action}",
            arguments=arguments,
            timeout=60,
            retries=retries,
            assign=assign,
            output={},
        )

    def choice(self, name: str) -> sfn.Choice:
        """A choice in JSONata."""
        return sfn.Choice.jsonata(self._scope, name)


def named_deployment(member: str) -> str:
    """A member of the deployment whose name is exactly ours, or "" where there is none: the list's filter is looser."""
    return (
        "{% ($name := $admitted.deployment.name; "
        f"$found := $states.result.ModelDeploymentSummaries[CustomModelDeploymentName = $name].{member}; "
        "$exists($found) ? $found : '') %}"
    )


def bare(expression: str) -> str:
    """The JSONata inside ``{% … %}``, for use within a longer expression."""
    return expression.removeprefix("{%").removesuffix("%}").strip()
