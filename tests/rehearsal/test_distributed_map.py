"""A Distributed Map in the embedded Step Functions: items from S3, executions of their own, the role's permissions."""

import io
import json
import zipfile

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.account import allow

MINE = ("states:StartExecution", "states:DescribeExecution")
LISTED = "arn:aws:states:::s3:getObject"


@pytest.fixture(scope="module")
def bucket(aws):
    name = aws.bucket()
    lines = "".join(json.dumps({"n": number}) + "\n" for number in range(6))
    aws.client("s3").put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    aws.client("s3").put_object(Bucket=name, Key="items.jsonl", Body=lines.encode())
    return name


def map_of(bucket, processor, **more):
    return {
        "StartAt": "First",
        "States": {
            "First": {"Type": "Pass", "Assign": {"key": "items.jsonl", "outer": 1}, "Next": "Map"},
            "Map": {
                "Type": "Map",
                "Label": "Items",
                "ItemReader": {
                    "Resource": LISTED,
                    "ReaderConfig": {"InputType": "JSONL"},
                    "Arguments": {"Bucket": bucket, "Key": "{% $key %}"},
                },
                "ItemSelector": {
                    "n": "{% $states.context.Map.Item.Value.n %}",
                    "index": "{% $states.context.Map.Item.Index %}",
                    "of": "{% $states.context.Execution.Input.of %}",
                },
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                    "StartAt": "Item",
                    "States": {"Item": {"End": True, **processor}},
                },
                "End": True,
                **more,
            },
        },
    }


DOUBLED = {"Type": "Pass", "Output": "{% $states.input.n * 2 + $states.input.of %}"}


def run(aws, definition, *statements, given=None):
    found = aws.run(aws.state_machine(definition, *statements), given or {"of": 100})
    return found, aws.client("stepfunctions").list_map_runs(executionArn=found["executionArn"])["mapRuns"]


def test_the_items_of_an_object_are_selected_processed_and_returned_in_order(aws, bucket):
    found, runs = run(
        aws,
        map_of(bucket, DOUBLED, Assign={"all": "{% $states.result %}"}, Output={"sum": "{% $sum($states.result) %}"}),
        allow(*MINE, "s3:GetObject"),
    )
    assert found["status"] == "SUCCEEDED", found.get("cause")
    assert json.loads(found["output"]) == {"sum": sum(2 * n + 100 for n in range(6))}
    (told,) = runs
    counts = aws.client("stepfunctions").describe_map_run(mapRunArn=told["mapRunArn"])["itemCounts"]
    assert (counts["succeeded"], counts["total"], counts["running"], counts["pending"]) == (6, 6, 0, 0)


def test_an_item_is_an_execution_of_its_own_with_an_input_of_its_own(aws, bucket):
    own = {"Type": "Pass", "Output": {"input": "{% $states.context.Execution.Input.index %}"}}
    found, (told,) = run(aws, map_of(bucket, own), allow(*MINE, "s3:GetObject"))
    assert json.loads(found["output"]) == [{"input": index} for index in range(6)]
    states = aws.client("stepfunctions")
    executions = states.list_executions(mapRunArn=told["mapRunArn"])["executions"]
    assert len({item["executionArn"] for item in executions}) == 6
    assert all("/Items:" in item["executionArn"] for item in executions)
    history = states.get_execution_history(executionArn=found["executionArn"])["events"]
    assert {"MapRunStarted", "MapRunSucceeded"} <= {event["type"] for event in history}


def test_the_variables_of_the_state_machine_stay_outside(aws, bucket):
    found, _ = run(aws, map_of(bucket, {"Type": "Pass", "Output": "{% $outer %}"}), allow(*MINE, "s3:GetObject"))
    assert (found["status"], found["error"]) == ("FAILED", "States.ExceedToleratedFailureThreshold")


@pytest.mark.parametrize("missing", MINE)
def test_the_role_must_be_allowed_to_start_and_to_follow_the_executions(aws, bucket, missing):
    others = [action for action in (*MINE, "s3:GetObject") if action != missing]
    found, runs = run(aws, map_of(bucket, DOUBLED), allow(*others))
    assert found["status"] == "FAILED"
    assert f"is not authorized to perform: {missing}" in found["cause"]
    assert runs == []


