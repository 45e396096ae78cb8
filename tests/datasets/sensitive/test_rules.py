"""The rules one by one, against values made up by their definitions."""

import json
import re
import string

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from novaline.datasets.sensitive import SensitiveScanner, numbers, tokens

RULES = [
    (kind, beginning, rest)
    for kind, rules in (("aws-key", tokens.AWS_KEYS), ("token", tokens.TOKENS))
    for beginnings, rest in rules
    for beginning in beginnings.split()
]
# Countries whose accounts are digits alone, with the length of an IBAN: a sample of each length up to 29.
COUNTRIES = {"NO": 15, "BE": 16, "DK": 18, "SI": 19, "AT": 20, "DE": 22, "IL": 23, "ES": 24, "PT": 25, "HU": 28}
CARDS = [("4", 16), ("51", 16), ("2221", 16), ("6011", 16), ("65", 16), ("3528", 16), ("34", 15), ("36", 14)]


def kinds_of(text):
    return [hit.kind for hit in SensitiveScanner().scan_block(json.dumps({"text": text}).encode() + b"\n")]


def with_check_digit(payload):
    return next(payload + str(digit) for digit in range(10) if numbers.is_luhn((payload + str(digit)).encode()))


@pytest.mark.parametrize(("kind", "beginning", "rest"), RULES, ids=[rule[1].decode() for rule in RULES])
@settings(max_examples=20)
@given(data=st.data())
def test_every_token_of_an_issuers_form_is_found(kind, beginning, rest, data):
    token = beginning + data.draw(st.from_regex(rest, fullmatch=True))
    assume(len(set(token[-16:])) > 4)
    assume(re.search(rb"[A-Za-z0-9]$", token) or token.endswith(b"="))

    assert kind in kinds_of(f"use {token.decode()} for it")


@pytest.mark.parametrize(("beginning", "length"), CARDS)
@given(st.data())
def test_a_card_number_is_found_by_its_check_digit_and_not_without(beginning, length, data):
    filling = length - len(beginning) - 1
    payload = beginning + data.draw(st.text(string.digits, min_size=filling, max_size=filling))
    card = with_check_digit(payload)
    wrong = payload + str((int(card[-1]) + 1) % 10)

    assert "card-number" in kinds_of(f"pay with {card} now")
    assert "card-number" not in kinds_of(f"pay with {wrong} now")


@pytest.mark.parametrize(("country", "length"), COUNTRIES.items())
@given(st.data(), st.booleans())
def test_an_iban_is_found_by_its_check_digits_and_not_without(country, length, data, grouped):
    account = data.draw(st.text(string.digits, min_size=length - 4, max_size=length - 4))
    turned = int("".join(str(int(character, 36)) for character in f"{account}{country}00"))
    check = 98 - turned % 97
    wrong = 2 + (check - 1) % 96

    def written(digits):
        iban = f"{country}{digits:02}{account}"
        return " ".join(re.findall(".{1,4}", iban)) if grouped else iban

    assert kinds_of(f"to {written(check)} please") == ["iban"]
    assert "iban" not in kinds_of(f"to {written(wrong)} please")


@pytest.mark.parametrize("void", ["000-12-3456", "666-12-3456", "900-12-3456", "123-00-4567", "123-45-0000"])
def test_a_social_security_number_that_is_never_issued_is_none(void):
    assert kinds_of(f"SSN {void}") == []


@pytest.mark.parametrize("number", ["+1 012 345 6789", "+999 12345678", "+12 34", "(100) 555-1234", "+1 415 555 267"])
def test_a_number_outside_the_worlds_plans_is_no_phone_number(number):
    assert kinds_of(f"dial {number} now") == []


def test_what_follows_a_phone_number_is_not_part_of_it():
    line = json.dumps({"text": "+44 20 7946 0958 33 times"}).encode()

    (hit,) = SensitiveScanner().scan_block(line)

    assert hit.excerpt == '{"text": "[phone-number] 33 times"}'


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("54.239.28.85", True),
        ("203.0.113.7", True),
        ("2001:db8::1", True),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("224.0.0.251", False),
        ("::1", False),
        ("fe80::1", False),
        ("300.1.2.3", False),
        ("1.2.3.4", False),
    ],
)
def test_an_address_is_personal_when_it_may_be_somebodys(address, public):
    assert numbers.is_public(address) is public
