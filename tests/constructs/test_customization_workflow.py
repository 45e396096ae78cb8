"""What the workflow promises, read from its template; the embedded AWS executes it in tests/rehearsal."""

import json
import os
import re
from pathlib import Path

import pytest

from novaline.toolchain import node_path

os.environ.setdefault("JSII_NODE", str(node_path()))

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from nova_constructs.customization_workflow import CustomizationWorkflow
from nova_constructs.workflow_functions import JobRoles, WorkflowStores
from novaline.customization.checks import check_file
from novaline.customization.compile import compile_run
from novaline.environments import load_environment
from novaline.requests.planned import planned_requests
from novaline.requests.resources import Resources

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = load_environment(ROOT / "environments" / "dev.yaml")
RESOURCES = Resources.placeholder(ENVIRONMENT)
IN_MAP = "Run evaluation"
EACH_STAGE = ("Prepare stage", "Reward to try?", "Train", "Collect checkpoint")
OF_STAGE = {"Prepare stage", "Try reward", "Train", "Collect checkpoint"}
FAILURE_PATH = {"Record failure", "Notify failure"}


@pytest.fixture(scope="module")
def template():
    return workflow()


def workflow(**settings):
    """The template of a stack with the workflow in it."""
    stack = cdk.Stack(cdk.App(), "Test", env=cdk.Environment(account="111111111111", region="us-east-1"))
    role = {name: iam.Role(stack, name, assumed_by=iam.ServicePrincipal("x.amazonaws.com")) for name in "TEI"}
    CustomizationWorkflow(
        stack,
        "Workflow",
        environment_name="dev",
        stores=WorkflowStores(
            data=s3.Bucket(stack, "Data"),
            artifacts=s3.Bucket(stack, "Artifacts"),
            ledger=dynamodb.Table(
                stack, "Ledger", partition_key=dynamodb.Attribute(name="run", type=dynamodb.AttributeType.STRING)
            ),
            topic=sns.Topic(stack, "Topic"),
            key=kms.Key(stack, "Key"),
        ),
        roles=JobRoles(training=role["T"], evaluation=role["E"], model_import=role["I"]),
        budget_usd_per_run=5000,
        log_retention=logs.RetentionDays.ONE_MONTH,
        **settings,
    )
    return cdk.assertions.Template.from_stack(stack).to_json()


@pytest.fixture(scope="module")
def machine(template):
    (found,) = [r for r in template["Resources"].values() if r["Type"] == "AWS::StepFunctions::StateMachine"]
    return found["Properties"]


@pytest.fixture(scope="module")
def definition(machine):
    parts = machine["DefinitionString"]["Fn::Join"][1]
    return json.loads(
        "".join(part if isinstance(part, str) else json.dumps(part)[1:-1].replace('"', "'") for part in parts)
    )


@pytest.fixture(scope="module")
def claim():
    """What a run of the example carries into the workflow."""
    checked = check_file(ROOT / "examples" / "support-intents" / "customization.yaml", environment=ENVIRONMENT)
    return compile_run(checked, environment=ENVIRONMENT, resources=RESOURCES, run="r", created="now").claim


@pytest.fixture(scope="module")
def tasks(definition):
    inner = definition["States"]["Evaluate"]["ItemProcessor"]["States"]
    return {name: s for name, s in {**definition["States"], **inner}.items() if s["Type"] == "Task"}


def test_the_states_come_in_the_order_of_a_run(definition):
    order, state = [], definition["StartAt"]
    while state != "Good enough?":
        order.append(state)
        found = definition["States"][state]
        if state == "Another stage?":
            state = found["Default"]
        else:
            state = found["Choices"][0]["Next"] if "Choices" in found else found["Next"]
    assert order == [
        *("Admit", "Record start", *EACH_STAGE[:2], "Try reward", *EACH_STAGE[2:], "Another stage?", "Evaluate"),
        "Compare",
    ]


