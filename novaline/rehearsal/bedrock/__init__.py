"""Bedrock for a rehearsal: custom models imported from escrow, their on-demand deployments, and Converse.

The customized stand-in answers behind a deployment, the untrained one behind the ids of Nova's base models.
"""

from novaline.rehearsal.bedrock.runtime import BedrockRuntime
from novaline.rehearsal.bedrock.service import Bedrock

__all__ = ["Bedrock", "BedrockRuntime"]
