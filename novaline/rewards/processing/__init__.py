"""Processors of evaluations: metrics of one's own for gen_qa, made of the same rewards that training uses."""
