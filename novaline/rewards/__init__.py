"""Reward functions: how good a rollout is. The pure core that the Lambda, the trial and the command line share.

It imports the standard library only, because it is bundled into the functions as it stands. A function of your own
needs no more than what is named here.
"""

from novaline.rewards.contract import Reward, Rollout, Score, ToolCall, Unscorable

__all__ = ["Reward", "Rollout", "Score", "ToolCall", "Unscorable"]
