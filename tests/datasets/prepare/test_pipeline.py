"""Preparing as a whole: files appear all at once or not at all, splits hold, and the manifest says what was done."""

import csv
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from novaline.datasets.manifest import read_manifest
from novaline.datasets.prepare import pipeline
from novaline.datasets.splitting import Splitter, fold
from novaline.findings import NovalineError
from tests.datasets.prepare.preparing import read_rows, run, write_rows

ROWS = [
    {"text": f"question {number // 2}{'!' if number % 2 else ''}", "label": f"l{number % 5}", "who": f"u{number % 30}"}
    for number in range(3000)
]
MAPPING = {"prompt": "text", "answer": "label"}


@pytest.fixture
def source(tmp_path):
    return write_rows(tmp_path / "source.jsonl", ROWS)


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def questions(path):
    return [row["query"] for row in read_rows(path)]


# ---- splits ------------------------------------------------------------------------------------------------------


def test_every_row_is_in_one_split_and_twins_are_together(tmp_path, source):
    made = run(source, "gen_qa", tmp_path / "out", split="80/10/10", mapping=MAPPING)
    parts = {path.stem: questions(path) for path in made.paths}
    assert list(parts) == ["train", "validation", "test"]
    assert sorted(question for part in parts.values() for question in part) == sorted(row["text"] for row in ROWS)
    folded = [set(map(fold, part)) for part in parts.values()]
    assert not folded[0] & folded[1] | folded[0] & folded[2] | folded[1] & folded[2]


def test_one_source_gives_training_rows_and_an_evaluation_that_share_nothing(tmp_path, source):
    run(source, "sft", tmp_path / "train", split="80/0/20", mapping=MAPPING)
    made = run(source, "gen_qa", tmp_path / "eval.jsonl", split="80/0/20", only="test", mapping=MAPPING)
    trained = {fold(row["messages"][0]["content"][0]["text"]) for row in read_rows(tmp_path / "train" / "train.jsonl")}
    asked = set(map(fold, questions(made.paths[0])))
    assert asked
    assert not trained & asked
    assert not (tmp_path / "train" / "validation.jsonl").exists()


def test_groups_stay_together_and_questions_that_they_pull_apart_are_told(tmp_path, source):
    made = run(source, "rft", tmp_path / "out", split="80/10/10", group="who", mapping={**MAPPING, "who": "who"})
    users = [{row["who"] for row in read_rows(path)} for path in made.paths]
    assert sum(map(len, users)) == 30
    (finding,) = (each for each in made.findings if each.code == "question-in-two-splits")
    parts = [{fold(row["messages"][0]["content"]) for row in read_rows(path)} for path in made.paths]
    expected = len(parts[0] & parts[1] | parts[0] & parts[2] | parts[1] & parts[2])
    assert finding.message.startswith(f"{expected:,} questions")
    assert expected


def test_labels_have_their_shares_exactly(tmp_path):
    rows = [{"text": f"question {number}", "label": f"l{number % 20}"} for number in range(2000)]
    made = run(write_rows(tmp_path / "s.jsonl", rows), "gen_qa", tmp_path / "out", split="80/10/10", stratify="label")
    for path, share in zip(made.paths, (80, 10, 10), strict=True):
        answers = [row["response"] for row in read_rows(path)]
        assert {answers.count(label) for label in set(answers)} == {share}


def test_a_later_output_can_be_split_as_an_earlier_one(tmp_path):
    rows = [{"text": f"question {number}", "label": f"l{number % 20}"} for number in range(4000)]
    write_rows(tmp_path / "a.jsonl", rows[:2000])
    first = run(tmp_path / "a.jsonl", "gen_qa", tmp_path / "a", split="80/10/10", stratify="label")
    like = Splitter.from_json(read_manifest(tmp_path / "a" / "manifest.json")["split"])
    source = write_rows(tmp_path / "b.jsonl", rows)
    second = run(source, "gen_qa", tmp_path / "b", split="80/10/10", stratify="label", like=like)
    for before, after in zip(first.paths, second.paths, strict=True):
        assert set(questions(before)) <= set(questions(after))


