"""State machines of the embedded AWS do everything under their role: once allowed, once denied, each integration."""

import json
import re
import time

import pytest

from novaline.rehearsal.faults import Fault
from tests.rehearsal.account import ACCOUNT, allow, only_task, unique
from tests.rehearsal.jobs import SFT_RECIPE, intents, sft_rows

SFN = "arn:aws:states:::"
EVENTS_RULE = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/StepFunctionsGetEventsForSageMakerTrainingJobsRule"
RULE_ACTIONS = ("events:PutTargets", "events:PutRule", "events:DescribeRule")
JOB_ACTIONS = (
    "sagemaker:CreateTrainingJob",
    "sagemaker:DescribeTrainingJob",
    "sagemaker:StopTrainingJob",
    "sagemaker:AddTags",
)
RECIPE = "recipe/recipe.yaml"
CODE = (
    "class TooBig(Exception): pass\n"
    "def handler(event, context):\n"
    "    if event.get('fail'):\n"
    "        raise TooBig('9 is too big')\n"
    "    return {'seen': event}\n"
)


def output(description):
    assert description["status"] == "SUCCEEDED", (description.get("error"), description.get("cause"))
    return json.loads(description["output"])


def assert_denied(description, error, action):
    assert description["status"] == "FAILED"
    assert description["error"] == error
    assert re.search(r"User: arn:aws:sts::\d+:assumed-role/role-\S+/States is not authorized", description["cause"])
    assert f"perform: {action}" in description["cause"]


# ---- Lambda


@pytest.fixture(scope="module")
def function(aws):
    return aws.function(CODE)


def test_a_function_is_invoked_with_its_payload(aws, function):
    task = only_task(f"{SFN}lambda:invoke", {"FunctionName": function, "Payload": "{% $states.input %}"})
    found = output(aws.run(aws.state_machine(task, allow("lambda:InvokeFunction", on=function)), {"n": 1}))
    assert found["Payload"] == {"seen": {"n": 1}}
    assert found["StatusCode"] == 200
    assert found["ExecutedVersion"] == "$LATEST"


def test_a_function_is_not_invoked_without_permission(aws, function):
    task = only_task(f"{SFN}lambda:invoke", {"FunctionName": function})
    other = allow("lambda:InvokeFunction", on=function + "-other")
    assert_denied(aws.run(aws.state_machine(task, other)), "Lambda.AWSLambdaException", "lambda:InvokeFunction")


def test_a_functions_exception_names_the_tasks_error(aws, function):
    task = only_task(f"{SFN}lambda:invoke", {"FunctionName": function, "Payload": {"fail": True}})
    found = aws.run(aws.state_machine(task, allow("lambda:InvokeFunction", on=function)))
    assert (found["status"], found["error"]) == ("FAILED", "TooBig")
    assert json.loads(found["cause"])["errorMessage"] == "9 is too big"


# ---- DynamoDB, SNS


def test_an_item_is_updated(aws):
    table = unique("table")
    aws.client("dynamodb").create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "run", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "run", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    arguments = {
        "TableName": table,
        "Key": {"run": {"S": "r1"}},
        "UpdateExpression": "SET #s = :s",
        "ExpressionAttributeNames": {"#s": "status"},
        "ExpressionAttributeValues": {":s": {"S": "{% $states.input.status %}"}},
    }
    task = only_task(f"{SFN}dynamodb:updateItem", arguments)
    output(aws.run(aws.state_machine(task, allow("dynamodb:UpdateItem")), {"status": "trained"}))
    item = aws.client("dynamodb").get_item(TableName=table, Key={"run": {"S": "r1"}})["Item"]
    assert item["status"] == {"S": "trained"}
    denied = aws.run(aws.state_machine(task, allow("dynamodb:PutItem")), {"status": "x"})
    assert_denied(denied, "DynamoDB.AmazonDynamoDBException", "dynamodb:UpdateItem")

    condition = only_task(f"{SFN}dynamodb:updateItem", {**arguments, "ConditionExpression": "attribute_not_exists(#s)"})
    found = aws.run(aws.state_machine(condition, allow("dynamodb:UpdateItem")), {"status": "x"})
    assert found["error"] == "DynamoDB.ConditionalCheckFailedException"


