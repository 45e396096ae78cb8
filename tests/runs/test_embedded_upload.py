"""Upload and fetch against the embedded AWS, which checks what S3 and KMS check."""

import hashlib
import json
import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from fake_aws import RESOURCES

from novaline.findings import NovalineError
from novaline.runs import upload
from novaline.runs.clients import Clients
from novaline.runs.deployed import require_account, resources_of
from novaline.runs.folder import fetch_folder
from novaline.runs.launch import environment_named
from novaline.runs.upload import upload_data, upload_run

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class File:
    source: Path
    key: str
    sha256: str
    bytes: int = 0


@dataclass
class Run:
    uploads: tuple[File, ...]
    run: str = field(default_factory=lambda: f"r-{uuid.uuid4().hex[:8]}")
    files: dict[str, bytes] = field(default_factory=lambda: {"recipes/sft/recipe.yaml": b"run: {}\n"})

    @property
    def claim(self) -> dict:
        objects = [{"uri": f"s3://{self.buckets[0]}/{file.key}", "sha256": file.sha256} for file in self.uploads]
        return {"run": self.run, "objects": objects}

    buckets: tuple[str, str] = ("", "")


@pytest.fixture(scope="module")
def resources(emulator):
    s3, kms = emulator.client("s3"), emulator.client("kms")
    names = [f"{kind}-{uuid.uuid4().hex[:12]}" for kind in ("data", "artifacts")]
    for name in names:
        s3.create_bucket(Bucket=name)
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    key = kms.create_key()["KeyMetadata"]["Arn"]
    return replace(RESOURCES, data_bucket=names[0], artifact_bucket=names[1], key_arn=key)


def dataset(folder: Path, content: bytes) -> File:
    path = folder / "train.jsonl"
    path.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return File(path, f"data/{digest}/train.jsonl", digest)


def test_a_run_goes_up_encrypted_and_versioned_and_comes_back_byte_for_byte(emulator, resources, tmp_path):
    s3 = emulator.client("s3")
    file = dataset(tmp_path, b'{"a": 1}\n')
    run = Run((file,), buckets=(resources.data_bucket, resources.artifact_bucket))
    check = upload_run(s3, run, resources)
    key = f"runs/{run.run}/claim.json"
    stored = s3.get_object(Bucket=resources.artifact_bucket, Key=key, VersionId=check.version_id)
    content = stored["Body"].read()
    assert hashlib.sha256(content).hexdigest() == check.sha256
    assert (stored["ServerSideEncryption"], stored["SSEKMSKeyId"]) == ("aws:kms", resources.key_arn)
    named = json.loads(content)["objects"][0]
    data = s3.get_object(Bucket=resources.data_bucket, Key=file.key, VersionId=named["version_id"])
    assert data["Body"].read() == file.source.read_bytes()
    fetch_folder(s3, resources, run.run, tmp_path / "run")
    assert (tmp_path / "run" / "claim.json").read_bytes() == content
    assert (tmp_path / "run" / "recipes" / "sft" / "recipe.yaml").read_bytes() == b"run: {}\n"


@pytest.mark.parametrize("rows", [10, 1_000_000])
def test_a_dataset_goes_up_once_whether_whole_or_in_parts(emulator, resources, tmp_path, monkeypatch, rows):
    monkeypatch.setattr(upload, "MULTIPART_BYTES", 9 * 1024 * 1024)
    s3 = emulator.client("s3")
    file = dataset(tmp_path, f"rows {rows}".encode() * rows)
    first = upload_data(s3, [file], resources)[0]
    second = upload_data(s3, [file], resources)[0]
    assert (first.sent, second.sent) == (True, False)
    assert first.version_id == second.version_id
    body = s3.get_object(Bucket=resources.data_bucket, Key=file.key)["Body"].read()
    assert hashlib.sha256(body).hexdigest() == file.sha256


def test_an_environment_that_is_not_deployed_is_named(emulator):
    environment = environment_named("dev", root=CHECKOUT)
    clients = Clients.made_by(emulator.client)
    assert require_account(clients.sts, environment).endswith(":root")
    elsewhere = environment.model_copy(update={"name": f"e{uuid.uuid4().hex[:6]}"})
    with pytest.raises(NovalineError, match="is not deployed"):
        resources_of(clients.cloudformation, elsewhere)
