"""`novaline data validate s3://…` by this computer itself, and `rehearse --data`, against the embedded AWS."""

import gzip
import json
import uuid
from pathlib import Path

import pytest
from dataset_rows import row
from typer.testing import CliRunner

from novaline.cli.commands import app
from novaline.datasets.readers.s3_objects import ObjectFile
from novaline.findings import UsageProblem
from novaline.rehearsal.stand_ins import StandIns

ROOT = Path(__file__).resolve().parents[2]


def lines(name, *questions):
    return "".join(json.dumps(row(name, question)) + "\n" for question in questions)


GOOD = lines("sft", *(f"question {number}" for number in range(40)))
BROKEN = lines("sft", "other", "asked later") + "no json\n" + lines("sft", "question 7")
ASKED = lines("gen_qa", "asked later")


@pytest.fixture(scope="module")
def bucket(emulator):
    """A bucket under a key, and the client: two objects of one dataset, one of them compressed, and an evaluation."""
    s3, name = emulator.client("s3"), f"sets-{uuid.uuid4().hex[:12]}"
    key = emulator.client("kms").create_key()["KeyMetadata"]["Arn"]
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    objects = {
        "sets/a.jsonl": GOOD.encode(),
        "sets/b.jsonl.gz": gzip.compress(BROKEN.encode()),
        "asked.jsonl": ASKED.encode(),
    }
    for place, body in objects.items():
        s3.put_object(Bucket=name, Key=place, Body=body, ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    return s3, name


@pytest.fixture
def run(monkeypatch, emulator):
    """Runs `novaline data validate` with the embedded AWS as the shell's."""
    monkeypatch.chdir(ROOT)
    for name, value in emulator.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)

    def invoked(*arguments):
        return CliRunner().invoke(app, ["data", "validate", *map(str, arguments), "--format", "sft"])

    return invoked


def test_a_dataset_in_s3_has_the_findings_of_the_same_files_here(run, bucket, tmp_path):
    _, name = bucket
    (tmp_path / "sets").mkdir()
    (tmp_path / "sets" / "a.jsonl").write_text(GOOD)
    (tmp_path / "sets" / "b.jsonl.gz").write_bytes(gzip.compress(BROKEN.encode()))
    (tmp_path / "asked.jsonl").write_text(ASKED)
    there = run(f"s3://{name}/sets/", "--held-out", f"s3://{name}/asked.jsonl", "--json")
    here = run(tmp_path / "sets", "--held-out", tmp_path / "asked.jsonl", "--json")
    assert (there.exit_code, here.exit_code) == (1, 1)
    report = json.loads(there.stdout)
    assert report == json.loads(here.stdout.replace(str(tmp_path), f"s3://{name}"))
    assert {"held-out-row", "duplicate-row"} <= {finding["code"] for finding in report["findings"]}
    assert (report["rows"], report["errors"], len(report["files"])) == (44, 1, 2)


def test_one_object_without_a_flaw_is_one_line(run, bucket):
    result = run(f"s3://{bucket[1]}/sets/a.jsonl")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"s3://{bucket[1]}/sets/a.jsonl: ok (no findings; 40 rows")


def test_what_is_read_twice_is_one_version_also_while_somebody_writes_another(run, bucket, monkeypatch):
    """Lines that repeat others are read a second time, to be shown."""
    s3, name = bucket
    uri, opened = f"s3://{name}/twice.jsonl", []
    first = GOOD + lines("sft", "question 3")
    s3.put_object(Bucket=name, Key="twice.jsonl", Body=first.encode())
    close = ObjectFile.close

    def overwritten(self):
        if not opened:
            s3.put_object(Bucket=name, Key="twice.jsonl", Body=b"not\nthe\nsame\n" * 40)
        opened.append(self.version_id)
        close(self)

    monkeypatch.setattr(ObjectFile, "close", overwritten)
    report = json.loads(run(uri, "--json").stdout)
    assert [(finding["code"], finding["line"]) for finding in report["findings"]] == [("duplicate-row", 41)]
    assert '"question 3"' in report["findings"][0]["excerpt"]
    assert len(set(opened)) == 1
    assert len(opened) > 1


@pytest.mark.parametrize(
    ("source", "words"),
    [("s3://{}/nowhere/", "there is no file, folder or match"), ("s3://nowhere-at-all/x/", "there is no bucket")],
)
def test_a_place_in_s3_that_holds_nothing_is_wrong_usage(run, bucket, source, words):
    result = run(source.format(bucket[1]))
    assert result.exit_code == 2
    assert words in result.stderr


