"""The function that empties a bucket before CloudFormation deletes it."""

import json
from dataclasses import dataclass, field

import pytest

from nova_empty.emptying import NotEmptied, empty
from nova_empty.handler import answer

STACK = "arn:aws:cloudformation:us-east-1:111111111111:stack/dev-Foundation/0"


class NoSuchBucket(Exception):
    pass


@dataclass
class FakeBucketStore:
    """As much of S3 as the function uses: one bucket of versions and delete markers, listed in pages."""

    versions: list[tuple[str, str]] = field(default_factory=list)
    markers: list[tuple[str, str]] = field(default_factory=list)
    exists: bool = True
    kept: str | None = None
    page_size: int = 2
    requests: int = 0

    class exceptions:  # noqa: N801 - boto3's own name
        NoSuchBucket = NoSuchBucket

    def get_paginator(self, operation):
        assert operation == "list_object_versions"
        return self

    def paginate(self, *, Bucket):  # noqa: N803 - boto3's own name
        if not self.exists:
            raise NoSuchBucket(Bucket)
        entries = [("Versions", *entry) for entry in self.versions] + [("DeleteMarkers", *e) for e in self.markers]
        for start in range(0, max(len(entries), 1), self.page_size):
            page = {}
            for kind, key, version in entries[start : start + self.page_size]:
                page.setdefault(kind, []).append({"Key": key, "VersionId": version})
            yield page

    def delete_objects(self, *, Bucket, Delete):  # noqa: N803 - boto3's own names
        assert self.exists, Bucket
        self.requests += 1
        errors = [
            {"Key": item["Key"], "Code": "AccessDenied", "Message": "no"}
            for item in Delete["Objects"]
            if item["Key"] == self.kept
        ]
        gone = {(item["Key"], item["VersionId"]) for item in Delete["Objects"]} if not errors else set()
        self.versions = [entry for entry in self.versions if entry not in gone]
        self.markers = [entry for entry in self.markers if entry not in gone]
        return {"Errors": errors} if errors else {}


@dataclass(frozen=True)
class FakeCloudFormation:
    status: str

    def describe_stacks(self, *, StackName):  # noqa: N803 - boto3's own name
        assert StackName == STACK
        return {"Stacks": [{"StackStatus": self.status}]}


@dataclass(frozen=True)
class FakeContext:
    millis: int = 900_000
    log_stream_name: str = "stream"

    def get_remaining_time_in_millis(self):
        return self.millis


def event(kind, **more):
    return {
        "RequestType": kind,
        "StackId": STACK,
        "RequestId": "request",
        "LogicalResourceId": "EmptyData",
        "ResourceProperties": {"BucketName": "data"},
        **more,
    }


def full():
    return FakeBucketStore(versions=[("a", "1"), ("a", "2"), ("b", "1")], markers=[("b", "2")])


def answered(kind, *, status="DELETE_IN_PROGRESS", store=None, millis=900_000, **more):
    return answer(
        event(kind, **more),
        FakeContext(millis),
        cloudformation=FakeCloudFormation(status),
        s3=store if store is not None else full(),
    )


def test_every_version_and_delete_marker_goes():
    store = full()
    assert empty(store, "data", seconds_left=lambda: 900) == 4
    assert (store.versions, store.markers) == ([], [])


def test_an_empty_bucket_takes_no_request():
    store = FakeBucketStore()
    assert empty(store, "data", seconds_left=lambda: 900) == 0
    assert store.requests == 0


def test_a_bucket_that_somebody_deleted_is_empty():
    assert empty(FakeBucketStore(exists=False), "data", seconds_left=lambda: 900) == 0


def test_an_object_that_s3_keeps_is_an_error_that_names_it():
    store = full()
    store.kept = "b"
    with pytest.raises(NotEmptied, match="data: S3 kept b: AccessDenied no"):
        empty(store, "data", seconds_left=lambda: 900)


def test_running_out_of_time_is_an_error_that_says_what_to_do():
    with pytest.raises(NotEmptied, match="delete the stack again"):
        empty(full(), "data", seconds_left=lambda: 29)


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_nothing_is_emptied_before_the_bucket_goes(kind):
    store = full()
    said = answered(kind, store=store)
    assert (said["Status"], said["PhysicalResourceId"]) == ("SUCCESS", "data")
    assert len(store.versions) == 3


@pytest.mark.parametrize("status", ["DELETE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"])
def test_the_bucket_of_a_stack_that_goes_is_emptied(status):
    store = full()
    said = answered("Delete", status=status, store=store, PhysicalResourceId="data")
    assert said["Status"] == "SUCCESS"
    assert "4 versions deleted from data" in said["Reason"]
    assert store.versions == []


@pytest.mark.parametrize("status", ["UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS"])
def test_an_environment_that_starts_to_retain_its_data_keeps_it(status):
    store = full()
    said = answered("Delete", status=status, store=store, PhysicalResourceId="data")
    assert said["Status"] == "SUCCESS"
    assert "keeps its objects" in said["Reason"]
    assert len(store.versions) == 3


def test_a_failure_is_an_answer_too():
    said = answered("Delete", millis=1000, PhysicalResourceId="data")
    assert said["Status"] == "FAILED"
    assert said["Reason"].startswith("NotEmptied: data:")
    assert said["Reason"].endswith("(log stream stream)")


def test_the_answer_carries_what_cloudformation_asks_for():
    said = answered("Delete", PhysicalResourceId="data")
    assert json.loads(json.dumps(said)).keys() == {
        "Status",
        "Reason",
        "PhysicalResourceId",
        "StackId",
        "RequestId",
        "LogicalResourceId",
    }
    assert (said["StackId"], said["RequestId"], said["LogicalResourceId"]) == (STACK, "request", "EmptyData")
