"""Evaluation: what a job measured, and the gate that decides on it. Standard library only: Lambdas bundle it."""
