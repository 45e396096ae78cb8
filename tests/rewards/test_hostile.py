"""Ten thousand hostile events for every kind of reward: no batch is lost, and every answer keeps the contract."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from novaline.rewards.contract import id_of
from novaline.rewards.deadline import Deadline
from novaline.rewards.kinds import KINDS, build
from novaline.rewards.scoring import Scorer, score_batch
from novaline.rewards.verdicts import check_answers

EVENTS_OF_EACH_KIND = 10_000
GOLDEN = [path.read_bytes() for path in sorted((Path(__file__).parents[1] / "lambda_reward" / "events").glob("*.json"))]
SCHEMA = {"type": "object", "properties": {"a": {"$ref": "#"}, "b": {"type": "string", "pattern": "^(a+)+$"}}}
OPTIONS = {
    "classification": [{}, {"labels": ["card_arrival", "lost_card", "not", "5"]}, {"reference_field": "label"}],
    "exact-match": [{}],
    "quasi-exact-match": [{}],
    "number": [{}, {"tolerance": 0.1, "relative_tolerance": 0.5, "units": {"m": 1, "km": 1000.0}}],
    "json": [{"compare": "fields", "place": "anywhere"}, {"schema": SCHEMA}, {"schema": SCHEMA, "compare": "none"}],
    "function-call": [{}, {"partial": True, "arguments": "given"}, {"in_order": True, "arguments": "ignored"}],
    "pattern": [{"pattern": r"(\w+\s?)+$|(a|b)*a(a|b){3}"}, {"pattern": "x", "inside": "code", "absent": True}],
    "token-f1": [{}],
    "rouge-l": [{}],
    "length": [{"most": 5, "fade": 3}, {"most": 80, "unit": "lines"}],
    "format": [{"tags": ["think", "answer"], "only_tags": True, "sections": ["# A"], "forbidden": ["x"]}],
    "weighted": [
        {"parts": {"a": {"function": "classification"}, "b": {"function": "json", "gate": 0.1}}},
        {"parts": {"a": {"function": "number"}, "b": {"function": "token-f1"}}, "combine": "product"},
    ],
}
RULES = [name for name, kind in KINDS.items() if not kind.calls_model]

WORDS = [
    "", " ", "\n", "card_arrival", "Answer: 5", "<answer>", "</answer>", "<answer>5</answer>", "\\boxed{", "}", "####",
    "```json\n", "```", '{"a": 1}', '{"name": "f", "arguments": {}}', "<tool_call>", "</tool_call>", "[", "{", "1,000",
    "5e3", "1e999999", "9" * 500, "3/0", "\\frac{1}{0}", "50%", "-", "\u2212", "\x00", "\ud800", "\u202e", "\U0001f600",
    "\u00df", "\u0130", "\u00b2", "not", "NaN", "Infinity", "km", "a" * 300, "# A", "<think>x</think>", "\r", "\u2028",
]  # fmt: skip
SCALARS = [None, True, False, 0, -1, 5, 10**400, 1.5, 1e308, float("nan"), float("inf"), -0.0]
ROLES = ["assistant", "nova_assistant", "user", "system", "tool", "ASSISTANT", "", None, 7, ["assistant"]]
NAMES = ["id", "messages", "reference_answer", "metadata", "tools", "tool_calls", "role", "content", "text", "name"]
NAMES += ["arguments", "function", "type", "toolUse", "input", "label", "answer", "\ud800", ""]


def hostile_value(chance, depth=0):
    kind = chance.random()
    if kind < 0.35 or depth > 3:
        return "".join(chance.choices(WORDS, k=chance.randint(0, 4)))
    if kind < 0.6:
        return chance.choice(SCALARS)
    if kind < 0.8:
        return [hostile_value(chance, depth + 1) for _ in range(chance.randint(0, 3))]
    return {chance.choice(NAMES): hostile_value(chance, depth + 1) for _ in range(chance.randint(0, 3))}


def hostile_sample(chance):
    if chance.random() < 0.1:
        return hostile_value(chance)
    sample = {"id": chance.choice(["a", "a", 1, hostile_value(chance)])}
    turns = [{"role": chance.choice(ROLES), "content": hostile_value(chance)} for _ in range(chance.randint(0, 2))]
    answer = "".join(chance.choices(WORDS, k=chance.randint(0, 6)))
    content = chance.choice([answer, [{"type": "text", "text": answer}], hostile_value(chance)])
    sample["messages"] = [*turns, {"role": chance.choice(ROLES[:2]), "content": content}]
    if chance.random() < 0.2:
        sample["messages"][-1]["tool_calls"] = hostile_value(chance)
    sample[chance.choice(["reference_answer", "reference_answer", "metadata", "tools"])] = chance.choice(
        [hostile_value(chance), "card_arrival", 5, {"name": "f", "arguments": {}}, {"reference_answer": "5"}]
    )
    if chance.random() < 0.1:
        del sample[chance.choice(list(sample))]
    return sample


def fuzzed_event(chance):
    """A golden event with bytes changed, put in, left out or doubled, as long as it is an array still."""
    while True:
        data = bytearray(chance.choice(GOLDEN))
        for _ in range(chance.randint(1, 6)):
            at, length = chance.randrange(len(data)), chance.randint(0, 12)
            data[at : at + length] = chance.choice(
                [
                    b"",
                    bytes(data[at : at + length]) * 2,
                    chance.randbytes(1),
                    b"\\ud800",
                    b'""',
                    b"null",
                    b"1e999",
                    b"{}",
                ]
            )
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            continue
        if isinstance(event, list):
            return event


def hostile_events(seed):
    chance = random.Random(seed)  # the same events in every run
    for number in range(EVENTS_OF_EACH_KIND):
        if number % 4 == 0:
            yield fuzzed_event(chance)
        else:
            yield [hostile_sample(chance) for _ in range(chance.randint(0, 3))]


def assert_answered(event, scorers):
    for scorer in scorers:
        lines = []
        answers = score_batch(event, scorer, log=lines.append)
        assert len(answers) == len(event)
        assert check_answers(event, answers) == []
        for position, (sample, answer) in enumerate(zip(event, answers, strict=True)):
            found = sample.get("id") if isinstance(sample, dict) else None
            kept = answer["id"] is found or (found is None and answer["id"] == str(position))
            assert kept or answer["id"] == id_of(sample, position) == str(position)
        assert not [line for line in lines if "where" in line], "a reward of ours says why it cannot score"
        json.dumps(lines)
        json.dumps(answers, allow_nan=False, ensure_ascii=False).encode()  # as Lambda's runtime writes it


def scorers(name):
    return [Scorer(name=name, reward=build(name, options)) for options in OPTIONS[name]]


def test_every_kind_is_attacked():
    assert set(OPTIONS) == set(RULES)
    assert GOLDEN


@pytest.mark.parametrize("name", RULES)
def test_no_hostile_event_costs_a_batch(name):
    made = scorers(name)
    for number, event in enumerate(hostile_events(name)):
        assert_answered(event, [made[number % len(made)]])
    assert number + 1 == EVENTS_OF_EACH_KIND


def test_the_hostile_events_reach_the_rewards_and_not_their_door_only():
    reached = sum(
        answer["metrics_list"][-1]["value"] == 0.0
        for event in list(hostile_events("reach"))[:1000]
        for answer in score_batch(event, scorers("exact-match")[0], log=lambda _: None)
    )
    assert reached > 300


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=4), inner),
    max_leaves=8,
)
MESSAGE = st.fixed_dictionaries({"role": st.sampled_from(ROLES), "content": JSON}, optional={"tool_calls": JSON})
SAMPLE = st.fixed_dictionaries(
    {"messages": st.lists(MESSAGE, min_size=1, max_size=3)},
    optional={"id": JSON, "reference_answer": JSON, "metadata": JSON, "tools": JSON},
)


@pytest.mark.parametrize("name", RULES)
def test_no_event_that_can_be_thought_of_costs_a_batch(name):
    made = scorers(name)

    @settings(max_examples=100, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(SAMPLE | JSON, max_size=3))
    def attack(event):
        assert_answered(event, made)

    attack()


LONG = 100_000
PIECES = [
    "a", "a ", " ", "\n", "9", "1,", "1,000", "1 1/", "1/", ".5", "5e", "-", "$", "\\frac{", "\\frac{1}{", "answer: ",
    "answer", "the label is ", "**answer:** *", "label:\n", "class = ", "####", "#### 5\n", "<answer>", "</answer>",
    "<answer>5</answer>", "\\boxed{", "\\boxed{5}", "{", "}", "[", '{"a":', '{"a": 1} ', "[[],", "```\n",
    "```json\n{}\n", "`", "<tool_call>", "<tool_call>{}</tool_call>", '"', "\\", "not ", "not HQ ", "card_arrival ",
    "card arrival_", "_", "- ", "<think>", "<think>a</think>", "# A\n", "x",
    "\u00df", "\u0130", "\U0001f600", "\u2028", "\t\t\n",
]  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_answers_of_a_hundred_kilobytes_are_scored_while_there_is_time(name):
    # What grows with the square of the answer would take minutes here; one batch in Lambda has one.
    samples = [
        {
            "id": piece,
            "messages": [{"role": "assistant", "content": piece * (LONG // len(piece))}],
            "reference_answer": "5",
        }
        for piece in PIECES
    ]
    for scorer in scorers(name):
        late = []
        score_batch(samples, scorer, log=late.append, deadline=Deadline(60.0))
        assert [line["id"] for line in late if "time" in line["reason"]] == []
