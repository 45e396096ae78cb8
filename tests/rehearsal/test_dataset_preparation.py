"""Datasets of many objects are prepared by the deployed Distributed Map, as the local command prepares them."""

import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from novaline.datasets.prepare.pipeline import prepare
from novaline.datasets.prepare.work import Request
from novaline.datasets.readers.sources import find_sources
from novaline.datasets.remote.prepare_request import Options
from novaline.datasets.splitting import Shares
from novaline.findings import NovalineError
from novaline.rehearsal.proof.statements import taken_away
from novaline.runs.deployed import preparation_place
from novaline.runs.preparation import Preparer
from tests.rehearsal.deployed import Deployed

pytestmark = pytest.mark.xdist_group("deployed")

FIND, CONVERT, JOIN = (f"PreparationFunctions{name}Role" for name in ("Find", "Convert", "Join"))
MIB = 1 << 20
ASKED = {"mapping": {"prompt": "text", "answer": "intent"}, "shares": Shares(parts=(90, 5, 5)), "seed": 3}


@pytest.fixture(scope="module")
def preparer(deployed: Deployed) -> Preparer:
    place = preparation_place(deployed.clients.cloudformation, deployed.environment)
    return Preparer(states=deployed.clients.states, s3=deployed.clients.s3, place=place)


@pytest.fixture(scope="module")
def folder(deployed: Deployed, tmp_path_factory) -> Path:
    """A CSV, a large file of JSON lines and some small ones; the same below `tickets/` in the data bucket."""
    root = tmp_path_factory.mktemp("tickets")
    rows = [{"text": f"Ticket {n // 2}{'?' if n % 2 else ''}", "intent": f"intent {n % 9}"} for n in range(400)]
    table = "".join(f'"{row["text"]}, please",{row["intent"]}\n' for row in rows)
    (root / "a.csv").write_text("text,intent\n" + table, encoding="utf-8")
    with (root / "b.jsonl").open("w", encoding="utf-8") as file:
        for n in range(70_000):
            question = f"Large {n // 2}{'!' if n % 2 else ''} {'long ' * (n % 37)}"
            file.write(json.dumps({"text": question, "intent": f"intent {n % 9}"}) + "\n")
    for number in range(8):
        lines = "".join(json.dumps(row) + "\n" for row in rows[number * 40 : number * 40 + 40])
        (root / f"c{number}.jsonl").write_text(lines, encoding="utf-8")
    for path in root.iterdir():
        deployed.clients.s3.upload_file(str(path), deployed.resources.data_bucket, f"tickets/{path.name}")
    return root


def prepared(preparer, name, *, to="sft", source="tickets/", output=None, part_bytes=None, **asked):
    """The report of an execution."""
    bucket = preparer.place.data_bucket
    execution = preparer.start(
        name,
        sources=[f"s3://{bucket}/{source}"],
        output=f"s3://{bucket}/{output or f'prepared/{name}'}",
        options=Options.of(Request(sources=(), format=to, output=None, **asked)).as_json(),
        part_bytes=part_bytes,
    )
    return preparer.finish(execution, look_seconds=0.05)


def here(folder, output, *, to="sft", **asked):
    """What the local command makes."""
    sources = find_sources([str(folder)], s3=lambda: pytest.fail("S3 was asked"))
    return prepare(Request(sources=sources, format=to, output=output, **asked), s3=lambda: pytest.fail("S3 was asked"))


def objects(preparer, prefix):
    """Name → content of what lies below a prefix of the data bucket."""
    bucket = preparer.place.data_bucket
    found = preparer.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())
    return {
        item["Key"].removeprefix(prefix): preparer.s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
        for item in found
    }


@pytest.mark.parametrize(("name", "part_bytes"), [("ranges", 4 * MIB), ("usual-parts", None)])
def test_the_distributed_map_writes_what_the_local_command_writes_byte_for_byte(
    preparer, folder, tmp_path, name, part_bytes
):
    report = prepared(preparer, name, part_bytes=part_bytes, **ASKED)
    local = here(folder, tmp_path / "out", **ASKED)
    made = objects(preparer, f"prepared/{name}/")
    manifest = json.loads(made.pop("manifest.json"))
    assert made == {path.name: path.read_bytes() for path in local.paths}
    assert manifest == report["manifest"]
    assert manifest["files"] == local.manifest.as_json()["files"]
    assert manifest["split"] == local.manifest.as_json()["split"]
    assert manifest["rows"] == 70_720
    assert len(made["train.jsonl"]) > 12 * MIB


