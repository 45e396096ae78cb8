"""The functions of an inspection: listing, one part, the merge; the report is that of the local command."""

import hashlib
import json
import random

import msgspec
import pytest
from memory_stores import MemoryS3

from nova_inspect.handler import Stores, inspect_part, list_parts, merge_parts
from novaline.datasets.engine.options import Options
from novaline.datasets.remote.inspected import MOST_INDEXED, InspectedObject
from novaline.datasets.remote.parts import SourceRefused, parts_of
from novaline.datasets.remote.places import object_key
from novaline.datasets.validate import validate
from novaline.datasets.validated import Validated

DATA, ARTIFACTS = "data-bucket", "artifact-bucket"
OPTIONS = {"format": "sft"}


def row(question, answer="billing"):
    turns = [("user", question), ("assistant", answer)]
    return json.dumps({"messages": [{"role": role, "content": [{"text": text}]} for role, text in turns]}) + "\n"


@pytest.fixture
def stores():
    return Stores(s3=MemoryS3(), data_bucket=DATA, artifact_bucket=ARTIFACTS)


def put(stores, key, content):
    stores.s3.put_object(Bucket=DATA, Key=key, Body=content.encode())


def inspected(stores, *, sources, held_out=(), part_bytes=None, options=None, order=lambda parts: parts):
    """What a whole execution does; `order` says in which order the parts are inspected."""
    event = {
        "inspection": "one",
        "sources": [f"s3://{DATA}/{source}" for source in sources],
        "held_out": [f"s3://{DATA}/{source}" for source in held_out],
        "options": {**OPTIONS, **(options or {})},
        "part_bytes": part_bytes,
    }
    listed = json.loads(json.dumps(list_parts(event, stores)))
    for part in order(parts_of(stores.read(listed["key"], version=listed["version"]))):
        given = {"inspection": "one", "part": json.loads(json.dumps(part.as_json()))}
        assert inspect_part(given, stores) == part.number
    ended = merge_parts({**event, "listed": listed}, stores)
    return ended, json.loads(stores.read("inspections/one/report.json"))


def test_the_newest_version_of_each_object_is_pinned_when_the_parts_are_listed(stores):
    put(stores, "sets/a.jsonl", row("old"))
    put(stores, "sets/a.jsonl", row("new"))
    listed = list_parts({"inspection": "one", "sources": [f"s3://{DATA}/sets"], "options": OPTIONS}, stores)
    put(stores, "sets/a.jsonl", "changed since")
    (part,) = parts_of(stores.read(listed["key"]))
    assert [(item.version, item.size) for item in part.ranges] == [("2", len(row("new")))]
    assert (listed["parts"], listed["files"], listed["bytes"]) == (1, 1, len(row("new")))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("s3://another/sets", f"not in the bucket {DATA}"),
        ("sets", "expected an S3 URI"),
        (f"s3://{DATA}/nowhere", "there is nothing"),
    ],
)
def test_a_source_that_cannot_be_inspected_is_refused(stores, source, message):
    put(stores, "sets/a.jsonl", row("x"))
    with pytest.raises(SourceRefused, match=message):
        list_parts({"inspection": "one", "sources": [source], "options": OPTIONS}, stores)


def test_many_objects_and_ranges_give_one_report(stores):
    for number in range(5):
        put(stores, f"sets/{number}.jsonl", "".join(row(f"question {number} {index}") for index in range(20)))
    ended, report = inspected(stores, sources=["sets"], part_bytes=700)
    assert (ended["rows"], ended["errors"]) == (100, 0)
    assert report["rows"] == 100
    assert ended["report"] == f"s3://{ARTIFACTS}/inspections/one/report.json"


