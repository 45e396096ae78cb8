"""Where people learn how a run ended."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct


class Notifications(Construct):
    """A topic, encrypted with `key` and published to over TLS only, with one e-mail subscription per address."""

    def __init__(self, scope: Construct, construct_id: str, *, key: kms.IKey, addresses: Sequence[str]) -> None:
        super().__init__(scope, construct_id)
        self.topic = sns.Topic(self, "Topic", master_key=key, enforce_ssl=True)
        self.topic.apply_removal_policy(RemovalPolicy.DESTROY)  # a topic holds nothing
        for address in addresses:
            subscription = sns.Subscription(
                self, address, topic=self.topic, protocol=sns.SubscriptionProtocol.EMAIL, endpoint=address
            )
            subscription.apply_removal_policy(RemovalPolicy.DESTROY)
