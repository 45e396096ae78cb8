"""Register: the end of a run, written where people and the next run look for it."""
