"""Jobs of reinforcement fine-tuning, evaluations by rewards, and metrics of one's own, in a fake AWS."""

import json
import math

import pytest

from novaline.rehearsal.sagemaker.service import SageMaker
from novaline.runs.training import training_point
from tests.rehearsal.fake_cloud import FakeCloud
from tests.rehearsal.jobs import EVALUATOR, TRAINER, checkpoint_of, gen_qa_rows, intents, output_of, run_job
from tests.rehearsal.rft_jobs import (
    BASE,
    PROCESSED_RECIPE,
    PROCESSOR,
    REWARD,
    RFT_EVAL_RECIPE,
    RFT_RECIPE,
    evaluation_of,
    rft_request,
    rft_rows,
    said,
    scored,
)


@pytest.fixture
def cloud():
    cloud = FakeCloud()
    cloud.functions[REWARD] = scored
    return cloud


@pytest.fixture
def sagemaker(cloud):
    return SageMaker(cloud, warm_up=False)


def results_of(cloud, name):
    files = output_of(cloud, name)
    (path,) = (path for path in files if "/eval_results/results_" in path)
    return json.loads(files[path])["results"]["all"]


def exact_match(cloud, sagemaker, *, model, name):
    recipe = PROCESSED_RECIPE.replace(f'lambda_arn: "{PROCESSOR}"', 'lambda_arn: ""')
    request = evaluation_of(cloud, name, model=model, recipe=recipe)
    del request["HyperParameters"]["eval_lambda_arn"]
    assert run_job(sagemaker, request)["TrainingJobStatus"] == "Completed"
    return results_of(cloud, name)["exact_match"]


def reason(job):
    assert job["TrainingJobStatus"] == "Failed", job
    return job["FailureReason"]


# ---- training


def test_a_policy_is_trained_by_the_function_and_leaves_a_checkpoint_that_answers_better(cloud, sagemaker):
    job = run_job(sagemaker, rft_request(cloud))
    assert job["TrainingJobStatus"] == "Completed", job
    before = exact_match(cloud, sagemaker, model=BASE, name="base")
    after = exact_match(cloud, sagemaker, model=checkpoint_of(cloud, "rft-1"), name="candidate")
    assert after > max(0.9, before + 0.1)
    names = {metric["MetricName"] for metric in job["FinalMetricDataList"]}
    assert "critic/rewards/mean" in names
    assert ("/aws/sagemaker/TrainingJobs", "critic/rewards/mean") in {entry[:2] for entry in cloud.metrics}


def test_the_log_tells_steps_rewards_and_learning_rate_from_which_curves_are_read(cloud, sagemaker):
    run_job(sagemaker, rft_request(cloud))
    lines = [line for line in cloud.log_lines() if "critic/rewards/mean" in line]
    points = [training_point(line) for line in lines]
    assert [point.step for point in points] == list(range(1, 31))
    assert {point.steps for point in points} == {30}
    assert points[-1].reward > points[0].reward
    assert all("actor/lr=1.000e-04" in line for line in lines)
    assert "mean reward" in points[-1].in_words()


def test_events_have_the_shape_of_training_jobs_and_the_rows_own_fields(cloud, sagemaker):
    run_job(sagemaker, rft_request(cloud, data=rft_rows(160, difficulty="hard")))
    arns, events = zip(*cloud.invocations, strict=True)
    assert set(arns) == {REWARD}
    for event in events:
        assert len(event) == 16 * 4  # one step fits into one batch of at most 128
        assert len({sample["id"] for sample in event}) == len(event)
    sample = events[0][0]
    assert [message["role"] for message in sample["messages"]] == ["system", "user", "nova_assistant"]
    assert all(message["content"][0]["type"] == "text" for message in sample["messages"])
    assert sample["difficulty"] == "hard"
    assert sample["reference_answer"]


def test_a_function_gets_as_many_answers_at_once_as_the_recipe_says(cloud, sagemaker):
    recipe = RFT_RECIPE.replace("lambda_concurrency_limit: 12", "lambda_concurrency_limit: 12, lambda_batch_size: 20")
    run_job(sagemaker, rft_request(cloud, recipe=recipe))
    assert {len(event) for _, event in cloud.invocations} == {20, 4}


def test_the_function_is_called_under_the_training_role(cloud, sagemaker):
    run_job(sagemaker, rft_request(cloud))
    assert (TRAINER, "lambda:InvokeFunction", REWARD) in cloud.used
    cloud.denied.add((TRAINER, "lambda:InvokeFunction"))
    text = reason(run_job(sagemaker, rft_request(cloud, "rft-2")))
    assert text.startswith("ClientError: calling the function")
    assert "lambda:InvokeFunction" in text
    assert TRAINER in text


