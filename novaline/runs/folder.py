"""A run's folder, fetched: all or nothing."""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from novaline.findings import NovalineError, UsageProblem
from novaline.requests.resources import Resources
from novaline.runs.identity import run_prefix
from novaline.runs.problems import explained

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LARGEST_UNPACKED = 20 * 1024 * 1024
"""An output archive up to this size, packed and unpacked, is unpacked beside itself; a larger one stays as it is."""


def require_free(destination: Path) -> None:
    """Raises UsageProblem unless `destination` can be made: it is not there or empty, and its parent can be written."""
    hint = "choose another --output, or remove it"
    if destination.is_dir():
        if any(destination.iterdir()):
            raise UsageProblem.of("output-exists", f"the folder {destination} is not empty", hint=hint)
    elif destination.exists() or destination.is_symlink():
        raise UsageProblem.of("output-exists", f"{destination} exists and is not a folder", hint=hint)
    above = next(folder for folder in destination.absolute().parents if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise UsageProblem.of("output-unwritable", f"{above} is not a folder that can be written", hint=hint)


def fetch_folder(s3: S3Client, resources: Resources, run: str, destination: Path) -> tuple[str, ...]:
    """Everything that the run's folder holds, under `destination`, which appears only when it is complete.

    Returns the files' names, relative to it. Small per-sample outputs are unpacked. Raises NovalineError when the
    folder is empty or cannot be read, UsageProblem when `destination` is taken.
    """
    require_free(destination)
    partial = partial_of(destination)
    partial.mkdir(parents=True)
    try:
        names = download_folder(s3, resources, run, partial)
        publish(partial, destination)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return names


def download_folder(s3: S3Client, resources: Resources, run: str, folder: Path) -> tuple[str, ...]:
    """The same into a folder that is there already, and is the caller's to remove."""
    bucket, prefix = resources.artifact_bucket, run_prefix(run)
    names: list[str] = []
    with explained(f"reading s3://{bucket}/{prefix}"):
        for page in s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=prefix, ExpectedBucketOwner=resources.account
        ):
            for item in page.get("Contents", []):
                name = item["Key"].removeprefix(prefix)
                if not name or name.endswith("/"):
                    continue
                target = _inside(folder, name)
                target.parent.mkdir(parents=True, exist_ok=True)
                s3.download_file(bucket, item["Key"], str(target), ExtraArgs={"ExpectedBucketOwner": resources.account})
                names.append(name)
    if not names:
        message = f"s3://{bucket}/{prefix} is empty"
        raise NovalineError.of("empty-folder", message, hint=f"does the run exist? novaline status {run}")
    for archive in sorted(folder.glob("evaluations/*/output/output.tar.gz")):
        names.extend(str(path.relative_to(folder)) for path in unpack_if_small(archive))
    return tuple(sorted(names))


def partial_of(destination: Path) -> Path:
    """The sibling folder that a result is gathered in before it gets its name."""
    place = destination.absolute()
    return place.with_name(f".{place.name}.partial-{os.getpid()}")


def publish(partial: Path, destination: Path) -> None:
    """Gives a complete folder its name. An empty folder of that name is replaced."""
    if destination.is_dir() and not destination.is_symlink():
        destination.rmdir()
    partial.rename(destination)


def unpack_if_small(archive: Path) -> tuple[Path, ...]:
    """The archive's regular files, unpacked beside it; nothing when it is too large or not an archive."""
    if archive.stat().st_size > LARGEST_UNPACKED:
        return ()
    made: list[Path] = []
    try:
        with tarfile.open(archive) as tar:
            members = [member for member in tar.getmembers() if member.isfile()]
            if sum(member.size for member in members) > LARGEST_UNPACKED:
                return ()
            for member in members:
                source = tar.extractfile(member)
                if source is None:
                    continue
                target = _inside(archive.parent, member.name)
                target.parent.mkdir(parents=True, exist_ok=True)
                with source, target.open("wb") as sink:
                    shutil.copyfileobj(source, sink)
                made.append(target)
    except tarfile.TarError:
        return ()
    return tuple(made)


def size_of(folder: Path) -> int:
    """The bytes of all files under `folder`."""
    return sum(path.stat().st_size for path in _files(folder))


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _inside(folder: Path, name: str) -> Path:
    """The path of `name` under `folder`. Raises NovalineError for a name that leads elsewhere."""
    parts = PurePosixPath(name).parts
    if not parts or PurePosixPath(name).is_absolute() or ".." in parts or "\\" in name or "\0" in name:
        raise NovalineError.of("unsafe-name", f"the name {name!r} would be written outside of {folder}")
    return folder.joinpath(*parts)
