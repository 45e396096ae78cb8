"""Quotas: as many as run at the same moment, with a code only where one is known."""

import re

import pytest

from novaline.cost.quotas import (
    Machines,
    Quota,
    bedrock_job_quotas,
    cluster_quotas,
    custom_model_quota,
    deployment_quotas,
    import_quotas,
    training_quotas,
)

P5, G5 = "ml.p5.48xlarge", "ml.g5.12xlarge"


def needed(quotas):
    return {quota.name: quota.needed for quota in quotas}


def test_jobs_at_different_moments_share_a_quota_and_jobs_at_the_same_moment_add_up():
    quotas = training_quotas(
        [[Machines(type=P5, count=3)], [Machines(type=P5, count=1)] * 4, [Machines(type=G5, count=1)]]
    )
    assert needed(quotas) == {
        f"{P5} for training job usage": 4,
        f"{G5} for training job usage": 1,
        "Number of instances across all training jobs": 4,
    }


def test_a_job_of_more_instances_than_awss_default_needs_that_quota_too():
    name = "Maximum number of instances per training job"
    assert name not in needed(training_quotas([[Machines(type=P5, count=20)]]))
    assert needed(training_quotas([[Machines(type=P5, count=24)]]))[name] == 24


def test_no_jobs_need_nothing():
    assert training_quotas([]) == ()
    assert training_quotas([[]]) == ()


def test_a_quota_with_a_code_is_looked_up_by_it_and_one_without_by_its_name():
    with_code = Quota(service="sagemaker", name="x for training job usage", needed=1, code="L-82E1C851")
    without = Quota(service="bedrock", name="Total custom model deployments", needed=1)
    assert with_code.lookup.endswith("get-service-quota --service-code sagemaker --quota-code L-82E1C851")
    assert "--service-code bedrock" in without.lookup
    assert "QuotaName=='Total custom model deployments'" in without.lookup


ALL = [
    *training_quotas([[Machines(type=kind, count=24) for kind in (P5, G5, "ml.p5en.48xlarge", "ml.p4d.24xlarge")]]),
    *cluster_quotas([Machines(type=P5, count=8)]),
    *bedrock_job_quotas(jobs=2),
    custom_model_quota(),
    *import_quotas(),
    *deployment_quotas(),
]


@pytest.mark.parametrize("quota", ALL, ids=lambda quota: quota.name)
def test_every_code_has_the_form_of_a_code_and_json_tells_how_to_look_it_up(quota):
    assert quota.code is None or re.fullmatch(r"L-[0-9A-F]{8}", quota.code)
    assert set(quota.as_json()) == {"service", "name", "code", "needed", "lookup"}


@pytest.mark.parametrize("name", ["ml.p4d.24xlarge for training job usage", "ml.p5.48xlarge for cluster usage"])
def test_a_code_about_which_sources_differ_is_not_given(name):
    (quota,) = [quota for quota in ALL if quota.name == name]
    assert quota.code is None


def test_groups_of_a_cluster_add_up():
    groups = [Machines(type=P5, count=2), Machines(type=P5, count=5)]
    assert needed(cluster_quotas(groups)) == {f"{P5} for cluster usage": 7}


def test_each_managed_job_leaves_a_custom_model():
    assert needed(bedrock_job_quotas(jobs=3))["Custom models per account"] == 3
