"""S3 URIs taken apart and put together. Standard library only: Lambdas bundle it."""

from __future__ import annotations


def split_s3_uri(uri: str) -> tuple[str, str]:
    """``s3://bucket/some/key`` as ``("bucket", "some/key")``. Raises ValueError for anything else."""
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not bucket:
        msg = f"expected an S3 URI like s3://bucket/key, found {uri!r}"
        raise ValueError(msg)
    return bucket, key


def join_s3_uri(bucket: str, *parts: str) -> str:
    """The URI of the key that the parts make, joined by single slashes."""
    return "/".join([f"s3://{bucket}", *(part.strip("/") for part in parts)])
