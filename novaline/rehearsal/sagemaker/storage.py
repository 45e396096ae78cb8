"""A job's input channels and output files in S3, under the execution role."""

import io
import tarfile
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from novaline.rehearsal.sagemaker.container import Channel
from novaline.rehearsal.sagemaker.failures import JobFailure
from novaline.s3_uri import split_s3_uri


def download(s3: Any, channel: Mapping[str, Any]) -> Channel:  # noqa: ANN401 - a boto3 client
    """Every object that has the channel's S3Uri as a prefix, by the name that its file gets. Raises JobFailure.

    As on AWS: an S3Uri that ends in `train.jsonl` brings `train.jsonl.bak` along, if there is one.
    """
    name = channel["ChannelName"]
    source = channel.get("DataSource", {}).get("S3DataSource")
    if source is None:
        raise JobFailure.client(f"channel {name} has no S3DataSource, which is all that the rehearsal knows")
    bucket, prefix = split_s3_uri(source["S3Uri"])
    try:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [found["Key"] for page in pages for found in page.get("Contents", ()) if not found["Key"].endswith("/")]
        files = {_local_name(key, prefix): s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}
    except ClientError as error:
        raise JobFailure.denied(f"downloading channel {name} from {source['S3Uri']}", error) from error
    if not files:
        raise JobFailure.client(f"channel {name}: no object is found at {source['S3Uri']}")
    return Channel(data_type=source["S3DataType"], files=files)


def _local_name(key: str, prefix: str) -> str:
    """A file's name below the channel's folder: what follows a prefix that is a folder, else the last part and on."""
    inside = prefix.rstrip("/") + "/"
    return key.removeprefix(inside) if key.startswith(inside) else key[prefix.rfind("/") + 1 :]


def upload(s3: Any, files: Mapping[str, bytes], *, output: Mapping[str, Any], job: str) -> None:  # noqa: ANN401 - a boto3 client
    """Write `<S3OutputPath>/<job>/output/output.tar.gz`; with CompressionType NONE, the files themselves beside it.

    Encrypted with the request's KmsKeyId; without one the bucket's default applies, where AWS uses its own key for S3.
    Raises JobFailure.
    """
    bucket, prefix = split_s3_uri(output["S3OutputPath"])
    folder = "/".join(part for part in (prefix.strip("/"), job, "output") if part)
    key = output.get("KmsKeyId")
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}
    objects = dict(files) if output.get("CompressionType") == "NONE" else {"output.tar.gz": pack(files)}
    for name, content in objects.items():
        try:
            s3.put_object(Bucket=bucket, Key=f"{folder}/{name}", Body=content, **encryption)
        except ClientError as error:
            raise JobFailure.denied(f"uploading to s3://{bucket}/{folder}/{name}", error) from error


def pack(files: Mapping[str, bytes]) -> bytes:
    """The files as a gzipped tar."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=6) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()
