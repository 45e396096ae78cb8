"""Validation of datasets where they lie: in S3, by functions beside each other, or by Spark."""
