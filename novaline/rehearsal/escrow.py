"""The escrow bucket, where Amazon keeps what training made: a checkpoint is named by a URI and read under IAM.

On AWS the bucket belongs to the service. Here it lies in the rehearsal's only account, is made and written with the
services' own credentials, and is read under the role that a request names (s3:ListBucket, s3:GetObject).
"""

import hashlib
import re
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from novaline.s3_uri import join_s3_uri, split_s3_uri

if TYPE_CHECKING:
    from novaline.rehearsal.learner.stand_in import TrainedStandIn

_NAME = re.compile(r"customer-escrow-\d{12}-smtj-[0-9a-f]{8}")
_MOST_CACHED = 8


def bucket_name(account: str, region: str) -> str:
    """`customer-escrow-<account>-smtj-<8 hex>`, the same for every job of an account and region."""
    return f"customer-escrow-{account}-smtj-{hashlib.sha256(f'{account}/{region}'.encode()).hexdigest()[:8]}"


def is_escrow(uri: str) -> bool:
    """Whether a URI lies in a training job's escrow bucket."""
    try:
        return _NAME.fullmatch(split_s3_uri(uri)[0]) is not None
    except ValueError:
        return False


def write_checkpoint(s3: Any, objects: Mapping[str, bytes], *, account: str, region: str, path: str) -> str:  # noqa: ANN401 - a boto3 client
    """Store a checkpoint's objects below `path` and return its URI. `s3` works with the service's own credentials."""
    bucket = bucket_name(account, region)
    if bucket not in (found["Name"] for found in s3.list_buckets().get("Buckets", ())):
        place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=bucket, **place)
    for name, content in objects.items():
        s3.put_object(Bucket=bucket, Key=f"{path}/{name}", Body=content)
    return join_s3_uri(bucket, path)


def read_checkpoint(s3: Any, uri: str) -> dict[str, tuple[str, bytes]]:  # noqa: ANN401 - a boto3 client
    """(ETag, content) of each object of a checkpoint, by name; empty if there is none. Raises ClientError."""
    bucket, path = split_s3_uri(uri)
    prefix = path.rstrip("/") + "/"
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())
    objects = {}
    for found in listed:
        answer = s3.get_object(Bucket=bucket, Key=found["Key"])
        objects[found["Key"].removeprefix(prefix)] = (answer["ETag"], answer["Body"].read())
    return objects


class CheckpointCache:
    """Stand-ins by the URI and ETags of their checkpoint, so that none is unpacked twice. Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[str, ...], TrainedStandIn] = {}

    def load(self, s3: Any, uri: str) -> "TrainedStandIn":  # noqa: ANN401 - a boto3 client
        """The stand-in at `uri`, read with `s3` each time: whoever may not read the objects does not get the model.

        Raises botocore's ClientError on a refusal and ValueError when nothing usable is there.
        """
        from novaline.rehearsal.learner.stand_in import from_checkpoint  # noqa: PLC0415 - takes scikit-learn along

        objects = read_checkpoint(s3, uri)
        if not objects:
            raise ValueError(f"there is no checkpoint at {uri}")
        key = (uri.rstrip("/"), *(f"{name} {tag}" for name, (tag, _) in sorted(objects.items())))
        with self._lock:
            known = self._known.get(key)
        if known is None:
            known = from_checkpoint({name: content for name, (_, content) in objects.items()})
            with self._lock:
                while len(self._known) >= _MOST_CACHED:
                    del self._known[next(iter(self._known))]
                self._known[key] = known
        return known
