"""The embedded Step Functions runs JSONata state machines by AWS's rules where MiniStack's own interpreter does not."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

from novaline.rehearsal.state_machines import Interpreter
from tests.rehearsal.account import allow, only_task, unique

SDK = "arn:aws:states:::aws-sdk:"


def output(description):
    assert description["status"] == "SUCCEEDED", (description.get("error"), description.get("cause"))
    return json.loads(description["output"])


def branch(name, state):
    return {"StartAt": name, "States": {name: {"End": True, **state}}}


def states(first, **more):
    return {"StartAt": first, "States": more}


def test_a_parallel_state_has_arguments_output_and_variables(aws):
    machine = states(
        "Both",
        Both={
            "Type": "Parallel",
            "Arguments": {"n": "{% $states.input.n + 1 %}"},
            "Branches": [
                branch("Left", {"Type": "Pass", "Output": "{% $states.input.n * 10 %}"}),
                branch("Right", {"Type": "Pass", "Output": "{% $states.input.n * 100 %}"}),
            ],
            "Assign": {"left": "{% $states.result[0] %}"},
            "Output": {"sum": "{% $sum($states.result) %}"},
            "Next": "After",
        },
        After={"Type": "Pass", "Output": {"left": "{% $left %}", "sum": "{% $states.input.sum %}"}, "End": True},
    )
    assert output(aws.run(aws.state_machine(machine), {"n": 1})) == {"left": 20, "sum": 220}


def test_a_branchs_variables_are_its_own(aws):
    machine = states(
        "First",
        First={"Type": "Pass", "Assign": {"n": 1}, "Next": "Both"},
        Both={
            "Type": "Parallel",
            "Branches": [
                {
                    "StartAt": "Set",
                    "States": {
                        "Set": {"Type": "Pass", "Assign": {"n": number}, "Next": "Wait"},
                        "Wait": {"Type": "Wait", "Seconds": 5, "Next": "Get"},
                        "Get": {"Type": "Pass", "Output": "{% $n %}", "End": True},
                    },
                }
                for number in (10, 20)
            ],
            "Output": {"branches": "{% $states.result %}", "outer": "{% $n %}"},
            "End": True,
        },
    )
    assert output(aws.run(aws.state_machine(machine))) == {"branches": [10, 20], "outer": 1}


def test_a_state_assigns_all_its_variables_at_once(aws):
    machine = states(
        "First",
        First={"Type": "Pass", "Assign": {"a": 1, "b": 2}, "Next": "Swap"},
        Swap={"Type": "Pass", "Assign": {"a": "{% $b %}", "b": "{% $a %}"}, "Next": "Last"},
        Last={"Type": "Succeed", "Output": ["{% $a %}", "{% $b %}"]},
    )
    assert output(aws.run(aws.state_machine(machine))) == [2, 1]


def test_the_first_branch_that_fails_stops_the_others(aws):
    machine = states(
        "Both",
        Both={
            "Type": "Parallel",
            "Branches": [
                branch("Bad", only_task(f"{SDK}s3:listBuckets", {})["States"]["Task"]),
                branch("Long", {"Type": "Wait", "Seconds": 360_000}),
            ],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Output": "{% $states.errorOutput.Error %}", "Next": "Told"}],
            "End": True,
        },
        Told={"Type": "Succeed"},
    )
    started = time.monotonic()
    assert output(aws.run(aws.state_machine(machine))) == "S3.S3Exception"
    assert time.monotonic() - started < 15


def test_states_of_branches_are_in_the_history_under_ids_of_their_own(aws):
    machine = states(
        "Both",
        Both={
            "Type": "Parallel",
            "Branches": [branch(f"Branch {number}", {"Type": "Pass"}) for number in range(4)],
            "End": True,
        },
    )
    execution = aws.start(aws.state_machine(machine))
    aws.finish(execution)
    events = aws.client("stepfunctions").get_execution_history(executionArn=execution)["events"]
    names = {event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event}
    assert names == {"Both", *(f"Branch {number}" for number in range(4))}
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))


def test_threads_that_write_history_at_once_get_different_ids():
    class Engine:
        """The interpreter, of which nothing but its history is used; a thread may lose the processor in between."""

        def __getattr__(self, name):
            return None

        def _add_event(self, execution, kind, details=None):
            event = {"id": len(execution["events"]) + 1}
            time.sleep(0.0005)
            execution["events"].append(event)
            return event

    interpreter, execution = Interpreter(Engine(), None), {"events": []}
    with ThreadPoolExecutor(8) as pool:
        for _ in range(40):
            pool.submit(interpreter.add_event, execution, "Kind")
    assert [event["id"] for event in execution["events"]] == list(range(1, 41))


def test_each_attempt_knows_how_often_it_was_retried(aws):
    table = unique("table")
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 2}]
    task = only_task(
        f"{SDK}dynamodb:describeTable",
        {"TableName": f"{{% '{table}-' & $string($states.context.State.RetryCount) %}}"},
        Retry=retry,
    )
    found = aws.run(aws.state_machine(task, allow("dynamodb:DescribeTable")))
    assert found["error"] == "DynamoDb.ResourceNotFoundException"
    assert f"{table}-2" in found["cause"]


def test_a_wait_of_an_hour_is_short_and_ends_at_once_when_the_execution_is_stopped(aws):
    wait = states("Wait", Wait={"Type": "Wait", "Seconds": 60, "End": True})
    started = time.monotonic()
    output(aws.run(aws.state_machine(wait)))
    assert time.monotonic() - started < 5
    execution = aws.start(aws.state_machine(states("Wait", Wait={"Type": "Wait", "Seconds": 360_000, "End": True})))
    aws.client("stepfunctions").stop_execution(executionArn=execution)
    assert aws.finish(execution)["status"] == "ABORTED"


def test_an_execution_ends_at_its_machines_own_timeout(aws):
    wait = {"TimeoutSeconds": 1, **states("Wait", Wait={"Type": "Wait", "Seconds": 360_000, "End": True})}
    found = aws.finish(aws.start(aws.state_machine(wait)))
    assert found["status"] == "TIMED_OUT"
    time.sleep(0.2)
    assert aws.client("stepfunctions").describe_execution(executionArn=found["executionArn"])["status"] == "TIMED_OUT"


def test_a_task_token_is_handed_out_by_the_role_and_waited_for(aws):
    code = (
        "import boto3, json\n"
        "def handler(event, context):\n"
        "    states = boto3.client('stepfunctions')\n"
        "    states.send_task_success(taskToken=event['token'], output=json.dumps({'by': 'me'}))\n"
    )
    function = aws.function(code, allow("states:SendTaskSuccess"))
    arguments = {"FunctionName": function, "Payload": {"token": "{% $states.context.Task.Token %}"}}
    task = only_task("arn:aws:states:::lambda:invoke.waitForTaskToken", arguments)
    assert output(aws.run(aws.state_machine(task, allow("lambda:InvokeFunction")))) == {"by": "me"}
    denied = aws.run(aws.state_machine(task))
    assert denied["error"] == "Lambda.AWSLambdaException"


def test_a_machine_under_a_customers_key_needs_a_role_that_may_use_it(aws):
    key = aws.key()

    def machine(*statements):
        return aws.client("stepfunctions").create_state_machine(
            name=unique("machine"),
            definition=json.dumps({"QueryLanguage": "JSONata", **states("A", A={"Type": "Succeed", "Output": 1})}),
            roleArn=aws.role(*statements, service="states.amazonaws.com"),
            encryptionConfiguration={"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": key},
        )["stateMachineArn"]

    assert output(aws.run(machine(allow("kms:GenerateDataKey", "kms:Decrypt", on=key)))) == 1
    found = aws.run(machine(allow("kms:Decrypt", on=key)))
    assert found["status"] == "FAILED"
    assert "kms:GenerateDataKey" in found["cause"]
