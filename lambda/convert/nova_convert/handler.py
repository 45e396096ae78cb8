"""Prepare datasets in S3: find them and cut them into parts, convert one part, join what was converted.

Each handler is a function of its own, with its own role. What is large goes through the artifact bucket. What the local
command would refuse ends in the report, as its findings, and not as an error. Errors: those of S3, and
``ValidationError`` (of options that no command sends).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any

import msgspec

from nova_convert.stores import MOST_DIGESTED, NO_SPLIT, Joined, Pieces, Stores
from novaline.datasets.manifest import Written
from novaline.datasets.prepare.work import manifest_of
from novaline.datasets.remote.parts import Part, cut, list_of, part_bytes_for, parts_of
from novaline.datasets.remote.prepare_listing import Bucket, StoredSource, find_stored, left_behind, require_free
from novaline.datasets.remote.prepare_part import read_part
from novaline.datasets.remote.prepare_places import (
    partial_key,
    parts_key,
    piece_key,
    plan_key,
    report_key,
    sources_key,
)
from novaline.datasets.remote.prepare_request import Options, Output, require_in_bucket
from novaline.datasets.remote.prepare_results import DONE, ROWS, PartFound, Plan, packed, passes, unpacked
from novaline.datasets.remote.prepare_whole import Whole, next_plan, whole
from novaline.findings import Finding, NovalineError
from novaline.s3_uri import join_s3_uri


class _Listed(msgspec.Struct):
    """What Find leaves for Join."""

    sources: list[StoredSource]
    findings: list[Finding]


@cache
def _stores() -> Stores:
    import boto3  # noqa: PLC0415 - the runtime's own; imported when first needed

    return Stores(
        s3=boto3.client("s3"),
        data_bucket=os.environ["DATA_BUCKET"],
        artifact_bucket=os.environ["ARTIFACT_BUCKET"],
    )


def find_handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: the execution's input → where the list of parts is, and the first pass over them."""
    return find_parts(event, _stores())


def convert_handler(event: Mapping[str, Any], context: object) -> int:
    """Lambda entry point: ``{"preparation", "pass", "part"}`` → the part's number."""
    return convert_part(event, _stores())


def join_handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: the execution's input, ``listed`` and ``pass`` → the next pass, or what was made."""
    return join_parts(event, _stores())


def find_parts(event: Mapping[str, Any], stores: Stores) -> dict[str, Any]:
    """Find the newest version of each object that is meant, cut them, and write the list of parts and the plan."""
    preparation, options = event["preparation"], Options.from_json(event["options"])
    bucket = Bucket(stores.s3, stores.data_bucket)
    try:
        output = _output(event, options, stores)
        sources = find_stored(bucket, event["sources"], options)
        require_free(bucket, output, options, sources)
    except NovalineError as problem:
        return _refused(preparation, problem, stores)
    stores.write(sources_key(preparation), packed(_Listed(list(sources), left_behind(bucket, output, options))))
    stage = passes(options.request)[0]
    stores.write(plan_key(preparation, stage), packed(Plan(options=options.as_json())))
    files = [source.file(options) for source in sources]
    part_bytes = event.get("part_bytes") or part_bytes_for(sum(file.size for file in files))
    parts = list(cut(files, part_bytes=part_bytes))
    key = parts_key(preparation)
    version = stores.write(key, list_of(parts))
    return {"pass": stage, "key": key, "version": version, "parts": len(parts), "files": len(files)}


def convert_part(event: Mapping[str, Any], stores: Stores) -> int:
    """Do one pass over the ranges of a part, and write what it found; in the last one also the rows."""
    preparation, stage, part = event["preparation"], event["pass"], Part.from_json(event["part"])
    found = read_part(
        part,
        unpacked(stores.read(plan_key(preparation, stage)), Plan),
        stage,
        named=partial(join_s3_uri, stores.data_bucket),
        opened=stores.open,
        sink=Pieces(stores, preparation, part.number),
    )
    stores.write(partial_key(preparation, stage, part.number), packed(found))
    return part.number


