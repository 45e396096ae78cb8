"""Alarms of a reward function: training goes on when rewards fail, and learns from less than it pays for."""

from __future__ import annotations

from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from novaline.rewards.embedded_metrics import NAMESPACE

_PERIOD: Final = Duration.minutes(5)


class RewardAlarms(Construct):
    """Two alarms that notify nobody: they show in CloudWatch, and take the actions that somebody gives them.

    `lost`: an invocation failed or ran out of time, so that a whole batch got no score. `unscorable`: on the average of
    five minutes, one rollout of a batch or more got the fallback. `reward` is the name in the function's `reward.json`,
    by which its metrics are told apart from those of other rewards of the account and region.
    """

    def __init__(self, scope: Construct, construct_id: str, *, reward: str, function: lambda_.IFunction) -> None:
        super().__init__(scope, construct_id)
        self.lost = self._alarm(
            "Lost", function.metric_errors(period=_PERIOD, statistic="Sum"), f"Reward {reward}: a batch got no answer"
        )
        unscorable = cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name="Unscorable",
            dimensions_map={"Reward": reward},
            period=_PERIOD,
            statistic="Average",
        )
        self.unscorable = self._alarm(
            "Unscorable", unscorable, f"Reward {reward}: a rollout of each batch, or more, cannot be scored"
        )

    def _alarm(self, name: str, metric: cloudwatch.IMetric, description: str) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            threshold=1,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,  # nobody trains
            alarm_description=description,
        )
