"""Environments: where Novaline runs. One typed YAML file each, whose mistakes are all reported at once."""

from novaline.environments.loader import load_environment, load_environments
from novaline.environments.model import Environment, RewardSettings

__all__ = ["Environment", "RewardSettings", "load_environment", "load_environments"]
