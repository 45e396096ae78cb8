"""Data in S3 for a run, against the embedded AWS: looked up at its newest version, and copied at that version."""

import hashlib
import json
import uuid
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError
from fake_aws import RESOURCES

from novaline.customization.stored_data import DataRefused
from novaline.datasets.dataset import StoredVersion
from novaline.datasets.remote.inspected import InspectedObject
from novaline.datasets.validated import RULE_SET, Validated
from novaline.findings import NovalineError
from novaline.runs.copying import Copy, copy_version
from novaline.runs.stored_data import EnvironmentData

ROWS = b'{"row": 1}\n' * 100
SIZE = len(ROWS)


@pytest.fixture(scope="module")
def place(emulator):
    """The client and two versioned buckets of an environment with a key."""
    s3 = emulator.client("s3")
    names = [f"{kind}-{uuid.uuid4().hex[:12]}" for kind in ("data", "artifacts")]
    for name in names:
        s3.create_bucket(Bucket=name)
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    key = emulator.client("kms").create_key()["KeyMetadata"]["Arn"]
    return s3, replace(RESOURCES, data_bucket=names[0], artifact_bucket=names[1], key_arn=key)


@pytest.fixture
def stored(place, request):
    """An object of this test's own in the data bucket: URI and version."""
    s3, resources = place
    key = f"sets/{request.node.name}.jsonl"
    version = s3.put_object(Bucket=resources.data_bucket, Key=key, Body=ROWS)["VersionId"]
    return StoredVersion(uri=f"s3://{resources.data_bucket}/{key}", version_id=version)


def report(place, stored, **changes):
    """Leaves behind what an inspection of the version leaves."""
    s3, resources = place
    right = {
        "format": "sft",
        "model": "nova-micro",
        "rows": 100,
        "errors": 0,
        "warnings": 2,
        "inspection": "validate-1",
    }
    inspected = InspectedObject(
        uri=stored.uri,
        version_id=stored.version_id,
        bytes=changes.pop("bytes", len(ROWS)),
        sha256=hashlib.sha256(ROWS).hexdigest(),
        tokens=500,
        longest_row=5,
        media=("image",),
        validated=Validated(**{**right, **changes}),
    )
    s3.put_object(Bucket=resources.artifact_bucket, Key=inspected.key, Body=json.dumps(inspected.as_json()).encode())
    return inspected


def find(place, uri, *, rows_of="sft", model="nova-micro"):
    return EnvironmentData(*place).find(uri, rows_of=rows_of, model=model)


def refusal(place, uri, **asked):
    with pytest.raises(DataRefused) as refused:
        find(place, uri, **asked)
    return refused.value


# ---- looking data up


def test_an_object_whose_newest_version_was_validated_is_a_dataset(place, stored):
    report(place, stored)
    found = find(place, stored.uri)
    dataset = found.dataset
    assert (dataset.source, dataset.rows, dataset.bytes, dataset.longest_row) == (stored, 100, len(ROWS), 5)
    assert (dataset.sha256, dataset.digest) == (hashlib.sha256(ROWS).hexdigest(), stored.digest)
    assert dataset.validated.inspection == "validate-1"
    assert (found.media, dataset.first_rows) == ({"image"}, None)


def test_an_object_that_nobody_validated_is_refused_with_the_command(place, stored):
    problem = refusal(place, stored.uri)
    assert problem.code == "not-validated"
    assert f"no report on version {stored.version_id} of {stored.uri}" in problem.message
    command = f"novaline data validate {stored.uri} --format sft --model nova-micro --remote --env dev"
    assert command in problem.hint


@pytest.mark.parametrize("asked", [{"rows_of": "dpo"}, {"model": "nova-pro"}])
def test_a_report_for_another_format_or_model_does_not_count(place, stored, asked):
    report(place, stored)
    assert refusal(place, stored.uri, **asked).code == "not-validated"


def test_a_newer_version_is_another_object(place, stored):
    s3, resources = place
    report(place, stored)
    key = stored.uri.removeprefix(f"s3://{resources.data_bucket}/")
    newer = s3.put_object(Bucket=resources.data_bucket, Key=key, Body=b"x")
    assert newer["VersionId"] in refusal(place, stored.uri).message


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"errors": 4}, "invalid-dataset", "validated with 4 errors (inspection validate-1)"),
        ({"rows": 0}, "not-validated", "it has no rows"),
        ({"rule_set": RULE_SET - 1}, "not-validated", f"by rule set {RULE_SET - 1}"),
        ({"bytes": 7}, "not-validated", "the report is on 7 bytes, and it has 1,100"),
    ],
)
def test_a_report_that_does_not_vouch_for_the_object_is_told(place, stored, changes, code, words):
    report(place, stored, **changes)
    problem = refusal(place, stored.uri)
    assert problem.code == code
    assert words in problem.message
    assert ("deploy the environment again" in problem.hint) == ("rule_set" in changes)