def join_parts(event: Mapping[str, Any], stores: Stores) -> dict[str, Any]:
    """Put together what a pass found: the plan of the next one, or the output with its manifest, and the report."""
    preparation, stage, listed = event["preparation"], event["pass"], event["listed"]
    plan = unpacked(stores.read(plan_key(preparation, stage)), Plan)
    parts = parts_of(stores.read(listed["key"], version=listed["version"]))
    results = _results(parts, preparation, stage, stores)
    try:
        if stage != ROWS:
            stages = passes(plan.request)
            following = stages[stages.index(stage) + 1]
            stores.write(plan_key(preparation, following), packed(next_plan(plan, stage, results)))
            return {"pass": following}
        return _publish(event, plan, whole(plan, results), stores)
    except NovalineError as problem:
        return _refused(preparation, problem, stores)


def _publish(event: Mapping[str, Any], plan: Plan, made: Whole, stores: Stores) -> dict[str, Any]:
    """Write the output: the rows of all splits first, then their names, the manifest last."""
    preparation, options = event["preparation"], Options.from_json(plan.options)
    output, request = _output(event, options, stores), options.request
    listed = unpacked(stores.read(sources_key(preparation)), _Listed)
    keys = output.keys(request)
    findings = made.findings(plan, uris={split: output.uri(key) for split, key in keys.items()})
    digested = sum(size for sizes in made.sizes.values() for _, size in sizes) <= MOST_DIGESTED
    joined: dict[str, Joined] = {}
    files: list[Written] = []
    for split, key in keys.items():
        sizes = made.sizes.get(split or "", ())
        pieces = [(piece_key(preparation, split or NO_SPLIT, part), size) for part, size in sizes]
        joined[key] = Joined(stores, key, pieces, digested=digested)
        size = sum(size for _, size in sizes)
        rows, name = made.written[split or ""], key.rpartition("/")[2]
        files.append(Written(file=name, split=split, rows=rows, bytes=size, sha256=joined[key].sha256))
    manifest = manifest_of(
        request,
        files=files,
        origins=made.origins(listed.sources),
        mapping=made.mapping,
        mappings={listed.sources[number].uri: mapping for number, mapping in made.mappings.items()},
        split=made.allotment,
        ledger=made.ledger,
    )
    versions = {output.uri(key): each.publish() for key, each in joined.items()}
    stores.put(output.manifest_key, manifest.as_bytes())
    return _report(
        preparation,
        [*findings, *listed.findings],
        stores,
        manifest=manifest.as_json(),
        files=list(versions),
        output=output.uri(output.manifest_key),
        versions=versions,
        mapping=dict(made.mapping),
    )


def _output(event: Mapping[str, Any], options: Options, stores: Stores) -> Output:
    request = options.request
    output = Output.of(event["output"], shares=request.shares, only=request.only)
    require_in_bucket(event["output"], bucket=stores.data_bucket)
    return output


def _results(parts: Sequence[Part], preparation: str, stage: str, stores: Stores) -> Iterator[tuple[Part, PartFound]]:
    for part in parts:
        yield part, unpacked(stores.read(partial_key(preparation, stage, part.number)), PartFound)


def _refused(preparation: str, problem: NovalineError, stores: Stores) -> dict[str, Any]:
    return _report(preparation, problem.findings, stores, exit_code=problem.exit_code)


def _report(preparation: str, findings: Sequence[Finding], stores: Stores, **made: object) -> dict[str, Any]:
    """Write what was made, or why nothing was; what the local command prints as JSON, and a little more."""
    document = {
        "preparation": preparation,
        "exit_code": 0,
        "manifest": None,
        "files": [],
        "mapping": {},
        "samples": [],
        "findings": [finding.as_json() for finding in findings],
        **made,
    }
    key = report_key(preparation)
    stores.write(key, json.dumps(document).encode())
    return {"pass": DONE, "report": join_s3_uri(stores.artifact_bucket, key), "exit_code": document["exit_code"]}
