"""How many tokens a dataset has, roughly. Amazon publishes no tokenizer of the Nova models."""

from __future__ import annotations

BYTES_PER_TOKEN = 4
"""Of a JSONL file of English conversations, its JSON included. Other languages and much markup have fewer."""


def estimated_tokens(dataset_bytes: int) -> int:
    """The tokens of a JSONL file: a rough estimate, which may be wrong by a half either way. Media are not counted."""
    return dataset_bytes // BYTES_PER_TOKEN