def test_stages_are_trained_in_a_loop_by_their_names(definition):
    admit, another = definition["States"]["Admit"], definition["States"]["Another stage?"]
    assert admit["Assign"]["stage"] == "{% $states.result.Payload.stages[0] %}"
    (again,) = another["Choices"]
    assert (again["Next"], another["Default"]) == ("Prepare stage", "Evaluate")
    assert again["Condition"] == "{% $work.next != '' %}"
    assert again["Assign"] == {"stage": "{% $work.next %}"}
    asked = definition["States"]["Collect checkpoint"]["Arguments"]["Payload"]["evaluations"]
    assert asked == "{% $work.next = '' ? $admitted.evaluations : [] %}"  # only the last stage's model is judged


def test_a_reward_is_tried_before_training_and_a_stage_without_one_trains_at_once(definition):
    choice = definition["States"]["Reward to try?"]
    (asked,) = choice["Choices"]
    assert asked["Condition"] == "{% $exists($work.request.HyperParameters.reward_lambda_arn) %}"
    assert (asked["Next"], choice["Default"]) == ("Try reward", "Train")
    attempt = definition["States"]["Try reward"]
    assert attempt["Next"] == "Train"
    assert set(attempt["Arguments"]["Payload"]) == {"run", "stage", "reward_arn"}
    retried = {error for retry in attempt["Retry"] for error in retry["ErrorEquals"]}
    assert {"Lambda.TooManyRequestsException", "TooManyRequestsException"} <= retried
    assert "RewardTrialFailed" not in retried


@pytest.mark.parametrize("rewards", [(), ("arn:aws:lambda:us-east-1:111111111111:function:x-SageMaker-a",)])
def test_the_trial_may_invoke_the_declared_rewards_and_nothing_without_any(rewards):
    found = statements_of(workflow(reward_arns=rewards), "Trial")
    invoked = found.pop("InvokeRewards", None)
    assert (invoked["Resource"] if invoked else []) == (rewards[0] if rewards else [])
    assert set(found) == {"ReadTrialRows", "SendTraces", "UseKeyThroughS3", "WriteLogs", "WriteTrial"}


def statements_of(template, function):
    """The statements of a function's role, by Sid."""
    policies = (r["Properties"] for r in template["Resources"].values() if r["Type"] == "AWS::IAM::Policy")
    mine = (p for p in policies if any(f"{function}Role" in json.dumps(role) for role in p["Roles"]))
    return {s["Sid"]: s for policy in mine for s in policy["PolicyDocument"]["Statement"]}


def test_every_task_has_a_timeout_and_retries_by_class_of_error(tasks):
    assert len(tasks) == 21
    for name, task in tasks.items():
        assert task["TimeoutSeconds"] > 0, name
        assert task["Retry"], name
        assert all("States.ALL" not in retry["ErrorEquals"] for retry in task["Retry"]), name


def test_every_task_ends_in_a_recorded_and_notified_failure(definition, tasks):
    for name, task in tasks.items():
        if name == IN_MAP:
            task = definition["States"]["Evaluate"]  # noqa: PLW2901 - a Map catches for the states inside
        (catch,) = task["Catch"]
        assert catch["ErrorEquals"] == ["States.ALL"], name
        expected = {"Record failure": "Notify failure", "Notify failure": "Failed"}.get(name, "Record failure")
        assert catch["Next"] == expected, name
        if name not in FAILURE_PATH:
            stage = " (' & $stage & ')'" if name in OF_STAGE else "'"
            assert f"'state': '{'Evaluate' if name == IN_MAP else name}{stage}}}" in catch["Assign"]["failure"]


def test_paid_jobs_are_waited_for_and_not_polled(tasks):
    jobs = {name for name, task in tasks.items() if "sagemaker" in task["Resource"]}
    assert jobs == {"Train", IN_MAP}
    assert all(tasks[name]["Resource"].endswith("sagemaker:createTrainingJob.sync") for name in jobs)


def test_each_attempt_at_a_job_has_a_name_of_its_own(tasks):
    for name in ("Train", IN_MAP):
        job_name = tasks[name]["Arguments"]["TrainingJobName"]
        assert "State.RetryCount" in job_name
        assert "RedriveCount" in job_name


