"""Numbers with a form and a check: payment cards, IBANs, US social security numbers, phone numbers, IP addresses.

Every rule looks at one place, where a first group of digits begins, and answers with the value's span, or None.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator

import numpy as np

from novaline.datasets.sensitive.candidates import Digits, Flags, has_close_colons
from novaline.datasets.sensitive.kinds import Kind
from novaline.datasets.sensitive.phones import international, north_american
from novaline.datasets.sensitive.text import flattened
from novaline.datasets.sensitive.tokens import Value

_BEFORE, _AFTER = 48, 112  # bytes around a place that a rule may look at
_GAP = rb"([ \-]{0,6})"
# Beginnings and lengths of the large networks' cards (ISO/IEC 7812); any other number of sixteen digits is one of many.
_CARD = re.compile(
    rb"(?<![\w.+\-/])(?<!\d )(?:(?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|6011|6[245]\d\d|35[2-8]\d)"
    + _GAP
    + rb"\d{4}\1\d{4}\1\d{4}"
    rb"|3[47]\d\d" + _GAP + rb"\d{6}\2\d{5}|3(?:0[0-5]|[68]\d)\d" + _GAP + rb"\d{6}\3\d{4})(?![\w/]|[.\-]\d)"
)
_IBAN = re.compile(rb"(?<![A-Za-z0-9_\-+/])[A-Z]{2}\d{2}(?:[ \-]{0,6}[A-Z0-9]){11,30}(?![A-Za-z0-9])")
_SSN = re.compile(rb"(?<![\w.\-+/])(?!000|666|9\d\d)\d{3}([ \-]?)(?!00)\d{2}\1(?!0000)\d{4}(?![\w/\-]|\.\d)")
_SSN_NAME = re.compile(rb"\bssn\b|social.?security", re.IGNORECASE)
_IPV4 = re.compile(
    rb"(?<![\w.+\-$])(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?![\w\-/]|\.\d)"
)
_IPV6 = re.compile(
    rb"(?:(?<![0-9A-Za-z:.])|(?<=\\[bfnrt]))[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]{9,36}(?![0-9A-Za-z:/])"
)
_VERSION = re.compile(rb"(?:/|\bv|version|release|build|section|chapter|clause|article)[ :=]{0,3}$", re.IGNORECASE)
_EXAMPLES = tuple(map(ipaddress.ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")))

# Lengths of IBANs by country, from SWIFT's IBAN registry (ISO 13616).
_IBAN_LENGTHS = {
    15: "NO", 16: "BE", 18: "DK FI FK FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK", 21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL", 24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
}  # fmt: skip
_IBAN_LENGTH = {
    country.encode(): length for length, countries in _IBAN_LENGTHS.items() for country in countries.split()
}


def _iban_countries() -> Flags:
    flags = np.zeros(26 * 26 + 1, np.bool_)  # the last one stands for what is no country
    flags[[(first - 65) * 26 + second - 65 for first, second in _IBAN_LENGTH]] = True
    return flags


IBAN_COUNTRIES = _iban_countries()
"""Which codes of two letters begin an IBAN, for `candidates.digits`."""

Span = tuple[int, int]
Rule = Callable[[bytes, int], Span | None]


def find(text: bytes, digits: Digits, kinds: frozenset[Kind]) -> Iterator[Value]:
    """The numbers among the candidates of a text; spans may overlap."""
    if "card-number" in kinds:
        yield from _checked(text, digits.cards, _card, "card-number")
    if "iban" in kinds:
        yield from _checked(text, digits.ibans, _iban, "iban")
    if "us-ssn" in kinds:
        yield from _checked(text, digits.ssns, _ssn, "us-ssn")
        if digits.plain_ssns and _may_name_ssns(text.lower()):
            yield from _checked(text, digits.plain_ssns, _ssn, "us-ssn")
    if "phone-number" in kinds:
        yield from _checked(text, digits.international, international, "phone-number")
        yield from _checked(text, digits.north_american, north_american, "phone-number")
    if "ip-address" in kinds:
        yield from _checked(text, digits.addresses, _ipv4, "ip-address")


def wide_addresses(text: bytes, runs: list[tuple[int, int]], distinct: bytes) -> Iterator[Value]:
    """Public IPv6 addresses in the text's `runs`; `distinct` holds each different one of them."""
    if has_close_colons(distinct):
        for begin, end in runs:
            for match in _IPV6.finditer(text, begin, end):
                if is_public(match[0].decode("ascii")):
                    yield *match.span(), "ip-address"


def is_luhn(digits: bytes) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B), and not all are equal."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = digit - 48
        total += value if place % 2 == 0 else value * 2 - 9 * (value > 4)
    return total % 10 == 0 and len(set(digits)) > 1


def is_public(address: str) -> bool:
    """Whether the address may be somebody's. Addresses for documentation count: they stand for such a one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv4Address) and (address.endswith(".0.0") or max(parsed.packed) < 10):
        return False  # a version, the number of a section, or a well-known resolver
    return (parsed.is_global and not parsed.is_multicast) or any(parsed in network for network in _EXAMPLES)


def _checked(text: bytes, places: list[int], rule: Rule, kind: Kind) -> Iterator[Value]:
    done = 0  # the groups of one value may each look like its beginning
    for place in places:
        if place < done:
            continue
        begin = max(0, place - _BEFORE)
        span = rule(flattened(text[begin : place + _AFTER]), place - begin)
        if span is not None:
            done = begin + span[1]
            yield begin + span[0], done, kind


def _may_name_ssns(lower: bytes) -> bool:
    return b"ssn" in lower or (b"social" in lower and b"security" in lower)


def _card(text: bytes, place: int) -> Span | None:
    match = _CARD.match(text, place)
    if match is None or not is_luhn(match[0].translate(None, b" -")):
        return None
    return match.span()


def _iban(text: bytes, place: int) -> Span | None:
    start = place - 2
    match = _IBAN.match(text, start)
    if match is None:
        return None
    candidate = match[0]
    length = _IBAN_LENGTH[candidate[:2]]
    places = [place for place, byte in enumerate(candidate) if byte not in b" -"][:length]
    end = places[-1] + 1
    if len(places) < length or candidate[end : end + 1] not in {b"", b" ", b"-"}:
        return None
    account = bytes(candidate[place] for place in places).decode("ascii")
    checked = int("".join(str(int(character, 36)) for character in account[4:] + account[:4]))
    return (start, start + end) if checked % 97 == 1 else None


def _ssn(text: bytes, place: int) -> Span | None:
    match = _SSN.match(text, place)
    if match is None or (match[1] != b"-" and not _SSN_NAME.search(text, 0, place)):
        return None  # nine digits without hyphens are a social security number only where they are called so
    return match.span()


def _ipv4(text: bytes, place: int) -> Span | None:
    match = _IPV4.match(text, place)
    if match is None or not is_public(match[0].decode("ascii")) or _VERSION.search(text, max(0, place - 16), place):
        return None
    return match.span()
