"""What a batch came to, for CloudWatch."""

from novaline.rewards import Score
from novaline.rewards.contract import answer_of, fallback_answer
from novaline.rewards.embedded_metrics import metric_lines


def asked(lost, read, written):
    return {"judge_lost": lost, "judge_calls": 1.0, "judge_input_tokens": read, "judge_output_tokens": written}


def test_what_judges_cost_and_lost_is_summed_also_within_compositions():
    inside = {f"form.helpful.{name}": value for name, value in asked(0.0, 50.0, 5.0).items()}
    answers = [
        answer_of("1", Score(0.5, asked(0.0, 100.0, 20.0))),
        fallback_answer("2", 0.0, asked(1.0, 300.0, 0.0)),
        answer_of("3", Score(0.5, inside)),
        answer_of("4", Score(0.0, {"length": 3.0, "judge_lostness": 7.0})),
    ]
    (line,) = metric_lines("helpful", answers, seconds=1.0)
    assert (line["JudgeLost"], line["JudgeInputTokens"], line["JudgeOutputTokens"]) == (1.0, 450.0, 25.0)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    units = {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]}
    assert {units[name] for name in ("JudgeLost", "JudgeInputTokens", "JudgeOutputTokens")} == {"Count"}
    assert units.keys() <= line.keys(), "every metric has its value in the line"


def test_a_rule_pays_for_no_metrics_of_a_judge():
    (line,) = metric_lines("intent", [answer_of("1", Score(1.0, {"found": 1.0}))], seconds=1.0)
    assert not any(name.startswith("Judge") for name in line)
