"""Inspect: datasets in S3 are listed and cut into parts, each part is validated, what was found becomes one report."""
