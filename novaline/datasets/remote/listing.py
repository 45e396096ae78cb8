"""Finds the objects that a source means, each at its newest version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from novaline.datasets.remote.parts import SourceRefused, StoredFile, chosen
from novaline.s3_uri import split_s3_uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def stored_files(s3: S3Client, source: str, *, bucket: str) -> tuple[StoredFile, ...]:
    """The objects of `bucket` that the URI means. Raises SourceRefused when it lies elsewhere or means nothing."""
    try:
        found_in, prefix = split_s3_uri(source)
    except ValueError as problem:
        raise SourceRefused(str(problem)) from None
    if found_in != bucket:
        raise SourceRefused(f"{source} is not in the bucket {bucket}: copy it there")
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
    newest = (
        StoredFile(key=item["Key"], version=item["VersionId"], size=item["Size"])
        for page in pages
        for item in page.get("Versions", ())
        if item["IsLatest"]
    )
    return chosen(newest, source=source, prefix=prefix)
