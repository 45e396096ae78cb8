"""The examination tells good rewards from bad ones, and says by what."""

import random

import pytest

from novaline.findings import NovalineError
from novaline.rewards import Score, Unscorable
from novaline.rewards.kinds import build
from novaline.rewards.laboratory.judgement import judge
from tests.rewards.laboratory.trials import LABELS, codes, exact, examined, foreign, label_rows


def answers(event, score=0.0, **more):
    return [{"id": sample.get("id"), "aggregate_reward_score": score, "metrics_list": [], **more} for sample in event]


def test_a_sound_reward_has_no_findings():
    found = examined(build("classification", {}))
    assert judge(found) == []
    assert (found.right_mean, found.wrong_mean, found.breaches) == (1.0, 0.0, ())
    assert all(order.share == 1.0 for order in found.orders)
    assert {each.differing for each in found.repeated} == {0}


def test_the_form_that_the_reward_wants_stands_for_the_right_answer():
    found = examined(lambda rollout: float(rollout.answer.endswith(f"<answer>{rollout.reference}</answer>")))
    assert found.right == "in answer tags"
    assert (found.right_mean, found.wrong_mean) == (1.0, 0.0)
    means = {form.name: form.mean for form in found.forms}
    assert (means["as it stands"], means["in answer tags, after thoughts"]) == (0.0, 1.0)


def test_rows_with_calls_among_rows_without_are_answered_by_calls_and_words():
    rows = label_rows(4, labels=({"name": "refund", "arguments": {"id": 1}}, "No tool is needed."))
    found = examined(build("function-call", {}), rows)
    assert (found.right, found.right_mean) == ("as tool calls", 1.0)
    assert found.one_for_all == 0.5


def test_a_reward_for_the_label_anywhere_is_paid_by_naming_all_of_them():
    found = examined(lambda rollout: float(rollout.reference in rollout.answer))
    [exploit] = [finding for finding in judge(found) if finding.code == "exploit"]
    assert exploit.severity == "error"
    assert "all answers, in a row 1.00" in exploit.message
    assert ("hedging", "warning") in codes(found)


def test_what_one_label_for_all_earns_is_no_exploit():
    found = examined(exact, label_rows(10, labels=("yes", "yes", "yes", "yes", "no")))
    assert found.one_for_all == 0.8
    assert codes(found) == set()


def test_a_reward_that_grows_with_the_length_pays_for_padding():
    found = examined(lambda rollout: exact_start(rollout) + len(rollout.answer) / 10_000)
    assert ("padding", "warning") in codes(found)


def exact_start(rollout):
    return float(rollout.answer.startswith(rollout.reference))


def test_a_constant_reward_is_an_error():
    assert ("constant", "error") in codes(examined(lambda _: 0.5))


def test_a_reward_that_prefers_wrong_answers_is_an_error_that_names_a_row():
    found = examined(lambda rollout: 1 - exact(rollout))
    assert ("order-wrong", "error") in codes(found)
    assert next(order for order in found.orders if order.name == "wrong").lowest_row == "line 1, id row-0"


def test_a_reward_that_ignores_the_reference_is_told_once():
    found = examined(lambda rollout: float(len(rollout.answer) > 5))
    assert ("reference-unread", "warning") in codes(found)
    assert not {code for code, _ in codes(found)} & {"order-wrong", "order-refusal"}


def test_chance_is_one_finding_and_not_ten():
    rolls = random.Random(1)
    assert codes(examined(lambda _: rolls.random())) == {("not-repeatable", "error")}


def test_a_reward_that_counts_its_calls_depends_on_the_batch():
    def place(event):
        return [
            {"id": sample.get("id"), "aggregate_reward_score": float(number), "metrics_list": []}
            for number, sample in enumerate(event)
        ]

    found = foreign(place)
    assert ("depends-on-batch", "error") in codes(found)
    assert all(each.differing for each in found.repeated if each.how != "again")


def test_a_reward_that_always_raises_is_refused_with_the_reason_and_a_row():
    def broken(rollout):
        return rollout.fields["label"] == rollout.answer

    with pytest.raises(NovalineError) as refused:
        examined(broken)
    [finding] = refused.value.findings
    assert finding.code == "always-fails"
    assert "KeyError: 'label' (at test_examine.py:" in finding.message
    assert "line 1, id row-0" in finding.message