def test_a_column_of_all_different_values_is_nothing_to_stratify_by(tmp_path, monkeypatch, source):
    monkeypatch.setattr("novaline.datasets.prepare.allotting.MOST_LABELS", 100)
    with pytest.raises(NovalineError, match="nothing to stratify by"):
        run(source, "gen_qa", tmp_path / "out", split="80/10/10", stratify="text", mapping=MAPPING)


def test_an_empty_split_is_told(tmp_path):
    source = write_rows(tmp_path / "s.jsonl", [{"prompt": "a", "answer": "b"}])
    made = run(source, "sft", tmp_path / "out", split="98/1/1")
    assert [finding.code for finding in made.findings] == ["empty-split", "empty-split"]


# ---- made pairs --------------------------------------------------------------------------------------------------


def test_made_pairs_set_another_answer_of_the_data_against_each(tmp_path, source):
    made = run(source, "llm_judge", tmp_path / "out", make_pairs=True, mapping=MAPPING)
    rows = read_rows(made.paths[0])
    assert len(rows) == len(ROWS)
    assert all(row["response_A"] != row["response_B"] for row in rows)
    assert {row["response_B"] for row in rows} == {row["label"] for row in ROWS}
    again = run(source, "llm_judge", tmp_path / "again", make_pairs=True, mapping=MAPPING)
    assert again.paths[0].read_bytes() == made.paths[0].read_bytes()


def test_pairs_need_two_answers_and_few_of_them(tmp_path, monkeypatch, source):
    one = write_rows(tmp_path / "one.jsonl", [{"prompt": "a", "answer": "b"}] * 3)
    with pytest.raises(NovalineError, match="at least two different answers, found 1"):
        run(one, "dpo", tmp_path / "out", make_pairs=True)
    monkeypatch.setattr("novaline.datasets.prepare.contrast.MOST_ANSWERS", 3)
    with pytest.raises(NovalineError, match="no labels to make pairs of"):
        run(source, "dpo", tmp_path / "out", make_pairs=True, mapping=MAPPING)


# ---- all or nothing ----------------------------------------------------------------------------------------------

BAD = [*ROWS[:10], {"text": "", "label": "x"}, *ROWS[10:20], {"text": "x"}, {"text": "y", "label": None}]


def test_bad_rows_stop_everything_and_leave_nothing_behind(tmp_path):
    source = write_rows(tmp_path / "s.jsonl", BAD)
    with pytest.raises(NovalineError) as problem:
        run(source, "sft", tmp_path / "new" / "out", mapping=MAPPING)
    assert [(each.code, each.line) for each in problem.value.findings] == [("empty-prompt", 11), ("empty-answer", 22)]
    assert "2 lines: 22, 23" in problem.value.findings[1].message
    assert names(tmp_path) == ["s.jsonl"]


def test_bad_rows_can_be_left_out_and_are_counted(tmp_path):
    source = write_rows(tmp_path / "s.jsonl", BAD)
    made = run(source, "sft", tmp_path / "out", mapping=MAPPING, skip_bad=True)
    assert made.manifest.rows == 20
    assert made.manifest.skipped == {"empty-prompt": 1, "empty-answer": 2}
    assert {finding.severity for finding in made.findings} == {"warning"}


def test_however_bad_the_source_what_is_said_stays_short(tmp_path):
    rows = [{"messages": [{"role": f"role {number}", "content": "x" * 5000}]} for number in range(2000)]
    with pytest.raises(NovalineError) as problem:
        run(write_rows(tmp_path / "s.jsonl", rows), "sft", tmp_path / "out")
    text = json.dumps([finding.as_json() for finding in problem.value.findings], ensure_ascii=False)
    assert len(text) < 64 * 1024
    assert "2,000 lines: 1, 2, 3, 4, 5, …" in text


