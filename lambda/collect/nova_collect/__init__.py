"""Collect: find the checkpoint that a training job left in escrow, and make the evaluation jobs ready for it."""
