"""Keys and tokens by the forms that their issuers gave them, so that scanners can find them.

A rule is a fixed beginning and what follows it; nothing is guessed from how random a text looks. The issuers are named
in docs/sensitive-data.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from novaline.datasets.sensitive.kinds import Kind

Codes = NDArray[np.uint16]
Value = tuple[int, int, Kind]
"""Start, end and kind of a value."""

# A token begins a word; `\n` and `\u0022` before it are JSON's, although they end like a word.
_BEGINS = rb"(?:(?<![A-Za-z0-9])|(?<=\\[bfnrt])|(?<=\\u00[0-9A-Fa-f]{2}))"
_HEX = b"0123456789abcdef"
_ENDS = rb"(?![A-Za-z0-9])"
TOKENS = (
    (rb"ghp_ gho_ ghs_ ghu_ ghr_", rb"[A-Za-z0-9]{36,255}"),  # GitHub
    (rb"github_pat_", rb"[A-Za-z0-9_]{22,255}"),
    (rb"glpat- gloas- glrt- gldt- glptt- glft- glimt- glagent- glsoat- glcbt-", rb"[A-Za-z0-9_\-.]{20,300}"),  # GitLab
    (rb"xoxa- xoxb- xoxc- xoxe- xoxo- xoxp- xoxr- xoxs- xoxe.xoxp- xoxe.xoxb-", rb"[A-Za-z0-9\-]{20,250}"),  # Slack
    (rb"xapp-", rb"[A-Za-z0-9\-]{20,250}"),
    (rb"hooks.slack.com/services/ hooks.slack.com/workflows/ hooks.slack.com/triggers/", rb"[A-Za-z0-9+/]{30,80}"),
    (rb"discord.com/api/webhooks/ discordapp.com/api/webhooks/", rb"[0-9]{17,20}/[A-Za-z0-9_\-]{60,80}"),  # Discord
    (rb"eyJ", rb"[A-Za-z0-9_\-]{10,}\.eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{20,}"),  # JSON Web Token, signed
    (rb"sk-ant-", rb"[a-z0-9]{3,12}-[A-Za-z0-9_\-]{20,200}"),  # Anthropic
    (rb"sk-proj- sk-svcacct- sk-admin- sk-None-", rb"[A-Za-z0-9_\-]{20,200}"),  # OpenAI
    (rb"sk-", rb"(?:or-v1-[0-9a-f]{64}|[A-Za-z0-9]{48})"),  # OpenRouter; OpenAI, older
    (rb"hf_", rb"[A-Za-z0-9]{34}"),  # Hugging Face
    (rb"gsk_", rb"[A-Za-z0-9]{52}"),  # Groq
    (rb"xai-", rb"[A-Za-z0-9]{80}"),  # xAI
    (rb"pplx-", rb"[A-Za-z0-9]{48}"),  # Perplexity
    (rb"r8_", rb"[A-Za-z0-9]{37}"),  # Replicate
    (rb"nvapi-", rb"[A-Za-z0-9_\-]{60,70}"),  # NVIDIA
    (rb"AIza", rb"[A-Za-z0-9_\-]{35}"),  # Google
    (rb"GOCSPX-", rb"[A-Za-z0-9_\-]{28}"),
    (rb"ya29.", rb"[A-Za-z0-9_\-]{30,}"),
    (rb"sk_live_ sk_test_ rk_live_ rk_test_", rb"[A-Za-z0-9]{16,250}"),  # Stripe
    (rb"whsec_", rb"[A-Za-z0-9+/]{32,64}"),
    (rb"SG.", rb"[A-Za-z0-9_\-]{22}\.[A-Za-z0-9_\-]{43}"),  # SendGrid
    (rb"SK", rb"[0-9a-f]{32}"),  # Twilio
    (rb"npm_", rb"[A-Za-z0-9]{36}"),  # npm
    (rb"pypi-AgE", rb"[A-Za-z0-9_\-]{50,}"),  # PyPI
    (rb"dop_v1_ doo_v1_ dor_v1_", rb"[0-9a-f]{64}"),  # DigitalOcean
    (rb"shpat_ shpca_ shppa_ shpss_", rb"[0-9A-Fa-f]{32}"),  # Shopify
    (rb"dapi", rb"[0-9a-f]{32}"),  # Databricks
    (rb"hvs.", rb"[A-Za-z0-9_\-]{24,250}"),  # HashiCorp Vault
    (rb"AccountKey=", rb"[A-Za-z0-9+/]{86}=="),  # Azure Storage
    (rb"ATATT3", rb"[A-Za-z0-9_\-=]{60,250}"),  # Atlassian
    (rb"glsa_", rb"[A-Za-z0-9]{32}_[0-9A-Fa-f]{8}"),  # Grafana
    (rb"lin_api_", rb"[A-Za-z0-9]{40}"),  # Linear
)
"""Beginnings, and the regular expression of what follows any of them."""
AWS_KEYS = (
    (rb"AKIA ASIA ABIA ACCA", rb"[A-Z0-9]{16}"),  # access key id
    (rb"ABSK", rb"[A-Za-z0-9+/]{100,250}={0,2}"),  # Bedrock API key, long-term
    (rb"bedrock-api-key-", rb"[A-Za-z0-9+/=_\-]{40,}"),  # and short-term
)


def _compiled(rules: tuple[tuple[bytes, bytes], ...], kind: Kind) -> Iterator[tuple[bytes, re.Pattern[bytes], Kind]]:
    for beginnings, rest in rules:
        for beginning in beginnings.split():
            yield beginning, re.compile(_BEGINS + re.escape(beginning) + rest + _ENDS), kind


_RULES = {
    beginning: (rule, kind) for beginning, rule, kind in (*_compiled(AWS_KEYS, "aws-key"), *_compiled(TOKENS, "token"))
}
_BEGINNINGS = tuple(_RULES)


def _hashed(first: Codes, second: Codes, third: Codes) -> Codes:
    return (((first << 10) ^ (second << 5) ^ third) & 0x7FFF).astype(np.uint16, copy=False)


def _beginning_hashes() -> NDArray[np.bool_]:
    """Which hashes of three bytes a beginning may have; one of two bytes is followed by a hexadecimal digit."""
    threes = [beginning[:3] for beginning in _BEGINNINGS if len(beginning) > 2]
    threes += [beginning + bytes((digit,)) for beginning in _BEGINNINGS if len(beginning) == 2 for digit in _HEX]
    flags = np.zeros(0x8000, np.bool_)
    flags[_hashed(*np.array([list(three) for three in threes], np.uint16).T)] = True
    return flags


_BEGINNING_HASHES = _beginning_hashes()

# A secret access key is forty characters and says nothing of itself: what is written before it does.
_SECRET_KEY = re.compile(
    rb"(?<![A-Za-z0-9/+=])(?=[a-z0-9/+]*[A-Z])(?=[A-Z0-9/+]*[a-z])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"
)
_NAMED_SECRET_KEY = re.compile(rb"(?:(?<==)|(?<=\\[bfnrt]))[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
_AWS_NAME = re.compile(rb"aws.{0,20}?(?:secret|key|pwd|password|token)")
_SECRET_KEY_NAME = re.compile(rb"secret.?access.?key")
_NAME_BEFORE = 60
_BREAK = rb"(?: |\\+[nrt]|\\u000[AaDd])"  # between the lines of a key, as JSON has them
_PRIVATE_KEY = re.compile(
    rb"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    rb"(?:"
    + _BREAK
    + rb"{0,8}(?:(?:[A-Za-z0-9+=]|\\?/){16,4096}|(?:Proc-Type|DEK-Info|Version|Comment):[^\\\"\n]{1,80})){1,400}"
    + rb"(?:(?:"
    + _BREAK
    + rb"{1,8}[A-Za-z0-9+/=]{1,15}){0,2}"
    + _BREAK
    + rb"{0,8}-----END [A-Z0-9 ]{1,40}-----)?"
)
_KEY_BODY = 40  # a line of a private key's text is longer, and a secret access key as long


def find(text: bytes, runs: list[tuple[int, int]], distinct: bytes, kinds: frozenset[Kind]) -> Iterator[Value]:
    """The values that lie in the text's `runs`; `distinct` holds each different one of them."""
    for beginning in _present(distinct):
        rule, kind = _RULES[beginning]
        if kind in kinds:
            for place in _places(text, runs, beginning):
                match = rule.match(text, place)
                if match is not None and _is_random(match[0]):
                    yield place, match.end(), kind
    long_runs = [run for run in runs if run[1] - run[0] >= _KEY_BODY]
    if long_runs and "private-key" in kinds and b"PRIVATE KEY" in text:
        yield from ((*match.span(), "private-key") for match in _PRIVATE_KEY.finditer(text))
    if long_runs and "aws-key" in kinds and _names_secret_key(text.lower()):
        yield from _secret_keys(text, long_runs)


