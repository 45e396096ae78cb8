"""A dataset of many objects is inspected by the deployed Distributed Map, and gives what the local command finds."""

import json

import pytest
from botocore.exceptions import ClientError

from novaline.datasets.engine.options import Options
from novaline.datasets.validate import validate
from novaline.findings import NovalineError
from novaline.rehearsal.proof.statements import taken_away
from novaline.runs.deployed import inspection_place
from novaline.runs.inspection import Inspector
from tests.rehearsal.deployed import HELD_OUT, TRAIN, Deployed

pytestmark = pytest.mark.xdist_group("deployed")

LIST, INSPECT, MERGE = (f"InspectionFunctions{name}Role" for name in ("List", "Inspect", "Merge"))


@pytest.fixture(scope="module")
def inspector(deployed: Deployed) -> Inspector:
    place = inspection_place(deployed.clients.cloudformation, deployed.environment)
    return Inspector(states=deployed.clients.states, s3=deployed.clients.s3, place=place)


@pytest.fixture(scope="module")
def folder(deployed: Deployed, tmp_path_factory):
    """Six files, some rows of which are broken, repeated or held out; the same below `sets/` in the data bucket."""
    root = tmp_path_factory.mktemp("sets")
    for number in range(6):
        lines = list(TRAIN[40 * number : 40 * number + 40])
        lines[7 + number] = lines[7 + number].replace(b'"assistant"', b'"robot"')
        lines.insert(30, TRAIN[number * 11])
        if number == 3:
            lines.insert(5, b"no json\n")
        (root / f"{number}.jsonl").write_bytes(b"".join(lines))
        deployed.clients.s3.upload_file(
            str(root / f"{number}.jsonl"), deployed.resources.data_bucket, f"sets/{number}.jsonl"
        )
    (root / "asked").mkdir()
    (root / "asked" / "eval.jsonl").write_bytes(b"".join(HELD_OUT) + _asked(TRAIN[50]))
    deployed.clients.s3.upload_file(
        str(root / "asked" / "eval.jsonl"), deployed.resources.data_bucket, "asked/eval.jsonl"
    )
    return root


def _asked(row: bytes) -> bytes:
    """An evaluation's row that asks what a training row asks."""
    question = json.loads(row)["messages"][0]["content"][0]["text"]
    return json.dumps({"query": question, "response": "billing"}).encode() + b"\n"


def inspected(inspector, name, *sources, options=None, **given):
    bucket = inspector.place.data_bucket
    execution = inspector.start(
        name, sources=[f"s3://{bucket}/{source}" for source in sources], options=options or {"format": "sft"}, **given
    )
    return inspector.finish(execution, look_seconds=0.05)


@pytest.mark.parametrize(("name", "part_bytes"), [("small-parts", 9_000), ("usual-parts", None)])
def test_the_distributed_map_finds_what_the_local_command_finds(inspector, folder, name, part_bytes):
    bucket = inspector.place.data_bucket
    report = inspected(inspector, name, "sets/", held_out=[f"s3://{bucket}/asked/eval.jsonl"], part_bytes=part_bytes)
    local = validate(sorted(folder.glob("*.jsonl")), Options(format="sft"), held_out=[folder / "asked" / "eval.jsonl"])
    text = json.dumps(local.as_json()["findings"]).replace(f"{folder}/asked", f"s3://{bucket}/asked")
    assert report["findings"] == json.loads(text.replace(str(folder), f"s3://{bucket}/sets"))
    assert {"duplicate-row", "held-out-row"} <= {finding["code"] for finding in report["findings"]}
    assert report["errors"] >= 2
    assert report["rows"] == local.rows == 247
    assert len(report["versions"]) == 6


def test_each_part_was_an_execution_of_its_own(deployed, inspector, folder):
    inspected(inspector, "counted", "sets/0.jsonl", part_bytes=9_000)
    execution = f"{inspector.place.inspection_arn.replace(':stateMachine:', ':execution:')}:counted"
    (run,) = deployed.clients.states.list_map_runs(executionArn=execution)["mapRuns"]
    counts = deployed.clients.states.describe_map_run(mapRunArn=run["mapRunArn"])["itemCounts"]
    size = (folder / "0.jsonl").stat().st_size
    assert counts["succeeded"] == counts["total"] == -(-size // 9_000)


def test_a_prefix_without_data_ends_the_inspection_with_words(inspector):
    with pytest.raises(NovalineError, match=r"SourceRefused: there is nothing at s3://.*/nowhere"):
        inspected(inspector, "nowhere", "nowhere")


def test_an_object_that_is_gone_fails_its_part_and_the_part_tells(deployed, inspector):
    s3, bucket = deployed.clients.s3, inspector.place.data_bucket
    put = s3.put_object(Bucket=bucket, Key="going/a.jsonl", Body=b"".join(TRAIN))
    statement = deployed.statement(INSPECT, "ReadVersions")

    with (
        taken_away(deployed.client("iam"), [statement]),
        pytest.raises(NovalineError, match="is not authorized to perform: s3:GetObjectVersion"),
    ):
        inspected(inspector, "going", "going/", part_bytes=9_000)
    assert put["VersionId"]


@pytest.mark.parametrize(
    ("role", "written"),
    [
        (LIST, {"scratch/inspections/x/parts.jsonl", "scratch/inspections/x/plan"}),
        (INSPECT, {"scratch/inspections/x/partials/000001"}),
        (MERGE, {"inspections/x/report.json", "inspections/by-object/x/sft.nova-micro.json"}),
        ("InspectionRole", set()),
    ],
)
def test_a_role_of_an_inspection_writes_its_own_files_and_nobody_elses(deployed, role, written):
    s3 = deployed.client("s3", role=deployed.role(role))
    places = {
        "scratch/inspections/x/parts.jsonl",
        "scratch/inspections/x/plan",
        "scratch/inspections/x/partials/000001",
        "inspections/x/report.json",
        "inspections/by-object/x/sft.nova-micro.json",
        "runs/x/summary.json",
    }
    for key in sorted(places):
        if key in written:
            s3.put_object(Bucket=deployed.resources.artifact_bucket, Key=key, Body=b"x")
        else:
            with pytest.raises(ClientError, match="s3:PutObject"):
                s3.put_object(Bucket=deployed.resources.artifact_bucket, Key=key, Body=b"x")
    with pytest.raises(ClientError, match="s3:PutObject"):
        s3.put_object(Bucket=deployed.resources.data_bucket, Key="sets/0.jsonl", Body=b"x")
