"""The laboratory: a reward function tried on one's own rows before a model learns from it.

`examine` does it all: it makes answers of known worth to the rows, has them scored as training would, and looks at what
comes back. `judgement` says what is wrong with that, `page` draws it.
"""
