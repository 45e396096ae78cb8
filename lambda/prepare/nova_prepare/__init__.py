"""Prepare: make the next stage's training job ready, with the checkpoint that it starts from."""
