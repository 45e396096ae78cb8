"""YAML is read with YAML 1.2 rules and remembers where everything was written."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novaline.customization.yaml_source import load_yaml, parse_yaml
from novaline.findings import NovalineError, UsageProblem


def refusal(text):
    with pytest.raises(NovalineError) as caught:
        parse_yaml(text, file="f.yaml")
    return caught.value.findings


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-5", 1e-5), ("5E3", 5000.0), ("1.5", 1.5), (".5", 0.5), ("-3", -3), ("+3", 3), ("0o17", 15), ("0x1F", 31),
        ("012", "012"), ("on", "on"), ("yes", "yes"), ("true", True), ("FALSE", False), ("null", None), ("~", None),
        ("'null'", "null"), ('"1"', "1"), ("2026-01-01", "2026-01-01"), ("1_000", "1_000"), ("12:30:45", "12:30:45"),
        ("0", 0), ("000000000000", "000000000000"), ("-.inf", float("-inf")),
    ],
)  # fmt: skip
def test_scalars_follow_yaml_1_2(text, value):
    read = parse_yaml(f"key: {text}\n", file="f.yaml").data["key"]
    assert (type(read), read) == (type(value), value)


def test_values_keys_and_missing_keys_are_located():
    document = parse_yaml("a: 1\nb:\n  - {c: 2, d: x}\n", file="f.yaml")
    assert document.locate(("b", 0, "d")) == (3, 15, "  - {c: 2, d: x}")
    assert document.locate(("b", 0, "d"), key=True) == (3, 12, "  - {c: 2, d: x}")
    assert document.locate(("b", 0, "missing"))[:2] == (3, 5)
    assert document.locate(("a", "deeper"))[:2] == (1, 1)
    assert document.locate(("nothing",))[:2] == (1, 1)


def test_every_duplicate_key_is_refused_with_the_line_of_the_first():
    first, second = refusal("a: 1\nb: {c: 1, c: 2}\na: 2\n")
    assert (first.code, first.line, first.column) == ("duplicate-key", 2, 11)
    assert (second.line, "line 1" in second.message) == (3, True)


@pytest.mark.parametrize(
    ("text", "line"),
    [("a: [1\nb: 2\n", 2), ("a: b\n c: d\n", 2), ("a: 'x\n", 1), ("a: @x\n", 1), ("a:\n\t- 1\n", 2), ("a: {", 1)],
)
def test_broken_yaml_is_refused_with_its_place(text, line):
    (finding,) = refusal(text)
    assert (finding.code, finding.line) == ("yaml-syntax", line)
    assert finding.column
    assert finding.hint


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: \x01\n", "yaml-syntax"),
        ("? [1]\n: 2\n", "yaml-key"),
        ("a: !x 1\n", "yaml-tag"),
        ("a: &a {b: 1}\nc: {<<: *a}\n", "yaml-merge"),
        ("a: &a {<<: *a}\n", "yaml-syntax"),
        ("a: &b [*b]\n", "yaml-syntax"),
    ],
)
def test_what_yaml_allows_and_a_configuration_has_no_use_for_is_refused(text, code):
    assert [finding.code for finding in refusal(text)] == [code]


def test_deep_nesting_and_expanding_aliases_are_refused_without_a_traceback():
    assert refusal("[" * 5000)[0].code == "yaml-syntax"
    bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdef", "bcdefg", strict=True)
    )
    assert "aliases" in refusal(bomb)[0].message
    merging = "a: &a {x: 1}\n" + "".join(
        f"{name}: &{name} {{<<: [{','.join([f'*{before}'] * 10)}]}}\n"
        for before, name in zip("abcdefg", "bcdefgh", strict=True)
    )
    assert "aliases" in refusal(merging)[0].message


@pytest.mark.parametrize("number", ["9" * 5000, str(2**63), "0x" + "f" * 16])
def test_a_whole_number_that_64_bits_do_not_hold_is_refused(number):
    (finding,) = refusal(f"a: {number}\n")
    assert finding.code == "yaml-number"
    assert parse_yaml(f"a: {2**63 - 1}\n", file="f.yaml").data == {"a": 2**63 - 1}


@pytest.mark.parametrize(
    ("text", "data", "code"),
    [
        ("a: 1\na: 2\nb: 3\n", {"a": 1, "b": 3}, "duplicate-key"),
        ("a: !x 1e-5\nb: 3\n", {"a": 1e-5, "b": 3}, "yaml-tag"),
        ("a: !x '1'\nb: 3\n", {"a": "1", "b": 3}, "yaml-tag"),
        (f"a: {'9' * 40}\nb: 3\n", {"a": None, "b": 3}, "yaml-number"),
        ("[a]: 1\nb: 3\n", {"b": 3}, "yaml-key"),
        ("a: &a {x: 1, y: 1}\nb: {<<: *a, y: 2}\n", {"a": {"x": 1, "y": 1}, "b": {"y": 2, "x": 1}}, "yaml-merge"),
        ("a: &a {x: 1}\nb: {<<: [*a, {y: 2}]}\n", {"a": {"x": 1}, "b": {"x": 1, "y": 2}}, "yaml-merge"),
        ("a: {<<: 3, x: 1}\n", {"a": {"x": 1}}, "yaml-merge"),
        ("a: &a {x: !x 1}\nb: *a\n", {"a": {"x": 1}, "b": {"x": 1}}, "yaml-tag"),
    ],
)
def test_a_mistake_that_leaves_the_rest_readable_can_be_kept_beside_it(text, data, code):
    document = parse_yaml(text, file="f.yaml", strict=False)
    assert document.data == data
    assert [finding.code for finding in document.findings] == [code]
    assert document.findings == refusal(text)


def test_what_a_merge_key_brings_is_found_at_the_merge_key():
    document = parse_yaml("a: &a {x: {z: 1}}\nb: {y: 2, <<: *a}\n", file="f.yaml", strict=False)
    assert document.locate(("b", "x", "z"))[:2] == document.locate(("b", "x"), key=True)[:2] == (2, 11)
    assert document.locate(("a", "x", "z"))[:2] == (1, 15)
    assert document.merged == {("b", "x"), ("b", "x", "z")}


def test_a_key_that_is_written_in_quotes_is_no_merge_key():
    assert parse_yaml('"<<": 1\n', file="f.yaml").data == {"<<": 1}


@given(st.text())
def test_any_text_is_read_or_refused_with_findings(text):
    with suppress(NovalineError):
        parse_yaml(text, file="f.yaml")


def test_a_missing_file_is_wrong_usage(tmp_path):
    with pytest.raises(UsageProblem, match=r"no file .*nope\.yaml"):
        load_yaml(tmp_path / "nope.yaml")
    with pytest.raises(UsageProblem, match="is a folder"):
        load_yaml(tmp_path)


def test_a_wrong_path_is_answered_with_the_file_that_was_meant(tmp_path):
    (tmp_path / "customization.yaml").write_text("a: 1\n", encoding="utf-8")
    for path in (tmp_path / "customisation.yaml", tmp_path):
        with pytest.raises(UsageProblem) as caught:
            load_yaml(path)
        assert caught.value.findings[0].hint == f"did you mean {tmp_path / 'customization.yaml'}?"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a:\n\tb: 1\n", "a tab stands where the line is indented"),
        ("a: [1, 2\nb: 1\n", "in the list that begins with [ on line 1, a comma or the closing ] is missing"),
        ("a: {b: 1\n", "in the mapping that begins with { on line 1, a comma or the closing } is missing"),
        ('a: "x\n', "in the quoted text that begins on line 1, its closing quote is missing"),
        ("a: b: c\n", "a colon stands where no key can be; put the text in quotes"),
        ("a: @x\n", "no value begins with this character; put the text in quotes"),
        ("a: 1\n---\nb: 2\n", "a second document begins here; a configuration is one"),
        ("a:\n  b: 1\n c: 2\n", "in the mapping that begins on line 1, this is not another `key: value`"),
    ],
)
def test_a_mistake_in_the_syntax_is_told_without_a_word_of_the_parser(text, expected):
    assert [finding.message for finding in refusal(text)] == [f"this is not YAML: {expected}"]


def test_bytes_that_are_not_utf_8_are_located(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(NovalineError) as caught:
        load_yaml(path)
    (finding,) = caught.value.findings
    assert (finding.code, finding.line, finding.column) == ("not-utf-8", 2, 4)


def test_a_file_that_is_no_configuration_by_its_size_is_refused(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_bytes(b"#" * 1_000_001)
    with pytest.raises(NovalineError, match="more than 1,000,000 bytes"):
        load_yaml(path)


def test_a_byte_order_mark_does_not_matter(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert load_yaml(path).data == {"a": 1}