def test_a_message_is_published_and_json_in_it_becomes_text(aws):
    topic = aws.client("sns").create_topic(Name=unique("topic"))["TopicArn"]
    task = only_task(f"{SFN}sns:publish", {"TopicArn": topic, "Message": {"run": "r1"}})
    assert output(aws.run(aws.state_machine(task, allow("sns:Publish", on=topic))))["MessageId"]
    assert_denied(aws.run(aws.state_machine(task)), "SNS.AuthorizationErrorException", "sns:Publish")


# ---- aws-sdk


def test_an_sdk_integration_speaks_pascal_case_and_names_the_services_own_errors(aws):
    task = only_task(f"{SFN}aws-sdk:bedrock:listCustomModelDeployments", {"NameContains": "nothing", "MaxResults": 5.0})
    allowed = aws.state_machine(task, allow("bedrock:ListCustomModelDeployments"))
    assert output(aws.run(allowed)) == {"ModelDeploymentSummaries": []}
    denied = aws.run(aws.state_machine(task))
    assert_denied(denied, "Bedrock.AccessDeniedException", "bedrock:ListCustomModelDeployments")


def test_an_error_that_the_service_does_not_model_is_named_after_the_service(aws):
    task = only_task(f"{SFN}aws-sdk:s3:listBuckets", {})
    assert_denied(aws.run(aws.state_machine(task)), "S3.S3Exception", "s3:ListAllMyBuckets")
    assert "Owner" in output(aws.run(aws.state_machine(task, allow("s3:ListAllMyBuckets"))))


def test_times_are_written_as_iso_strings(aws):
    name = unique("function")
    task = only_task(f"{SFN}aws-sdk:iam:getRole", {"RoleName": "{% $states.input.name %}"})
    role = aws.role(service="lambda.amazonaws.com").rpartition("/")[2]
    found = output(aws.run(aws.state_machine(task, allow("iam:GetRole")), {"name": role}))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found["Role"]["CreateDate"]), name


def test_a_member_that_the_api_lacks_is_refused(aws):
    task = only_task(f"{SFN}aws-sdk:bedrock:getCustomModel", {"modelIdentifier": "x"})
    found = aws.run(aws.state_machine(task, allow("bedrock:GetCustomModel")))
    assert found["error"] == "States.Runtime"
    assert "'modelIdentifier' is not supported" in found["cause"]


def test_an_integration_that_the_rehearsal_does_not_make_fails_loudly(aws):
    found = aws.run(aws.state_machine(only_task(f"{SFN}glue:startJobRun.sync", {"JobName": "x"})))
    assert found["error"] == "States.Runtime"
    assert "not among the integrations" in found["cause"]


# ---- the role itself


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:SourceAccount": "999999999999"}},
        {"ArnLike": {"aws:SourceArn": f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:another-*"}},
    ],
)
def test_a_role_whose_trust_condition_does_not_hold_runs_nothing(aws, condition):
    role = aws.role(service="states.amazonaws.com", condition=condition)
    found = aws.run(aws.state_machine(only_task(f"{SFN}aws-sdk:s3:listBuckets", {}), role=role))
    assert found["status"] == "FAILED"
    assert "authorized to assume the provided role" in found["cause"]


def test_a_role_of_another_service_runs_nothing(aws):
    role = aws.role(service="lambda.amazonaws.com")
    found = aws.run(aws.state_machine(only_task(f"{SFN}aws-sdk:s3:listBuckets", {}), role=role))
    assert f"sts:AssumeRole on resource: {role}" in found["cause"]


# ---- training jobs


