"""The functions of a preparation: what they write of objects and ranges is what the local command writes of files."""

import gzip
import json
import random

import msgspec
import pyarrow
import pyarrow.parquet
import pytest
from memory_stores import MemoryS3

from nova_convert import stores as convert_stores
from nova_convert.handler import convert_part, find_parts, join_parts
from nova_convert.stores import Stores
from novaline.datasets.prepare import pipeline
from novaline.datasets.prepare.work import Request
from novaline.datasets.readers.reading import ReadOptions
from novaline.datasets.readers.sources import find_sources
from novaline.datasets.remote.parts import parts_of
from novaline.datasets.remote.prepare_request import Options
from novaline.datasets.remote.prepare_results import DONE
from novaline.datasets.splitting import Shares, Splitter
from novaline.findings import NovalineError

DATA, ARTIFACTS = "data-bucket", "artifact-bucket"
MIB = 1 << 20
PLAIN = {"prompt": "text", "answer": "label"}


def shared(*parts):
    return Shares(parts=parts)


def no_s3():
    raise AssertionError("S3 was asked")


@pytest.fixture
def stores():
    return Stores(s3=MemoryS3(), data_bucket=DATA, artifact_bucket=ARTIFACTS)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def lines(count, *, name="q", bad=0.0, labels=7, pad=0):
    """So many rows as JSON Lines, some of which are no rows."""
    chance = random.Random(f"{count} {name}")
    made = []
    for number in range(count):
        row = {"text": f"{name} {number // 2}{'!' if number % 2 else ''} {'x' * chance.randrange(pad + 1)}"}
        row |= {"label": f"label {number % labels}", "who": f"user {number % 23}"}
        line = json.dumps(row)
        if chance.random() < bad:
            line = chance.choice(["no json", "", "   ", '"text"', '{"text": " ", "label": "x"}', '{"label": "x"}'])
        made.append(line + "\n")
    return "".join(made)


def put(stores, folder, key, content):
    """A file, and the same as an object of the data bucket."""
    body = content if isinstance(content, bytes) else content.encode()
    (folder / key).write_bytes(body)
    stores.s3.put_object(Bucket=DATA, Key=f"in/{key}", Body=body)


def remote(stores, to, *, sources=("in",), output="prepared/out", part_bytes=None, kind=None, mixed=False, **options):
    """What a whole execution does; its report."""
    request = Request(sources=(), format=to, output=None, **options)
    event = {
        "preparation": "one",
        "sources": [f"s3://{DATA}/{source}" for source in sources],
        "output": f"s3://{DATA}/{output}",
        "options": json.loads(json.dumps(Options.of(request, kind=kind).as_json())),
        "part_bytes": part_bytes,
    }
    listed = json.loads(json.dumps(find_parts(event, stores)))
    stage, passes = listed["pass"], []
    while stage != DONE:
        passes.append(stage)
        parts = list(parts_of(stores.read(listed["key"], version=listed["version"])))
        for part in random.Random(1).sample(parts, len(parts)) if mixed else parts:
            given = {"preparation": "one", "pass": stage, "part": json.loads(json.dumps(part.as_json()))}
            assert convert_part(given, stores) == part.number
        stage = join_parts({**event, "listed": listed, "pass": stage}, stores)["pass"]
    return {**json.loads(stores.read("scratch/preparations/one/report.json")), "passes": passes}


def local(folder, to, *, output="prepared/out", **options):
    """What the local command makes of the same files: (report, files)."""
    target = folder.parent / output
    sources = find_sources([str(folder)], s3=no_s3)
    request = Request(sources=sources, format=to, output=target, **{**options, "overwrite": True})
    try:
        made = pipeline.prepare(request, s3=no_s3)
    except NovalineError as problem:
        found = [finding.as_json() for finding in problem.findings]
        return _as_remote({"manifest": None, "mapping": {}, "findings": found}, folder), {}
    report = {"manifest": made.manifest.as_json(), "mapping": made.mapping}
    report["findings"] = [finding.as_json() for finding in made.findings]
    return _as_remote(report, folder), {path.name: path.read_bytes() for path in made.paths}


def _as_remote(document, folder):
    text = json.dumps(document).replace(str(folder), f"s3://{DATA}/in").replace(str(folder.parent), f"s3://{DATA}")
    return json.loads(text)


