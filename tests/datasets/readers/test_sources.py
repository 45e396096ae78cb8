"""Files of every kind, compressed, in folders, by pattern, in S3: found, read to the end, and accounted for."""

import builtins
import gzip
import hashlib
import importlib
import io
import json
import os
import sys
import types
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from novaline.datasets.readers.batches import shown_names
from novaline.datasets.readers.reading import ReadOptions, SourceReader, read_all
from novaline.datasets.readers.s3_objects import ObjectFile
from novaline.datasets.readers.sources import find_sources, source_of
from novaline.datasets.source_files import data_files
from novaline.findings import NovalineError, UsageProblem

ROWS = [{"text": f"question {number}", "label": "ä" if number % 2 else "b"} for number in range(5000)]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def no_s3():
    raise AssertionError("S3 was asked")


def read(uri, options=None, *, s3=no_s3):
    origins = []
    batches = list(read_all(find_sources([str(uri)], s3=s3), options or ReadOptions(), s3=s3, origins=origins))
    rows = [batch.row(index) for batch in batches for index in range(len(batch))]
    return rows, origins


def refusal_of(uri):
    with pytest.raises(NovalineError) as problem:
        read(uri)
    return problem.value.findings[0]


def write(path: Path) -> Path:
    """The rows as the kind of file that the name says."""
    name, table = path.name, pa.Table.from_pylist(ROWS)
    comma = "\t" if ".tsv" in name else ","
    text = f"text{comma}label\n" + "".join(f"{row['text']}{comma}{row['label']}\n" for row in ROWS)
    data = {".jsonl": LINES, ".json": json.dumps(ROWS).encode(), ".csv": text.encode(), ".tsv": text.encode()}
    if path.suffix == ".parquet":
        pq.write_table(table, path, row_group_size=700)
    elif path.suffix == ".feather":
        pa.feather.write_feather(table, path)
    elif path.suffix == ".arrow":
        with pa.ipc.new_stream(str(path), table.schema) as sink:
            sink.write_table(table)
    else:
        content = data[path.suffixes[0]]
        if path.suffix == ".gz":
            content = gzip.compress(content[:1000]) + gzip.compress(content[1000:])
        elif path.suffix == ".zst":
            content = b"".join(pa.compress(part, codec="zstd", asbytes=True) for part in (content[:9], content[9:]))
        path.write_bytes(content)
    return path


KINDS = [
    "a.jsonl",
    "a.json",
    "a.csv",
    "a.tsv",
    "a.jsonl.gz",
    "a.csv.zst",
    "a.json.gz",
    "a.parquet",
    "a.arrow",
    "a.feather",
]


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_file_gives_the_same_rows_and_its_digest(tmp_path, name):
    path = write(tmp_path / name)
    rows, (origin,) = read(path)
    assert rows == ROWS
    assert (origin.rows, origin.bytes) == (len(ROWS), path.stat().st_size)
    assert origin.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_folder_is_read_in_the_order_of_names_without_hidden_files_manifests_and_other_kinds(tmp_path):
    (tmp_path / "deep").mkdir()
    for name, row in (("b.jsonl", 2), ("a.jsonl", 1), ("deep/c.json", 3)):
        (tmp_path / name).write_text(f'[{{"n": {row}}}]' if name.endswith("json") else f'{{"n": {row}}}\n')
    for name in (".hidden.jsonl", "manifest.json", "x.manifest.json", "README.md"):
        (tmp_path / name).write_text("no rows")
    assert [row["n"] for row in read(tmp_path)[0]] == [1, 2, 3]
    assert [row["n"] for row in read(tmp_path / "*.jsonl")[0]] == [1, 2]


def test_a_file_that_is_named_twice_is_read_once(tmp_path):
    path = write(tmp_path / "a.jsonl")
    assert len(find_sources([str(path), str(tmp_path)], s3=no_s3)) == 1


@pytest.mark.parametrize(
    ("name", "code"), [("nothing.jsonl", "no-such-source"), ("*.csv", "no-such-source"), ("a.txt", "unknown-kind")]
)
def test_a_name_that_stands_for_nothing_is_wrong_usage(tmp_path, name, code):
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(UsageProblem) as problem:
        find_sources([str(tmp_path / name)], s3=no_s3)
    assert problem.value.findings[0].code == code