def _present(distinct: bytes) -> list[bytes]:
    """The beginnings that occur. One look at every three bytes is ten times faster than a search for each beginning."""
    data = np.frombuffer(distinct, np.uint8).astype(np.uint16)
    places = np.flatnonzero(_BEGINNING_HASHES[_hashed(data[:-2], data[1:-1], data[2:])]).tolist()
    if not any(distinct.startswith(_BEGINNINGS, place) for place in places):
        return []
    return [beginning for beginning in _BEGINNINGS if beginning in distinct]


def _places(text: bytes, runs: list[tuple[int, int]], beginning: bytes) -> Iterator[int]:
    done = 0
    for begin, end in runs:
        place = text.find(beginning, max(begin, done), end)
        while place >= 0:
            yield place
            done = place + 1
            place = text.find(beginning, done, end)


def _names_secret_key(lower: bytes) -> bool:
    """Whether something in the text, in small letters, is called an AWS secret key."""
    return (b"aws" in lower and _AWS_NAME.search(lower) is not None) or (
        b"access" in lower and _SECRET_KEY_NAME.search(lower) is not None
    )


def _secret_keys(text: bytes, runs: list[tuple[int, int]]) -> Iterator[Value]:
    done = 0
    for begin, end in runs:
        for rule in (_SECRET_KEY, _NAMED_SECRET_KEY):
            for match in rule.finditer(text, max(begin, done), end):
                line = text.rfind(b"\n", 0, match.start()) + 1
                name = text[max(line, match.start() - _NAME_BEFORE) : match.start()]
                if _names_secret_key(name.lower()) and _is_random(match[0]):
                    done = match.end()
                    yield *match.span(), "aws-key"


def _is_random(value: bytes) -> bool:
    """Whether it is no mask such as `ghp_xxxxxxxx`: those have hardly any different characters."""
    return len(set(value[-16:])) > 4