def written(stores, output="prepared/out"):
    return {
        key.rpartition("/")[2]: versions[-1]
        for (bucket, key), versions in stores.s3.objects.items()
        if bucket == DATA and key.startswith(f"{output}/") and not key.endswith("manifest.json")
    }


def same(stores, folder, to, *, part_bytes=None, mixed=False, **options):
    """Prepares here and there, and holds one against the other; the remote report."""
    there = remote(stores, to, part_bytes=part_bytes, mixed=mixed, **options)
    here, files = local(folder, to, **options)
    assert there["findings"] == here["findings"]
    assert there["mapping"] == here["mapping"]
    assert written(stores) == files
    if here["manifest"] is not None:
        manifest = json.loads(stores.s3.objects[DATA, "prepared/out/manifest.json"][-1])
        assert manifest == there["manifest"]
        for source, wanted in zip(manifest["sources"], here["manifest"]["sources"], strict=True):
            assert source.pop("version_id") == "1"
            assert source.pop("etag")
            del wanted["version_id"], wanted["etag"]
            if source["sha256"] is None:  # cut, or a table: nobody has read all of it in order
                wanted["sha256"] = None
        assert manifest == here["manifest"]
    return there


@pytest.fixture
def mixture(stores, folder):
    """Files of every kind, one of them larger than a range, and some with rows that nobody can convert."""
    rows = [json.loads(line) for line in lines(300, name="table").splitlines()]
    put(stores, folder, "a.csv", "text,label,who\n" + "".join(f'"{r["text"]}",{r["label"]},{r["who"]}\n' for r in rows))
    put(stores, folder, "b.jsonl", lines(24_000, name="big", pad=60))
    put(stores, folder, "c.json", json.dumps({"rows": rows[:50], "count": 50}))
    put(stores, folder, "d.jsonl.gz", gzip.compress(lines(400, name="zipped").encode(), mtime=0))
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows[50:250]), sink)
    put(stores, folder, "e.parquet", sink.getvalue().to_pybytes())
    put(stores, folder, "f.jsonl.zst", pyarrow.compress(lines(300, name="z").encode(), codec="zstd", asbytes=True))
    put(stores, folder, "g.jsonl", "")
    put(stores, folder, "h.jsonl", "\n\n  \n")
    for number in range(30):
        put(stores, folder, f"i{number:02d}.jsonl", lines(number * 3, name=f"small {number}"))
    return folder


# ---- the same rows -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part_bytes", [MIB, 3 * MIB, None])
def test_objects_of_all_kinds_become_the_rows_that_the_local_command_makes(stores, mixture, part_bytes):
    report = same(stores, mixture, "sft", part_bytes=part_bytes, mixed=True, mapping=PLAIN, shares=shared(80, 10, 10))
    assert report["exit_code"] == 0
    assert report["passes"] == ["rows"]
    assert [file["file"] for file in report["manifest"]["files"]] == [
        "train.jsonl",
        "validation.jsonl",
        "test.jsonl",
    ]
    assert report["manifest"]["rows"] > 24_000


@pytest.mark.parametrize(
    ("to", "options", "passes"),
    [
        ("dpo", {"mapping": PLAIN, "make_pairs": True}, ["answers", "rows"]),
        ("rft", {"mapping": {**PLAIN, "who": "who"}, "shares": shared(9, 1), "group": "who"}, ["rows"]),
        ("gen_qa", {"mapping": PLAIN, "shares": shared(8, 1, 1), "stratify": "label", "seed": 7}, ["labels", "rows"]),
        ("multi-turn-rft", {"mapping": PLAIN}, ["lines", "rows"]),
        (
            "llm_judge",
            {"mapping": PLAIN, "make_pairs": True, "shares": shared(8, 0, 2), "stratify": "label", "only": "test"},
            ["answers", "labels", "rows"],
        ),
        ("sft", {"mapping": PLAIN, "system": "Be brief.", "reading": ReadOptions(select=("rows",))}, ["rows"]),
    ],
)
def test_what_depends_on_all_rows_is_looked_at_first_as_here(stores, mixture, to, options, passes):
    report = same(stores, mixture, to, part_bytes=MIB, mixed=True, **options)
    assert report["exit_code"] == 0
    assert report["passes"] == passes