def test_without_credentials_a_person_is_told_what_to_do(run, bucket, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    result = run(f"s3://{bucket[1]}/sets/a.jsonl")
    assert result.exit_code == 1
    assert "there are no AWS credentials in this shell" in result.stderr


def test_a_profile_that_does_not_exist_is_wrong_usage(run, bucket, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    result = run(f"s3://{bucket[1]}/sets/a.jsonl")
    assert result.exit_code == 2
    assert "nobody" in result.stderr


# ---- what stands for data in S3 in a rehearsal


URI = "s3://the-data-bucket/sets/train.jsonl"


@pytest.fixture
def customization(tmp_path):
    """The example, whose training data lies in S3."""
    example = ROOT / "examples" / "support-intents"
    text = (example / "customization.yaml").read_text(encoding="utf-8")
    assert "train.jsonl" in text
    text = text.replace("train: train.jsonl", f"train: {URI}").replace(
        "validation.jsonl", str(example / "validation.jsonl")
    )
    (tmp_path / "customization.yaml").write_text(
        text.replace("eval.jsonl", str(example / "eval.jsonl")), encoding="utf-8"
    )
    return tmp_path / "customization.yaml"


def test_a_check_tells_of_data_in_s3_without_a_network(monkeypatch, customization):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    told = CliRunner().invoke(app, ["check", str(customization)])
    assert told.exit_code == 0, told.stderr
    assert "sft/train in S3" in told.stdout
    assert told.stderr.count("[validated-by-run]") == 1
    document = json.loads(CliRunner().invoke(app, ["check", str(customization), "--json"]).stdout)
    assert document["datasets"]["sft/train"] == {"path": URI, "sha256": None, "bytes": None, "rows": None}


def test_a_plan_of_data_in_s3_is_shown_with_what_is_not_known(monkeypatch, customization):
    monkeypatch.chdir(ROOT)
    told = CliRunner().invoke(app, ["plan", str(customization), "--env", "dev"])
    assert told.exit_code == 0, told.stderr
    assert URI in "".join(told.stdout.split())
    words = " ".join(told.stdout.split())
    assert "No hours are expected of sft: the data lies in S3, and how much it is, `run` asks." in words
    assert "depend on what is generated" not in words


def rehearse(monkeypatch, *arguments):
    monkeypatch.chdir(ROOT)
    return CliRunner().invoke(app, ["rehearse", *map(str, arguments)])


def test_a_rehearsal_asks_for_rows_that_stand_for_data_in_s3(monkeypatch, customization):
    told = rehearse(monkeypatch, customization)
    assert told.exit_code == 1
    words = " ".join(told.stderr.split())
    assert f"a rehearsal reaches no account, so {URI} cannot be read" in words
    assert f"--data {URI}=rows.jsonl" in words


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ("rows.jsonl", "takes a pair of a URI and a local file"),
        (f"{URI}=", "takes a pair of a URI and a local file"),
        (f"{URI}=gone.jsonl", "there is no file gone.jsonl"),
        (f"s3://other/x.jsonl={ROOT}/README.md", "there is no file"),
    ],
)
def test_rows_that_stand_for_nothing_are_wrong_usage(monkeypatch, customization, tmp_path, pair, words):
    (tmp_path / "rows.jsonl").write_text(GOOD)
    if "other" in pair:
        pair, words = f"s3://other/x.jsonl={tmp_path / 'rows.jsonl'}", "names no data at s3://other/x.jsonl"
    both = ["--data", f"{URI}={ROOT / 'examples' / 'support-intents' / 'train.jsonl'}", "--data", pair]
    told = rehearse(monkeypatch, customization, *both)
    assert told.exit_code == 2
    assert words in " ".join(told.stderr.split())


def test_the_rows_are_found_by_the_uri_from_wherever_the_command_was_called(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.jsonl").write_text(GOOD)
    stand_ins = StandIns.of([f"{URI}=rows.jsonl"])
    assert stand_ins.find(URI, rows_of="sft", model="nova-micro") == tmp_path / "rows.jsonl"
    stand_ins.require_all_used()
    with pytest.raises(UsageProblem, match="names no data at"):
        StandIns.of([f"{URI}=rows.jsonl"]).require_all_used()


def test_an_object_is_measured_as_the_same_file_here(run, bucket, tmp_path):
    """`run` gives the shell its AWS; the command here is `data stats`."""
    _, name = bucket
    (tmp_path / "sets").mkdir()
    (tmp_path / "sets" / "b.jsonl.gz").write_bytes(gzip.compress(BROKEN.encode()))
    here, there = (
        CliRunner().invoke(app, ["data", "stats", f"{place}/sets/b.jsonl.gz", "--format", "sft", "--json"])
        for place in (tmp_path, f"s3://{name}")
    )
    assert there.exit_code == 0, there.output
    assert json.loads(there.stdout) == json.loads(here.stdout.replace(str(tmp_path), f"s3://{name}"))
    several = CliRunner().invoke(app, ["data", "stats", f"s3://{name}/sets/", "--format", "sft"])
    assert (several.exit_code, "stands for 2 objects" in several.stderr) == (2, True)
