"""A model as judge: what it is asked, what counts as its verdict, and how a batch is judged in time."""
