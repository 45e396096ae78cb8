"""The closing of runs as a construct: what invokes it, how often, and what its roles may do."""

import aws_cdk as cdk
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn

from nova_constructs.run_closing import SWEEP_MINUTES, RunClosing
from nova_constructs.workflow_functions import WorkflowStores

BOTH = {
    *("CloseEntries", "DecryptExecutions", "FindJobs", "Notify", "ReadExecutions", "ReadJobTags", "SendTraces"),
    *("StopJobs", "UseLedgerKey", "UseTopicKey", "WriteLogs"),
}


@pytest.fixture
def template(stack) -> cdk.assertions.Template:
    machine = sfn.StateMachine(
        stack, "Machine", definition_body=sfn.DefinitionBody.from_chainable(sfn.Pass.json_path(stack, "Pass"))
    )
    RunClosing(
        stack,
        "Closing",
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
        state_machine=machine,
        log_retention=logs.RetentionDays.ONE_MONTH,
        log_removal=cdk.RemovalPolicy.DESTROY,
    )
    return cdk.assertions.Template.from_stack(stack)


def only(template, kind: str) -> dict:
    (found,) = template.find_resources(kind).values()
    return dict(found["Properties"])


def statements_of(template, role: str) -> dict[str, dict]:
    policies = [
        policy["Properties"]
        for policy in template.find_resources("AWS::IAM::Policy").values()
        if any(named["Ref"].startswith(role) for named in policy["Properties"]["Roles"])
    ]
    return {one["Sid"]: one for policy in policies for one in policy["PolicyDocument"]["Statement"]}


def test_the_rule_takes_every_end_without_success_of_this_machine_and_no_other_event(template):
    (machine,) = template.find_resources("AWS::StepFunctions::StateMachine")
    rule = only(template, "AWS::Events::Rule")
    assert rule["EventPattern"] == {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"stateMachineArn": [{"Ref": machine}], "status": ["ABORTED", "TIMED_OUT", "FAILED"]},
    }
    ((_, attribute),) = [target["Arn"]["Fn::GetAtt"] for target in rule["Targets"]]
    assert attribute == "Arn"


def test_only_that_rule_of_this_account_may_invoke_the_function(template):
    (rule,) = template.find_resources("AWS::Events::Rule")
    permission = only(template, "AWS::Lambda::Permission")
    assert permission["Principal"] == "events.amazonaws.com"
    assert permission["SourceArn"] == {"Fn::GetAtt": [rule, "Arn"]}
    assert permission["SourceAccount"] == "111111111111"


def test_the_sweep_is_invoked_every_quarter_of_an_hour_under_a_role_that_can_do_nothing_else(template):
    schedule = only(template, "AWS::Scheduler::Schedule")
    assert schedule["ScheduleExpression"] == f"rate({SWEEP_MINUTES} minutes)"
    assert SWEEP_MINUTES == 15
    assert set(statements_of(template, "ClosingScheduleRole")) == {"InvokeSweep"}
    (statement,) = statements_of(template, "ClosingScheduleRole").values()
    assert statement["Resource"] == schedule["Target"]["Arn"]


def test_the_functions_may_do_what_closing_takes_and_nothing_else(template):
    assert set(statements_of(template, "ClosingCloseRole")) == {*BOTH, "ReadClaim", "UseKeyThroughS3"}
    assert set(statements_of(template, "ClosingSweepRole")) == {*BOTH, "ListRuns"}


@pytest.mark.parametrize("role", ["ClosingCloseRole", "ClosingSweepRole"])
def test_only_jobs_that_are_tagged_with_the_environment_are_stopped(template, role):
    statement = statements_of(template, role)["StopJobs"]
    assert statement["Action"] == "sagemaker:StopTrainingJob"
    assert statement["Condition"] == {"StringEquals": {"aws:ResourceTag/novaline:environment": "dev"}}


@pytest.mark.parametrize("role", ["ClosingCloseRole", "ClosingSweepRole"])
def test_only_executions_of_this_machine_are_read(template, role):
    (machine,) = template.find_resources("AWS::StepFunctions::StateMachine")
    found = statements_of(template, role)
    parts = found["ReadExecutions"]["Resource"]["Fn::Join"][1]
    assert [parts[-2], parts[-1]] == [{"Fn::GetAtt": [machine, "Name"]}, ":*"]
    context = {"kms:EncryptionContext:aws:states:stateMachineArn": {"Ref": machine}}
    assert found["DecryptExecutions"]["Condition"] == {"StringEquals": context}


def test_a_failing_sweep_shows_in_an_alarm(template):
    alarm = only(template, "AWS::CloudWatch::Alarm")
    assert (alarm["MetricName"], alarm["Period"], alarm["Threshold"]) == ("Errors", SWEEP_MINUTES * 60, 1)
