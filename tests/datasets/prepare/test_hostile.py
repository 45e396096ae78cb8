"""Whatever stands in a source, what a person gets is rows or findings: never another exception."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from novaline.datasets.formats.catalogue import FORMATS
from novaline.datasets.validate import Options, validate
from novaline.findings import NovalineError
from tests.datasets.prepare.preparing import run

KEYS = [
    *("messages", "role", "content", "from", "value", "tool_calls", "function", "name", "arguments", "id", "type"),
    *("text", "image_url", "url", "tools", "toolSpec", "inputSchema", "json", "parameters", "properties", "items"),
    *("toolUse", "toolUseId", "input", "toolResult", "reasoningContent", "reasoningText", "system", "toolConfig"),
    *("prompt", "answer", "other", "chosen", "rejected", "images", "data", "metadata", "task", "info", "reasoning"),
    *("reasoning_content", "function_call", "tool_call_id", "parameters", "description"),
]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", " ", "user", "assistant", "system", "tool", "text", "image_url", "function", "s3://b/k.png"])
    | st.sampled_from(["[", "{}", "[1]", '{"a": 1}', "<TOOLCALL>[1]</TOOLCALL>", "<tool_call>{", "User: x", "x", "\0"])
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=20,
)
CALL = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"n": 1}'}}
TURNS = [
    {"role": "system", "content": "Be brief."},
    {
        "role": "user",
        "content": [{"type": "text", "text": "Where?"}, {"type": "image_url", "image_url": {"url": "s3://b/k"}}],
    },
    {"role": "assistant", "content": None, "tool_calls": [CALL], "reasoning_content": "Look."},
    {"role": "tool", "tool_call_id": "c1", "content": "there"},
    {"role": "assistant", "content": '<TOOLCALL>[{"name": "find", "arguments": {}}]</TOOLCALL>'},
]
CONVERSE = [
    {"role": "user", "content": [{"text": "Where?"}]},
    {"role": "assistant", "content": [{"toolUse": {"toolUseId": "c1", "name": "find", "input": {}}}]},
    {"role": "user", "content": [{"toolResult": {"toolUseId": "c1", "content": [{"json": {}}, {"text": "x"}]}}]},
    {"role": "assistant", "content": [{"reasoningContent": {"reasoningText": {"text": "Hm."}}}, {"text": "There."}]},
]
TOOL = {"name": "find", "description": "Finds.", "parameters": {"type": "dict", "properties": {"n": {"type": "float"}}}}
SPEC = {"toolSpec": {"name": "find", "inputSchema": {"json": {"type": "object", "properties": {}}}}}
SOUND = [
    {"messages": TURNS, "tools": [{"type": "function", "function": TOOL}], "id": "a", "level": 3},
    {"messages": CONVERSE, "system": [{"text": "Be brief."}], "toolConfig": {"tools": [SPEC]}},
    {"prompt": "Where?", "chosen": "There.", "rejected": [{"role": "assistant", "content": "No."}], "tools": [TOOL]},
    {
        "input": {"messages": TURNS[:2], "tools": [TOOL]},
        "preferred_output": TURNS[4:],
        "non_preferred_output": CONVERSE[3:],
    },
    {
        "prompt": "Where?",
        "answer": "There.",
        "other": "No.",
        "reasoning": "Hm.",
        "images": ["data:image/png;base64,AA"],
    },
]


def broken(value, draw, chance):
    """A value with some of its parts, at any depth, replaced by anything."""
    if draw(st.integers(0, 99)) < chance:
        return draw(VALUES)
    if isinstance(value, dict):
        return {key: broken(each, draw, chance) for key, each in value.items()}
    return [broken(each, draw, chance) for each in value] if isinstance(value, list) else value


@st.composite
def rows(draw):
    """A few rows of one shape, some of them broken somewhere."""
    sound = draw(st.sampled_from(SOUND))
    return [broken(sound, draw, draw(st.sampled_from([0, 3, 10]))) for _ in range(draw(st.integers(1, 4)))]


@given(
    found=rows(), to=st.sampled_from(sorted(FORMATS)), shape=st.sampled_from([None, "table", "pairs", "openai-chat"])
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=500)
def test_any_json_gives_rows_or_findings(tmp_path, found, to, shape):
    source = tmp_path / "source.json"
    source.write_text(json.dumps(found))
    mapping = (
        {} if shape != "table" else {"prompt": "prompt", "answer": "answer"} if to != "cpt" else {"text": "prompt"}
    )
    assert outcome(source, to, tmp_path / "out", shape=shape, mapping=mapping)


def outcome(source, to, output, **options):
    """The codes of what is refused, or `written`: then validate accepts it."""
    try:
        run(source, to, output, skip_bad=True, overwrite=True, **options)
    except NovalineError as refusal:
        return [finding.code for finding in refusal.findings]
    report = validate(sorted(output.glob("*.jsonl")), Options(format=to, evaluation=True))
    errors = {finding.code for finding in report.findings if finding.severity == "error"}
    assert errors <= {"repeated-id"}, "ids that the source repeats are the source's"
    return ["written"]


@given(
    data=st.binary(max_size=200),
    end=st.sampled_from([".json", ".jsonl", ".csv", ".tsv", ".csv.gz", ".jsonl.zst", ".parquet", ".feather"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_any_bytes_give_rows_or_findings(tmp_path, data, end):
    source = tmp_path / f"source{end}"
    source.write_bytes(data)
    assert outcome(source, "sft", tmp_path / "out")