def test_rows_without_a_reference_are_told_where_the_reward_needs_one():
    rows = [{name: value for name, value in row.items() if name != "reference_answer"} for row in label_rows()]
    with pytest.raises(NovalineError, match="no row has a reference_answer"):
        examined(build("classification", {}), rows)


def test_a_reward_without_references_is_examined_all_the_same():
    rows = [{name: value for name, value in row.items() if name != "reference_answer"} for row in label_rows()]
    found = examined(lambda rollout: min(len(rollout.answer) / 100, 1.0), rows)
    assert (found.right, found.orders, found.forms) == (None, (), ())
    assert any(each.name == "very long" and each.mean == 1.0 for each in found.exploits)


def test_one_poison_row_is_told_and_costs_no_other():
    rows = label_rows()
    rows[3]["reference_answer"] = {"odd": [1, 2]}

    def picky(rollout):
        if not isinstance(rollout.reference, str):
            raise Unscorable("the reference is no text")
        return Score(exact(rollout))

    found = examined(picky, rows)
    assert ("unscorable-rows", "warning") in codes(found) or ("unscorable-answers", "warning") in codes(found)
    assert found.breaches == ()


def test_a_persons_own_answers_tell_rows_without_signal():
    own = [(row, text) for row in range(12) for text in ("nothing of use", "neither this")]
    found = examined(exact, own=own)
    assert (found.own.groups, found.own.tied) == (12, 12)
    assert ("no-signal", "warning") in codes(found)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (lambda event: answers(event, float("nan")), "score-not-finite"),
        (lambda event: answers(event, score=True), "score-not-a-number"),
        (lambda event: answers(event, "0.5"), "score-not-a-number"),
        (lambda event: answers(event[:-1]) + answers(event[:1]), "id-repeated"),
        (lambda event: [{**answer, "id": None} for answer in answers(event)], "id-missing"),
        (lambda event: answers(event)[::-1], "order"),
    ],
    ids=["NaN", "true", "text", "repeated ids", "missing ids", "another order"],
)
def test_what_awss_verifiers_let_pass_is_refused(answer, code):
    def mostly(event):
        """Sound but in the batches that are scored again, which are of 36."""
        good = [answers([sample], float(len(str(sample)) % 7))[0] for sample in event]
        return answer(event) if len(event) == 36 else good

    assert (code, "error") in codes(foreign(mostly))


def test_a_function_that_loses_the_batch_over_one_sample_is_told():
    def fragile(event):
        return [{"id": sample["id"], "aggregate_reward_score": score(sample), "metrics_list": []} for sample in event]

    def score(sample):
        return float(sample["messages"][-1]["content"][0]["text"] == sample["reference_answer"])

    from novaline.rewards.laboratory.examine import examine
    from novaline.rewards.laboratory.subject import Reply
    from tests.rewards.laboratory.trials import Foreign, rows_of

    class Fragile(Foreign):
        def score(self, event):
            try:
                return Reply(answers=self.answer(event), seconds=0.001)
            except Exception as problem:
                return Reply(answers=None, seconds=0.001, failure=repr(problem))

    found = examine(Fragile(fragile), rows_of(label_rows()))
    lost = next(finding for finding in judge(found) if finding.code == "batch-lost")
    assert lost.severity == "error"
    assert "the whole batch was lost" in lost.message
    assert found.right_mean == 1.0  # in the shape that it can read


def test_a_batch_that_takes_longer_than_the_timeout_is_an_error():
    found = examined(exact)
    assert ("timeout", "error") in codes(found, timeout_seconds=0)


def test_what_a_reward_does_to_a_sample_reaches_no_other():
    def rude(rollout):
        score = exact(rollout) * bool(rollout.prompt)
        rollout.messages[0].clear()
        return score

    assert examined(rude).right_mean == 1.0


def test_all_exploits_of_the_order_are_tried():
    names = {each.name for each in examined(exact).exploits}
    assert {
        "empty",
        "prompt repeated",
        "very long",
        "injected instructions",
        "generic",
        "JSON with everything",
    } <= names
    assert {"all answers, in a row", "answer repeated", "two answers", "closed quotation"} <= names
    assert len(LABELS) == 4
