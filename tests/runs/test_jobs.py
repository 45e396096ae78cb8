import json
from datetime import timedelta
from types import SimpleNamespace

import pytest
from fake_aws import RESOURCES, T0, FakeS3, refusal

from novaline.findings import NovalineError
from novaline.runs.jobs import in_words, run_jobs, spent, total

RUN = "intents-20261120-101507-ab12cd"
REQUEST = {"ResourceConfig": {"InstanceType": "ml.p5.48xlarge", "InstanceCount": 2}}
REQUESTS = {
    "stages": [
        {"name": "sft", "technique": "sft", "job": {"base_name": "intents-sft-1", "request": REQUEST}},
        {"name": "big", "technique": "cpt", "note": "HyperPod", "recipe": "s3://a/b"},
    ],
    "evaluations": [
        {"name": "holdout", "base": {"base_name": "intents-base-2", "request": REQUEST}, "candidate": {"note": "no"}}
    ],
}
PLAN = {"cost": {"lines": [{"job": "sft", "usd_per_hour": 60.0}, {"job": "holdout-base", "usd_per_hour": None}]}}


def clients(**files):
    s3 = FakeS3()
    for name, value in files.items():
        s3.objects["artifacts", f"runs/{RUN}/{name}.json"] = {"Body": json.dumps(value).encode()}
    return SimpleNamespace(s3=s3)


def sagemaker(jobs):
    """SageMaker with these jobs, the oldest first: name → what DescribeTrainingJob says beside it."""

    def listed(*, NameContains, SortBy, SortOrder):  # noqa: N803 - SageMaker's names
        assert (SortBy, SortOrder) == ("CreationTime", "Ascending")
        names = [name for name in jobs if NameContains in name]
        return iter([{"TrainingJobSummaries": [{"TrainingJobName": name}]} for name in names])

    return SimpleNamespace(
        get_paginator=lambda operation: SimpleNamespace(paginate=listed),
        describe_training_job=lambda TrainingJobName: {"TrainingJobStatus": "InProgress", **jobs[TrainingJobName]},  # noqa: N803 - likewise
    )


def test_the_jobs_of_a_run_are_those_of_its_requests_with_the_prices_of_its_plan():
    found = run_jobs(clients(requests=REQUESTS, plan=PLAN), RESOURCES, RUN)
    assert [(job.name, job.base_name, job.instance_count, job.usd_per_hour) for job in found] == [
        ("sft", "intents-sft-1", 2, 60.0),
        ("holdout-base", "intents-base-2", 2, None),
    ]


def test_a_folder_without_requests_is_told():
    with pytest.raises(NovalineError, match=r"no requests\.json"):
        run_jobs(clients(), RESOURCES, RUN)


def test_every_attempt_costs_what_it_was_billed_for_on_all_its_instances():
    (sft, _) = run_jobs(clients(requests=REQUESTS, plan=PLAN), RESOURCES, RUN)
    hour = timedelta(hours=1)
    jobs = {
        "intents-sft-1-r0-d0": {"TrainingJobStatus": "Failed"},  # never got an instance
        "intents-sft-1-r1-d0": {"TrainingJobStatus": "Stopped", "BillableTimeInSeconds": 1800},
        "intents-sft-1-r2-d0": {"TrainingStartTime": T0 - hour},
        "another-sft-1": {"BillableTimeInSeconds": 99999},
    }
    found = spent(sagemaker(jobs), (sft,), now=T0)
    assert [(attempt.name[-5:], attempt.status, attempt.seconds) for attempt in found] == [
        ("r0-d0", "Failed", 0),
        ("r1-d0", "Stopped", 1800),
        ("r2-d0", "InProgress", 3600),
    ]
    assert [attempt.usd for attempt in found] == [0, 60, 120]
    assert total(found) == 180
    assert in_words(found) == "$180.00 so far"


def test_one_unknown_price_makes_the_sum_unknown_and_the_hours_are_told_instead():
    jobs = run_jobs(clients(requests=REQUESTS, plan=PLAN), RESOURCES, RUN)
    ran = {"intents-sft-1-r0": {"BillableTimeInSeconds": 1800}, "intents-base-2-r0": {"BillableTimeInSeconds": 900}}
    found = spent(sagemaker(ran), jobs, now=T0)
    assert total(found) is None
    assert in_words(found) == "1.50 instance hours so far"
    assert in_words(()) == ""


def test_what_may_not_be_asked_is_told_in_words():
    def refuse(**_):
        raise refusal("AccessDeniedException", "not authorized to perform: sagemaker:ListTrainingJobs")

    jobs = run_jobs(clients(requests=REQUESTS, plan=PLAN), RESOURCES, RUN)
    asked = SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=refuse))
    with pytest.raises(NovalineError, match="ListTrainingJobs"):
        spent(asked, jobs, now=T0)
