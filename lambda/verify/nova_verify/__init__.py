"""Verify: ask the deployed model held-out questions, and hold its answers against the evaluated candidate."""