def test_a_reward_that_prefers_wrong_answers_leaves_a_worse_model(cloud, sagemaker):
    def perverse(samples):
        return scored(samples, lambda sample: float(said(sample) != sample["reference_answer"]))

    cloud.functions[REWARD] = perverse
    assert run_job(sagemaker, rft_request(cloud))["TrainingJobStatus"] == "Completed"
    before = exact_match(cloud, sagemaker, model=BASE, name="base")
    after = exact_match(cloud, sagemaker, model=checkpoint_of(cloud, "rft-1"), name="candidate")
    assert after < before


def test_a_constant_reward_leaves_the_base_as_it_was(cloud, sagemaker):
    cloud.functions[REWARD] = lambda samples: scored(samples, lambda _: 0.5)
    run_job(sagemaker, rft_request(cloud))
    before = exact_match(cloud, sagemaker, model=BASE, name="base")
    assert exact_match(cloud, sagemaker, model=checkpoint_of(cloud, "rft-1"), name="candidate") == before


def test_an_answer_that_breaks_the_contract_costs_one_sample_each_time(cloud, sagemaker):
    def one_broken(samples):
        answers = scored(samples)
        answers[3]["aggregate_reward_score"] = math.nan
        return answers

    cloud.functions[REWARD] = one_broken
    assert run_job(sagemaker, rft_request(cloud))["TrainingJobStatus"] == "Completed"
    lines = cloud.log_lines()
    assert any("lost_samples=1" in line for line in lines)
    assert any("30 lost scores" in line for line in lines)
    assert any("is NaN, expected a finite number" in line for line in lines)


@pytest.mark.parametrize(
    ("spoil", "lost"),
    [
        (lambda answers: answers[:-1], 1),
        (lambda answers: [*answers[:-1], answers[0]], 2),
        (lambda answers: [{**answers[0], "aggregate_reward_score": True}, *answers[1:]], 1),
        (lambda answers: [{**answers[0], "aggregate_reward_score": "0.5"}, *answers[1:]], 1),
    ],
)
def test_what_awss_verifiers_let_pass_loses_the_samples_that_it_is_about(cloud, sagemaker, spoil, lost):
    cloud.functions[REWARD] = lambda samples: spoil(scored(samples))
    assert run_job(sagemaker, rft_request(cloud))["TrainingJobStatus"] == "Completed"
    first = next(line for line in cloud.log_lines() if "step 1/30" in line)
    assert f"lost_samples={lost}," in first


def test_a_call_that_fails_now_and_then_costs_its_batch_and_the_job_goes_on(cloud, sagemaker):
    recipe = RFT_RECIPE.replace("lambda_concurrency_limit: 12", "lambda_concurrency_limit: 12, lambda_batch_size: 16")

    def moody(samples):
        if samples[0]["id"].endswith("-0"):  # the first batch of each step
            raise RuntimeError("out of temper")
        return scored(samples)

    cloud.functions[REWARD] = moody
    assert run_job(sagemaker, rft_request(cloud, recipe=recipe))["TrainingJobStatus"] == "Completed"
    assert any("lost_samples=16" in line for line in cloud.log_lines())
    assert any("out of temper" in line for line in cloud.log_lines())


def test_a_function_that_always_raises_fails_the_job_with_what_it_said(cloud, sagemaker):
    def broken(_):
        raise KeyError("label")

    cloud.functions[REWARD] = broken
    text = reason(run_job(sagemaker, rft_request(cloud)))
    assert text.startswith("AlgorithmError: the reward function")
    assert "KeyError" in text


def test_a_row_that_the_function_cannot_score_costs_one_sample_and_is_counted(cloud, sagemaker):
    """A poison row: the reward function answers with its fallback and the measure `unscorable`."""

    def with_fallback(samples):
        answers = scored(samples)
        for sample, answer in zip(samples, answers, strict=True):
            if sample.get("poison"):
                answer["aggregate_reward_score"] = 0.0
                answer["metrics_list"] = [{"name": "unscorable", "value": 1.0, "type": "Metric"}]
        return answers

    rows = rft_rows(160).splitlines()
    poison = json.dumps(json.loads(rows[7]) | {"poison": True}).encode()
    cloud.functions[REWARD] = with_fallback
    data = b"\n".join([*rows[:7], poison, *rows[8:]]) + b"\n"
    assert run_job(sagemaker, rft_request(cloud, data=data))["TrainingJobStatus"] == "Completed"
    asked = sum(bool(sample.get("poison")) for _, event in cloud.invocations for sample in event)
    assert asked > 0
    assert any(f"{asked} answers that it could not score, 0 lost scores" in line for line in cloud.log_lines())
    assert exact_match(cloud, sagemaker, model=checkpoint_of(cloud, "rft-1"), name="candidate") > 0.9