@pytest.fixture(scope="module")
def training(aws):
    """A request for a training job on a few rows, and the role that it is for."""
    bucket = aws.bucket()
    aws.client("s3").put_object(Bucket=bucket, Key="data/train.jsonl", Body=sft_rows(intents(160)))
    aws.client("s3").put_object(Bucket=bucket, Key=RECIPE, Body=SFT_RECIPE.encode())
    things = allow(
        *("s3:GetObject", "s3:ListBucket", "s3:PutObject", "logs:*", "ecr:*", "cloudwatch:PutMetricData", "kms:*")
    )
    role = aws.role(things, service="sagemaker.amazonaws.com")
    image = "708977205387.dkr.ecr.us-east-1.amazonaws.com/nova-fine-tune-repo:SM-TJ-SFT-latest"

    def channel(name, key, kind="S3Prefix"):
        source = {"S3DataType": kind, "S3Uri": f"s3://{bucket}/{key}", "S3DataDistributionType": "FullyReplicated"}
        return {"ChannelName": name, "InputMode": "File", "DataSource": {"S3DataSource": source}}

    def request(**more):
        return {
            "TrainingJobName": "{% $states.input.job %}",
            "RoleArn": role,
            "AlgorithmSpecification": {"TrainingInputMode": "File", "TrainingImage": image},
            "HyperParameters": {
                "sagemaker_recipe_local_path": "/opt/ml/input/data/recipe/recipe.yaml",
                "model_type": "amazon.nova-micro-v1:0:128k",
                "base_model": "nova-micro/prod",
            },
            "InputDataConfig": [
                channel("train", "data/train.jsonl", "Converse"),
                channel("recipe", "recipe/recipe.yaml"),
            ],
            "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/out"},
            "ResourceConfig": {"InstanceType": "ml.p5.48xlarge", "InstanceCount": 2, "VolumeSizeInGB": 30},
            "StoppingCondition": {"MaxRuntimeInSeconds": 86_400.0},
            **more,
        }

    return role, request


