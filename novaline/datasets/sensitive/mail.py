"""E-mail addresses, and passwords in URLs: what stands around an `@`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from novaline.datasets.sensitive.kinds import Kind
from novaline.datasets.sensitive.text import PADDING, flattened
from novaline.datasets.sensitive.tokens import Value

_BEFORE, _AFTER = 160, 256
_LABEL = rb"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(_LABEL + rb"(?:\." + _LABEL + rb"){0,8}\.([A-Za-z]{2,24})(?![A-Za-z0-9(\[@\-])")
_LOCAL_BACKWARDS = re.compile(rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-][A-Za-z0-9.!#$%&'*+/=?^_`{|}~\-]{0,63}")
_HOST = re.compile(rb"\[?[A-Za-z0-9][A-Za-z0-9.\-:\]]{1,252}")
_URL_BEFORE = re.compile(rb"[A-Za-z][A-Za-z0-9+.\-]{1,20}://[^\s/:@\"'<>{}$]{0,64}:([^\s/@\"'<>{}$*]{3,128})$")
_NO_PASSWORDS = frozenset({b"password", b"passwd", b"pass", b"pwd", b"secret", b"pw", b"port", b"token", b"changeme"})
# `logo@2x.png` and `x@y.shape` are no addresses, `git@github.com` is a host's, of all people.
_NO_DOMAINS = frozenset(
    b"png jpg jpeg gif svg webp pdf js ts css json py html htm xml yaml yml toml md txt sh jar exe dll so zip tar gz "
    b"shape dot transpose conj values reshape".split()
)
_NO_LOCALS = frozenset({b"git"})


def find(text: bytes, signs: list[int], kinds: frozenset[Kind]) -> Iterator[Value]:
    """The values around the `@` signs of a text."""
    for sign in signs:
        first = max(0, sign - _BEFORE)
        before = flattened(text[first:sign].rstrip(PADDING))
        after = flattened(text[sign + 1 : sign + _AFTER])
        if b"://" in before and "url-password" in kinds:
            url = _URL_BEFORE.search(before)
            host = _HOST.match(after)
            if url and host and url[1].lower() not in _NO_PASSWORDS and len(set(url[1])) > 2:
                yield first + url.start(), sign + 1 + host.end(), "url-password"
                continue
        if "email-address" not in kinds:
            continue
        domain = _DOMAIN.match(after)
        if domain is None or domain[1].lower() in _NO_DOMAINS:
            continue
        local = _local(before)
        if local and local not in _NO_LOCALS:
            yield first + len(before) - len(local), sign + 1 + domain.end(), "email-address"


def _local(before: bytes) -> bytes:
    """The part of an address before the `@`, from the text before it; empty when there is none."""
    match = _LOCAL_BACKWARDS.match(before[::-1])
    if match is None:
        return b""
    local = match[0][::-1]
    for mark in (b"=", b"/", b"|", b"?", b"&"):  # what stands before it in a URL or an assignment
        local = local.rpartition(mark)[2]
    local = local.lstrip(b".'`*{#")  # and marks around it
    return b"" if not local or b".." in local else local
