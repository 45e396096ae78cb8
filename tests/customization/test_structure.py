"""One mistake hides no other: what is misspelled is read as it was meant, and the rest of a broken part is checked."""

import pytest
import yaml
from dataset_rows import write_rows

from novaline.customization.checks import check_file
from novaline.customization.spelling import corrected
from novaline.customization.structure import read_parts
from novaline.customization.yaml_source import parse_yaml
from novaline.findings import NovalineError


def codes(path):
    with pytest.raises(NovalineError) as caught:
        check_file(path)
    return [finding.code for finding in caught.value.findings]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("technique: sft", "technique: stf"),
        ("technique: sft", "tecnique: sft"),
        ("model: nova-micro", "model: nova-mikro"),
        ("model: nova-micro", "modell: nova-micro"),
        ("stages:", "stage:"),
        ("    data: {train: train.jsonl}\n", ""),
        ("data: {train: train.jsonl}", "data: train.jsonl"),
        ("data: {train: train.jsonl}", "data: {trian: train.jsonl}"),
        ("  - name: sft\n    tech", "  - tech"),
        ("name: sft", "name: S F T"),
        ("timeout: 2h", "timeout: soon"),
        ("technique: sft", "technique: sft\n    instances: 2"),
        ("technique: sft", "technique: sft\n    reward: 3"),
    ],
)
def test_a_mistake_in_a_stage_does_not_hide_one_in_its_overrides(write, old, new):
    found = codes(write(("max_epochs: 3", "max_epochs: 300"), (old, new)))
    assert len(found) == 2, found
    assert "override-bounds" in found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{name: holdout, task", "{task"),
        ("name: holdout", "name: HOLD OUT"),
        ("task: gen_qa", "task: gen_qqa"),
        ("task: gen_qa", "tasks: gen_qa"),
        ("data: eval.jsonl", "data: 3"),
        ("timeout: 1h", "timeout: 1"),
        ("timeout: 1h", "timeout: 1h, extra: 1"),
    ],
)
def test_a_mistake_in_an_evaluation_does_not_hide_one_in_its_settings(write, old, new):
    found = codes(write(("data: eval", "inference: {top_p: 2}, data: eval"), (old, new)))
    assert len(found) == 2, found
    assert "override-bounds" in found


def test_nothing_more_is_said_of_a_value_that_was_guessed(write):
    micro = ("model: nova-micro", "model: nova-2-lite"), ("{learning_rate: 5e-6, max_epochs: 3}", "{}")
    assert codes(write(*micro, ("technique: sft", "technique: dop"))) == ["wrong-value"]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("max_epochs: 3}", "max_epochs: 300, max_epochs: 2}", "duplicate-key"),
        ("max_epochs: 3}", "max_epochs: 300, eps: !x 1e-8}", "yaml-tag"),
        ("max_epochs: 3}", f"max_epochs: 300, eps: {'9' * 40}}}", "yaml-number"),
        ("max_epochs: 3}", "max_epochs: 300, [1]: 2}", "yaml-key"),
        ("timeout: 2h", "timeout: 2h\n    reward: !x a\n    timeout: 3h", "duplicate-key"),
    ],
)
def test_a_mistake_in_the_yaml_that_leaves_the_rest_readable_hides_none(write, old, new, code):
    found = codes(write(("usd: 1000", "usd: lots"), (old, new)))
    expected = {code, "wrong-type", *(["override-bounds"] if "300" in new else ["yaml-tag", "without-effect"])}
    assert set(found) == expected
    assert len(found) == len(expected)


def test_of_a_key_that_is_written_twice_the_first_value_counts(write):
    assert codes(write(("max_epochs: 3", "max_epochs: 3, max_epochs: 300"))) == ["duplicate-key"]


STAGE = """\
  - name: sft
    technique: sft
    data: {train: train.jsonl}
    overrides: {learning_rate: 5e-6, max_epochs: 3}
    timeout: 2h
"""
STAGES_ALIKE = """\
  - &first
    name: first
    technique: sft
    data: {train: train.jsonl}
    timeout: 1h
  - {<<: *first, name: second, start: first}
"""


def errors_of(write, stages):
    """The errors of the right file with these stages."""
    with pytest.raises(NovalineError) as caught:
        check_file(write((STAGE, stages)))
    return [finding for finding in caught.value.findings if finding.severity == "error"]


def test_a_merge_key_is_one_mistake_and_its_keys_count(write):
    whole = errors_of(write, STAGES_ALIKE)
    assert [(finding.code, finding.line, finding.column) for finding in whole] == [("yaml-merge", 9, 6)]
    assert whole[0].message == "merge keys (<<) are not part of YAML 1.2"