def permissions(role, *, without=""):
    actions = [action for action in JOB_ACTIONS if action != without]
    rule = [action for action in RULE_ACTIONS if action != without]
    passing = [] if without == "iam:PassRole" else [allow("iam:PassRole", on=role)]
    return [allow(*actions, on=f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:*"), allow(*rule, on=EVENTS_RULE), *passing]


TRAIN = f"{SFN}sagemaker:createTrainingJob.sync"


def test_a_job_is_waited_for_and_its_description_returned(aws, training):
    role, request = training
    machine = aws.state_machine(only_task(TRAIN, request()), *permissions(role))
    found = output(aws.run(machine, {"job": unique("job")}))
    assert found["TrainingJobStatus"] == "Completed"
    assert found["ModelArtifacts"]["S3ModelArtifacts"].startswith("s3://bucket-")
    assert found["TrainingEndTime"] >= found["CreationTime"]


def test_a_failed_job_fails_the_task_with_its_description(aws, training):
    role, request = training
    machine = aws.state_machine(only_task(TRAIN, request()), *permissions(role))
    job = unique("job")
    aws.emulator.inject(Fault(service="sagemaker", operation="CreateTrainingJob", match=job, kind="fail"))
    execution = aws.start(machine, {"job": job})
    found = aws.finish(execution)
    assert (found["status"], found["error"]) == ("FAILED", "States.TaskFailed"), found
    description = json.loads(found["cause"])
    assert description["TrainingJobStatus"] == "Failed"
    assert description["FailureReason"]
    assert isinstance(description["CreationTime"], int)
    tags = aws.client("sagemaker").list_tags(ResourceArn=description["TrainingJobArn"])["Tags"]
    assert {"Key": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"} in tags
    history = aws.client("stepfunctions").get_execution_history(executionArn=execution)["events"]
    assert "TaskSubmitted" in [event["type"] for event in history]


@pytest.mark.parametrize(
    ("without", "error"),
    [
        ("sagemaker:CreateTrainingJob", "SageMaker.AmazonSageMakerException"),
        ("sagemaker:AddTags", "SageMaker.AmazonSageMakerException"),
        ("iam:PassRole", "SageMaker.AmazonSageMakerException"),
        ("sagemaker:DescribeTrainingJob", "SageMaker.AmazonSageMakerException"),
        ("events:PutTargets", "States.Runtime"),
        ("events:PutRule", "States.Runtime"),
        ("events:DescribeRule", "States.Runtime"),
    ],
)
def test_each_permission_of_a_training_task_is_needed(aws, training, without, error):
    role, request = training
    machine = aws.state_machine(only_task(TRAIN, request()), *permissions(role, without=without))
    assert_denied(aws.run(machine, {"job": unique("job")}), error, without)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ResourceLimitExceeded", "SageMaker.ResourceLimitExceededException"),
        ("ThrottlingException", "SageMaker.AmazonSageMakerException"),
    ],
)
def test_a_fault_arrives_under_the_name_that_the_sdk_gives_it(aws, training, code, error):
    role, request = training
    machine = aws.state_machine(only_task(TRAIN, request()), *permissions(role))
    job = unique("job")
    fault = Fault(service="sagemaker", operation="CreateTrainingJob", match=job, kind="error", code=code, message="no")
    aws.emulator.inject(fault)
    found = aws.run(machine, {"job": job})
    assert found["error"] == error
    assert f"Error Code: {code}" in found["cause"]


def status_of(aws, job):
    return aws.client("sagemaker").describe_training_job(TrainingJobName=job)


def slow_job(aws, training, **more):
    role, request = training
    machine = only_task(TRAIN, request(), **more)
    machine["States"]["Long"] = {"Type": "Wait", "Seconds": 360_000, "End": True}
    job = unique("job")
    aws.emulator.inject(Fault(service="sagemaker", operation="CreateTrainingJob", match=job, kind="slow"))
    return job, aws.start(aws.state_machine(machine, *permissions(role)), {"job": job})


def wait_until_it_runs(aws, execution):
    def submitted(found):
        return any(event["type"] == "TaskSubmitted" for event in found["events"])

    aws.wait_for(lambda: aws.client("stepfunctions").get_execution_history(executionArn=execution), submitted)


def test_a_stopped_execution_stops_its_job_and_stays_aborted(aws, training):
    job, execution = slow_job(aws, training)
    wait_until_it_runs(aws, execution)
    aws.client("stepfunctions").stop_execution(executionArn=execution)
    aws.wait_for(lambda: status_of(aws, job), lambda found: found["TrainingJobStatus"] == "Stopped")
    time.sleep(0.3)
    assert aws.finish(execution)["status"] == "ABORTED"


def test_a_task_that_takes_too_long_stops_its_job_though_the_execution_goes_on(aws, training):
    catch = [{"ErrorEquals": ["States.Timeout"], "Next": "Long"}]
    job, execution = slow_job(aws, training, TimeoutSeconds="{% 1 + 1 %}", Catch=catch)
    wait_until_it_runs(aws, execution)
    aws.wait_for(lambda: status_of(aws, job), lambda found: found["TrainingJobStatus"] == "Stopped")
    states = aws.client("stepfunctions")
    assert states.describe_execution(executionArn=execution)["status"] == "RUNNING"
    history = states.get_execution_history(executionArn=execution)["events"]
    failed = [event["taskFailedEventDetails"]["error"] for event in history if event["type"] == "TaskFailed"]
    assert failed == ["States.Timeout"]
    states.stop_execution(executionArn=execution)


def test_a_task_that_fails_after_its_execution_was_stopped_leaves_it_aborted(aws):
    late = aws.function("import time\ndef handler(event, context):\n    time.sleep(1)\n    raise ValueError('late')\n")
    task = only_task(f"{SFN}lambda:invoke", {"FunctionName": late})
    execution = aws.start(aws.state_machine(task, allow("lambda:InvokeFunction")))
    states = aws.client("stepfunctions")

    def history(kind):
        events = states.get_execution_history(executionArn=execution)["events"]
        return {"count": len([event for event in events if event["type"] == kind])}

    aws.wait_for(lambda: history("TaskScheduled"), lambda found: found["count"] > 0)
    states.stop_execution(executionArn=execution)
    aws.wait_for(lambda: history("TaskFailed"), lambda found: found["count"] > 0)
    time.sleep(0.2)
    assert states.describe_execution(executionArn=execution)["status"] == "ABORTED"
