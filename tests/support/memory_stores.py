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

    def get_paginator(self, operation):
        assert operation == "list_object_versions"
        return self

    def paginate(self, *, Bucket, Prefix):  # noqa: N803 - likewise
        """A page for each object, as if there were many."""
        for (bucket, key), versions in sorted(self.objects.items()):
            if bucket == Bucket and key.startswith(Prefix):
                yield {
                    "Versions": [
                        {"Key": key, "VersionId": str(number), "Size": len(body), "IsLatest": number == len(versions)}
                        for number, body in enumerate(versions, start=1)
                    ]
                }

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