ROW = json.loads(rft_rows(1))
TURN = ROW["messages"][1]
REFUSED = {
    "converse data": ({"data_type": "Converse"}, "needs S3Prefix"),
    "sft image": ({"image": "nova-fine-tune-repo:SM-TJ-SFT-V2-latest"}, "SM-TJ-RFT-V2-latest can"),
    "too few rows": ({"data": rft_rows(10)}, "less than one batch"),
    "image in a row": ({"data": {"content": [{"image": {}}]}}, "only text can be trained"),
    "role": ({"data": {"role": "narrator"}}, "its role is 'narrator'"),
    "no user": ({"data": {"role": "assistant"}}, "no message is by 'user'"),
    "two functions": (
        {"recipe": RFT_RECIPE.replace(f'{{lambda_arn: "{REWARD}"', f'{{lambda_arn: "{PROCESSOR}"')},
        "differ",
    ),
    "another hyperparameter": (
        {"hyperparameters": {"base_model": BASE, "reward_lambda_arn": PROCESSOR}},
        "hyperparameter reward_lambda_arn",
    ),
    "no hyperparameter": ({"hyperparameters": {"base_model": BASE}}, "hyperparameter reward_lambda_arn is None"),
    "one answer": ({"recipe": RFT_RECIPE.replace("number_generation: 4", "number_generation: 1")}, "from 2 to 16"),
    "few steps": ({"recipe": RFT_RECIPE.replace("max_steps: 30", "max_steps: 4")}, "at least 5"),
    "other model": (
        {
            "recipe": RFT_RECIPE.replace("nova-2-lite-v1:0:256k", "nova-micro-v1:0:128k").replace(
                BASE, "nova-micro/prod"
            ),
            "hyperparameters": {"base_model": "nova-micro/prod", "reward_lambda_arn": REWARD},
        },
        "Nova 2 Lite only",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_the_container_refuses(cloud, sagemaker, case):
    changes, expected = REFUSED[case]
    if isinstance(changes.get("data"), dict):
        broken = {**ROW, "messages": [{**TURN, **changes["data"]}]}
        changes = changes | {"data": rft_rows(30) + json.dumps(broken).encode() + b"\n"}
    text = reason(run_job(sagemaker, rft_request(cloud, **changes)))
    assert expected in text
    assert cloud.invocations == []


# ---- evaluation by rewards


def test_an_evaluation_by_rewards_writes_what_the_function_answered_and_its_means(cloud, sagemaker):
    job = run_job(sagemaker, evaluation_of(cloud, "eval-1", model=BASE, recipe=RFT_EVAL_RECIPE))
    assert job["TrainingJobStatus"] == "Completed", job
    table = results_of(cloud, "eval-1")
    lines = output_of(cloud, "eval-1")["reward/eval_results/inference_output.jsonl"].splitlines()
    answers = [json.loads(line) for line in lines]
    assert len(answers) == 80
    assert set(answers[0]) == {"id", "aggregate_reward_score", "metrics_list"}
    assert answers[0]["id"] == "row-0"
    mean = sum(answer["aggregate_reward_score"] for answer in answers) / 80
    assert table["lambda_reward_score"] == pytest.approx(mean)
    assert table["lambda_found"] == 1
    assert 0 < table["lambda_reward_score_stderr"] < 0.1
    assert (EVALUATOR, "lambda:InvokeFunction", REWARD) in cloud.used


def test_a_trained_candidate_earns_more_than_the_base(cloud, sagemaker):
    run_job(sagemaker, rft_request(cloud))
    for name, model in (("base", BASE), ("candidate", checkpoint_of(cloud, "rft-1"))):
        run_job(sagemaker, evaluation_of(cloud, name, model=model, recipe=RFT_EVAL_RECIPE))
    base, candidate = (results_of(cloud, name)["lambda_reward_score"] for name in ("base", "candidate"))
    assert candidate > max(0.9, base)


def test_an_evaluation_that_may_not_call_the_reward_fails(cloud, sagemaker):
    cloud.denied.add((EVALUATOR, "lambda:InvokeFunction"))
    text = reason(run_job(sagemaker, evaluation_of(cloud, "eval-1", model=BASE, recipe=RFT_EVAL_RECIPE)))
    assert "lambda:InvokeFunction" in text


# ---- metrics of one's own


def processor(event):
    data = event["data"]
    if event["process_type"] == "preprocess":
        return {"statusCode": 200, "body": {**data, "prompt": data["prompt"].upper(), "system": None}}
    right = float(data["inference_output"] == data["gold"])
    body = [{"metric": "right", "value": right}, {"metric": "length", "value": len(data["inference_output"])}]
    return {"statusCode": 200, "body": body}


def test_a_processors_metrics_stand_beside_those_of_the_task(cloud, sagemaker):
    cloud.functions[PROCESSOR] = processor
    job = run_job(sagemaker, evaluation_of(cloud, "eval-1", model=BASE, recipe=PROCESSED_RECIPE))
    assert job["TrainingJobStatus"] == "Completed", job
    table = results_of(cloud, "eval-1")
    assert table["right"] == pytest.approx(table["exact_match"])
    events = [event for _, event in cloud.invocations]
    assert len(events) == 80
    assert all(set(event) == {"process_type", "data"} for event in events)
    assert {event["process_type"] for event in events} == {"postprocess"}
    assert set(events[0]["data"]) == {"prompt", "inference_output", "gold"}
    assert (EVALUATOR, "lambda:InvokeFunction", PROCESSOR) in cloud.used


@pytest.mark.parametrize("aggregation", ["min", "max", "sum"])
def test_metrics_become_one_by_the_recipes_aggregation(cloud, sagemaker, aggregation):
    cloud.functions[PROCESSOR] = processor
    recipe = PROCESSED_RECIPE.replace("aggregation: average", f"aggregation: {aggregation}")
    run_job(sagemaker, evaluation_of(cloud, "eval-1", model=BASE, recipe=recipe))
    lengths = [len(json.loads(line)["inference"][0]) for line in inferences(cloud)]
    assert results_of(cloud, "eval-1")["length"] == {"min": min, "max": max, "sum": sum}[aggregation](lengths)


def inferences(cloud):
    return output_of(cloud, "eval-1")["holdout/eval_results/inference_output.jsonl"].splitlines()


def test_preprocessing_changes_what_the_model_is_asked(cloud, sagemaker):
    cloud.functions[PROCESSOR] = processor
    recipe = PROCESSED_RECIPE.replace("preprocessing: {enabled: false}", "preprocessing: {enabled: true}")
    run_job(sagemaker, evaluation_of(cloud, "eval-1", model=BASE, recipe=recipe))
    row = json.loads(inferences(cloud)[0])
    (turn,) = eval(row["prompt"])
    assert turn["content"] == row["query"].upper()


def test_a_processor_that_answers_as_rewards_do_gives_their_means(cloud, sagemaker):
    cloud.functions[PROCESSOR] = scored
    recipe = PROCESSED_RECIPE.replace("lambda_type: custom_metrics", "lambda_type: rft")
    run_job(sagemaker, evaluation_of(cloud, "eval-1", model=BASE, recipe=recipe))
    table = results_of(cloud, "eval-1")
    assert table["lambda_reward_score"] == pytest.approx(table["exact_match"])
    (event,) = [event for _, event in cloud.invocations]
    assert len(event) == 80
    assert event[0]["reference_answer"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"statusCode": 400, "body": {"error": "no such process"}}, "no such process"),
        ({"statusCode": 200, "body": {"metric": "right"}}, "a list of metric and value"),
        ({"statusCode": 200, "body": [{"metric": "right", "value": True}]}, "a list of metric and value"),
        ([1.0], "statusCode 200"),
        (None, "statusCode 200"),
    ],
)
def test_a_processor_that_answers_otherwise_fails_the_job(cloud, sagemaker, answer, expected):
    cloud.functions[PROCESSOR] = lambda _: answer
    assert expected in reason(run_job(sagemaker, evaluation_of(cloud, "eval-1", model=BASE, recipe=PROCESSED_RECIPE)))


def test_a_processor_that_raises_fails_the_job_with_what_it_said(cloud, sagemaker):
    cloud.functions[PROCESSOR] = lambda _: 1 / 0
    text = reason(run_job(sagemaker, evaluation_of(cloud, "eval-1", model=BASE, recipe=PROCESSED_RECIPE)))
    assert "did not postprocess" in text
    assert "ZeroDivisionError" in text


def test_the_recipe_and_the_hyperparameter_name_the_same_processor(cloud, sagemaker):
    request = evaluation_of(cloud, "eval-1", model=BASE, recipe=PROCESSED_RECIPE)
    del request["HyperParameters"]["eval_lambda_arn"]
    assert "eval_lambda_arn is None" in reason(run_job(sagemaker, request))


def test_rows_of_another_task_are_refused_before_any_call(cloud, sagemaker):
    data = gen_qa_rows(intents(20))
    request = evaluation_of(cloud, "eval-1", model=BASE, recipe=RFT_EVAL_RECIPE, data=data)
    assert "row 1 of the evaluation data: it has no list of messages" in reason(run_job(sagemaker, request))
