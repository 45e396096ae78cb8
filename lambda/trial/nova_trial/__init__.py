"""Tries a reward function on real rows before a training job is paid for."""
