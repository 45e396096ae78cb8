"""Close: the end of a run that could not end itself. Its paid jobs are stopped, its entry closed, somebody told."""
