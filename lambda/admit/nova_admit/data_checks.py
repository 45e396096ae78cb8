"""What a claim must say about its data: that it was validated, for the jobs that read it, and is still the same.

Pure functions over the claim and what S3 says. A record is what the command that uploaded the data wrote; that of an
object which was validated in S3 must be the one that the inspection left behind, which no run can write.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from novaline.datasets.remote.places import object_key, version_digest
from novaline.datasets.validated import Validated, format_of

_AGAIN: Final = "start the run again with `novaline run`"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Use:
    """A job that reads data: its name in words, the URI, the technique or task."""

    who: str
    uri: str
    job: str


def is_data(uri: str, *, bucket: str) -> bool:
    """Whether the URI lies in the data bucket."""
    return uri.startswith(f"s3://{bucket}/")


def inspected_key(item: Mapping[str, Any]) -> str | None:
    """Where the inspection's own word on a copied object lies; None for data that a person uploaded."""
    source = item.get("source")
    if not isinstance(source, Mapping):
        return None
    validated = _record(item)
    if isinstance(validated, str):
        return None
    uri, version = str(source.get("uri")), str(source.get("version_id"))
    return object_key(uri, version, rows_of=validated.format, model=validated.model)


def data_refusals(
    claim: Mapping[str, Any], *, bucket: str, beside: Mapping[str, int], inspected: Mapping[str, object]
) -> Iterator[str]:
    """Every reason against the claim's data.

    `beside` is how many other objects a job would read along with the one at a URI; `inspected` is what lies at
    `inspected_key`, by the object's URI, None where nothing does.
    """
    items = {item["uri"]: item for item in claim["objects"] if is_data(item["uri"], bucket=bucket)}
    uses = tuple(_uses(claim, bucket=bucket))
    for use in uses:
        if use.uri not in items:
            yield f"{use.who} reads {use.uri}, which is none of the claim's objects: nobody has validated it; {_AGAIN}"
    for uri, item in items.items():
        what = f"{item['what']} ({uri})"
        yield from (f"{what}: {reason}" for reason in _of_item(claim, item, [use for use in uses if use.uri == uri]))
        if isinstance(item.get("source"), Mapping):
            yield from (f"{what}: {reason}" for reason in _of_copy(item, inspected.get(uri), bucket=bucket))
        if beside.get(uri):
            yield (
                f"{what}: {beside[uri]} other object(s) lie under names that begin with its name, and the job would "
                "read them too: delete them"
            )


def _of_item(claim: Mapping[str, Any], item: Mapping[str, Any], uses: list[_Use]) -> Iterator[str]:
    """Whether the data was validated, without errors, for what reads it."""
    validated = _record(item)
    if isinstance(validated, str):
        yield f"{validated}; {_AGAIN}"
        return
    told: dict[str, None] = {}
    for rows_of in [format_of(use.job) for use in uses] or [None]:
        told.update(dict.fromkeys(validated.objections(rows_of=rows_of, model=str(claim["model"]))))
    yield from told


def _of_copy(item: Mapping[str, Any], inspected: object, *, bucket: str) -> Iterator[str]:
    """Whether the copy is of a version that this environment has inspected, with the result that the claim tells."""
    source, validated = item["source"], item.get("validated")
    uri, version = str(source.get("uri")), str(source.get("version_id"))
    if not is_data(uri, bucket=bucket):
        yield f"it is a copy of {uri}, which is not in the bucket {bucket}"
    if f"/data/{version_digest(uri, version)}/" not in str(item["uri"]):
        yield f"it does not lie where a copy of version {version} of {uri} belongs"
    if not isinstance(inspected, Mapping):
        yield (
            f"this environment has no report on version {version} of {uri}: "
            "validate it with `novaline data validate … --remote`"
        )
        return
    for name, found, said in (
        ("the URI", inspected.get("uri"), uri),
        ("the version", inspected.get("version_id"), version),
        ("the size", inspected.get("bytes"), item.get("bytes")),
        ("the SHA-256", inspected.get("sha256"), item.get("sha256")),
        ("the result", inspected.get("validated"), validated),
    ):
        if found != said:
            yield f"the environment's report has {name} {found!r}, and the claim {said!r}: {_AGAIN}"


def _record(item: Mapping[str, Any]) -> Validated | str:
    """The record of the object's validation, or what is wrong with it."""
    try:
        return Validated.from_json(item.get("validated"))
    except ValueError as problem:
        return str(problem)


def _uses(claim: Mapping[str, Any], *, bucket: str) -> Iterator[_Use]:
    for stage in claim["stages"]:
        for uri in channel_uris(stage["job"]["request"]):
            if is_data(uri, bucket=bucket):
                yield _Use(who=f"stage {stage['name']}", uri=uri, job=stage["technique"])
    for evaluation in claim["evaluations"]:
        who, task = f"evaluation {evaluation['name']}", evaluation["task"]
        read = {uri for subject in ("base", "candidate") for uri in channel_uris(evaluation[subject]["request"])}
        for uri in sorted({*read, evaluation["data_uri"] or ""}):
            if is_data(uri, bucket=bucket):
                yield _Use(who=who, uri=uri, job=task)


def channel_uris(request: Mapping[str, Any]) -> list[str]:
    """What a training job's channels read."""
    return [channel["DataSource"]["S3DataSource"]["S3Uri"] for channel in request["InputDataConfig"]]
