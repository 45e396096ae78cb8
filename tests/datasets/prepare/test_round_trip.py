"""What prepare writes, validate accepts: every format, from every shape that can become it."""

import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from novaline.datasets.formats.catalogue import FORMATS
from novaline.datasets.prepare.roles import FORMAT_ROLES
from novaline.datasets.validate import Options, validate
from novaline.findings import NovalineError
from tests.datasets.prepare.preparing import run, write_rows

TOOL = {
    "name": "find",
    "description": "Finds an order.",
    "parameters": {"type": "object", "properties": {"n": {"type": "integer"}}},
}


def complaints(paths, to, **options):
    report = validate(list(paths), Options(format=to, **options))
    return [finding.code for finding in report.findings]


def table(number):
    return {
        "prompt": f"Where is the order number {number}?",
        "answer": f"It is on its way, {number}.",
        "other": f"I know nothing of {number}.",
        "text": f"A text that is number {number}.",
        "label": f"label {number % 7}",
    }


def chat(number):
    """A chat that calls a tool, for formats that hold one."""
    call = {
        "id": f"c{number}",
        "type": "function",
        "function": {"name": "find", "arguments": json.dumps({"n": number})},
    }
    return {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": f"Where is order {number}?"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": f"c{number}", "content": "on its way"},
            {"role": "assistant", "content": f"It is on its way, {number}."},
        ],
        "tools": [{"type": "function", "function": TOOL}],
    }


def pair(number):
    row = chat(number)
    return {
        **row,
        "messages": row["messages"][:2],
        "chosen": f"On its way, {number}.",
        "rejected": f"No idea, {number}.",
    }


def mapping(to):
    roles = FORMAT_ROLES[to]
    return {role: role for role in (*roles.needed, "answer") if role in roles.roles}


def test_every_format_has_roles_and_rules():
    assert FORMAT_ROLES.keys() == FORMATS.keys()


@pytest.mark.parametrize("to", sorted(FORMATS))
def test_a_table_is_accepted_without_a_finding(tmp_path, to):
    rows = [table(number) for number in range(300)]
    system = "Be brief." if FORMAT_ROLES[to].system else None
    made = run(write_rows(tmp_path / "s.jsonl", rows), to, tmp_path / "out", mapping=mapping(to), system=system)
    assert made.manifest.rows == 300
    assert complaints(made.paths, to) == []


@pytest.mark.parametrize("to", ["sft", "rft", "multi-turn-rft", "distillation"])
def test_chats_with_tools_are_accepted_without_a_finding(tmp_path, to):
    made = run(write_rows(tmp_path / "s.jsonl", map(chat, range(300))), to, tmp_path / "out")
    assert made.manifest.rows == 300
    assert complaints(made.paths, to) == []


def test_pairs_are_accepted_without_a_finding(tmp_path):
    made = run(write_rows(tmp_path / "s.jsonl", map(pair, range(1200))), "dpo", tmp_path / "out")
    assert complaints(made.paths, "dpo") == []


def test_splits_are_found_to_share_nothing(tmp_path):
    rows = [
        table(number % 400) | {"prompt": f"{'where' if number % 2 else 'Where'} is {number % 400}?"}
        for number in range(800)
    ]
    source = write_rows(tmp_path / "s.jsonl", rows)
    made = run(source, "sft", tmp_path / "out", split="60/20/20", mapping=mapping("sft"))
    train, *held_out = made.paths
    report = validate([train], Options(format="sft"), held_out=held_out)
    assert "held-out-row" not in [finding.code for finding in report.findings]


def test_a_parquet_of_chats_is_accepted(tmp_path):
    pq.write_table(pa.Table.from_pylist([chat(number) for number in range(300)]), tmp_path / "s.parquet")
    made = run(tmp_path / "s.parquet", "sft", tmp_path / "out")
    assert complaints(made.paths, "sft") == []


_ANY = st.text(max_size=30) | st.sampled_from(["a", "User: b", "[EOS]", "\0", "\ufeff"])


@given(rows=st.lists(st.tuples(_ANY, _ANY, _ANY), min_size=1, max_size=6), to=st.sampled_from(sorted(FORMATS)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
def test_whatever_stands_in_a_table_what_is_written_has_no_error(tmp_path, rows, to):
    source, output = tmp_path / "s.json", tmp_path / "out.jsonl"
    keys = ["text", "answer", "other"] if to == "cpt" else ["prompt", "answer", "other"]
    source.write_text(json.dumps([dict(zip(keys, row, strict=True)) for row in rows]))
    if written(source, to, output):
        report = validate([output], Options(format=to, evaluation=True))
        assert [finding for finding in report.findings if finding.severity == "error"] == []


def written(source, to, output):
    """Whether anything could be written of what stands in the source."""
    try:
        run(source, to, output, mapping=mapping(to), skip_bad=True, overwrite=True)
    except NovalineError as refusal:
        if refusal.findings[-1].code != "no-rows":
            raise
        return False
    return True


def test_a_csv_with_every_awkward_character_is_accepted(tmp_path):
    rows = [("prompt", "answer")]
    rows += [
        (f'{number} "quoted", and\nbroken\tlines \u2028 \u00e4\U0001f600 \\ /', f"{number};'") for number in range(300)
    ]
    with (tmp_path / "s.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    made = run(tmp_path / "s.csv", "sft", tmp_path / "out")
    assert made.manifest.rows == 300
    assert complaints(made.paths, "sft") == []
