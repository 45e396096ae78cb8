"""Words that mark turns and media inside the training containers: in a row's text they break training.

Source: AWS's data-preparation pages for Nova, and the checks of nova-forge-sdk 1.4; both are case-sensitive.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from novaline.datasets.flaws import Flaw
from novaline.findings import Severity

RESERVED = (
    "System:", "SYSTEM:", "User:", "USER:", "Bot:", "BOT:", "Assistant:", "ASSISTANT:", "Thought:",
    "[EOS]", "<image>", "<video>", "<unk>",
)  # fmt: skip

_RESERVED_TEXT = re.compile("|".join(re.escape(word) for word in RESERVED))


def reserved_flaws(texts: Iterable[str], severity: Severity = "error") -> Iterator[Flaw]:
    """The reserved words in a row's texts, each once."""
    found: dict[str, None] = {}
    for text in texts:
        found.update(dict.fromkeys(_RESERVED_TEXT.findall(text)))
    for word in found:
        yield Flaw(
            "reserved-word",
            f"the text contains the reserved word {word!r}",
            severity,
            hint="it marks turns or media inside the training container: write it differently",
        )
