"""The proof of least privilege: every statement of every role is taken away in turn, and its want must show.

`make prove-iam` deploys once in the embedded AWS. For each statement of each role that our stacks define it removes the
statement in place, does what the role is for, expects a refusal that names the role and one of the statement's actions,
and puts the statement back. Statements that nothing in a rehearsal needs stand in `reasons`, each with why AWS needs
it; they are removed all together, and everything must still work, so that the list cannot go stale.
"""
