"""The buckets of a preparation, and the pieces that its parts leave in one of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from novaline.datasets.remote.parts import Range
from novaline.datasets.remote.prepare_joining import LEAST_BYTES, Carried, Copied, uploads
from novaline.datasets.remote.prepare_places import piece_key
from novaline.datasets.remote.s3_file import S3File

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

MOST_DIGESTED: Final = 32 << 30
"""Bytes of an output that *Join* reads for the digest in the manifest: it has 15 minutes, at some 75 MB a second."""

_SENT_BYTES: Final = 16 << 20  # ten thousand parts of it are 160 GB, more than a function makes in its time
_READ_BYTES: Final = 1 << 20
_COPIES_AT_A_TIME: Final = 8
NO_SPLIT: Final = "all"


class StoredObject(S3File):
    """An object of the data bucket as `SourceReader` wants it: who reads it knows the rest already."""

    def __init__(self, s3: S3Client, piece: Range, *, bucket: str) -> None:
        super().__init__(s3, bucket=bucket, key=piece.key, version=piece.version, size=piece.size)
        self.version_id, self.etag = piece.version, ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """The buckets of the environment and the client for them."""

    s3: S3Client
    data_bucket: str
    artifact_bucket: str

    def read(self, key: str, *, version: str | None = None) -> bytes:
        """An object of the artifact bucket; its newest version unless one is named."""
        named = {"Bucket": self.artifact_bucket, "Key": key}
        if version is not None:
            named["VersionId"] = version
        return self.s3.get_object(**named)["Body"].read()  # type: ignore[arg-type]  # boto3's stubs know no such dict

    def write(self, key: str, content: bytes) -> str:
        """Write an object of the artifact bucket, under the bucket's own key; returns its version."""
        return self.s3.put_object(Bucket=self.artifact_bucket, Key=key, Body=content)["VersionId"]

    def open(self, piece: Range) -> BinaryIO:
        """An object of the data bucket, at the version that was listed."""
        return cast("BinaryIO", StoredObject(self.s3, piece, bucket=self.data_bucket))

    def put(self, key: str, content: bytes) -> str:
        """Write an object of the data bucket; returns its version."""
        return self.s3.put_object(Bucket=self.data_bucket, Key=key, Body=content)["VersionId"]


class Pieces:
    """The rows of one part, as one object for each split that has any. Holds 16 MiB of each split at most."""

    def __init__(self, stores: Stores, preparation: str, part: int) -> None:
        self._stores = stores
        self._preparation = preparation
        self._part = part
        self._pieces: dict[str, _Piece] = {}

    def write(self, split: str, lines: bytes, *, rows: int) -> None:
        """Takes so many rows."""
        if split not in self._pieces:
            key = piece_key(self._preparation, split or NO_SPLIT, self._part)
            self._pieces[split] = _Piece(self._stores, key)
        self._pieces[split].write(lines, rows=rows)

    def finish(self) -> Mapping[str, tuple[int, int]]:
        """The rows and bytes of each split that has any; all of them are stored."""
        for piece in self._pieces.values():
            piece.finish()
        return {split: (piece.rows, piece.bytes) for split, piece in self._pieces.items()}


class _Piece:
    """One object on its way: sent at once when it is small, and in parts otherwise."""

    def __init__(self, stores: Stores, key: str) -> None:
        self._stores = stores
        self._key = key
        self._pending = bytearray()
        self._upload: _Upload | None = None
        self.rows = 0
        self.bytes = 0

    def write(self, lines: bytes, *, rows: int) -> None:
        self._pending += lines
        self.rows += rows
        self.bytes += len(lines)
        if len(self._pending) >= _SENT_BYTES:
            if self._upload is None:
                self._upload = _Upload.begin(self._stores, self._stores.artifact_bucket, self._key)
            self._upload.send(self._upload.next_number, bytes(self._pending))
            self._pending.clear()

    def finish(self) -> None:
        if self._upload is None:
            self._stores.write(self._key, bytes(self._pending))
            return
        if self._pending:
            self._upload.send(self._upload.next_number, bytes(self._pending))
        self._upload.complete()


