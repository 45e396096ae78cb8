"""Rows out of files, folders, buckets and Hugging Face datasets: batch by batch, in memory that does not grow."""