def test_a_mistake_in_what_is_merged_is_told_where_it_is_written_alone(write):
    text = STAGES_ALIKE.replace("timeout: 1h", "timeout: 1 h\n    overides: {max_epochs: 300}\n    reward: no")
    found = [(finding.code, finding.line) for finding in errors_of(write, text)]
    assert found == [
        ("wrong-value", 8), ("unknown-key", 9), ("override-bounds", 9),
        ("without-effect", 10), ("yaml-merge", 11),
    ]  # fmt: skip


def test_a_mistake_beside_a_merge_key_is_told_too(write):
    text = STAGES_ALIKE.replace("name: second", "name: second, overrides: {max_epochs: 300}")
    assert [finding.code for finding in errors_of(write, text)] == ["yaml-merge", "override-bounds"]


@pytest.mark.parametrize(("value", "shown"), [("1e400", ".inf"), (".nan", ".nan"), ("-.inf", "-.inf")])
@pytest.mark.parametrize("key", ["learning_rate: 5e-6", "margin: 0.02", "usd: 1000"])
def test_a_number_that_is_not_finite_is_told_as_that(write, key, value, shown):
    name, _, old = key.partition(": ")
    with pytest.raises(NovalineError) as caught:
        check_file(write((f"{name}: {old}", f"{name}: {value}")))
    (finding,) = caught.value.findings
    assert finding.message.endswith(f"must be a finite number, found {shown}")


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        ("usd: 1000", 'usd: "1000"', "write it without quotes: 1000"),
        ("usd: 1000", 'usd: "1e3"', "write it without quotes: 1e3"),
        ("margin: 0.02", "margin: '.02'", "write it without quotes: .02"),
        ("margin: 0.02", "margin: '\uff10'", None),
        ("time_to_live: 72h", "keep: yes", "write true"),
        ("technique: sft", 'technique: sft\n    instances: {count: "2"}', "write it without quotes: 2"),
        ("technique: sft", "technique: sft\n    instances: {count: 2.0}", "write 2"),
        ("max_epochs: 3", 'max_epochs: "3"', "write it without quotes: 3"),
        ("learning_rate: 5e-6", 'learning_rate: "5e-6"', "write it without quotes: 5e-6"),
    ],
)
def test_a_value_that_is_spelled_as_another_type_says_how_to_write_it(write, old, new, hint):
    with pytest.raises(NovalineError) as caught:
        check_file(write((old, new)))
    finding = next(finding for finding in caught.value.findings if finding.code in ("wrong-type", "override-type"))
    assert finding.hint == hint


def test_a_wrong_target_does_not_hide_what_is_wrong_for_every_target(write):
    with pytest.raises(NovalineError) as caught:
        check_file(write(("target: bedrock-on-demand", "target: bedrock"), ("72h", "90m")))
    target, lifetime = caught.value.findings
    assert (target.code, target.hint) == ("wrong-value", "write `bedrock-on-demand`")
    assert lifetime.message == "`time_to_live` counts whole hours, found 90m"
    found = codes(write(("target: bedrock-on-demand", "target: magic"), ("72h", "72h, keep: true")))
    assert found == ["wrong-value", "contradiction"]


def test_a_technique_that_nobody_can_guess_leaves_overrides_alone_but_not_the_data(write):
    found = codes(write(("technique: sft", "technique: magic"), ("train.jsonl", "nope.jsonl")))
    assert found == ["wrong-value", "missing-dataset"]


def test_a_wrong_budget_keeps_the_prices_beside_it(write):
    small = ("technique: sft", "technique: sft\n    instances: {type: ml.g5.12xlarge}")
    assert codes(write(small, ("usd: 1000", "usd: lots, prices: {ml.g5.12xlarge: 7.0}"))) == ["wrong-type"]
    assert codes(write(small, ("usd: 1000", "usd: 1000, prices: {ml.g5.12xlarge: -7}"))) == ["wrong-value"]


def test_a_wrong_time_limit_is_not_blamed_on_the_budget(write):
    assert codes(write(("timeout: 2h", "timeout: 6d"))) == ["wrong-value"]
    assert codes(write(("timeout: 2h", "timeout: 2 h"))) == ["wrong-value"]


def test_a_key_that_is_misspelled_keeps_its_place_and_its_value():
    document = parse_yaml("stages:\n  - {nam: sft, dta: {trian: x}}\n", file="x.yaml")
    right, findings = corrected(document)
    assert right.data == {"stages": [{"name": "sft", "data": {"train": "x"}}]}
    assert right.locate(("stages", 0, "data", "train"))[:2] == (2, 29)
    assert [(finding.code, finding.column) for finding in findings] == [
        ("unknown-key", 6), ("unknown-key", 16), ("unknown-key", 22),
    ]  # fmt: skip