def test_a_split_follows_that_of_an_earlier_output(stores, mixture):
    options = {"mapping": PLAIN, "shares": shared(8, 2), "stratify": "label"}
    before = same(stores, mixture, "sft", part_bytes=MIB, **options)
    put(stores, mixture, "z.jsonl", lines(500, name="later", labels=9))
    like = Splitter.from_json(before["manifest"]["split"])
    same(stores, mixture, "sft", part_bytes=MIB, like=like, overwrite=True, **options)


@pytest.mark.parametrize("part_bytes", [700_001, 5_000, 333])
def test_ranges_that_are_no_blocks_give_the_same_rows_too(stores, folder, part_bytes):
    put(stores, folder, "a.jsonl", lines(part_bytes // 100 + 200, pad=40, bad=0.02))
    there = remote(stores, "sft", mapping=PLAIN, skip_bad=True, part_bytes=part_bytes)
    here, files = local(folder, "sft", mapping=PLAIN, skip_bad=True)
    assert written(stores) == files
    assert there["manifest"]["skipped"] == here["manifest"]["skipped"]


def test_the_columns_of_an_object_are_those_of_its_first_rows_wherever_it_was_cut(stores, folder):
    first = "".join(f'{{"question": "q {n} {"x" * 90}", "answer": "a"}}\n' for n in range(12_000))
    later = first.replace('"answer"', '"system": "Not asked for.", "answer"').replace("q ", "r ")
    without = first.replace(', "answer": "a"', "").replace("q ", "s ")
    put(stores, folder, "a.jsonl", "\n" * 2_000_000 + first + later)
    put(stores, folder, "b.jsonl", first + without)
    report = same(stores, folder, "sft", part_bytes=MIB, skip_bad=True)
    assert report["mapping"] == {"prompt": "question", "answer": "answer"}
    assert report["manifest"]["skipped"] == {"empty-answer": 12_000}


def test_sources_whose_columns_have_other_names_are_told_apart(stores, folder):
    put(stores, folder, "a.csv", "question,label\nq,l\n")
    put(stores, folder, "b.jsonl", '{"prompt": "p", "response": "r"}\n')
    put(
        stores,
        folder,
        "c.jsonl",
        '{"messages": [{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}]}\n',
    )
    report = same(stores, folder, "sft")
    assert report["mapping"] == {"messages": "messages"}


def test_pieces_that_are_large_enough_are_copied_and_never_carried(stores, folder):
    put(stores, folder, "a.jsonl", lines(190_000, name="a", pad=60))
    report = same(stores, folder, "sft", part_bytes=4 * MIB, mapping=PLAIN, shares=shared(95, 5))
    train, _ = report["manifest"]["files"]
    assert stores.s3.copied > train["bytes"] // 2
    assert not stores.s3.uploads, "an upload was not completed"


def test_a_piece_is_sent_in_parts_when_it_is_large(stores, folder, monkeypatch):
    monkeypatch.setattr(convert_stores, "_SENT_BYTES", 6 * MIB)
    put(stores, folder, "a.csv", "text,label\n" + "".join(f"question {n} {'x' * 90},l{n % 3}\n" for n in range(60_000)))
    report = same(stores, folder, "sft", mapping=PLAIN)
    assert report["manifest"]["files"][0]["bytes"] > 12 * MIB


def test_an_output_that_is_too_large_to_read_has_no_digest(stores, folder, monkeypatch):
    from nova_convert import handler

    monkeypatch.setattr(handler, "MOST_DIGESTED", 10 * MIB)
    put(stores, folder, "a.jsonl", lines(100_000, name="a", pad=60))
    report = remote(stores, "sft", part_bytes=4 * MIB, mapping=PLAIN)
    assert report["manifest"]["files"][0]["sha256"] is None
    assert report["manifest"]["files"][0]["bytes"] == len(written(stores)["train.jsonl"])


# ---- what cannot be converted ------------------------------------------------------------------------------------


@pytest.mark.parametrize("part_bytes", [MIB, 2 * MIB, None])
@pytest.mark.parametrize("skip_bad", [False, True])
def test_rows_that_cannot_be_converted_are_told_with_file_and_line_as_here(stores, mixture, part_bytes, skip_bad):
    last = '{"text": 1, "label": {"no": "text"}}\n'
    put(stores, mixture, "b.jsonl", lines(24_000, name="big", pad=60, bad=0.001) + last)
    put(stores, mixture, "j.jsonl", "\ufeff" + lines(900, name="j", bad=0.1))
    report = remote(stores, "sft", part_bytes=part_bytes, skip_bad=skip_bad, mapping=PLAIN)
    here, files = local(mixture, "sft", skip_bad=skip_bad, mapping=PLAIN)
    assert report["findings"] == here["findings"]
    assert len(report["findings"]) >= 8
    assert 24_001 in [finding["line"] for finding in report["findings"]]
    assert written(stores) == files
    assert bool(files) is skip_bad
    assert report["exit_code"] == int(not skip_bad)


def test_a_row_that_holds_half_a_character_is_told_and_breaks_nothing(stores, folder):
    rows = [{"text": f"question {n}", "label": "yes"} for n in range(20)]
    rows[4]["text"], rows[9]["label"] = "half \ud800", "\udc00"
    put(stores, folder, "a.json", json.dumps(rows))
    report = same(stores, folder, "dpo", mapping=PLAIN, make_pairs=True)
    assert report["exit_code"] == 1
    assert "not-unicode" in {finding["code"] for finding in report["findings"]}


@pytest.mark.parametrize(
    ("name", "content", "options", "code"),
    [
        ("a.csv", 'text,label\nx,"y\n', {}, "unmatched-quotes"),
        ("b.jsonl", '{"other": 1}\n', {}, "missing-column"),
        ("b.json", '{"a": [], "b": []}', {}, "which-rows"),
        ("c.jsonl.gz", b"no gzip", {}, "broken-compression"),
        ("d.parquet", b"no table", {}, "unreadable-table"),
        ("e.jsonl", "", {}, "no-rows"),
        ("f.jsonl", lines(5), {"mapping": {**PLAIN, "system": "nowhere"}}, "missing-column"),
        ("g.jsonl", lines(90, labels=1), {"make_pairs": True, "to": "dpo"}, "too-few-answers"),
        ("h.jsonl", lines(30_000, labels=20_000), {"make_pairs": True, "to": "dpo"}, "too-many-answers"),
        ("i.jsonl", lines(30_000, labels=20_000), {"shares": shared(8, 2), "stratify": "label"}, "too-many-labels"),
    ],
)
def test_what_the_local_command_refuses_is_refused_in_its_words(stores, folder, name, content, options, code):  # noqa: PLR0917 - a case
    options = {"mapping": PLAIN, **options}
    put(stores, folder, name, content)
    report = same(stores, folder, options.pop("to", "sft"), part_bytes=MIB, **options)
    assert [finding["code"] for finding in report["findings"]] == [code]
    assert report["exit_code"] == 1
    assert report["manifest"] is None


def test_the_first_refusal_in_the_order_of_the_sources_is_told(stores, folder):
    put(stores, folder, "a.jsonl", lines(30_000, pad=60))
    put(stores, folder, "b.csv", 'text,label\nx,"y\n')
    put(stores, folder, "c.csv", "text,text\n")
    report = same(stores, folder, "sft", part_bytes=MIB, mixed=True, mapping=PLAIN)
    assert report["findings"][0]["file"] == f"s3://{DATA}/in/b.csv"


def test_a_split_without_rows_is_an_empty_object_and_a_warning(stores, folder):
    put(stores, folder, "a.jsonl", lines(2))
    report = same(stores, folder, "sft", mapping=PLAIN, shares=shared(99, 1))
    assert [finding["code"] for finding in report["findings"]] == ["empty-split"]
    assert b"" in written(stores).values()


# ---- what is listed ----------------------------------------------------------------------------------------------


def findings(stores, to="sft", **given):
    report = remote(stores, to, **given)
    assert report["manifest"] is None
    return [(finding["code"], finding["message"]) for finding in report["findings"]], report["exit_code"]


@pytest.mark.parametrize(
    ("given", "code", "exit_code"),
    [
        ({"sources": ["nowhere"]}, "no-such-source", 2),
        ({"sources": ["in/a.txt"]}, "unknown-kind", 2),
        ({"reading": ReadOptions(select=("rows",))}, "wrong-usage", 2),
        ({"sources": ["prepared/there"], "output": "prepared/there/train.jsonl"}, "output-is-source", 1),
        ({"output": "prepared/there"}, "output-exists", 1),
        ({"output": "prepared/out.csv"}, "wrong-output", 2),
        ({"output": ""}, "wrong-output", 2),
        ({"output": "prepared"}, "wrong-output", 2),
        ({"output": "data/0"}, "wrong-output", 2),
        ({"output": "prepared/../data/0"}, "wrong-output", 2),
        ({"output": "prepared/out.jsonl", "shares": shared(1, 1)}, "wrong-output", 2),
    ],
)
def test_what_cannot_be_read_or_written_is_refused_before_any_row_is_read(stores, folder, given, code, exit_code):
    put(stores, folder, "a.jsonl", lines(5))
    put(stores, folder, "a.txt", "text")
    stores.s3.put_object(Bucket=DATA, Key="prepared/there/train.jsonl", Body=b"before")
    found, status = findings(stores, mapping=PLAIN, **{"sources": ["in/a.jsonl"], **given})
    assert [each for each, _ in found] == [code]
    assert status == exit_code
    assert stores.s3.objects[DATA, "prepared/there/train.jsonl"] == [b"before"]


def test_another_bucket_is_not_read_nor_written(stores):
    event = {"preparation": "one", "options": Options(format="sft").as_json()}
    for sources, output in (
        (["s3://other/a.jsonl"], f"s3://{DATA}/prepared/out"),
        ([f"s3://{DATA}/a.jsonl"], "s3://other/prepared/out"),
    ):
        assert find_parts({**event, "sources": sources, "output": output}, stores)["exit_code"] == 2
        report = json.loads(stores.read("scratch/preparations/one/report.json"))
        assert [finding["code"] for finding in report["findings"]] == ["other-bucket"]


def test_patterns_and_single_objects_are_found_each_once_and_at_their_newest_version(stores, folder):
    for name in ("b.jsonl", "a.jsonl", "c.csv"):
        put(stores, folder, name, "text,label\nold,x\n" if name == "c.csv" else lines(3, name="old"))
    stores.s3.put_object(Bucket=DATA, Key="in/a.jsonl", Body=lines(4, name="new").encode())
    report = remote(stores, "sft", sources=["in/*.jsonl", "in/a.jsonl"], mapping=PLAIN)
    read = [(source["uri"], source["version_id"], source["rows"]) for source in report["manifest"]["sources"]]
    assert read == [(f"s3://{DATA}/in/a.jsonl", "2", 4), (f"s3://{DATA}/in/b.jsonl", "1", 3)]


def test_an_earlier_output_is_replaced_when_asked_and_what_is_left_of_it_is_told_and_stays(stores, folder):
    put(stores, folder, "a.jsonl", lines(500))
    remote(stores, "sft", mapping=PLAIN, shares=shared(8, 1, 1))
    report = remote(stores, "sft", mapping=PLAIN, shares=shared(8, 2), overwrite=True)
    assert [(finding["code"], finding["file"]) for finding in report["findings"]] == [
        ("left-from-before", f"s3://{DATA}/prepared/out/test.jsonl")
    ]
    assert len(stores.s3.objects[DATA, "prepared/out/train.jsonl"]) == 2
    assert report["versions"] == {
        f"s3://{DATA}/prepared/out/train.jsonl": "2",
        f"s3://{DATA}/prepared/out/validation.jsonl": "2",
    }


def test_options_that_no_command_sends_are_refused_before_anything_is_written(stores, folder):
    put(stores, folder, "a.jsonl", lines(5))
    event = {"preparation": "one", "sources": [f"s3://{DATA}/in"], "output": f"s3://{DATA}/prepared/out"}
    for options in ({"format": "nothing"}, {"format": "sft", "shares": 3}, {"format": "sft", "unknown": 1}):
        with pytest.raises(msgspec.ValidationError):
            find_parts({**event, "options": options}, stores)
    assert {bucket for bucket, _ in stores.s3.objects} == {DATA}
