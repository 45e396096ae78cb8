"""Condition keys of a service's own that AWS sends to IAM with a request and MiniStack does not."""

import json
from collections.abc import Mapping

from novaline.rehearsal.wire import HttpRequest

_CUSTOMER_ALGORITHM = "x-amz-server-side-encryption-customer-algorithm"


def condition_keys(request: HttpRequest) -> Mapping[str, str]:
    """The keys of one request: those by which alone a policy can narrow PutMetricData, or refuse SSE-C in S3.

    Source: service authorization reference, Amazon CloudWatch and Amazon S3.
    """
    return {**_namespace(request), **_customer_algorithm(request)}


def _namespace(request: HttpRequest) -> Mapping[str, str]:
    if not request.headers.get("x-amz-target", "").endswith(".PutMetricData"):
        return {}
    try:
        namespace = json.loads(request.body).get("Namespace")
    except (ValueError, AttributeError):
        return {}
    return {"cloudwatch:namespace": namespace} if isinstance(namespace, str) else {}


def _customer_algorithm(request: HttpRequest) -> Mapping[str, str]:
    algorithm = request.headers.get(_CUSTOMER_ALGORITHM)
    return {f"s3:{_CUSTOMER_ALGORITHM}": algorithm} if algorithm else {}