def test_a_key_whose_right_name_is_there_as_well_stays_a_mistake_of_its_own():
    document = parse_yaml("model: nova-micro\nmodell: nova-pro\n", file="x.yaml")
    right, findings = corrected(document)
    assert (right, findings) == (document, [])
    parts, findings = read_parts(right)
    assert parts.model == "nova-micro"
    assert "unknown-key" in {finding.code for finding in findings}


@pytest.mark.parametrize("part", ["stages", "evaluations"])
@pytest.mark.parametrize("value", ["", " {}", " []", " text", "\n  - text", "\n  - null", "\n  - []"])
def test_a_list_that_is_none_is_one_finding_for_each_item(write, part, value):
    text = f"name: x\nmodel: nova-micro\n{part}:{value}\n"
    assert codes(write(text=text))


def test_what_is_unknown_is_known_to_be():
    document = parse_yaml("model: nova-mikro\nstages: [{name: S, technique: dop, data: 3}]\n", file="x.yaml")
    parts, _ = read_parts(document)
    assert parts.model == "nova-micro"
    assert parts.stages[0].technique == "dpo"
    assert parts.known("stages", 0, "technique")
    assert not parts.known("stages", 0, "name")
    assert not parts.known("stages", 0, "data", "train")
    assert ("stages", 0, "technique") in parts.mended


def test_a_model_that_nobody_can_guess_does_not_hide_what_is_wrong_with_the_data(write, tmp_path):
    (tmp_path / "eval.jsonl").write_text("[]\n")
    found = codes(write(("nova-micro", "gpt"), ("train.jsonl", "nope.jsonl")))
    assert sorted(found) == ["missing-dataset", "not-lines", "wrong-value"]


@pytest.fixture
def write_everything(write, tmp_path):
    """Writes a customization with data for EVERYTHING."""
    for kind in ("rft", "rft_eval"):
        write_rows(tmp_path / f"{kind}.jsonl", kind, 300)
    return write


EVERYTHING = """\
name: everything
model: nova-2-lite
stages:
  - {name: one, technique: sft, tuning: lora, data: {train: train.jsonl, validation: train.jsonl}, timeout: 1h}
  - name: two
    technique: rft
    platform: sagemaker
    start: one
    reward: classification
    instances: {type: ml.p5.48xlarge, count: 4}
    data: {train: rft.jsonl}
    overrides: {max_steps: 10, training_config.max_length: 8192}
    timeout: 1h
evaluations:
  - name: holdout
    task: gen_qa
    data: eval.jsonl
    processor:
      function: arn:aws:lambda:us-east-1:111111111111:function:SageMaker-metrics
      kind: rft
      aggregation: min
      preprocessing: true
      postprocessing: false
    inference: {temperature: 0.5, reasoning_effort: low}
    instances: {type: ml.p5.48xlarge, count: 2}
    timeout: 1h
  - {name: reward, task: rft_eval, reward: classification, data: rft_eval.jsonl, timeout: 1h}
  - {name: knowledge, task: mmlu, subtask: astronomy, timeout: 1h}
gate: {evaluation: holdout, metric: exact_match, against: base, margin: 0.1, confidence: 0.9}
deployment: {target: bedrock-on-demand, name: everything, time_to_live: 3h, keep: false}
budget: {usd: 5000, prices: {ml.p5.48xlarge: 60}}
"""
PLACES = sorted(parse_yaml(EVERYTHING, file="x.yaml").values, key=str)
VALUES = [None, True, 3, -1.5, "", "x", "a" * 1100, [], ["x"], {}, {"x": 1}, [[]], 10**30]


def told(path):
    """Every finding about the file, whether or not it passes."""
    try:
        return check_file(path).findings
    except NovalineError as problem:
        return problem.findings


def put(data, path, value):
    """The data with another value at this place."""
    if not path:
        return value
    key, *rest = path
    copy = list(data) if isinstance(data, list) else dict(data)
    copy[key] = put(copy[key], tuple(rest), value)
    return copy


def test_the_file_with_every_key_is_right(write_everything):
    assert check_file(write_everything(text=EVERYTHING))


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)) or "all")
def test_any_value_at_any_place_is_a_finding_with_its_line_and_never_an_exception(write_everything, place):
    data = parse_yaml(EVERYTHING, file="x.yaml").data
    for value in VALUES:
        found = told(write_everything(text=yaml.safe_dump(put(data, place, value), sort_keys=False)))
        assert all(finding.line and finding.column for finding in found), value
        places = [(finding.code, finding.message, finding.file, finding.line, finding.column) for finding in found]
        assert len(places) == len(set(places)), value
