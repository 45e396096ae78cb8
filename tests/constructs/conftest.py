"""A stack to build constructs in, and what its template says."""

import os

import pytest

from novaline.toolchain import node_path

os.environ.setdefault("JSII_NODE", str(node_path()))

import aws_cdk as cdk


@pytest.fixture
def stack(tmp_path) -> cdk.Stack:
    place = cdk.Environment(account="111111111111", region="us-east-1")
    return cdk.Stack(cdk.App(outdir=str(tmp_path / "assembly")), "Test", env=place)