def test_the_items_are_read_under_the_role(aws, bucket):
    found, _ = run(aws, map_of(bucket, DOUBLED), allow(*MINE))
    assert (found["status"], found["error"]) == ("FAILED", "States.ItemReaderFailed")
    assert "is not authorized to perform: s3:GetObject" in found["cause"]


def test_an_item_that_fails_fails_the_map_and_tells_why_in_its_own_execution(aws, bucket):
    fail = {"Type": "Fail", "Error": "Odd", "Cause": "{% 'number ' & $string($states.input.n) %}"}
    definition = map_of(bucket, fail)
    del definition["States"]["Map"]["ItemProcessor"]["States"]["Item"]["End"]
    found, (told,) = run(aws, definition, allow(*MINE, "s3:GetObject"))
    assert found["error"] == "States.ExceedToleratedFailureThreshold"
    states = aws.client("stepfunctions")
    assert states.describe_map_run(mapRunArn=told["mapRunArn"])["status"] == "FAILED"
    failed = states.list_executions(mapRunArn=told["mapRunArn"], statusFilter="FAILED")["executions"]
    described = states.describe_execution(executionArn=failed[0]["executionArn"])
    assert described["error"] == "Odd"
    assert described["cause"].startswith("number ")


def test_an_aborted_execution_aborts_its_items(aws, bucket):
    states = aws.client("stepfunctions")
    definition = map_of(bucket, {"Type": "Wait", "Seconds": 360_000})
    execution = aws.start(aws.state_machine(definition, allow(*MINE, "s3:GetObject")), {"of": 1})
    (told,) = aws.wait_for(lambda: states.list_map_runs(executionArn=execution), lambda found: found["mapRuns"])[
        "mapRuns"
    ]
    states.stop_execution(executionArn=execution)
    aws.wait_for(
        lambda: states.describe_map_run(mapRunArn=told["mapRunArn"]), lambda found: found["status"] == "ABORTED"
    )
    running = states.list_executions(mapRunArn=told["mapRunArn"], statusFilter="RUNNING")["executions"]
    assert running == []


@pytest.mark.parametrize("member", ["ItemBatcher", "ResultWriter", "ToleratedFailurePercentage"])
def test_what_the_rehearsal_does_not_make_of_a_distributed_map_is_told_and_not_waved_through(aws, bucket, member):
    found, _ = run(aws, map_of(bucket, DOUBLED, **{member: 1}), allow(*MINE, "s3:GetObject"))
    assert (found["status"], found["error"]) == ("FAILED", "States.Runtime")
    assert member in found["cause"]


def test_results_that_no_state_can_carry_fail_the_map(aws, bucket):
    large = {"Type": "Pass", "Output": "{% $pad('x', 50000) %}"}
    found, _ = run(aws, map_of(bucket, large), allow(*MINE, "s3:GetObject"))
    assert found["error"] == "States.DataLimitExceeded"


def test_a_range_of_a_named_version_is_that_range(aws, bucket):
    s3 = aws.client("s3")
    version = s3.head_object(Bucket=bucket, Key="items.jsonl")["VersionId"]
    named = {"Bucket": bucket, "Key": "items.jsonl", "VersionId": version}
    whole = s3.get_object(**named)["Body"].read()
    answer = s3.get_object(**named, Range="bytes=3-7")
    assert answer["Body"].read() == whole[3:8]
    assert answer["ContentRange"] == f"bytes 3-7/{len(whole)}"
    with pytest.raises(ClientError, match="InvalidRange"):
        s3.get_object(**named, Range="bytes=100000-")


def test_a_function_runs_without_its_layer_on_this_computers_libraries(aws):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("python/msgspec/__init__.py", "raise ImportError('of another processor')")
    lambda_ = aws.client("lambda")
    layer = lambda_.publish_layer_version(LayerName="libraries", Content={"ZipFile": archive.getvalue()})
    function = aws.function("import msgspec\ndef handler(event, context):\n    return msgspec.json.decode(b'[1]')")
    lambda_.update_function_configuration(FunctionName=function, Layers=[layer["LayerVersionArn"]])
    assert aws.invoke(function) == [1]
