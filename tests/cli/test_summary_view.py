import io

from rich.console import Console
from rich.text import Text

from novaline.cli.summary_view import facts, summary_view

ARN = "arn:aws:bedrock:us-east-1:111111111111:custom-model-deployment/1bc72e061045"
GATE = {
    "metric": "exact_match",
    "rows": 588,
    "verdict": "better",
    "reason": "exact_match changed by +56.1 points at 95 % confidence over 588 paired rows, which is above the margin.",
    "base": {"exact_match": 0.398, "quasi_exact_match": 0.4},
    "candidate": {"exact_match": 0.959, "quasi_exact_match": 0.96},
    "difference": {"estimate": 0.561, "low": 0.519, "high": 0.601, "confidence": 0.95},
}
SUMMARY = {
    "status": "deployed",
    "gate": GATE,
    "deployment": {"arn": ARN, "name": "n", "model_arn": "arn:m"},
    "expires": "2026-11-23T16:45:04+00:00",
    "verification": {"rows": 5, "agreement": 1.0, "transcript": []},
}


def shown(summary, *, width: int = 80, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    console = Console(file=io.TextIOWrapper(raw, encoding=encoding, write_through=True), width=width, soft_wrap=True)
    console.print(summary_view(summary, console=console))
    return raw.getvalue().decode(encoding)


def test_base_and_candidate_stand_beside_each_other_with_the_interval_of_the_decisive_metric():
    rows = {line.split()[0]: line.split() for line in shown(SUMMARY).splitlines() if "%" in line}
    assert rows["exact_match"][1:5] == ["39.8%", "95.9%", "+56.1", "points"]
    assert "+51.9" in rows["exact_match"]
    assert rows["quasi_exact_match"][1:] == ["40.0%", "96.0%", "+56.0", "points"]


def test_the_verdict_is_told_in_words_and_an_arn_stays_whole_on_a_narrow_screen():
    text = shown(SUMMARY, width=60)
    assert "accepted and deployed" in text
    assert ARN in text
    assert "5 held-out rows asked through Converse, 100% as in the evaluation" in " ".join(text.split())


def test_a_rejected_run_says_so_and_names_no_deployment():
    text = shown({**SUMMARY, "status": "rejected", "deployment": None, "verification": None})
    assert "rejected by the gate" in text
    assert "deployment" not in text


def test_a_terminal_without_unicode_can_show_a_summary():
    shown(SUMMARY, encoding="ascii")


def test_prose_wraps_under_itself():
    out = io.StringIO()
    console = Console(file=out, width=50, soft_wrap=True)
    console.print(facts([("why", Text("word " * 30)), ("folder", Text("/a/" + "b" * 90))], console=console))
    lines = out.getvalue().splitlines()
    assert all(line.startswith(" " * 14 + "word") for line in lines[1:3])
    assert "/a/" + "b" * 90 in out.getvalue().replace("\n", "")


def test_rewards_and_own_metrics_of_every_evaluation_stand_below_what_decides():
    measures = {
        "holdout": {"metrics": {"polite": {"base": 0.25, "candidate": 0.75}, "polite_unscorable": {"base": 0.0}}},
        "reward": {"metrics": {"lambda_reward_score": {"base": -0.5}, "lambda_unscorable": {"base": 0.125}}},
        "odd": {"metrics": {}, "problem": "s3://b/output.tar.gz cannot be read"},
    }
    text = shown({**SUMMARY, "gate": {**GATE, "measures": measures}}, width=60)
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.split()}
    assert "measured in reward" in text
    assert rows["polite"] == ["0.250", "0.750", "+0.500"]
    assert rows["lambda_reward_score"] == ["-0.500"]
    assert rows["lambda_unscorable"] == ["0.125"]
    assert "polite_unscorable" not in rows
    assert "measured in odd" not in text
    assert "odd: s3://b/output.tar.gz cannot be read" in text
