"""What the scan tells apart, and what a person should know and do about each kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Kind = Literal[
    "aws-key",
    "private-key",
    "token",
    "url-password",
    "card-number",
    "iban",
    "us-ssn",
    "phone-number",
    "email-address",
    "ip-address",
]
"""A kind of value. Where two kinds claim the same bytes, the one that stands earlier here has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A kind in words: `title` fits after "the row holds", `hint` says what to do."""

    title: str
    secret: bool
    hint: str


_REVOKE = "revoke it where it was issued, then take it out of the data: a model can repeat what it was trained on"
_REPLACE = (
    "replace it by a made-up value of the same form, or take the row out: a model can repeat what it was trained on"
)

KINDS: Mapping[Kind, Description] = MappingProxyType(
    {
        "aws-key": Description(title="an AWS access key", secret=True, hint=_REVOKE),
        "private-key": Description(title="a private key", secret=True, hint=_REVOKE),
        "token": Description(title="an access token", secret=True, hint=_REVOKE),
        "url-password": Description(title="a URL with a password", secret=True, hint=_REVOKE),
        "card-number": Description(title="a payment card number", secret=False, hint=_REPLACE),
        "iban": Description(title="an IBAN", secret=False, hint=_REPLACE),
        "us-ssn": Description(title="a US social security number", secret=False, hint=_REPLACE),
        "phone-number": Description(title="a phone number", secret=False, hint=_REPLACE),
        "email-address": Description(title="an e-mail address", secret=False, hint=_REPLACE),
        "ip-address": Description(title="a public IP address", secret=False, hint=_REPLACE),
    }
)

SECRETS: frozenset[Kind] = frozenset(kind for kind, description in KINDS.items() if description.secret)
"""What gives access to something."""

PERSONAL: frozenset[Kind] = frozenset(KINDS) - SECRETS
"""What points to a person."""
