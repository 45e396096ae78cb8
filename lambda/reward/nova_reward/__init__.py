"""The reward function of Novaline's environments: rollouts in, scores out."""