def test_an_object_of_another_bucket_is_refused_with_how_to_bring_it(place):
    problem = refusal(place, "s3://elsewhere/sets/a.jsonl")
    assert problem.code == "not-in-data-bucket"
    there = f"s3://{place[1].data_bucket}/sets/a.jsonl"
    assert problem.hint == f"`aws s3 cp s3://elsewhere/sets/a.jsonl {there}`, and name {there}"


def test_an_object_that_is_not_there_is_told(place):
    assert refusal(place, f"s3://{place[1].data_bucket}/sets/gone.jsonl").code == "missing-dataset"


def test_a_report_of_another_version_of_this_program_is_told(place, stored):
    s3, resources = place
    inspected = report(place, stored)
    s3.put_object(Bucket=resources.artifact_bucket, Key=inspected.key, Body=b'{"schema": 9}')
    with pytest.raises(NovalineError, match="is no report of this version: it has schema 9"):
        find(place, stored.uri)


def test_of_rewarded_rows_the_first_are_read_as_whole_lines(place, stored, monkeypatch):
    report(place, stored, format="rft")
    assert find(place, stored.uri, rows_of="rft").dataset.first_rows == ROWS
    monkeypatch.setattr("novaline.runs.stored_data._FIRST_BYTES", 25)
    assert find(place, stored.uri, rows_of="rft").dataset.first_rows == ROWS[:22]
    monkeypatch.setattr("novaline.runs.stored_data._FIRST_BYTES", 5)
    assert find(place, stored.uri, rows_of="rft").dataset.first_rows == ROWS


# ---- copies


def copy_of(stored, *, size=SIZE):
    return Copy(source=stored, key=f"data/{stored.digest}/train.jsonl", sha256=None, bytes=size)


def test_the_copy_is_of_the_version_that_was_validated_whatever_came_after(place, stored):
    s3, resources = place
    key = stored.uri.removeprefix(f"s3://{resources.data_bucket}/")
    s3.put_object(Bucket=resources.data_bucket, Key=key, Body=b"written later")
    words = []
    made = copy_version(s3, copy_of(stored), resources, report=words.append)
    assert (made.sent, made.size, made.sha256) == (True, len(ROWS), None)
    assert made.uri == f"s3://{resources.data_bucket}/data/{stored.digest}/train.jsonl"
    there = s3.get_object(Bucket=resources.data_bucket, Key=copy_of(stored).key)
    assert there["Body"].read() == ROWS
    assert (there["VersionId"], there["SSEKMSKeyId"]) == (made.version_id, resources.key_arn)
    assert words[-1].endswith("inside S3: 100 %")


def test_a_copy_that_is_there_is_not_made_again(place, stored):
    s3, resources = place
    first = copy_version(s3, copy_of(stored), resources, report=lambda _: None)
    again = copy_version(s3, copy_of(stored), resources, report=lambda _: None)
    assert (again.sent, again.version_id) == (False, first.version_id)


def test_something_else_in_the_place_of_a_copy_is_replaced(place, stored):
    s3, resources = place
    encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": resources.key_arn}
    s3.put_object(Bucket=resources.data_bucket, Key=copy_of(stored).key, Body=ROWS, **encrypted)
    made = copy_version(s3, copy_of(stored), resources, report=lambda _: None)
    assert made.sent


def test_a_large_object_is_copied_in_parts(place, stored, monkeypatch):
    monkeypatch.setattr("novaline.runs.copying.IN_PARTS_BYTES", 1)
    s3, resources = place
    key = stored.uri.removeprefix(f"s3://{resources.data_bucket}/")
    body = b"".join(b'{"row": %d}\n' % number for number in range(1_200_000))
    version = s3.put_object(Bucket=resources.data_bucket, Key=key, Body=body)["VersionId"]
    large = StoredVersion(uri=stored.uri, version_id=version)
    made = copy_version(s3, copy_of(large, size=len(body)), resources, report=lambda _: None)
    assert made.size == len(body) > 12 << 20
    there = s3.get_object(Bucket=resources.data_bucket, Key=copy_of(large).key)
    assert hashlib.sha256(there["Body"].read()).digest() == hashlib.sha256(body).digest()
    assert "-" in there["ETag"]  # of parts


def test_a_version_that_is_not_what_was_validated_is_no_data_of_a_run(place, stored):
    with pytest.raises(NovalineError, match="is not what was validated"):
        copy_version(place[0], copy_of(stored, size=3), place[1], report=lambda _: None)


def test_a_version_that_is_gone_is_told_in_words(place, stored):
    s3, resources = place
    s3.delete_object(
        Bucket=resources.data_bucket,
        Key=stored.uri.removeprefix(f"s3://{resources.data_bucket}/"),
        VersionId=stored.version_id,
    )
    with pytest.raises(NovalineError, match=f"while copying version {stored.version_id}") as caught:
        copy_version(s3, copy_of(stored), resources, report=lambda _: None)
    assert isinstance(caught.value.__cause__, ClientError)
