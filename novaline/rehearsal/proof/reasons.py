"""The statements that no rehearsal needs, each with the reason why AWS needs them."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final

UNNEEDED_HERE: Final[tuple[tuple[str, str, str], ...]] = (
    # role, statement, reason
)


def reason(*, role: str, sid: str) -> str | None:
    """Why the statement stands there although no rehearsal needs it; None when it must be proven."""
    for role_pattern, statement, why in UNNEEDED_HERE:
        if fnmatchcase(role, role_pattern) and statement == sid:
            return why
    return None
