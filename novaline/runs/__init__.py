"""A run from outside: upload what it needs, start it, watch it, fetch what it left. boto3 clients are arguments."""
