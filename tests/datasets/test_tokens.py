"""Validating and measuring a dataset give the same numbers of tokens, whichever way a row is read."""

import json

import msgspec
import pytest
from dataset_rows import row, turns
from planted import clean_files

from novaline.datasets import validate as validation
from novaline.datasets.formats.catalogue import FORMATS
from novaline.datasets.stats.measure import measure
from novaline.datasets.validate import Options, validate

FILES = clean_files()
TOOLS = {"tools": [{"toolSpec": {"name": "f", "description": "d", "inputSchema": {"json": {"type": "object"}}}}]}
ODD = {
    "sft": [
        {
            "messages": [*turns("where", "here"), *turns("und jetzt, größer?", "there")],
            "system": [{"text": "be brief"}],
        },
        {"messages": turns("what", "this"), "toolConfig": TOOLS},
        {"messages": turns("", "this")},
    ],
    "dpo": [row("dpo", "question")],
    "rft": [
        {"messages": [{"role": "user", "content": "q"}], "reference_answer": {"much": ["more", "text"]}},
        {"messages": [{"role": "user", "content": "q"}], "reference_answer": "a", "tools": [{"type": "function"}]},
    ],
    "llm_judge": [{"prompt": "é", "response_A": "a", "response_B": "a much longer answer"}],
    "multi-turn-rft": [{"id": "1", "metadata": {"prompt": "p", "answer": "an answer", "info": {"x": "y" * 99}}}],
}


def test_there_are_files_of_every_format():
    assert {name for name, *_ in FILES} | {"distillation"} == set(FORMATS)


@pytest.fixture(params=["small", "large"], autouse=True)
def any_size(request, monkeypatch):
    if request.param == "large":
        monkeypatch.setattr(validation, "_LARGE", 0)


@pytest.mark.parametrize(("name", "path"), [each[:2] for each in FILES], ids=str)
def test_the_sums_and_the_longest_row_are_the_same(name, path):
    report = validate([path], Options(format=name))
    found = measure(path, FORMATS[name]).tokens.row
    assert (report.tokens, report.longest_row) == (found.total, found.largest)


@pytest.mark.parametrize("name", sorted(ODD))
def test_rows_of_any_shape_count_alike(tmp_path, name):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"".join(json.dumps(each, ensure_ascii=False).encode() + b"\n" for each in ODD[name]))
    report = validate([path], Options(format=name))
    found = measure(path, FORMATS[name]).tokens.row
    assert report.tokens > 0
    assert (report.tokens, report.longest_row) == (found.total, found.largest)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_row_is_as_long_in_a_fast_shape_as_in_the_full_one(name):
    spec = FORMATS[name]
    lines = [json.dumps(each).encode() for each in ODD.get(name, [])] + [spec.example.encode()]
    fast = 0
    for line in lines:
        view = spec.view(msgspec.json.decode(line, type=spec.full))
        for shape in spec.fast:
            try:
                columns = shape.columns([msgspec.json.decode(line, type=shape.type)])
            except msgspec.ValidationError:
                continue
            assert columns.sizes() == [view.size(line)]
            fast += 1
    assert fast