def test_the_kind_can_be_said_where_the_name_does_not_tell():
    assert source_of("a.txt", kind="csv").kind == "csv"
    assert source_of("a.parquet.gz") is None


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.zst"])
@pytest.mark.parametrize("cut", [-5, 40])
def test_a_truncated_file_is_refused(tmp_path, name, cut):
    path = write(tmp_path / name)
    path.write_bytes(path.read_bytes()[:cut])
    assert refusal_of(path).code == "broken-compression"


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.zst"])
def test_a_file_that_is_not_compressed_as_it_says_is_refused(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(LINES)
    assert "is not gzip" in refusal_of(path).message or "is not zstd" in refusal_of(path).message


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "a.feather"])
def test_a_damaged_table_is_refused(tmp_path, name):
    path = write(tmp_path / name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert refusal_of(path).code == "unreadable-table"


def test_a_file_that_may_not_be_read_is_told(tmp_path):
    with pytest.raises(NovalineError, match="cannot read"):
        list(SourceReader(source_of(str(tmp_path / "gone.jsonl")), ReadOptions(), s3=no_s3).batches())


def test_only_the_columns_that_are_asked_for_become_python_values(tmp_path):
    path = write(tmp_path / "a.parquet")
    reader = SourceReader(source_of(str(path)), ReadOptions(), s3=no_s3)
    batch = next(iter(reader.batches()))
    assert batch.column("label")[:2] == ["b", "ä"]
    assert list(batch._made) == ["label"]


@pytest.mark.parametrize("name", ["a.parquet", "a.feather", "a.jsonl.zst"])
def test_without_pyarrow_a_person_is_told_what_to_install(tmp_path, name, monkeypatch):
    path = write(tmp_path / name)

    def refuse(module):
        raise ImportError(module)

    monkeypatch.setattr(importlib, "import_module", refuse)
    found = refusal_of(path)
    assert found.code == "not-installed"
    assert "novaline[data]" in found.hint


def test_text_files_need_no_pyarrow(tmp_path, monkeypatch):
    path = write(tmp_path / "a.csv")
    monkeypatch.setattr(importlib, "import_module", None)
    assert read(path)[0] == ROWS


# ---- Hugging Face ------------------------------------------------------------------------------------------------


def test_hugging_face_datasets_are_streamed_by_their_own_library(monkeypatch):
    asked = []

    def load_dataset(name, config, *, revision, split, streaming):
        asked.append((name, config, revision, split, streaming))
        if split == "none":
            raise ValueError("Unknown split")
        return iter([{"split": split}])

    monkeypatch.setitem(sys.modules, "datasets", types.SimpleNamespace(load_dataset=load_dataset))
    rows, (origin,) = read("hf://openai/gsm8k@main#socratic", ReadOptions(select=("train", "test")))
    assert rows == [{"split": "train"}, {"split": "test"}]
    assert asked[0] == ("openai/gsm8k", "socratic", "main", "train", True)
    assert (origin.rows, origin.sha256) == (2, None)
    with pytest.raises(NovalineError, match="split none: Unknown split"):
        read("hf://openai/gsm8k", ReadOptions(select=("none",)))


def test_without_their_library_a_person_is_told_what_to_install(monkeypatch):
    real = builtins.__import__

    def refuse(name, *more, **options):
        if name == "datasets":
            raise ImportError(name)
        return real(name, *more, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    assert "novaline[hugging-face]" in refusal_of("hf://squad").hint


# ---- S3 ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bucket(emulator, tmp_path_factory):
    """A versioned bucket whose objects are encrypted with a key, and the client."""
    s3, name = emulator.client("s3"), "readers-of-datasets"
    key = emulator.client("kms").create_key()["KeyMetadata"]["Arn"]
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    folder = tmp_path_factory.mktemp("objects")
    for file in ("in/a.jsonl", "in/b.csv.gz", "in/c.parquet", "in/manifest.json"):
        path = folder / Path(file).name
        body = b"{}" if "manifest" in file else write(path).read_bytes()
        s3.put_object(Bucket=name, Key=file, Body=body, ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    return s3, name


@pytest.mark.parametrize("key", ["in/a.jsonl", "in/b.csv.gz", "in/c.parquet"])
def test_objects_are_read_like_files_and_their_version_is_told(bucket, key):
    s3, name = bucket
    rows, (origin,) = read(f"s3://{name}/{key}", s3=lambda: s3)
    assert rows == ROWS
    assert origin.version_id == s3.head_object(Bucket=name, Key=key)["VersionId"]
    assert (origin.sha256 is None) == key.endswith("parquet")


@pytest.mark.parametrize(
    ("place", "keys"),
    [
        ("in/", ["in/a.jsonl", "in/b.csv.gz", "in/c.parquet"]),
        ("in", ["in/a.jsonl", "in/b.csv.gz", "in/c.parquet"]),
        ("", ["in/a.jsonl", "in/b.csv.gz", "in/c.parquet"]),
        ("in/*.jsonl", ["in/a.jsonl"]),
        ("*/?.csv*", ["in/b.csv.gz"]),
    ],
)
def test_a_prefix_and_a_pattern_stand_for_the_objects_there(bucket, place, keys):
    s3, name = bucket
    found = find_sources([f"s3://{name}/{place}"], s3=lambda: s3)
    assert [source.uri for source in found] == [f"s3://{name}/{key}" for key in keys]


def test_a_bucket_that_is_not_there_is_told(bucket):
    with pytest.raises(UsageProblem, match="no bucket nowhere-at-all"):
        find_sources(["s3://nowhere-at-all/x/"], s3=lambda: bucket[0])
    with pytest.raises(UsageProblem, match="no file, folder or match"):
        find_sources([f"s3://{bucket[1]}/x/"], s3=lambda: bucket[0])


class Flaky:
    """An S3 whose connections break after some bytes, and which counts them."""

    def __init__(self, body: bytes, *, breaks: int, after: int = 1000):
        self.body, self.breaks, self.after, self.asked = body, breaks, after, []

    def head_object(self, **_):
        return {"ETag": '"e1"', "ContentLength": len(self.body)}

    def get_object(self, *, Range, IfMatch, **_):  # noqa: N803 - AWS's names
        assert IfMatch == '"e1"'
        start, last = map(int, Range.removeprefix("bytes=").split("-"))
        self.asked.append(start)
        return {"Body": FlakyBody(self, io.BytesIO(self.body[start : last + 1]))}


class FlakyBody:
    def __init__(self, s3, data):
        self.s3, self.data, self.given = s3, data, 0

    def read(self, size):
        from botocore.exceptions import ReadTimeoutError

        if self.given >= self.s3.after and self.s3.breaks:
            self.s3.breaks -= 1
            raise ReadTimeoutError(endpoint_url="s3")
        block = self.data.read(min(size, self.s3.after))
        self.given += len(block)
        return block

    def close(self):
        pass


def test_a_connection_that_breaks_is_taken_up_where_it_broke():
    s3 = Flaky(LINES, breaks=3)
    with io.BufferedReader(ObjectFile(s3, "s3://b/k")) as file:
        assert file.read() == LINES
    assert s3.asked == [0, 1000, 2000, 3000]


def test_a_connection_that_always_breaks_is_told():
    s3 = Flaky(LINES, breaks=1000, after=0)
    with pytest.raises(NovalineError, match="reading s3://b/k"):
        ObjectFile(s3, "s3://b/k").read(10)
    assert len(s3.asked) == 6


def test_a_file_under_two_names_is_one_source(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("rows.jsonl").write_bytes(LINES)
    Path("link.jsonl").symlink_to("rows.jsonl")
    named = ["rows.jsonl", "./rows.jsonl", str(tmp_path / "rows.jsonl"), "link.jsonl", "*.jsonl"]
    assert [source.uri for source in find_sources(named, s3=no_s3)] == ["rows.jsonl"]


def test_an_empty_name_is_not_the_folder_that_one_stands_in():
    with pytest.raises(UsageProblem, match="empty"):
        find_sources([""], s3=no_s3)


def test_a_pipe_is_refused_before_anybody_waits_for_it(tmp_path):
    os.mkfifo(tmp_path / "rows.jsonl")
    with pytest.raises(UsageProblem, match="no ordinary file"):
        find_sources([str(tmp_path / "rows.jsonl")], s3=no_s3)


def test_a_map_that_repeats_a_key_is_refused_and_nothing_of_it_lost(tmp_path):
    table = pa.table({"text": ["a"], "m": pa.array([[("k", 1), ("k", 2)]], pa.map_(pa.string(), pa.int64()))})
    pq.write_table(table, tmp_path / "rows.parquet")
    finding = refusal_of(tmp_path / "rows.parquet")
    assert finding.code == "repeated-key"
    assert "'k'" in finding.message


def test_a_table_that_changes_while_it_is_read_is_refused_because_its_digest_is_not_its_rows(tmp_path):
    path = write(tmp_path / "rows.parquet")
    batches = read_all(find_sources([str(path)], s3=no_s3), ReadOptions(), s3=no_s3, origins=[])
    next(batches)
    with path.open("ab") as file:
        file.write(b"x")
    with pytest.raises(NovalineError, match="changed while it was read"):
        list(batches)


def test_a_table_of_very_many_or_very_long_columns_names_few_of_them_briefly():
    assert shown_names(["a", "b" * 1000]) == f"a, {'b' * 39}…"
    assert shown_names([f"c{number}" for number in range(1000)]).endswith(", c19, …")
    assert shown_names([]) == ""


def test_a_dataset_whose_name_does_not_say_that_it_is_lines_is_refused_with_the_names_that_do(tmp_path):
    (tmp_path / "rows.txt").write_bytes(LINES)
    with pytest.raises(UsageProblem) as problem:
        data_files([str(tmp_path / "rows.txt")], s3=no_s3)
    (finding,) = problem.value.findings
    assert (finding.code, "--kind" in finding.hint, ".jsonl.gz" in finding.hint) == ("unknown-kind", False, True)
