"""Datasets and run files into the environment's buckets, content-addressed, and the claim that names their versions.

The order is the guarantee: datasets, then the run's files, then `claim.json`, which carries the version id of all the
others. Whatever fails before the claim leaves no claim, and a run without a claim cannot be started.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from novaline.datasets.dataset import StoredVersion
from novaline.findings import NovalineError
from novaline.requests.resources import Resources
from novaline.runs.copying import Copy, copy_version
from novaline.runs.identity import run_prefix
from novaline.runs.problems import error_code, explained
from novaline.runs.stored import Stored

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MULTIPART_BYTES = 64 * 1024 * 1024
"""From this size on a file goes up in parts, and its SHA-256 is kept as metadata instead of as S3's own checksum."""

Report = Callable[[str], None]


class Data(Protocol):
    """A local file, or a version of an object, and the key of the data bucket that it belongs under.

    `sha256` is that of a file's bytes; None where nobody knows an object's. `bytes` is the size.
    """

    @property
    def source(self) -> Path | StoredVersion: ...
    @property
    def key(self) -> str: ...
    @property
    def sha256(self) -> str | None: ...
    @property
    def bytes(self) -> int | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """A local file and where it belongs."""

    path: Path
    key: str
    sha256: str


class Compiled(Protocol):
    """What upload needs of a compiled run."""

    @property
    def claim(self) -> Mapping[str, Any]: ...
    @property
    def files(self) -> Mapping[str, bytes]: ...
    @property
    def uploads(self) -> Iterable[Data]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimCheck:
    """What an execution is started with: which claim, which version of it, and its digest."""

    run: str
    uri: str
    version_id: str
    sha256: str

    def as_input(self) -> dict[str, object]:
        """The execution's input."""
        return {
            "run": self.run,
            "claim": {"uri": self.uri, "version_id": self.version_id, "sha256": self.sha256},
        }


def upload_run(
    s3: S3Client, compiled: Compiled, resources: Resources, *, report: Report = lambda _: None
) -> ClaimCheck:
    """Everything that the run needs, in S3; `claim.json` last. Raises NovalineError, and then the run has no folder."""
    stored = {item.uri: item for item in upload_data(s3, compiled.uploads, resources, report=report)}
    run = str(compiled.claim["run"])
    prefix = run_prefix(run)
    written: list[tuple[str, str]] = []
    try:
        for name, content in sorted(compiled.files.items()):
            item = _put(s3, resources.artifact_bucket, prefix + name, content, resources)
            written.append((prefix + name, item.version_id))
            stored[item.uri] = item
        report(f"{len(compiled.files)} files of the run")
        content = claim_bytes(compiled.claim, stored)
        claim = _put(s3, resources.artifact_bucket, prefix + "claim.json", content, resources)
    except BaseException:
        _remove(s3, resources, written)
        raise
    digest = hashlib.sha256(content).hexdigest()
    return ClaimCheck(run=run, uri=claim.uri, version_id=claim.version_id, sha256=digest)


def upload_data(
    s3: S3Client, data: Iterable[Data], resources: Resources, *, report: Report = lambda _: None
) -> tuple[Stored, ...]:
    """The datasets in the data bucket. What is there already, with the same digest, is not sent or copied again.

    Raises NovalineError when a file is gone, or is no longer the file that was checked.
    """
    results: dict[str, Stored] = {}
    for item in data:
        if item.key not in results:
            results[item.key] = _brought(s3, item, resources, report)
    return tuple(results.values())


def _brought(s3: S3Client, item: Data, resources: Resources, report: Report) -> Stored:
    if isinstance(item.source, StoredVersion):
        copy = Copy(source=item.source, key=item.key, sha256=item.sha256, bytes=item.bytes or 0)
        return copy_version(s3, copy, resources, report=report)
    assert item.sha256 is not None, "a local file is read from start to end before"
    file = _File(path=item.source, key=item.key, sha256=item.sha256)
    found = _present(s3, file, resources)
    report(f"{Path(file.key).name} is already there" if found else f"{Path(file.key).name}")
    return found or _send(s3, file, resources, report)