def test_a_source_without_rows_is_refused(tmp_path):
    source = write_rows(tmp_path / "s.jsonl", [])
    with pytest.raises(NovalineError, match="there are no rows in it"):
        run(source, "sft", tmp_path / "out")
    all_bad = write_rows(tmp_path / "b.jsonl", [{"prompt": "", "answer": "x"}])
    with pytest.raises(NovalineError, match="all of its rows were left out"):
        run(all_bad, "sft", tmp_path / "out", skip_bad=True)
    assert not (tmp_path / "out").exists()


def test_what_is_there_is_not_replaced_unless_asked_and_what_is_stale_goes(tmp_path, source):
    run(source, "sft", tmp_path / "out", split="80/10/10", mapping=MAPPING)
    (tmp_path / "out" / "notes.txt").write_text("mine")
    with pytest.raises(NovalineError, match="already there"):
        run(source, "sft", tmp_path / "out", mapping=MAPPING)
    run(source, "sft", tmp_path / "out", mapping=MAPPING, overwrite=True)
    assert names(tmp_path / "out") == ["manifest.json", "notes.txt", "train.jsonl"]


def test_a_failure_in_the_middle_leaves_what_was_there(tmp_path, source):
    run(source, "sft", tmp_path / "out", mapping=MAPPING)
    before = (tmp_path / "out" / "train.jsonl").read_bytes()

    def interrupt(rows):
        if rows > 2000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pipeline.prepare(
            pipeline.Request(
                sources=(pipeline_source(source),),
                format="sft",
                output=tmp_path / "out",
                mapping=MAPPING,
                overwrite=True,
            ),
            s3=None,
            report=interrupt,
        )
    assert names(tmp_path / "out") == ["manifest.json", "train.jsonl"]
    assert (tmp_path / "out" / "train.jsonl").read_bytes() == before


def pipeline_source(path):
    from novaline.datasets.readers.sources import source_of

    return source_of(str(path))


def test_a_source_that_changes_between_two_looks_is_refused(tmp_path, source):
    looks = []

    def change(rows):
        if looks and rows <= looks[-1]:  # the second look begins
            with source.open("a") as file:
                file.write(json.dumps(ROWS[0]) + "\n")
        looks.append(rows)

    request = pipeline.Request(
        sources=(pipeline_source(source),), format="dpo", output=tmp_path / "out", mapping=MAPPING, make_pairs=True
    )
    with pytest.raises(NovalineError, match="changed while it was read"):
        pipeline.prepare(request, s3=None, report=change)
    assert not (tmp_path / "out").exists()


# ---- the manifest ------------------------------------------------------------------------------------------------


