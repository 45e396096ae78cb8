"""What a processor answers: in Amazon's shapes, for any event, and never by an exception."""

import json
import math
import random
from types import SimpleNamespace

import pytest

from novaline.rewards.contract import Score
from novaline.rewards.deadline import Deadline
from novaline.rewards.processing.processor import Processor, load_processor, process
from novaline.rewards.processing.settings import ProcessorSpec
from novaline.rewards.scoring import Scorer
from novaline.rewards.settings import RewardSpec
from novaline.rewards.verdicts import check_answers

METRICS = (
    RewardSpec(name="exact", function="exact-match", fallback=0.25),
    RewardSpec(name="f1", function="token-f1", fallback=0.0),
)
NAMES = ["exact", "exact_unscorable", "f1", "f1_unscorable"]
SECRET = "zebra-51"


def processor(**changes):
    return load_processor(ProcessorSpec(**{"name": "quality", "kind": "custom_metrics", "metrics": METRICS, **changes}))


def answer(event, one=None, **changes):
    lines = []
    found = process(event, one or processor(**changes), log=lines.append)
    return found, lines


def postprocess(**data):
    values = {"prompt": "What is 2+2?", "inference_output": "4", "gold": "4", **data}
    return {"process_type": "postprocess", "data": values}


def preprocess(**data):
    values = {"system": "You are a helpful assistant", "prompt": "What is 2+2?", "gold": "4", **data}
    return {"process_type": "preprocess", "data": values}


def values(found):
    return {metric["metric"]: metric["value"] for metric in found["body"]}


def conforms(found):
    """Whether Amazon's own SDK would take the answer: its models forbid every other member."""
    assert set(found) == {"statusCode", "body"}
    if found["statusCode"] == 400:
        return set(found["body"]) == {"error"}
    assert found["statusCode"] == 200
    if isinstance(found["body"], dict):
        assert set(found["body"]) == {"system", "prompt", "gold"}
        return isinstance(found["body"]["prompt"], str) and isinstance(found["body"]["gold"], str)
    assert all(set(metric) == {"metric", "value"} for metric in found["body"])
    assert all(type(metric["value"]) is float and math.isfinite(metric["value"]) for metric in found["body"])
    return [metric["metric"] for metric in found["body"]] == NAMES


def test_after_the_model_answered_each_metric_has_a_value():
    found, lines = answer(postprocess())
    assert conforms(found)
    assert values(found) == {"exact": 1.0, "exact_unscorable": 0.0, "f1": 1.0, "f1_unscorable": 0.0}
    assert [line["Reward"] for line in lines] == ["quality.exact", "quality.f1"]
    assert values(answer(postprocess(inference_output="It is 4 maybe"))[0])["f1"] == pytest.approx(0.4)


def test_before_the_model_is_asked_a_row_passes_as_it_is():
    found, _ = answer(preprocess())
    assert found == {"statusCode": 200, "body": preprocess()["data"]}
    without = preprocess()
    del without["data"]["system"]
    assert answer(without)[0]["body"]["system"] is None


def test_a_declared_system_text_and_prompt_take_the_place_of_the_rows():
    found, _ = answer(preprocess(prompt="{x} $1 \\1"), system="Be short.", prompt="Q: {prompt}\nA:")
    assert found["body"] == {"system": "Be short.", "prompt": "Q: {x} $1 \\1\nA:", "gold": "4"}


def test_data_in_an_array_of_one_is_taken_too():
    event = postprocess()
    assert answer({**event, "data": [event["data"]]})[0] == answer(event)[0]


@pytest.mark.parametrize(
    "data",
    [None, 5, [], [{}, {}], {}, {"prompt": "p", "gold": "g"}, postprocess(gold=5)["data"],
     postprocess(inference_output=None)["data"], postprocess(prompt=["p"])["data"]],
)  # fmt: skip
def test_an_answer_that_cannot_be_read_gets_every_fallback_and_is_counted(data):
    found, lines = answer({"process_type": "postprocess", "data": data})
    assert conforms(found)
    assert values(found) == {"exact": 0.25, "exact_unscorable": 1.0, "f1": 0.0, "f1_unscorable": 1.0}
    assert lines[0]["unscorable"] == "quality"


@pytest.mark.parametrize(
    "event",
    [None, 5, "postprocess", {}, {"process_type": "train"}, {"process_type": ["postprocess"]}, [],
     [{"id": "1"}], {"process_type": "preprocess"}, preprocess(prompt=None), preprocess(system=5)],
)  # fmt: skip
def test_what_is_no_event_is_refused_with_the_reason(event):
    found, lines = answer(event)
    assert conforms(found)
    assert found["statusCode"] == 400
    assert lines == [{"refused": found["body"]["error"]}]


