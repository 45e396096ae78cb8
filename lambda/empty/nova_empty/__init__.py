"""Empties a bucket right before CloudFormation deletes it."""