def test_the_manifest_tells_what_was_made_of_what_and_is_the_same_again(tmp_path, source):
    made = run(source, "sft", tmp_path / "out", split="80/10/10", mapping=MAPPING, system="Be brief.", seed=3)
    document = read_manifest(tmp_path / "out" / "manifest.json")
    assert document == made.manifest.as_json()
    assert (document["format"], document["rows"]) == ("sft", len(ROWS))
    for file in document["files"]:
        content = (tmp_path / "out" / file["file"]).read_bytes()
        assert file["sha256"] == hashlib.sha256(content).hexdigest()
        assert (file["bytes"], file["rows"]) == (len(content), content.count(b"\n"))
    (origin,) = document["sources"]
    assert origin["sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()
    assert document["mapping"] == MAPPING
    assert (document["split"]["shares"], document["split"]["seed"]) == ([80, 10, 10], 3)
    run(source, "sft", tmp_path / "again", split="80/10/10", mapping=MAPPING, system="Be brief.", seed=3)
    for name in names(tmp_path / "out"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_one_file_has_its_manifest_beside_it(tmp_path, source):
    run(source, "sft", tmp_path / "rows.jsonl", mapping=MAPPING)
    assert read_manifest(tmp_path / "rows.manifest.json")["files"][0]["file"] == "rows.jsonl"


def test_another_file_is_no_manifest(tmp_path):
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(NovalineError, match="no dataset's manifest"):
        read_manifest(tmp_path / "manifest.json")


# ---- samples and memory ------------------------------------------------------------------------------------------


def test_a_preview_reads_no_further_than_it_must_and_writes_nothing(tmp_path, source):
    read = []
    request = pipeline.Request(sources=(pipeline_source(source),), format="sft", output=None, mapping=MAPPING, show=3)
    made = pipeline.prepare(request, s3=None, report=read.append)
    assert len(made.samples) == 3
    assert len(read) == 1
    assert names(tmp_path) == ["source.jsonl"]


PEAK = """
import resource, sys
from pathlib import Path
from novaline.datasets.prepare.pipeline import Request, prepare
from novaline.datasets.readers.sources import source_of
from novaline.datasets.splitting import Shares
request = Request(
    sources=(source_of(sys.argv[1]),), format="sft", output=Path(sys.argv[2]), shares=Shares.parse("80/10/10")
)
prepare(request, s3=None)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_ten_times_the_rows_take_no_more_memory(tmp_path):
    peaks = []
    for rows in (5_000, 50_000):
        path = tmp_path / f"{rows}.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["prompt", "answer"])
            writer.writerows((f"question {number} " + "word " * 100, "answer") for number in range(rows))
        command = [sys.executable, "-c", PEAK, str(path), str(tmp_path / f"out {rows}")]
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[3])
        peaks.append(int(done.stdout) / 1024)
    assert peaks[1] < peaks[0] + 8, f"{peaks} MB"


# ---- columns that some rows lack ---------------------------------------------------------------------------------


def test_a_column_that_only_some_objects_have_is_missing_only_there(tmp_path):
    rows = [{"prompt": f"q {number}", "answer": "a"} for number in range(40_000)]
    rows += [{"prompt": "late", "answer": "a", "level": 3}, {"prompt": "no answer"}]
    source = write_rows(tmp_path / "s.jsonl", rows)
    mapping = {"prompt": "prompt", "answer": "answer", "level": "level"}
    made = run(source, "rft", tmp_path / "out", mapping=mapping)
    assert [row["level"] for row in read_rows(made.paths[0]) if "level" in row] == [3]
    assert sum("reference_answer" not in row for row in read_rows(made.paths[0])) == 1


def test_a_column_that_was_named_and_that_no_object_has_is_refused(tmp_path):
    source = write_rows(tmp_path / "s.jsonl", [{"prompt": "q", "answer": "a"}])
    with pytest.raises(NovalineError, match="no row has what is mapped by system=sytem"):
        run(source, "sft", tmp_path / "out", mapping={"prompt": "prompt", "answer": "answer", "system": "sytem"})
    with pytest.raises(NovalineError, match="there is no column 'anwser'"):
        run(source, "sft", tmp_path / "out", mapping={"prompt": "prompt", "answer": "anwser"})


def test_what_is_read_is_never_replaced_or_removed(tmp_path, source):
    run(source, "sft", tmp_path / "out", mapping=MAPPING)
    made = tmp_path / "out" / "train.jsonl"
    for to, output in (("sft", tmp_path / "out"), ("gen_qa", tmp_path / "out"), ("gen_qa", made)):
        with pytest.raises(NovalineError, match="is read, and would be replaced or removed"):
            run(made, to, output, overwrite=True)
    assert len(read_rows(made)) == len(ROWS)


def test_a_folder_in_the_place_of_a_file_is_refused_before_anything_goes(tmp_path, source):
    run(source, "sft", tmp_path / "out", mapping=MAPPING)
    before = (tmp_path / "out" / "manifest.json").read_bytes()
    (tmp_path / "out" / "validation.jsonl").mkdir()
    with pytest.raises(NovalineError, match=r"validation\.jsonl is a folder"):
        run(source, "sft", tmp_path / "out", mapping=MAPPING, split="90/10", overwrite=True)
    assert (tmp_path / "out" / "manifest.json").read_bytes() == before
    assert (tmp_path / "out" / "train.jsonl").exists()
