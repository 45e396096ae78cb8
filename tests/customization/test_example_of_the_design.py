"""The example that the design shows passes, but for its budget: eight instances for a day cost more than it allows."""

import json
from pathlib import Path

import pytest

from novaline.customization.checks import check_file
from novaline.findings import NovalineError

EXAMPLE = Path(__file__).with_name("example_of_the_design.yaml").read_text(encoding="utf-8")


@pytest.fixture
def example(tmp_path):
    """Writes the example with its data; returns a function that writes it with another budget."""
    (tmp_path / "data").mkdir()

    def rows(name, row, count):
        lines = (json.dumps(row(number)) + "\n" for number in range(count))
        (tmp_path / "data" / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")

    def turns(question):
        said = (("user", question), ("assistant", f"yes, {question}"))
        return [{"role": role, "content": [{"text": text}]} for role, text in said]

    rows("sft", lambda number: {"messages": turns(f"train {number}")}, 2000)
    rows("validation", lambda number: {"messages": turns(f"validate {number}")}, 200)
    rows(
        "rft",
        lambda number: {"messages": [{"role": "user", "content": f"try {number}"}], "reference_answer": str(number)},
        500,
    )
    rows("eval", lambda number: {"query": f"ask {number}", "response": f"yes, {number}"}, 200)

    def written(budget="{usd: 2500}"):
        path = tmp_path / "customization.yaml"
        path.write_text(EXAMPLE.replace("{usd: 2500}", budget), encoding="utf-8")
        return path

    return written


def test_it_is_refused_for_its_budget_and_for_nothing_else(example):
    with pytest.raises(NovalineError) as caught:
        check_file(example())
    errors = [finding for finding in caught.value.findings if finding.severity == "error"]
    assert [finding.code for finding in errors] == ["over-budget"]
    assert "sft: 4 of ml.p5.48xlarge for 24 h" in errors[0].hint


def test_with_money_it_passes_and_says_what_it_means(example):
    checked = check_file(example("{usd: 15000}"))
    sft, rft = checked.stages.values()
    assert (sft.recipe.id, sft.instance_count, sft.values["training_config.max_length"]) == (
        "nova_lite_2_0_p5_gpu_lora_sft", 4, 8192,
    )  # fmt: skip
    assert rft.recipe.id == "nova_lite_v2_smtj_p5_p5en_gpu_lora_rft"
    assert {finding.code for finding in checked.findings} == {"override-without-effect"}
