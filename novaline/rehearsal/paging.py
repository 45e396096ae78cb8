"""Lists that AWS answers in pages: sorted by time, cut by a token that names where the next page begins."""

from collections.abc import Sequence
from typing import Any

from novaline.rehearsal.aws_call import AwsError


def newest_first(found: Sequence[dict[str, Any]], by: str, *, ascending: bool = False) -> list[dict[str, Any]]:
    """Entries sorted by a timestamp, the newest first unless `ascending`; equal ones keep their order of creation."""
    return sorted(found, key=lambda entry: entry[by]) if ascending else sorted(found, key=lambda entry: entry[by])[::-1]


def page(found: Sequence[dict[str, Any]], token: str | None, most: int) -> tuple[list[dict[str, Any]], str | None]:
    """(the page that begins at the token, the next page's token or None). Raises AwsError on a token of nobody's."""
    if token is not None and not token.isdecimal():
        raise AwsError("ValidationException", f"The pagination token {token!r} is not valid.")
    start = int(token or 0)
    end = start + most
    return list(found[start:end]), str(end) if end < len(found) else None