def test_findings_have_the_line_of_the_object_however_it_was_cut(stores):
    lines = [row(f"question {index}") for index in range(50)]
    lines[17] = lines[17].replace('"assistant"', '"robot"')
    lines[41] = "no json\n"
    put(stores, "sets/a.jsonl", row("good"))
    put(stores, "sets/b.jsonl", "".join(lines))
    whole = inspected(stores, sources=["sets"])[1]
    for part_bytes in (100, 333, 5000):
        ended, report = inspected(stores, sources=["sets"], part_bytes=part_bytes)
        assert report["findings"] == whole["findings"]
        assert ended["errors"] == 2
    found = {(finding["file"], finding["line"]) for finding in whole["findings"] if finding["severity"] == "error"}
    assert found == {(f"s3://{DATA}/sets/b.jsonl", 18), (f"s3://{DATA}/sets/b.jsonl", 42)}


def test_duplicates_are_found_across_objects_and_parts(stores):
    put(stores, "sets/a.jsonl", row("same") + "".join(row(f"a {index}") for index in range(30)))
    put(stores, "sets/b.jsonl", "".join(row(f"b {index}") for index in range(30)) + row("same"))
    _, report = inspected(stores, sources=["sets"], part_bytes=500)
    (found,) = [finding for finding in report["findings"] if "duplicate" in finding["code"]]
    assert (found["file"], found["line"], found["count"]) == (f"s3://{DATA}/sets/b.jsonl", 31, 1)


def test_rows_that_are_held_out_are_found_in_the_others(stores):
    put(stores, "sets/train.jsonl", "".join(row(f"question {index}") for index in range(30)))
    put(stores, "asked/eval.jsonl", row("question 20"))
    _, report = inspected(stores, sources=["sets"], held_out=["asked"], part_bytes=500)
    assert [(f["line"]) for f in report["findings"] if f["code"] == "held-out-row"] == [21]
    assert report["rows"] == 30


BROKEN = (
    row("in capitals").replace('"user"', '"bot"'),
    "no json\n",
    "\n",
    row("key AKIAIOSFODNN7EXAMPLE of somebody"),
    row("Human: says", "billing"),
    row("same"),
    row("Same!"),
    row("same", "another answer"),
    row("asked later"),
    row(" "),
    '{"messages": []}\n',
)


