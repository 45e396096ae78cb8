"""Rows whose form nobody checks are still read to the end, counted, and JSON objects; and media are noticed."""

import json

import pytest

from novaline.datasets.scan import scan
from novaline.recipes.catalogue import catalogue

LITE, MICRO = (catalogue().model(name) for name in ("nova-lite", "nova-micro"))


def found(tmp_path, text, kind="rows", model=MICRO):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return scan(path, kind=kind, model=model)


def test_any_object_is_a_row(tmp_path):
    result = found(tmp_path, '{"text": "User: hi"}\n{}\n{"a": {"b": [1, null]}}\n')
    assert (result.dataset.rows, result.findings, result.media, result.prompts) == (3, (), frozenset(), frozenset())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[1]\n{}\n", "not-lines"),
        ('{}\n"text"\n', "wrong-shape"),
        ("{}\n{1: 2}\n", "unreadable-json"),
        ("{}\n\n", "blank-line"),
        ('{"a": 1}\n{"a": 1}\n', "duplicate-row"),
        ("", "no-rows"),
        (b'{"text": "\xff"}\n', "not-utf-8"),
    ],
)
def test_what_is_no_row_is_told_as_for_other_rows(tmp_path, text, code):
    assert [finding.code for finding in found(tmp_path, text).findings] == [code]


def test_media_of_conversations_and_questions_are_noticed(tmp_path):
    picture = {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://b/k", "bucketOwner": "111111111111"}}}}
    turns = [
        {"role": "user", "content": [{"text": "?"}, picture]},
        {"role": "assistant", "content": [{"text": "!"}]},
    ]
    assert found(tmp_path, json.dumps({"messages": turns}) + "\n", "sft", LITE).media == {"image"}
    question = {"query": "?", "response": "!", "images": [{"data": "data:image/png;base64,AA"}]}
    assert found(tmp_path, json.dumps(question) + "\n", "gen_qa", LITE).media == {"image"}
    assert found(tmp_path, json.dumps({"query": "?", "response": "!"}) + "\n", "gen_qa", LITE).media == frozenset()
