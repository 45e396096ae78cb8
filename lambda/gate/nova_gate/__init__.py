"""Gate: compare base and candidate on the same rows, and write down on what evidence the decision rests."""
