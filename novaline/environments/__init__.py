"""Environments: where Novaline runs. One typed YAML file each, whose mistakes are all reported at once."""

from novaline.environments.functions import MetricSettings, ProcessorSettings, RewardSettings
from novaline.environments.loader import load_environment, load_environments
from novaline.environments.model import Environment

__all__ = [
    "Environment",
    "MetricSettings",
    "ProcessorSettings",
    "RewardSettings",
    "load_environment",
    "load_environments",
]
