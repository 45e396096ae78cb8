"""No input gives the validator an exception: every line is accounted for, and the report stays small."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from planted import clean_files, defects

from novaline.datasets import validate as validation
from novaline.datasets.formats.catalogue import FORMATS
from novaline.datasets.validate import ModelFacts, Options, validate
from novaline.recipes.catalogue import catalogue

MODEL = ModelFacts.of(catalogue().model("nova-2-lite"))
LINES = [line for _, path, _ in clean_files() for line in path.read_bytes().splitlines()]
LINES += [case.line for case in defects()]
MOST_BYTES = 64 * 1024
ONE_TEMPORARY_FOLDER = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(params=["small", "large"], autouse=True)
def any_size(request, monkeypatch):
    """Files are read as small ones are, and as large ones are."""
    if request.param == "large":
        monkeypatch.setattr(validation, "_LARGE", 0)


def judged(tmp_path, name, data):
    """The report of a file with these bytes, which is checked to be small."""
    path = tmp_path / "rows.jsonl"
    path.write_bytes(data)
    report = validate([path], Options(format=name, model=MODEL))
    assert len(json.dumps(report.as_json())) <= MOST_BYTES
    assert report.rows <= data.count(b"\n") + 1
    return report


@st.composite
def damaged(draw):
    """Lines of the corpus, with bytes changed, cut, doubled or put in."""
    data = bytearray(b"\n".join(draw(st.lists(st.sampled_from(LINES), min_size=1, max_size=4))))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["change", "cut", "put", "double", "end"])):
            case "change":
                data[place : place + 1] = draw(st.binary(min_size=1, max_size=1))
            case "cut":
                del data[place : place + draw(st.integers(1, 30))]
            case "put":
                hostile = [
                    b"\0",
                    b"\xff",
                    b'"',
                    b"{",
                    b"]",
                    b"\\u0000",
                    b"NaN",
                    b"\n",
                    b"\r",
                    b"\xef\xbb\xbf",
                    b"1e999",
                ]
                data[place:place] = draw(st.sampled_from(hostile))
            case "double":
                data[place:place] = data[place : place + 50]
            case "end":
                del data[place:]
    return bytes(data)


@pytest.mark.parametrize("name", FORMATS)
@ONE_TEMPORARY_FOLDER
@given(data=damaged())
def test_damaged_rows_are_judged_without_an_exception(tmp_path, name, data):
    judged(tmp_path, name, data)


@pytest.mark.parametrize("name", FORMATS)
@ONE_TEMPORARY_FOLDER
@given(data=st.binary(max_size=300))
def test_any_bytes_are_judged_without_an_exception(tmp_path, name, data):
    judged(tmp_path, name, data)


@pytest.mark.parametrize("name", FORMATS)
@ONE_TEMPORARY_FOLDER
@given(data=st.data())
def test_a_row_with_any_value_in_any_place_is_judged_without_an_exception(tmp_path, name, data):
    row = json.loads(FORMATS[name].example)
    holder = row
    while True:  # down to some place
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = data.draw(st.sampled_from(keys))
        if isinstance(holder[key], dict | list) and holder[key] and data.draw(st.booleans()):
            holder = holder[key]
            continue
        holder[key] = data.draw(ANY_JSON)
        break
    judged(tmp_path, name, json.dumps(row).encode())


HOSTILE = {
    "deep lists": b"[" * 200_000,
    "deep objects": b'{"a":' * 100_000,
    "deep but whole": b'{"messages": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "deep where anything may stand": b'{"messages": [{"role": "user", "content": "q"}], "reference_answer": {"a": '
    + b"[" * 900
    + b"]" * 900
    + b"}}",
    "a deep tool call": b'{"messages": [{"role": "user", "content": [{"text": "q"}]}, {"role": "assistant", "content": '
    b'[{"toolUse": {"toolUseId": "t", "name": "n", "input": {"a": ' + b"[" * 900 + b"]" * 900 + b"}}}]}]}",
    "one huge line": b'{"text": "' + b"a" * 5_000_000 + b'"}',
    "a huge line without end": b'{"text": "' + b"a" * 5_000_000,
    "no line breaks": b"a" * 5_000_000,
    "only line breaks": b"\n" * 50_000,
    "binary": bytes(range(256)) * 2_000,
    "zeros": bytes(1_000_000),
    "a gzip file": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" + bytes(1_000),
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "UTF-16": '{"text": "a"}\n{"text": "b"}'.encode("utf-16"),
    "carriage returns": b'{"text": "a"}\r{"text": "b"}\r',
    "a number that is too large": b'{"text": 1e999}',
    "a number that is too large in a field of one's own": b'{"messages": [{"role": "user", "content": "q"}], '
    b'"reference_answer": "a", "own": 1e999}',
    "bytes that are no text in a field of one's own": b'{"messages": [{"role": "user", "content": "q"}], '
    b'"reference_answer": "a", "own": "\xff"}',
    "a thousand keys": b"{" + b",".join(b'"k%d": 1' % number for number in range(1_000)) + b"}",
    "a new field in every row": b"\n".join(b'{"k%d": 1}' % number for number in range(5_000)),
    "a new role in every row": b"\n".join(
        b'{"messages": [{"role": "r%d", "content": "q"}]}' % number for number in range(5_000)
    ),
    "lone surrogates": b'{"text": "\\ud800"}\n{"query": "\\udfff", "response": "a"}',
    "long hostile names": b'{"' + b"\\n\\u202e`" * 5_000 + b'": 1}',
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_files_are_judged_without_an_exception(tmp_path, name, what):
    judged(tmp_path, name, HOSTILE[what])


def test_an_empty_file_is_judged_without_an_exception(tmp_path):
    for name in FORMATS:
        assert [each.code for each in judged(tmp_path, name, b"").findings] == ["no-rows"]
