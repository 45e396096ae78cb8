"""Condition keys of a service's own that AWS sends to IAM with a request and MiniStack does not."""

import json
from collections.abc import Mapping

from novaline.rehearsal.wire import HttpRequest


def condition_keys(request: HttpRequest) -> Mapping[str, str]:
    """The keys of one request: `cloudwatch:namespace` of PutMetricData, by which alone a policy can narrow it.

    Source: service authorization reference, Amazon CloudWatch.
    """
    if not request.headers.get("x-amz-target", "").endswith(".PutMetricData"):
        return {}
    try:
        namespace = json.loads(request.body).get("Namespace")
    except (ValueError, AttributeError):
        return {}
    return {"cloudwatch:namespace": namespace} if isinstance(namespace, str) else {}