def test_a_failed_job_is_not_tried_again_by_itself(tasks):
    """It may have cost thousands; only what happens before a job runs is retried."""
    for name in ("Train", IN_MAP):
        assert not any("States.TaskFailed" in retry["ErrorEquals"] for retry in tasks[name]["Retry"])


def test_every_expression_is_trimmed_and_every_variable_is_assigned_somewhere(definition):
    text = json.dumps(definition)
    expressions = re.findall(r'"(\{%.*?%\})"', text)
    assert len(expressions) > 80
    assert all(e.startswith("{% ") and e.endswith(" %}") for e in expressions)
    assigned = {key for found in re.findall(r'"Assign": (\{.*?\})[,}]', text) for key in re.findall(r'"(\w+)":', found)}
    used = {name for e in expressions for name in re.findall(r"\$([a-z_]+)\b(?!\()", e)}
    assert used - assigned - {"states", "name", "found"} == set()


def test_polling_ends(definition):
    for name in ("Model ready?", "Deployment ready?"):
        assert "$polls >= 120" in json.dumps(definition["States"][name])


def test_the_machine_is_encrypted_traced_logged_without_data_and_limited_in_time(machine, definition):
    assert machine["EncryptionConfiguration"]["Type"] == "CUSTOMER_MANAGED_KMS_KEY"
    assert machine["TracingConfiguration"] == {"Enabled": True}
    assert machine["LoggingConfiguration"]["Level"] == "ALL"
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False
    assert definition["TimeoutSeconds"] == 14 * 86_400
    assert definition["QueryLanguage"] == "JSONata"


def statements(template):
    for policy in template["Resources"].values():
        if policy["Type"] == "AWS::IAM::Policy":
            yield from policy["Properties"]["PolicyDocument"]["Statement"]


def test_every_statement_has_a_name_and_exact_actions(template):
    found = list(statements(template))
    assert len(found) > 40
    for statement in found:
        assert re.fullmatch(r"[A-Za-z0-9]+", statement["Sid"]), statement
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert not any("*" in action for action in actions), statement["Sid"]


def test_a_resource_of_star_stands_only_where_the_service_knows_none(template):
    open_ended = {
        s["Sid"]
        for s in statements(template)
        if "*" in (s["Resource"] if isinstance(s["Resource"], list) else [s["Resource"]])
    }
    assert open_ended == {"SendTraces", "DeliverLogs", "ImportModel"}


def test_roles_are_passed_to_one_service_each(template):
    passes = [s for s in statements(template) if s["Action"] == "iam:PassRole"]
    assert [s["Condition"] for s in passes] == [
        {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        {"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}},
    ]


def test_the_managed_rule_of_the_sync_integration_is_named_exactly(template):
    (watch,) = [s for s in statements(template) if s["Sid"] == "WatchTrainingJobs"]
    assert json.dumps(watch["Resource"]).count("rule/StepFunctionsGetEventsForSageMakerTrainingJobsRule") == 1
    assert sorted(watch["Action"]) == ["events:DescribeRule", "events:PutRule", "events:PutTargets"]


def test_the_workflow_sends_every_member_of_the_requests_that_a_claim_carries(tasks, claim):
    """A member that the workflow does not name would be dropped without a word."""
    (stage,), (evaluation,) = claim["stages"], claim["evaluations"]
    for job, state in ((stage["job"], "Train"), (evaluation["base"], IN_MAP), (evaluation["candidate"], IN_MAP)):
        assert set(tasks[state]["Arguments"]) == {"TrainingJobName", *job["request"]}


def test_a_plan_shows_the_members_that_the_workflow_sends_to_bedrock(tasks, claim):
    planned = [request for request in planned_requests(claim, RESOURCES) if request.service == "bedrock"]
    assert [request.state for request in planned] == [
        "Import model",
        "Find deployment",
        "Create deployment",
        "Update deployment",
    ]
    for request in planned:
        sent = tasks[request.state]["Arguments"]
        assert set(sent) == {member[0].upper() + member[1:] for member in request.parameters}, request.state
        assert tasks[request.state]["Resource"].lower().endswith(f":bedrock:{request.action.lower()}")
