"""Rows of any source into the rows of a format that Nova takes: mapped, converted, split, written, accounted for."""