def test_exact_shares_of_labels_take_one_more_pass_over_the_parts(deployed, preparer, folder, tmp_path):
    asked = {**ASKED, "stratify": "answer"}
    prepared(preparer, "exact", part_bytes=4 * MIB, **asked)
    local = here(folder, tmp_path / "out", **asked)
    made = objects(preparer, "prepared/exact/")
    del made["manifest.json"]
    assert made == {path.name: path.read_bytes() for path in local.paths}
    execution = f"{preparer.place.preparation_arn.replace(':stateMachine:', ':execution:')}:exact"
    runs = deployed.clients.states.list_map_runs(executionArn=execution)["mapRuns"]
    assert len(runs) == 2


def test_rows_that_cannot_be_converted_are_told_with_their_lines_and_nothing_is_written(
    deployed, preparer, folder, tmp_path
):
    broken = tmp_path / "broken"
    broken.mkdir()
    lines = (folder / "b.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    lines[12_345], lines[60_001] = "no json\n", '{"text": " ", "intent": "x"}\n'
    (broken / "b.jsonl").write_text("".join(lines), encoding="utf-8")
    bucket = preparer.place.data_bucket
    deployed.clients.s3.upload_file(str(broken / "b.jsonl"), bucket, "broken/b.jsonl")
    with pytest.raises(NovalineError) as local:
        here(broken, tmp_path / "out", **ASKED)
    with pytest.raises(NovalineError) as caught:
        prepared(preparer, "broken", source="broken/", part_bytes=4 * MIB, **ASKED)
    said = [finding.as_json() for finding in caught.value.findings]
    assert said == json.loads(
        json.dumps([finding.as_json() for finding in local.value.findings]).replace(
            str(broken), f"s3://{bucket}/broken"
        )
    )
    assert [finding["line"] for finding in said] == [12_346, 60_002]
    assert objects(preparer, "prepared/broken") == {}


def test_what_is_not_there_is_refused_in_words_before_any_part_is_read(preparer):
    with pytest.raises(NovalineError, match="there is no file, folder or match for") as caught:
        prepared(preparer, "nowhere", source="nowhere/", **ASKED)
    assert caught.value.exit_code == 2


def test_a_role_that_lacks_a_permission_fails_the_preparation_with_the_parts_own_words(deployed, preparer, folder):
    statement = deployed.statement(CONVERT, "ReadVersions")
    with (
        taken_away(deployed.client("iam"), [statement]),
        pytest.raises(NovalineError, match="is not authorized to perform: s3:GetObjectVersion"),
    ):
        prepared(preparer, "denied", source="tickets/c1.jsonl", **ASKED)
    assert objects(preparer, "prepared/denied") == {}


SCRATCH = {
    f"scratch/preparations/x/{name}"
    for name in ("parts.jsonl", "sources", "plans/rows", "partials/rows/000000", "pieces/train/000000", "report.json")
}


@pytest.mark.parametrize(
    ("role", "written"),
    [
        (FIND, {"parts.jsonl", "sources", "plans/rows", "report.json"}),
        (CONVERT, {"partials/rows/000000", "pieces/train/000000"}),
        (JOIN, {"plans/rows", "report.json"}),
        ("PreparationRole", set()),
    ],
)
def test_a_role_of_a_preparation_writes_its_own_files_and_nobody_elses(deployed, role, written):
    s3, bucket = deployed.client("s3", role=deployed.role(role)), deployed.resources.artifact_bucket
    for key in sorted({*SCRATCH, "runs/x/summary.json", "scratch/inspections/x/plan"}):
        if key.removeprefix("scratch/preparations/x/") in written:
            s3.put_object(Bucket=bucket, Key=key, Body=b"x")
        else:
            with pytest.raises(ClientError, match="s3:PutObject"):
                s3.put_object(Bucket=bucket, Key=key, Body=b"x")


@pytest.mark.parametrize("role", [FIND, CONVERT, "PreparationRole"])
def test_only_the_function_that_joins_writes_into_the_data_bucket(deployed, role):
    s3 = deployed.client("s3", role=deployed.role(role))
    with pytest.raises(ClientError, match="s3:PutObject"):
        s3.put_object(Bucket=deployed.resources.data_bucket, Key="prepared/x.jsonl", Body=b"x")


@pytest.mark.parametrize("role", [FIND, CONVERT, JOIN, "PreparationRole"])
@pytest.mark.parametrize("bucket", ["data_bucket", "artifact_bucket"])
def test_nobody_deletes_anything(deployed, role, bucket):
    s3 = deployed.client("s3", role=deployed.role(role))
    with pytest.raises(ClientError, match="s3:DeleteObject"):
        s3.delete_object(Bucket=getattr(deployed.resources, bucket), Key="scratch/preparations/x/report.json")
