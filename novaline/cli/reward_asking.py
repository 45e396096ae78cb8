"""What a judge needs that is asked from this computer: a region, and credentials."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from novaline.runs.clients import account_client
from novaline.runs.problems import explained

if TYPE_CHECKING:
    from novaline.environments import Environment


def prepare_to_ask(environment: Environment | None) -> None:
    """Has the judge asked in the environment's region, as its function does; without one in the shell's own.

    Raises NovalineError without a region or credentials: every verdict would fail for want of them.
    """
    if environment is not None:
        os.environ["AWS_DEFAULT_REGION"] = environment.region  # boto3 does not read AWS_REGION
    region = None if environment is None else environment.region
    account_client("bedrock-runtime", region)  # STS would be asked without a region, too
    client = account_client("sts", region)
    with explained("asking AWS whose credentials these are"):
        client.get_caller_identity()
