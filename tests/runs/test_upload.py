import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fake_aws import RESOURCES, FakeS3, refusal

from novaline.findings import NovalineError
from novaline.runs import upload
from novaline.runs.upload import claim_bytes, upload_data, upload_run


@dataclass(frozen=True)
class File:
    source: Path
    key: str
    sha256: str
    bytes: int = 0


@dataclass
class Run:
    """The smallest compiled run: one dataset, two files, a claim that names all three."""

    uploads: tuple[File, ...]
    files: dict[str, bytes] = field(default_factory=lambda: {"plan.json": b"{}", "recipes/sft/recipe.yaml": b"run: {}"})

    @property
    def claim(self) -> dict:
        named = {f"s3://artifacts/runs/r/{name}": digest(content) for name, content in self.files.items()}
        named |= {f"s3://data/{file.key}": file.sha256 for file in self.uploads}
        return {
            "run": "r",
            "objects": [{"uri": uri, "version_id": None, "sha256": sha} for uri, sha in named.items()],
        }


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def dataset(folder: Path, content: bytes = b'{"a": 1}\n') -> File:
    path = folder / "train.jsonl"
    path.write_bytes(content)
    return File(path, f"data/{digest(content)}/train.jsonl", digest(content))


def test_the_claim_goes_last_and_names_the_version_of_everything_else(tmp_path):
    s3 = FakeS3()
    check = upload_run(s3, Run((dataset(tmp_path),)), RESOURCES)
    assert s3.puts[-1] == "runs/r/claim.json"
    content = s3.objects["artifacts", "runs/r/claim.json"]["Body"]
    versions = {item["uri"]: item["version_id"] for item in json.loads(content)["objects"]}
    stored = {f"s3://{bucket}/{key}": item["VersionId"] for (bucket, key), item in s3.objects.items()}
    assert versions == {uri: version for uri, version in stored.items() if not uri.endswith("claim.json")}
    assert check.as_input() == {
        "run": "r",
        "claim": {"uri": "s3://artifacts/runs/r/claim.json", "version_id": "v4", "sha256": digest(content)},
    }


def test_a_dataset_that_is_there_is_not_sent_again(tmp_path):
    s3, file = FakeS3(), dataset(tmp_path)
    first = upload_data(s3, [file], RESOURCES)[0]
    second = upload_data(s3, [file, file], RESOURCES)
    assert len(s3.puts) == 1
    assert [(item.sent, item.version_id) for item in (first, *second)] == [(True, "v1"), (False, "v1")]


@pytest.mark.parametrize("change", [{"ChecksumSHA256": "x", "Metadata": {}}, {"SSEKMSKeyId": "another"}])
def test_an_object_with_other_content_or_another_key_is_replaced(tmp_path, change):
    s3, file = FakeS3(), dataset(tmp_path)
    upload_data(s3, [file], RESOURCES)
    s3.objects["data", file.key].update(change)
    assert upload_data(s3, [file], RESOURCES)[0].version_id == "v2"


def test_a_large_file_goes_up_in_parts_and_is_known_by_its_metadata_afterwards(tmp_path, monkeypatch):
    monkeypatch.setattr(upload, "MULTIPART_BYTES", 1000)
    s3, file, words = FakeS3(), dataset(tmp_path, b'{"row": 1}\n' * 500), []
    assert upload_data(s3, [file], RESOURCES, report=words.append)[0].sent
    assert s3.objects["data", file.key]["ChecksumSHA256"] == "composite-2"
    assert words[-1] == "train.jsonl 100 %"
    assert not upload_data(s3, [file], RESOURCES)[0].sent


@pytest.mark.parametrize("limit", [1000, 10**9])
def test_a_file_that_changed_after_it_was_checked_is_refused_and_leaves_nothing(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(upload, "MULTIPART_BYTES", limit)
    s3, file = FakeS3(), dataset(tmp_path, b"a" * 2000)
    file.source.write_bytes(b"b" * 2000)
    with pytest.raises(NovalineError, match="changed after it was checked"):
        upload_data(s3, [file], RESOURCES)
    assert not s3.objects


def test_a_file_that_is_gone_is_named(tmp_path):
    file = dataset(tmp_path)
    file.source.unlink()
    with pytest.raises(NovalineError, match=r"cannot read .*train\.jsonl"):
        upload_data(FakeS3(), [file], RESOURCES)


@pytest.mark.parametrize("refused", ["plan.json", "recipe.yaml", "claim.json"])
def test_whatever_is_refused_no_claim_and_no_folder_is_left(tmp_path, refused):
    s3 = FakeS3(refuse=refused)
    with pytest.raises(NovalineError, match="s3:PutObject") as caught:
        upload_run(s3, Run((dataset(tmp_path),)), RESOURCES)
    assert caught.value.findings[0].code == "access-denied"
    assert [key for bucket, key in s3.objects if bucket == "artifacts"] == []


def test_a_bucket_without_versions_cannot_hold_a_run(tmp_path):
    s3 = FakeS3()
    s3._keep = lambda *_, **__: None  # what S3 answers for a bucket whose versioning is off
    with pytest.raises(NovalineError, match="keeps no versions"):
        upload_run(s3, Run(()), RESOURCES)


def test_a_claim_that_names_what_was_not_uploaded_is_not_written():
    claim = {"objects": [{"uri": "s3://data/x", "sha256": "00", "version_id": None}]}
    with pytest.raises(NovalineError, match="was not uploaded"):
        claim_bytes(claim, {})


def test_a_refusal_of_the_first_look_is_told_in_words(tmp_path):
    class Denied(FakeS3):
        def head_object(self, **_):
            raise refusal("403", "Forbidden", "HeadObject")

    with pytest.raises(NovalineError, match="AWS refused it while looking for data/"):
        upload_data(Denied(), [dataset(tmp_path)], RESOURCES)
