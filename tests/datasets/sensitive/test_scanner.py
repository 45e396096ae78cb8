"""What is found in a block, where, and what is shown of it.

Secrets are put together here, so that no scanner of this repository finds them.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novaline.datasets.sensitive import KINDS, PERSONAL, SECRETS, SensitiveScanner

EXAMPLES = Path(__file__).parents[3] / "examples"
RANDOM = "Ab3dE6gH9jKlMnOpQrStUvWxYz0123456789"
KEY_LINES = "\n".join(RANDOM + RANDOM[:28] for _ in range(4))
VALUES = [
    ("aws-key", "AKIA" + "IOSFODNN7EXAMPLE"),
    ("aws-key", "ABSK" + RANDOM * 3),
    ("private-key", f"-----BEGIN RSA PRIVATE KEY-----\n{KEY_LINES}\n-----END RSA PRIVATE KEY-----"),
    ("private-key", f"-----BEGIN OPENSSH PRIVATE KEY-----\n{KEY_LINES}"),
    ("token", "ghp_" + RANDOM),
    ("token", "eyJ" + "hbGciOiJIUzI1NiJ9.eyJ" + "zdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"),
    ("url-password", "postgres://admin:hunter22@db.internal:5432"),
    ("card-number", "4111 1111 1111 1111"),
    ("card-number", "4111111111111111"),
    ("card-number", "3782-822463-10005"),
    ("card-number", "5555\u00a05555\u00a05555\u00a04444"),
    ("iban", "GB29 NWBK 6016 1331 9268 19"),
    ("iban", "MT84MALT011000012345MTLCAST001S"),
    ("us-ssn", "536-22-1234"),
    ("phone-number", "+44 20 7946 0958"),
    ("phone-number", "+33 1 23 45 67 89"),
    ("phone-number", "+14155552671"),
    ("phone-number", "(415) 555-2671"),
    ("phone-number", "415.555.2671"),
    ("phone-number", "415\u2011555\u20112671"),
    ("phone-number", "0049 30 901820"),
    ("email-address", "jane.doe+news@mail.example.co.uk"),
    ("ip-address", "54.239.28.85"),
    ("ip-address", "2600:1f18:0:c000:6b7b:12aa:90c3:7f01"),
]
CLEAN = [
    "Order 20240115103000 of 2024-01-15T10:30:00.123456Z, 12,345,678.90 in all, item 978-3-16-148410-0.",
    "Version 10.0.19041.1 needs 1.2.3.4 or Chrome/114.0.0.0; section 3.14.15.92 says; https://shop.test/a-very-long-slug-here",
    "The server 192.168.1.1 at 127.0.0.1, netmask 255.255.255.0, route 54.239.0.0/16, MAC 00:1a:2b:3c:4d:5e.",
    "UUID 12345678-1234-5678-1234-567812345678, digest e3b0c44298fc1c149afbf4c8996fb92427ae41e4.",
    "4111 1111 1111 1112 and 0.4111111111111111 and GB29 NWBK 6016 1331 9268 18 and 000-12-3456.",
    "212 555 1234 5678 9012 are numbers; +100 000 000 people; 1600000000000 ms; 100-200-3000.",
    "git@github.com:owner/name.git has logo@2x.png; @app.route; a@b; x = w@y.shape(); user@localhost.",
    "Set ghp_" + "x" * 36 + " or https://user:password@host/ or postgres://${USER}:${PASSWORD}@host/.",
    "Der Schlüssel heißt „aws_secret_access_key“, 一二三四五六七八九十, ١٢٣٤٥٦٧٨٩٠١٢٣٤٥٦.",
]
NAMED = [
    ("aws-key", "aws_secret_access_key = ", "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY"),
    ("aws-key", '"SecretAccessKey": "', "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY"),
    ("us-ssn", "my SSN is ", "536221234"),
    ("us-ssn", "his social security number: ", "536 22 1234"),
    ("phone-number", "call me at ", "4155552671"),
]


def row(text, *, ascii_only=True):
    return json.dumps({"messages": [{"role": "user", "content": [{"text": text}]}]}, ensure_ascii=ascii_only).encode()


def scan(*rows, **options):
    return list(SensitiveScanner(**options).scan_block(b"".join(line + b"\n" for line in rows)))


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("lead", ["", "Dear all,\n", "It is '", 'say "', "my number: "])
@pytest.mark.parametrize(("kind", "value"), VALUES)
def test_a_value_is_found_with_its_kind_line_and_column_and_is_not_shown(kind, value, lead, ascii_only):
    line = row(f"{lead}{value}.\nThanks!", ascii_only=ascii_only)
    written = json.dumps(value, ensure_ascii=ascii_only).encode()[1:-1]

    (hit,) = scan(row("Hello."), line, row("Bye."))

    assert (hit.kind, hit.line_in_block, hit.column) == (kind, 2, line.index(written) + 1)
    assert hit.offset == len(row("Hello.")) + 1 + line.index(written)
    assert f"[{kind}]" in hit.excerpt
    assert value[4:] not in hit.excerpt
    assert len(hit.excerpt) <= 200


@pytest.mark.parametrize("text", CLEAN)
def test_what_only_looks_similar_is_left_alone(text):
    assert scan(row(text), row(text, ascii_only=False)) == []


@pytest.mark.parametrize(("kind", "name", "value"), NAMED)
def test_a_value_without_a_form_of_its_own_is_found_by_its_name(kind, name, value):
    assert [hit.kind for hit in scan(row(f"{name}{value}"))] == [kind]
    assert scan(row(f"the count is {value}")) == []


def test_a_name_in_another_line_names_nothing():
    _, _, value = NAMED[0]

    assert scan(row("aws_secret_access_key is a setting"), row(f"the checksum is {value}")) == []


def test_the_examples_of_this_repository_are_clean():
    files = sorted(EXAMPLES.rglob("*.jsonl"))

    assert files
    assert [hit for file in files for hit in scan(file.read_bytes())] == []


def test_an_excerpt_hides_the_other_values_of_the_line_as_well():
    line = row("Call +1 415 555 2671 or write to jane@corp.example; card 4111 1111 1111 1111.")

    hits = scan(line)

    assert [hit.kind for hit in hits] == ["phone-number", "email-address", "card-number"]
    for hit in hits:
        assert not any(value in hit.excerpt for value in ("2671", "jane", "1111"))


@given(st.lists(st.sampled_from(VALUES), max_size=4))
def test_a_line_can_be_shown_without_its_values(planted):
    line = row(" and then ".join(value for _, value in planted))

    shown = SensitiveScanner().hidden(line)

    assert shown == row(" and then ".join(f"[{kind}]" for kind, _ in planted))


def test_values_that_overlap_are_one_of_the_surer_kind():
    (hit,) = scan(row("https://jane:s3cr3t!@corp.example:8443/x"))

    assert hit.kind == "url-password"
    assert "corp" not in hit.excerpt


def test_only_the_wanted_kinds_are_looked_for():
    line = row("jane@corp.example, 4111 1111 1111 1111, 54.239.28.85, ghp_" + RANDOM)

    assert [hit.kind for hit in scan(line)] == ["email-address", "card-number", "ip-address", "token"]
    for kind in ("email-address", "card-number", "ip-address", "token"):
        assert [hit.kind for hit in scan(line, kinds=[kind])] == [kind]
    assert scan(line, kinds=[]) == []


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="unknown kinds: passport"):
        SensitiveScanner(kinds=["passport"])


def test_every_kind_is_a_secret_or_personal():
    assert set(KINDS) == SECRETS | PERSONAL
    assert not SECRETS & PERSONAL


def test_escapes_of_careful_encoders_hide_nothing():
    line = rb'{"text": "jane\u0040corp.example or \u002B44 20 7946 0958 or \u0022ghp_' + RANDOM.encode() + rb'\u0022"}'

    assert [(hit.kind, hit.column) for hit in scan(line)] == [
        ("email-address", line.index(b"jane") + 1),
        ("phone-number", line.index(b"44 20")),
        ("token", line.index(b"ghp_") + 1),
    ]


def test_places_are_right_in_a_block_of_many_pieces():
    filler, planted = row("word " * 200), row("write to jane@corp.example")
    lines = [planted if number % 97 == 5 else filler for number in range(2000)]

    hits = scan(*lines)

    assert [hit.line_in_block for hit in hits] == [number + 1 for number in range(2000) if number % 97 == 5]
    assert {hit.column for hit in hits} == {planted.index(b"jane") + 1}


def test_a_line_longer_than_a_piece_is_looked_at_as_a_whole():
    line = row("word " * 200_000 + "jane@corp.example" + " word" * 200_000)

    assert [(hit.kind, hit.column) for hit in scan(row("x"), line, row("y"))] == [
        ("email-address", line.index(b"jane") + 1)
    ]


def test_a_last_line_without_an_end_is_looked_at():
    assert [hit.kind for hit in SensitiveScanner().scan_block(b"\n\njane@corp.example")] == ["email-address"]


PARTS = st.sampled_from(
    [*(value for _, value in VALUES), "word", "\n", "\u00a0", "+", "@", "::", "-----BEGIN ", "\\", "é"]
)
ROWS = st.lists(st.lists(PARTS, max_size=6).map("".join).map(row), max_size=8)


@given(ROWS, st.integers(0, 8))
def test_a_file_gives_the_same_hits_however_it_is_cut(rows, cut):
    whole = [(hit.kind, hit.line_in_block, hit.column, hit.excerpt) for hit in scan(*rows)]
    first, second = scan(*rows[:cut]), scan(*rows[cut:])
    shift = len(rows[:cut])

    assert whole == [
        *((hit.kind, hit.line_in_block, hit.column, hit.excerpt) for hit in first),
        *((hit.kind, hit.line_in_block + shift, hit.column, hit.excerpt) for hit in second),
    ]


BYTES = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from([value.encode() for _, value in VALUES]),
        st.sampled_from(
            [b"\\u00", b"\\", b"@", b"1" * 40, b"A" * 40, b":", b"::", b"-----BEGIN PRIVATE KEY-----", b"://"]
        ),
    ),
    max_size=30,
).map(b"".join)


@given(BYTES)
def test_any_bytes_are_read_without_complaint_and_places_agree(block):
    for hit in SensitiveScanner().scan_block(block):
        start = block.rfind(b"\n", 0, hit.offset) + 1
        assert (hit.line_in_block, hit.column) == (block.count(b"\n", 0, hit.offset) + 1, hit.offset - start + 1)
        assert len(hit.excerpt) <= 200


@pytest.mark.parametrize(
    "part",
    [
        b"1",
        b"1 ",
        b"+1",
        b"a@a.",
        b"@",
        b"A",
        b"::",
        b"a://a:",
        b"1.1.",
        b"-----BEGIN PRIVATE KEY-----" + b"A" * 50,
        b"GB29 ",
    ],
)
def test_hostile_repetition_neither_hangs_nor_fails(part):
    block = (part * (100_000 // len(part)) + b"{") * 2

    assert len(list(SensitiveScanner().scan_block(block))) < len(block)


def test_the_number_plans_are_loaded_only_for_a_candidate():
    code = (
        "import sys; from novaline.datasets.sensitive import SensitiveScanner;"
        'list(SensitiveScanner().scan_block(b\'{"text": "in 2024 it was 10:30"}\\n\'));'
        "sys.exit('phonenumbers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