@pytest.mark.parametrize("part_bytes", [97, 1000, 10_000_000])
@pytest.mark.parametrize("options", [{"sensitive": True}, {"strict": True, "sensitive": False, "max_length": 10}])
def test_the_report_is_that_of_the_local_command(stores, tmp_path, part_bytes, options):
    chance = random.Random(part_bytes)
    for name in ("a", "b", "c"):
        lines = [row(f"question {name} {index}", f"answer {index % 4}") for index in range(60)]
        for line in BROKEN:
            lines.insert(chance.randrange(len(lines)), line)
        (tmp_path / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
        put(stores, f"sets/{name}.jsonl", "".join(lines))
    (tmp_path / "eval").write_text(row("asked later"), encoding="utf-8")
    put(stores, "asked/eval.jsonl", row("asked later"))
    _, report = inspected(stores, sources=["sets"], held_out=["asked"], part_bytes=part_bytes, options=options)
    files = [tmp_path / f"{name}.jsonl" for name in ("a", "b", "c")]
    local = validate(files, Options(**OPTIONS, **options), held_out=[tmp_path / "eval"]).as_json()
    said = json.dumps({**local, "inspection": "one"}).replace(f"{tmp_path}/eval", f"s3://{DATA}/asked/eval.jsonl")
    expected = json.loads(said.replace(str(tmp_path), f"s3://{DATA}/sets"))
    assert report.pop("versions") == {f"s3://{DATA}/sets/{name}.jsonl": "1" for name in ("a", "b", "c")}
    assert len(report["findings"]) > 8
    for found, wanted in zip(report["files"], expected["files"], strict=True):
        if found["sha256"] is None:  # nobody has read all of it in order
            wanted["sha256"] = None
    assert report == expected
    assert (report["files"][0]["sha256"] is None) == (part_bytes < 1_000_000)


def test_held_out_rows_that_nobody_can_read_are_a_finding_of_the_report(stores):
    put(stores, "sets/a.jsonl", row("x"))
    put(stores, "asked/eval.jsonl", "no json\n")
    _, report = inspected(stores, sources=["sets"], held_out=["asked"])
    assert "held-out-unreadable" in {finding["code"] for finding in report["findings"]}


def test_options_that_the_engine_does_not_have_are_refused_before_anything_is_read(stores):
    put(stores, "sets/a.jsonl", row("x"))
    with pytest.raises(msgspec.ValidationError, match="max_length"):
        inspected(stores, sources=["sets"], options={"max_length": "long"})


def test_the_order_in_which_parts_are_inspected_does_not_show(stores):
    lines = [row(f"question {index % 37}", answer=f"answer {index % 3}") for index in range(200)]
    put(stores, "sets/a.jsonl", "".join(lines))
    _, straight = inspected(stores, sources=["sets"], part_bytes=900)
    shuffled = random.Random(1)
    _, mixed = inspected(
        stores, sources=["sets"], part_bytes=900, order=lambda parts: shuffled.sample(parts, len(parts))
    )
    assert mixed == straight


def test_an_object_without_rows_is_a_finding_and_no_crash(stores):
    put(stores, "sets/a.jsonl", "")
    ended, report = inspected(stores, sources=["sets"])
    assert ended["errors"] == 1
    assert [finding["code"] for finding in report["findings"]] == ["no-rows"]


# ---- what runs find by an object's version


MICRO = {"name": "nova-micro", "title": "Nova Micro", "generation": "nova-1", "media": [], "reasoning": False}


def indexed(stores):
    """What lies by object, by key."""
    keys = [key for bucket, key in stores.s3.objects if bucket == ARTIFACTS and "/by-object/" in key]
    return {key: InspectedObject.from_json(json.loads(stores.read(key))) for key in keys}


@pytest.mark.parametrize("part_bytes", [700, 1_000_000])
def test_each_object_gets_a_document_that_a_run_finds_by_its_version(stores, part_bytes):
    put(stores, "sets/a.jsonl", "old")
    put(stores, "sets/a.jsonl", "".join(row(f"a {index}") for index in range(30)))
    put(stores, "sets/b.jsonl", "".join(row(f"b {index}") for index in range(9)))
    inspected(stores, sources=["sets"], part_bytes=part_bytes, options={"model": MICRO})
    found = indexed(stores)
    a = found[object_key(f"s3://{DATA}/sets/a.jsonl", "2", rows_of="sft", model="nova-micro")]
    b = found[object_key(f"s3://{DATA}/sets/b.jsonl", "1", rows_of="sft", model="nova-micro")]
    assert len(found) == 2
    content = stores.s3.objects[DATA, "sets/a.jsonl"][-1]
    assert (a.bytes, a.validated.rows, b.validated.rows) == (len(content), 30, 9)
    assert a.sha256 == (hashlib.sha256(content).hexdigest() if part_bytes > 700 else None)
    expected = Validated(
        format="sft", model="nova-micro", rows=30, errors=0, warnings=a.validated.warnings, inspection="one"
    )
    assert a.validated == expected


def test_the_errors_of_one_object_count_for_all_that_were_inspected_with_it(stores):
    put(stores, "sets/a.jsonl", row("good"))
    put(stores, "sets/b.jsonl", "no json\n")
    inspected(stores, sources=["sets"])
    assert [found.validated.errors for found in indexed(stores).values()] == [1, 1]
    assert {found.validated.model for found in indexed(stores).values()} == {None}


def test_reports_for_two_models_stand_beside_each_other(stores):
    put(stores, "sets/a.jsonl", row("good"))
    inspected(stores, sources=["sets"], options={"model": MICRO})
    inspected(stores, sources=["sets"], options={"model": {**MICRO, "name": "nova-pro"}})
    assert {found.validated.model for found in indexed(stores).values()} == {"nova-micro", "nova-pro"}


def test_of_many_objects_there_is_the_report_alone(stores):
    for number in range(MOST_INDEXED + 1):
        put(stores, f"sets/{number}.jsonl", row(f"question {number}"))
    ended, _ = inspected(stores, sources=["sets"])
    assert (ended["rows"], indexed(stores)) == (MOST_INDEXED + 1, {})