@dataclass(slots=True, kw_only=True)
class _Upload:
    """An upload in parts. What is not completed, the bucket's own rule takes away after a week."""

    stores: Stores
    bucket: str
    key: str
    number: str
    parts: dict[int, str] = field(default_factory=dict)

    @classmethod
    def begin(cls, stores: Stores, bucket: str, key: str) -> _Upload:
        answer = stores.s3.create_multipart_upload(Bucket=bucket, Key=key)
        return cls(stores=stores, bucket=bucket, key=key, number=answer["UploadId"])

    @property
    def next_number(self) -> int:
        return len(self.parts) + 1

    def send(self, number: int, content: bytes) -> None:
        answer = self.stores.s3.upload_part(
            Bucket=self.bucket, Key=self.key, UploadId=self.number, PartNumber=number, Body=content
        )
        self.parts[number] = answer["ETag"]

    def copy(self, number: int, copied: Copied) -> None:
        answer = self.stores.s3.upload_part_copy(
            Bucket=self.bucket,
            Key=self.key,
            UploadId=self.number,
            PartNumber=number,
            CopySource={"Bucket": self.stores.artifact_bucket, "Key": copied.slice.key},
            CopySourceRange=copied.slice.range,
        )
        self.parts[number] = answer["CopyPartResult"]["ETag"]

    def complete(self) -> str:
        parts: list[CompletedPartTypeDef] = [
            {"PartNumber": number, "ETag": etag} for number, etag in sorted(self.parts.items())
        ]
        answer = self.stores.s3.complete_multipart_upload(
            Bucket=self.bucket, Key=self.key, UploadId=self.number, MultipartUpload={"Parts": parts}
        )
        return answer["VersionId"]


class Joined:
    """One object of the output: all of its bytes are in S3 when it is made, and it has its name after `publish`."""

    def __init__(self, stores: Stores, key: str, pieces: Sequence[tuple[str, int]], *, digested: bool) -> None:
        self._stores = stores
        self._key = key
        self._content = b""
        self._upload: _Upload | None = None
        if sum(size for _, size in pieces) < LEAST_BYTES:
            self._content = b"".join(stores.read(piece) for piece, _ in pieces)
            self.sha256: str | None = hashlib.sha256(self._content).hexdigest()
            return
        self._upload = _Upload.begin(stores, stores.data_bucket, key)
        with ThreadPoolExecutor(max_workers=_COPIES_AT_A_TIME) as pool:
            work = [
                pool.submit(self._part, self._upload, number, item)
                for number, item in enumerate(uploads(pieces), start=1)
            ]
            self.sha256 = _digest(stores, [piece for piece, _ in pieces]) if digested else None
            for each in work:
                each.result()

    def _part(self, upload: _Upload, number: int, item: Copied | Carried) -> None:
        if isinstance(item, Copied):
            upload.copy(number, item)
        else:
            slices = [
                self._stores.s3.get_object(Bucket=self._stores.artifact_bucket, Key=each.key, Range=each.range)
                for each in item.slices
                if each.size
            ]
            upload.send(number, b"".join(each["Body"].read() for each in slices))

    def publish(self) -> str:
        """Gives the object its name; returns its version."""
        return self._stores.put(self._key, self._content) if self._upload is None else self._upload.complete()


def _digest(stores: Stores, keys: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for block in _blocks(stores, keys):
        digest.update(block)
    return digest.hexdigest()


def _blocks(stores: Stores, keys: Iterable[str]) -> Iterator[bytes]:
    for key in keys:
        body = stores.s3.get_object(Bucket=stores.artifact_bucket, Key=key)["Body"]
        while block := body.read(_READ_BYTES):
            yield block
