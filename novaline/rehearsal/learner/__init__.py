"""The stand-in learner: a small, real model that trains from the rows of a rehearsal in a second or two.

It makes a rehearsal sensitive to its data: swapped labels, a broken template or a leaking split change its numbers. It
is no Nova model and predicts nothing about one. Importing this package is cheap; `stand_in` and what it imports take
scikit-learn along (about two seconds the first time), so services import it in a job's thread.
"""