def sample(sample_id, said, reference="4"):
    messages = [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": [{"text": said}]}]
    return {"id": sample_id, "messages": messages, "reference_answer": reference}


def test_a_batch_is_answered_as_a_reward_function_does():
    event = [sample("a", "4"), "poison", sample("c", "5 or 4")]
    found, _ = answer(event, kind="rft", aggregate="f1")
    assert check_answers(event, found) == []
    assert [one["aggregate_reward_score"] for one in found] == [1.0, 0.0, pytest.approx(0.5)]
    metrics = {metric["name"]: (metric["value"], metric["type"]) for metric in found[1]["metrics_list"]}
    assert metrics == {
        "exact": (0.25, "Metric"),
        "exact_unscorable": (1.0, "Metric"),
        "f1": (0.0, "Reward"),
        "f1_unscorable": (1.0, "Metric"),
    }


def test_a_processor_of_either_kind_takes_the_events_of_the_other():
    assert conforms(answer(postprocess(), kind="rft", aggregate="f1")[0])
    one = load_processor(ProcessorSpec(name="one", kind="custom_metrics", metrics=METRICS[:1]))
    assert check_answers([sample("a", "4")], answer([sample("a", "4")], one)[0]) == []


def test_a_metric_that_fails_costs_only_itself():
    def broken(rollout):
        raise RuntimeError(rollout.answer)

    def infinite(_):
        return Score(math.inf)

    spec = ProcessorSpec(name="own", kind="custom_metrics", metrics=METRICS)
    scorers = (
        Scorer(name="broken", reward=broken, fallback=-1.0),
        Scorer(name="infinite", reward=infinite),
        *processor().scorers,
    )
    found, lines = answer(postprocess(inference_output=SECRET), Processor(spec, scorers))
    assert [values(found)[name] for name in ("broken", "broken_unscorable", "infinite_unscorable", "exact")] == [
        -1.0,
        1.0,
        1.0,
        0.0,
    ]
    assert SECRET not in json.dumps(lines)


def test_a_metric_that_never_ends_costs_only_the_time_that_there_is():
    def stuck(_):
        while True:
            pass

    spec = ProcessorSpec(name="own", kind="custom_metrics", metrics=METRICS)
    stuck_one = Processor(spec, (*processor().scorers, Scorer(name="stuck", reward=stuck)))
    found = process(postprocess(), stuck_one, log=lambda line: None, deadline=Deadline(0.3))
    assert values(found)["exact"] == 1.0
    assert values(found)["stuck_unscorable"] == 1.0


JUNK = [
    None, True, 0, -1, 10**400, 1e308, "", "x", "\ud800", "\x00", "a" * 100_000, [], {}, [[]], {"text": "x"},
    "postprocess", "preprocess", [{"text": "4"}], {"prompt": "p"}, "{prompt}", float("nan"), float("inf"),
]  # fmt: skip
KEYS = ["process_type", "data", "prompt", "gold", "inference_output", "system", "id", "messages", "metadata", "extra"]


def mutated(chance, value, depth=0):
    """The value with anything in it replaced, left out, repeated or added."""
    roll = chance.random()
    if roll < 0.12 or depth > 5:
        return chance.choice(JUNK)
    if isinstance(value, dict):
        kept = {key: mutated(chance, one, depth + 1) for key, one in value.items() if chance.random() > 0.1}
        if chance.random() < 0.2:
            kept[chance.choice(KEYS)] = chance.choice(JUNK)
        return kept
    if isinstance(value, list):
        kept = [mutated(chance, one, depth + 1) for one in value if chance.random() > 0.1]
        return kept * 2 if chance.random() < 0.1 else kept
    return value


@pytest.mark.parametrize("kind", ["custom_metrics", "rft"])
def test_of_ten_thousand_hostile_events_every_one_is_answered_in_shape(kind):
    chance = random.Random(51)
    one = processor(kind=kind, aggregate="f1" if kind == "rft" else None)
    batch = [sample("a", "4"), sample("b", "5")]
    seen = SimpleNamespace(refused=0, metrics=0, asked=0, batches=0)
    for _ in range(5_000):
        event = mutated(chance, chance.choice([postprocess(), postprocess(), preprocess(), batch]))
        found = process(event, one, log=json.dumps)
        json.dumps(found, allow_nan=False, ensure_ascii=False).encode()
        if isinstance(found, list):
            seen.batches += 1
            assert check_answers(event, found) == []
            continue
        assert conforms(found)
        seen.refused += found["statusCode"] == 400
        seen.metrics += isinstance(found["body"], list)
        seen.asked += "prompt" in found["body"]
    assert min(seen.refused, seen.metrics, seen.asked) > 200
    assert (seen.batches > 200) == (kind == "rft")
