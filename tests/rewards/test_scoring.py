"""A batch is answered whatever one of its samples, or the reward, does."""

import asyncio
import re
import time

import pytest

from novaline.rewards import Score, Unscorable
from novaline.rewards.contract import NotABatch
from novaline.rewards.deadline import Deadline
from novaline.rewards.scoring import Scorer, score_batch


def batch(*answers):
    return [
        {"id": str(at), "messages": [{"role": "user", "content": "secret"}, {"role": "assistant", "content": answer}]}
        for at, answer in enumerate(answers)
    ]


def scored(event, reward, *, log=lambda _: None, deadline=None, **scorer):
    answers = score_batch(event, Scorer(name="test", reward=reward, **scorer), log=log, deadline=deadline)
    return [answer["aggregate_reward_score"] for answer in answers]


def raising(problem):
    def reward(rollout):
        if rollout.answer == "bad":
            raise problem
        return Score(1.0)

    return reward


@pytest.mark.parametrize(
    "problem",
    [
        ValueError("no"),
        Unscorable("no"),
        RecursionError(),
        MemoryError(),
        SystemExit(1),
        GeneratorExit(),
        asyncio.CancelledError(),
        StopIteration(),
        BaseException("no"),
        type("Mute", (Exception,), {"__str__": lambda _: 1 / 0})(),
    ],
)
def test_whatever_is_raised_for_one_sample_costs_only_it(problem):
    assert scored(batch("good", "bad", "good"), raising(problem), fallback=-0.5) == [1.0, -0.5, 1.0]


def test_a_person_can_still_interrupt():
    with pytest.raises(KeyboardInterrupt):
        scored(batch("bad"), raising(KeyboardInterrupt()))


@pytest.mark.parametrize("junk", [None, "1", float("nan"), True, Score(float("inf")), Score("1"), [1.0], object])
def test_a_reward_that_returns_junk_costs_only_the_sample(junk):
    assert scored(batch("good", "bad"), lambda rollout: Score(1.0) if rollout.answer == "good" else junk) == [1.0, 0.0]


def test_a_reward_cannot_reach_the_next_sample_through_the_last_one():
    def vandal(rollout):
        rollout.messages.clear()
        return Score(1.0)

    event = batch("a", "b")
    assert scored(event, vandal) == [1.0, 1.0]


def test_an_event_that_is_no_array_is_an_error():
    with pytest.raises(NotABatch):
        scored({"samples": []}, lambda _: Score(1.0))


def test_endless_recursion_costs_only_the_sample():
    def deep(rollout):
        return deep(rollout) if rollout.answer == "bad" else Score(1.0)

    assert scored(batch("bad", "good"), deep) == [0.0, 1.0]


def log_of(problem, **scorer):
    lines = []
    scored(batch("bad"), raising(problem), log=lines.append, **scorer)
    return lines


def test_the_log_names_the_sample_and_says_why():
    (line,) = log_of(Unscorable("the reference holds no label"))
    assert line == {
        "level": "WARN",
        "message": "unscorable",
        "reward": "test",
        "id": "0",
        "reason": "the reference holds no label",
    }


def test_the_log_holds_no_word_of_prompt_or_answer_unless_it_is_asked_for():
    (line,) = log_of(ValueError("cannot read 'secret'"))
    assert line["reason"] == "ValueError"
    assert line["where"].startswith("test_scoring.py:")
    assert "secret" not in str(line)
    (told,) = log_of(ValueError("cannot read 'secret'"), log_prompts=True)
    assert (told["told"], told["prompt"], told["answer"]) == ("cannot read 'secret'", "secret", "bad")


def test_a_sample_that_cannot_be_read_is_logged_with_prompts_on_too():
    lines = []
    assert scored([5], lambda _: Score(1.0), log=lines.append, log_prompts=True) == [0.0]
    assert lines[0]["reason"] == "a sample is an object, not int"


def test_an_id_of_any_length_is_answered_and_its_line_of_log_stays_short():
    lines = []
    (answer,) = score_batch([{"id": "x" * 100_000}], Scorer(name="x", reward=raising(None)), log=lines.append)
    assert answer["id"] == "x" * 100_000
    assert len(str(lines)) < 3_000


def test_a_measure_that_is_none_is_logged_without_its_name():
    lines = []
    scored(batch("a"), lambda _: Score(1.0, {"secret": None}), log=lines.append)
    assert lines[0]["reason"] == "measure 1 is NoneType, not a number"


def measure(answer, name):
    return next(one["value"] for one in answer["metrics_list"] if one["name"] == name)


