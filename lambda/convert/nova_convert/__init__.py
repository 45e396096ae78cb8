"""Convert: rows that lie in S3 become rows of a format, in parts beside each other, and one object for each split."""
