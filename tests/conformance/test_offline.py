"""The harness itself: nothing leaves the process, nothing goes unseen, and no listed difference is dead letters."""

from __future__ import annotations

import socket

import boto3
import pytest
from cases import cases
from compare import complaints
from listed import JOB, LISTED
from wire import Unexpected, Wire

LABELS = {"benchmark", "own-data", "reward", *(case.name for sdk in (2, 3) for case in cases(sdk=sdk))}
LABELS |= {case.technique for case in cases(sdk=3)}


def test_a_connection_is_refused_and_kept(wire: Wire):
    with pytest.raises(Unexpected, match=r"192\.0\.2\.1"):
        socket.create_connection(("192.0.2.1", 443))
    with pytest.raises(Unexpected, match=r"192\.0\.2\.1"):
        socket.socket().connect(("192.0.2.1", 443))
    assert len(wire.unexpected) == 2
    wire.unexpected.clear()


def test_a_call_without_an_answer_is_refused_and_kept(wire: Wire):
    with pytest.raises(Unexpected, match="DescribeKey"):
        boto3.client("kms").describe_key(KeyId="any")
    assert len(wire.unexpected) == 1
    wire.unexpected.clear()


def test_a_field_that_only_one_side_has_is_found_and_a_listed_one_that_is_gone_too():
    ours, theirs = {"A": {"B": 1}, "C": [{"Key": "k", "Value": "v"}]}, {"A": {"B": "1"}}
    assert [
        line.partition(":")[2].split(":")[0].strip() for line in complaints(ours, theirs, listed=(), labels=())
    ] == [
        "A.B",
        "C[k].Key",
        "C[k].Value",
    ]
    listed = [difference for difference in LISTED if difference.asked == JOB[3]]
    assert len(complaints({}, {}, listed=listed, labels={"sft"})) == len(listed)


def test_every_case_that_a_listed_difference_names_is_there():
    named = {label for difference in LISTED for label in (*difference.only, *difference.unless)}
    assert named - LABELS == set()