def test_what_a_lost_sample_measured_is_kept():
    class Lost(Unscorable):
        measures = {"judge_calls": 2.0}  # noqa: RUF012 # read only

    (answer,) = score_batch(batch("bad"), Scorer(name="x", reward=raising(Lost("no"))), log=lambda _: None)
    assert (measure(answer, "judge_calls"), measure(answer, "unscorable")) == (2.0, 1.0)


# --- time ---


def waiting(rollout):
    if rollout.answer == "slow":
        time.sleep(30)
    return Score(1.0)


def swallowing(rollout):
    if rollout.answer == "slow":
        try:
            time.sleep(30)
        except BaseException:
            time.sleep(30)  # as one does that tries again
    return Score(1.0)


def backtracking(rollout):
    if rollout.answer == "slow":
        re.search("(a+)+b", "a" * 60)
    return Score(1.0)


def endless(rollout):
    while rollout.answer == "slow":
        pass
    return Score(1.0)


@pytest.mark.parametrize("reward", [waiting, swallowing, backtracking, endless])
def test_a_sample_that_does_not_end_costs_itself_and_a_part_of_the_time(reward):
    lines = []
    found = scored(batch("a", "slow", "c", "d"), reward, deadline=Deadline(0.4), log=lines.append, fallback=-1.0)
    assert found == [1.0, -1.0, 1.0, 1.0]
    assert [(line["id"], line["reason"]) for line in lines] == [
        ("1", "it took a quarter of the batch's time, and others waited")
    ]


@pytest.mark.parametrize("reward", [waiting, swallowing, backtracking, endless])
def test_what_was_scored_before_the_time_was_over_is_kept(reward):
    lines = []
    event = batch("a", "slow", "slow", "slow", "slow", "slow", "b")
    found = scored(event, reward, deadline=Deadline(0.3), log=lines.append, fallback=-1.0)
    assert found == [1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0]
    assert (lines[-1]["id"], lines[-1]["reason"]) == ("6", "the time of the invocation was over")


def test_a_sample_that_nobody_waits_for_may_take_all_the_time():
    def slow(rollout):
        time.sleep(0.4 if rollout.answer == "slow" else 0.0)
        return Score(1.0)

    assert scored(batch("a", "slow"), slow, deadline=Deadline(0.8)) == [1.0, 1.0]


def test_a_batch_in_time_is_scored_as_without_a_deadline_and_leaves_no_alarm():
    assert scored(batch("a", "b"), waiting, deadline=Deadline(0.2)) == [1.0, 1.0]
    time.sleep(0.3)  # an alarm that is still set would end this test


def test_no_sample_is_begun_when_the_time_is_over():
    assert scored(batch("a", "b"), waiting, deadline=Deadline(-1.0)) == [0.0, 0.0]


def test_outside_the_main_thread_the_rest_still_gets_its_fallback():
    from concurrent.futures import ThreadPoolExecutor

    def late(rollout):
        time.sleep(0.2 if rollout.answer == "slow" else 0.0)
        return Score(1.0)

    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(scored, batch("slow", "b"), late, deadline=Deadline(0.1)).result()
    assert found == [1.0, 0.0]


# --- rewards that score batches ---


class Together:
    def __init__(self, give):
        self.give = give
        self.seconds = ()

    def __call__(self, rollout):
        raise AssertionError("a batch is scored at once")

    def score_many(self, rollouts, *, seconds):
        self.seconds = seconds
        return self.give(rollouts)


def test_a_reward_that_scores_batches_is_given_those_that_can_be_read():
    reward = Together(lambda rollouts: [Score(float(rollout.answer)) for rollout in rollouts])
    assert scored([*batch("1", "2"), None, *batch("3")], reward) == [1.0, 2.0, 0.0, 3.0]
    assert reward.seconds is None


def test_it_is_given_less_time_than_there_is():
    reward = Together(lambda rollouts: [Score(1.0)] * len(rollouts))
    scored(batch("1"), reward, deadline=Deadline(10.0))
    assert 5 < reward.seconds < 9.0


@pytest.mark.parametrize(
    "give",
    [
        lambda _: None,
        lambda _: [],
        lambda _: [Score(1.0)] * 3,
        lambda _: [Unscorable("no"), Score(float("nan"))],
        lambda _: [ValueError("no"), "junk"],
        lambda _: 1 / 0,
    ],
)
def test_whatever_it_gives_back_the_batch_is_answered(give):
    assert scored(batch("1", "2"), Together(give), fallback=0.25) == [0.25, 0.25]


def test_one_that_does_not_come_back_is_not_waited_for():
    reward = Together(lambda _: time.sleep(30))
    assert scored(batch("1", "2"), reward, deadline=Deadline(0.3)) == [0.0, 0.0]