def claim_bytes(claim: Mapping[str, Any], stored: Mapping[str, Stored]) -> bytes:
    """`claim.json`: the claim with the version id of every object that it names, in a form that is always the same.

    Raises NovalineError when the claim names an object that was not stored, or one with another digest.
    """
    objects = []
    for item in claim["objects"]:
        there = stored.get(item["uri"])
        if there is None or there.sha256 != item["sha256"]:
            found = "was not uploaded" if there is None else f"was uploaded as SHA-256 {there.sha256}"
            message = f"the claim names {item['uri']} with SHA-256 {item['sha256']}, which {found}"
            raise NovalineError.of("incomplete-upload", message, hint="start the run again")
        objects.append({**item, "version_id": there.version_id})
    return json.dumps({**claim, "objects": objects}, indent=2, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def _present(s3: S3Client, file: _File, resources: Resources) -> Stored | None:
    """The object under the file's key if it holds exactly that content, encrypted with the environment's key."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - the command line must start without botocore

    bucket = resources.data_bucket
    with explained(f"looking for {file.key} in bucket {bucket}"):
        try:
            head = s3.head_object(
                Bucket=bucket, Key=file.key, ChecksumMode="ENABLED", ExpectedBucketOwner=resources.account
            )
        except ClientError as problem:
            if error_code(problem) in {"404", "NoSuchKey", "NotFound"}:
                return None
            raise
    whole = _encoded(file.sha256)
    same = head.get("ChecksumSHA256") == whole or head.get("Metadata", {}).get("sha256") == file.sha256
    if not same or head.get("SSEKMSKeyId") != resources.key_arn or head["ContentLength"] != _size(file.path):
        return None
    return Stored(
        uri=f"s3://{bucket}/{file.key}",
        version_id=head.get("VersionId", ""),
        sha256=file.sha256,
        size=head["ContentLength"],
        sent=False,
    )


def _send(s3: S3Client, file: _File, resources: Resources, report: Report) -> Stored:
    if _size(file.path) < MULTIPART_BYTES:
        content = _read(file)
        return _put(s3, resources.data_bucket, file.key, content, resources)
    return _send_in_parts(s3, file, resources, report)


def _send_in_parts(s3: S3Client, file: _File, resources: Resources, report: Report) -> Stored:
    bucket, total = resources.data_bucket, _size(file.path)
    extra = {  # no BucketKeyEnabled: boto3's transfer does not take it, and the bucket's own setting holds
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": resources.key_arn,
        "ChecksumAlgorithm": "SHA256",
        "Metadata": {"sha256": file.sha256},
        "ExpectedBucketOwner": resources.account,
    }
    with explained(f"uploading {file.path} to bucket {bucket}"), file.path.open("rb") as source:
        reader = _HashingReader(source, lambda done: report(f"{Path(file.key).name} {done * 100 // max(total, 1)} %"))
        s3.upload_fileobj(reader, bucket, file.key, ExtraArgs=extra)  # type: ignore[arg-type]  # boto3 only needs read()
        head = s3.head_object(Bucket=bucket, Key=file.key, ExpectedBucketOwner=resources.account)
        version = head.get("VersionId", "")
        if reader.digest.hexdigest() != file.sha256:
            s3.delete_object(Bucket=bucket, Key=file.key, VersionId=version, ExpectedBucketOwner=resources.account)
            raise _changed(file)
    return Stored(uri=f"s3://{bucket}/{file.key}", version_id=version, sha256=file.sha256, size=head["ContentLength"])


def _put(s3: S3Client, bucket: str, key: str, content: bytes, resources: Resources) -> Stored:
    digest = hashlib.sha256(content).hexdigest()
    with explained(f"writing {key} to bucket {bucket}"):
        answer = s3.put_object(
            Bucket=bucket,
            Key=key,
            Body=content,
            ChecksumSHA256=_encoded(digest),
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=resources.key_arn,
            BucketKeyEnabled=True,
            Metadata={"sha256": digest},
            ExpectedBucketOwner=resources.account,
        )
    version = answer.get("VersionId")
    if not version or version == "null":
        message = f"the bucket {bucket} keeps no versions, so a run cannot name what it was made of"
        raise NovalineError.of("unversioned-bucket", message, hint="deploy the environment again")
    return Stored(uri=f"s3://{bucket}/{key}", version_id=version, sha256=digest, size=len(content))


def _remove(s3: S3Client, resources: Resources, written: Iterable[tuple[str, str]]) -> None:
    """Take back the files of a run that will not start. Best effort: the error that led here is the one to show."""
    for key, version in written:
        try:
            s3.delete_object(
                Bucket=resources.artifact_bucket, Key=key, VersionId=version, ExpectedBucketOwner=resources.account
            )
        except Exception:  # whatever it is, the first problem matters more
            return


def _read(file: _File) -> bytes:
    try:
        content = file.path.read_bytes()
    except OSError as problem:
        raise NovalineError.of(
            "unreadable-file", f"cannot read {file.path}: {problem.strerror or problem}", file=str(file.path)
        ) from None
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise _changed(file)
    return content


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as problem:
        raise NovalineError.of(
            "unreadable-file", f"cannot read {path}: {problem.strerror or problem}", file=str(path)
        ) from None


def _changed(file: _File) -> NovalineError:
    message = f"{file.path} changed after it was checked"
    return NovalineError.of("file-changed", message, file=str(file.path), hint="start again; nothing was started")


def _encoded(digest: str) -> str:
    return base64.b64encode(bytes.fromhex(digest)).decode("ascii")


class _HashingReader:
    """A file that is read once, from start to end, and hashed on the way: what was sent is what the digest says."""

    def __init__(self, source: BinaryIO, report: Callable[[int], None]) -> None:
        self._source = source
        self._report = report
        self._done = 0
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        content = self._source.read(size)
        self.digest.update(content)
        self._done += len(content)
        self._report(self._done)
        return content
