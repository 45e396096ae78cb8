"""In-memory stand-ins for the two stores that the workflow's functions use."""

import base64
import hashlib
import io
from dataclasses import dataclass, field

from botocore.exceptions import ClientError
from botocore.response import StreamingBody


@dataclass
class MemoryS3:
    """Versioned buckets in a dict: (bucket, key) to the list of versions."""

    objects: dict[tuple[str, str], list[bytes]] = field(default_factory=dict)
    content_types: dict[tuple[str, str], str] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    copied: int = 0

    class exceptions:  # noqa: N801 - the attribute that every boto3 client has
        ClientError = ClientError

        class NoSuchKey(ClientError):
            pass

    def put_object(self, *, Bucket, Key, Body, ContentType="binary/octet-stream"):  # noqa: N803 - S3's parameter names
        self.objects.setdefault((Bucket, Key), []).append(Body)
        self.content_types[Bucket, Key] = ContentType
        return {"VersionId": str(len(self.objects[Bucket, Key]))}

    def get_object(self, *, Bucket, Key, VersionId=None, ChecksumMode=None, Range=None):  # noqa: N803 - likewise
        versions = self._versions(Bucket, Key)
        number = len(versions) if VersionId is None else int(VersionId)
        body = versions[number - 1]
        if Range is not None:
            first, last = map(int, Range.removeprefix("bytes=").split("-"))
            body = body[first : last + 1]
        answer = {
            "Body": StreamingBody(io.BytesIO(body), len(body)),
            "ContentLength": len(body),
            "VersionId": str(number),
        }
        if ChecksumMode == "ENABLED":
            answer["ChecksumSHA256"] = base64.b64encode(hashlib.sha256(body).digest()).decode()
        return answer

    def create_multipart_upload(self, *, Bucket, Key):  # noqa: N803 - likewise
        number = f"upload-{len(self.uploads)}"
        self.uploads[number] = {}
        return {"UploadId": number}

    def upload_part(self, *, Bucket, Key, UploadId, PartNumber, Body):  # noqa: N803 - likewise
        self.uploads[UploadId][PartNumber] = Body
        return {"ETag": f'"{PartNumber}"'}

    def upload_part_copy(self, *, Bucket, Key, UploadId, PartNumber, CopySource, CopySourceRange):  # noqa: N803 - likewise
        body = self.get_object(**CopySource, Range=CopySourceRange)["Body"].read()
        first, last = map(int, CopySourceRange.removeprefix("bytes=").split("-"))
        assert len(body) == last + 1 - first, "the range ends behind the object"
        self.copied += len(body)
        self.uploads[UploadId][PartNumber] = body
        return {"CopyPartResult": {"ETag": f'"{PartNumber}"'}}

    def complete_multipart_upload(self, *, Bucket, Key, UploadId, MultipartUpload):  # noqa: N803 - likewise
        parts = self.uploads.pop(UploadId)
        assert (
            [part["PartNumber"] for part in MultipartUpload["Parts"]] == sorted(parts) == list(range(1, len(parts) + 1))
        )
        bodies = [parts[number] for number in sorted(parts)]
        if any(len(body) < 5 << 20 for body in bodies[:-1]):
            raise ClientError({"Error": {"Code": "EntityTooSmall", "Message": "small"}}, "CompleteMultipartUpload")
        return self.put_object(Bucket=Bucket, Key=Key, Body=b"".join(bodies))

    def get_paginator(self, operation):
        assert operation == "list_object_versions"
        return self

    def paginate(self, *, Bucket, Prefix):  # noqa: N803 - likewise
        """A page for each object, as if there were many."""
        for (bucket, key), versions in sorted(self.objects.items()):
            if bucket == Bucket and key.startswith(Prefix):
                yield {
                    "Versions": [
                        {
                            "Key": key,
                            "VersionId": str(number),
                            "ETag": f'"{hashlib.md5(body).hexdigest()}"',
                            "Size": len(body),
                            "IsLatest": number == len(versions),
                        }
                        for number, body in enumerate(versions, start=1)
                    ]
                }

    def list_objects_v2(self, *, Bucket, Prefix, MaxKeys):  # noqa: N803 - likewise
        keys = sorted(key for bucket, key in self.objects if bucket == Bucket and key.startswith(Prefix))
        return {"Contents": [{"Key": key} for key in keys[:MaxKeys]]} if keys else {}

    def _versions(self, bucket, key):
        if (bucket, key) not in self.objects:
            raise self.exceptions.NoSuchKey({"Error": {"Code": "NoSuchKey", "Message": "not there"}}, "GetObject")
        return self.objects[bucket, key]


@dataclass
class MemoryTable:
    """Records what is written to DynamoDB."""

    puts: list[dict] = field(default_factory=list)
    updates: list[dict] = field(default_factory=list)

    def put_item(self, **request):
        self.puts.append(request)

    def update_item(self, **request):
        self.updates.append(request)
