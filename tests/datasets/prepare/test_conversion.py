"""Rows of every shape become rows of every format that can hold them, and pass the format's rules."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novaline.datasets.flaws import Flaw
from novaline.datasets.formats.catalogue import FORMATS
from novaline.datasets.formats.reserved import RESERVED, reserved_flaws
from novaline.datasets.prepare.converter import Converter
from novaline.datasets.prepare.plain import has_reserved
from novaline.datasets.prepare.problems import RowLedger
from novaline.datasets.readers.batches import RecordBatch
from novaline.findings import NovalineError
from tests.datasets.prepare.preparing import converted, read_rows, refused, run

TABLE = [{"prompt": "Where is it?", "answer": "On its way.", "other": "No idea.", "text": "A text."}]
SHARED = {"mapping": {"prompt": "prompt", "answer": "answer"}}
PAIRS = {"mapping": {"prompt": "prompt", "answer": "answer", "other": "other"}}
USER, ASSISTANT = {"role": "user", "content": "Weather in Rome?"}, {"role": "assistant", "content": "Sunny."}
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}}
BROKEN_CALL = {"role": "assistant", "tool_calls": [{"function": {"name": "weather", "arguments": "{"}}]}
SAID = [
    {"role": "system", "content": "Be brief."},
    USER,
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
    ASSISTANT,
]


def text(words):
    return [{"text": words}]


# ---- tables ------------------------------------------------------------------------------------------------------

ASKED = {"role": "user", "content": text("Where is it?")}
VERSION = {"schemaVersion": "bedrock-conversation-2024"}


@pytest.mark.parametrize(
    ("to", "options", "row"),
    [
        ("sft", SHARED, {**VERSION, "messages": [ASKED, {"role": "assistant", "content": text("On its way.")}]}),
        (
            "dpo",
            PAIRS,
            {
                **VERSION,
                "messages": [
                    ASKED,
                    {
                        "role": "assistant",
                        "candidates": [
                            {"content": text("On its way."), "preferenceLabel": "preferred"},
                            {"content": text("No idea."), "preferenceLabel": "non-preferred"},
                        ],
                    },
                ],
            },
        ),
        (
            "rft",
            SHARED,
            {"messages": [{"role": "user", "content": "Where is it?"}], "reference_answer": "On its way."},
        ),
        ("cpt", {"mapping": {"text": "text"}}, {"text": "A text."}),
        ("distillation", {"mapping": {"prompt": "prompt"}, "shape": "table"}, None),
        ("gen_qa", SHARED, {"query": "Where is it?", "response": "On its way."}),
        ("llm_judge", PAIRS, {"prompt": "Where is it?", "response_A": "On its way.", "response_B": "No idea."}),
        ("rubric_llm_judge", PAIRS, {"prompt": "Where is it?", "response_A": "On its way.", "response_B": "No idea."}),
    ],
)
def test_a_table_becomes_rows_of_every_format(tmp_path, to, options, row):
    found = converted(tmp_path, TABLE, to, **options)
    assert found == [row] if row else found[0]["messages"][0] == ASKED


def test_a_row_of_multi_turn_rft_has_an_id_that_stays(tmp_path):
    one = converted(tmp_path, TABLE, "multi-turn-rft", **SHARED)
    more = converted(tmp_path, [{"id": None, **TABLE[0]}, TABLE[0]], "multi-turn-rft", **SHARED)
    assert one == more[:1]
    assert more[0]["id"] != more[1]["id"]
    assert one[0]["metadata"] == {"prompt": "Where is it?", "answer": "On its way."}
    assert len(one[0]["id"]) == 16
    named = converted(tmp_path, [{"id": 7, **TABLE[0]}], "multi-turn-rft", mapping={**SHARED["mapping"], "id": "id"})
    assert named[0]["id"] == "7"


@pytest.mark.parametrize("to", ["sft", "dpo", "rft", "multi-turn-rft", "distillation", "gen_qa"])
def test_a_system_prompt_is_put_where_the_format_has_it(tmp_path, to):
    (row,) = converted(tmp_path, TABLE, to, system="Be brief.", **(PAIRS if to == "dpo" else SHARED))
    assert "Be brief." in json.dumps(row)


def test_numbers_and_truth_values_become_text(tmp_path):
    rows = [{"prompt": "2 + 2", "answer": 4}, {"prompt": "2 = 2", "answer": True}, {"prompt": 3.5, "answer": "x"}]
    found = converted(tmp_path, rows, "gen_qa")
    assert [(row["query"], row["response"]) for row in found] == [("2 + 2", "4"), ("2 = 2", "true"), ("3.5", "x")]


def test_own_fields_of_rft_reach_the_reward_function(tmp_path):
    rows = [{"question": "2 + 2", "solution": {"value": 4}, "level": 3}]
    mapping = {"prompt": "question", "answer": "solution", "difficulty": "level"}
    (row,) = converted(tmp_path, rows, "rft", mapping=mapping)
    assert (row["reference_answer"], row["difficulty"]) == ({"value": 4}, 3)


def test_the_nan_of_a_table_is_nothing_and_no_label(tmp_path):
    table = pa.table({"prompt": ["a", "b"], "answer": [1.5, float("nan")], "level": [float("nan"), 2.0]})
    pq.write_table(table, tmp_path / "source.parquet")
    with pytest.raises(NovalineError, match="the answer is empty") as problem:
        run(tmp_path / "source.parquet", "sft", tmp_path / "out")
    assert [finding.code for finding in problem.value.findings] == ["empty-answer"]
    mapping = {"prompt": "prompt", "level": "level"}
    run(tmp_path / "source.parquet", "rft", tmp_path / "out.jsonl", mapping=mapping)
    asked = [{"role": "user", "content": each} for each in ("a", "b")]
    assert read_rows(tmp_path / "out.jsonl") == [
        {"messages": [asked[0]], "reference_answer": "1.5"},
        {"messages": [asked[1]], "level": 2.0},
    ]


def test_an_object_where_a_prompt_belongs_is_told_as_such(tmp_path):
    assert refused(tmp_path, [{"prompt": {"x": 1}, "answer": "a"}], "sft") == ["prompt-no-text"]


@pytest.mark.parametrize("value", [float("inf"), [1.0, float("nan")], {"x": {"y": float("-inf")}}])
def test_a_number_that_json_cannot_hold_is_no_null(tmp_path, value):
    pq.write_table(pa.table({"prompt": ["a"], "level": [value]}), tmp_path / "source.parquet")
    with pytest.raises(NovalineError, match="the level is or holds NaN or Infinity") as problem:
        run(tmp_path / "source.parquet", "rft", tmp_path / "out", mapping={"prompt": "prompt", "level": "level"})
    assert [finding.code for finding in problem.value.findings] == ["not-a-number"]


def test_columns_are_found_along_paths_and_in_lists(tmp_path):
    rows = [{"q": {"text": "Hi"}, "turns": ["a", "b"]}]
    (row,) = converted(tmp_path, rows, "gen_qa", mapping={"prompt": "q.text", "answer": "turns.1"})
    assert row == {"query": "Hi", "response": "b"}


def test_reasoning_stands_before_the_answer(tmp_path):
    rows = [{"prompt": "2 + 2", "answer": "4", "reasoning": "Count."}]
    (row,) = converted(tmp_path, rows, "sft")
    assert row["messages"][1]["content"] == [{"reasoningContent": {"reasoningText": {"text": "Count."}}}, *text("4")]


def test_evaluation_rows_keep_pictures_and_metadata(tmp_path):
    rows = [
        {"prompt": "What?", "answer": "A cat", "images": "data:image/png;base64,iVBORw0KGgo=", "metadata": {"a": 1}}
    ]
    (row,) = converted(tmp_path, rows, "gen_qa")
    assert row["images"] == [{"data": rows[0]["images"]}]
    assert row["metadata"] == '{"a": 1}'


# ---- chats -------------------------------------------------------------------------------------------------------

CONVERSE = {
    **VERSION,
    "system": text("Be brief."),
    "toolConfig": {
        "tools": [
            {
                "toolSpec": {
                    "name": "weather",
                    "description": "Tells the weather.",
                    "inputSchema": {"json": WEATHER["function"]["parameters"]},
                }
            }
        ]
    },
    "messages": [
        {"role": "user", "content": text("Weather in Rome?")},
        {
            "role": "assistant",
            "content": [{"toolUse": {"toolUseId": "c1", "name": "weather", "input": {"city": "Rome"}}}],
        },
        {"role": "user", "content": [{"toolResult": {"toolUseId": "c1", "content": text("sunny")}}]},
        {"role": "assistant", "content": text("Sunny.")},
    ],
}


def test_an_openai_chat_with_tools_becomes_a_converse_row(tmp_path):
    assert converted(tmp_path, [{"messages": SAID, "tools": [WEATHER]}], "sft") == [CONVERSE]


def test_a_chat_in_a_csv_is_json_text(tmp_path):
    rows = [{"messages": json.dumps(SAID), "tools": json.dumps([json.dumps(WEATHER)])}]
    assert converted(tmp_path, rows, "sft") == [CONVERSE]


def test_a_chat_from_a_table_may_hold_nulls_for_what_is_not_there(tmp_path):
    blank = {"tool_calls": None, "tool_call_id": None, "name": None, "function_call": None}
    assert converted(tmp_path, [{"messages": [{**blank, **said} for said in SAID], "tools": [WEATHER]}], "sft") == [
        CONVERSE
    ]


def test_a_converse_row_stays_what_it_is_and_turns_into_other_formats(tmp_path):
    assert converted(tmp_path, [CONVERSE], "sft") == [CONVERSE]
    (row,) = converted(tmp_path, [CONVERSE], "rft")
    assert row["tools"] == [WEATHER]
    assert row["reference_answer"] == "Sunny."
    assert [message["role"] for message in row["messages"]] == ["system", "user", "assistant", "tool"]
    assert row["messages"][2]["tool_calls"][0]["function"] == {"name": "weather", "arguments": '{"city": "Rome"}'}


@pytest.mark.parametrize(
    "said",
    [
        '<TOOLCALL>[{"name": "weather", "arguments": {"city": "Rome"}}]</TOOLCALL>',
        '<TOOLCALL>[{"name": "weather", "arguments": {"city": "Rome"}}]',
        '<tool_call>\n{"name": "weather", "arguments": "{\\"city\\": \\"Rome\\"}"}\n</tool_call>',
    ],
)
def test_tool_calls_that_are_written_as_text_become_calls(tmp_path, said):
    bare = {**WEATHER["function"], "parameters": {"type": "dict", "properties": {"city": {"type": "string"}}}}
    rows = [{"tools": [json.dumps(bare)], "messages": [USER, {"role": "assistant", "content": said}]}]
    (row,) = converted(tmp_path, rows, "sft")
    assert row["messages"][1]["content"] == [
        {"toolUse": {"toolUseId": "call_1", "name": "weather", "input": {"city": "Rome"}}}
    ]
    assert row["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"]["type"] == "object"


def test_without_tools_what_looks_like_a_call_stays_text(tmp_path):
    said = "<tool_call>not really</tool_call>"
    (row,) = converted(tmp_path, [{"messages": [USER, {"role": "assistant", "content": said}]}], "sft")
    assert row["messages"][1]["content"] == text(said)


def test_several_calls_and_results_of_one_turn_stay_together(tmp_path):
    calls = [{"type": "function", "function": {"name": "weather", "arguments": {"city": city}}} for city in "ab"]
    results = [{"role": "tool", "content": city.upper()} for city in "ab"]
    rows = [{"tools": [WEATHER], "messages": [USER, {"role": "assistant", "tool_calls": calls}, *results, ASSISTANT]}]
    (row,) = converted(tmp_path, rows, "sft")
    assert [item["toolResult"]["toolUseId"] for item in row["messages"][2]["content"]] == ["call_1", "call_2"]


def test_sharegpt_chats_are_read(tmp_path):
    chat = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]
    (row,) = converted(tmp_path, [{"conversations": chat}], "sft")
    assert [message["role"] for message in row["messages"]] == ["user", "assistant"]


def test_a_chat_becomes_an_evaluation_row_where_it_asks_one_question(tmp_path):
    rows = [{"messages": [{"role": "system", "content": "Be brief."}, USER, ASSISTANT]}]
    assert converted(tmp_path, rows, "gen_qa") == [
        {"query": "Weather in Rome?", "response": "Sunny.", "system": "Be brief."}
    ]
    assert refused(tmp_path, [{"messages": [USER, ASSISTANT, USER, ASSISTANT]}], "gen_qa") == ["several-turns"]


def test_distillation_rows_may_end_with_the_question(tmp_path):
    assert len(converted(tmp_path, [{"messages": [USER]}], "distillation")[0]["messages"]) == 1
    assert refused(tmp_path, [{"messages": [USER]}], "sft") == ["last-not-assistant"]


def test_pictures_in_s3_need_their_buckets_owner(tmp_path):
    parts = [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": "s3://b/cat.JPG"}}]
    rows = [{"messages": [{"role": "user", "content": parts}, ASSISTANT]}]
    assert refused(tmp_path, rows, "sft") == ["no-bucket-owner"]
    (row,) = converted(tmp_path, rows, "sft", bucket_owner="111111111111")
    assert row["messages"][0]["content"][1]["image"]["format"] == "jpeg"
    rows[0]["messages"][0]["content"][1]["image_url"]["url"] = "https://example.com/cat.jpg"
    assert refused(tmp_path, rows, "sft", bucket_owner="111111111111") == ["image-not-in-s3"]


# ---- preferences -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Hi", "chosen": "Hello", "rejected": "Bye"},
        {"prompt": "Hi", "chosen": {"role": "assistant", "content": "Hello"}, "rejected": "Bye"},
        {
            "chosen": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}],
            "rejected": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Bye"}],
        },
        {
            "prompt": "Hi",
            "chosen": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}],
            "rejected": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Bye"}],
            "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}],
        },
        {
            "input": {"messages": [{"role": "user", "content": "Hi"}], "tools": []},
            "preferred_output": [{"role": "assistant", "content": "Hello"}],
            "non_preferred_output": [{"role": "assistant", "content": "Bye"}],
        },
        {
            "messages": [{"role": "user", "content": "Hi"}],
            "chosen_response": {"role": "assistant", "content": "Hello"},
            "rejected_response": {"role": "assistant", "content": "Bye"},
            "tools": [],
        },
    ],
    ids=["texts", "a message", "whole chats", "prompt and chats", "OpenAI", "When2Call"],
)
def test_every_form_of_preference_pairs_becomes_a_dpo_row(tmp_path, row):
    (found,) = converted(tmp_path, [row], "dpo")
    assert found["messages"][0] == {"role": "user", "content": text("Hi")}
    assert [each["content"] for each in found["messages"][1]["candidates"]] == [text("Hello"), text("Bye")]


def test_pairs_serve_other_formats_with_the_preferred_answer(tmp_path):
    rows = [{"prompt": "Hi", "chosen": "Hello", "rejected": "Bye"}]
    assert converted(tmp_path, rows, "gen_qa") == [{"query": "Hi", "response": "Hello"}]
    assert converted(tmp_path, rows, "llm_judge")[0]["response_B"] == "Bye"


def test_a_tool_call_may_be_the_better_answer(tmp_path):
    row = {
        "tools": [WEATHER],
        "messages": [USER],
        "chosen_response": {"role": "assistant", "content": '<TOOLCALL>[{"name": "weather", "arguments": {}}]'},
        "rejected_response": {"role": "assistant", "content": "No idea."},
    }
    (found,) = converted(tmp_path, [row], "dpo")
    assert "toolUse" in found["messages"][1]["candidates"][0]["content"][0]


# ---- what cannot be converted ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "to", "code"),
    [
        ({"prompt": "", "answer": "x"}, "sft", "empty-prompt"),
        ({"prompt": "x", "answer": " \n"}, "sft", "empty-answer"),
        ({"prompt": "x", "answer": None}, "gen_qa", "empty-response"),
        ({"prompt": ["x"], "answer": "y"}, "sft", "no-messages"),
        ({"prompt": "x", "answer": {"a": 1}}, "sft", "unknown-role"),
        ({"prompt": "x", "answer": "User: y"}, "sft", "reserved-word"),
        ({"prompt": "x", "chosen": "y", "rejected": "y"}, "dpo", "candidates-equal"),
        ({"prompt": "x", "chosen": "y", "rejected": [USER, ASSISTANT]}, "dpo", "prompt-differs"),
        ({"messages": []}, "sft", "no-messages"),
        ({"messages": "no"}, "sft", "no-messages"),
        ({"messages": "[no"}, "sft", "no-json"),
        ({"messages": [{"role": "critic", "content": "x"}]}, "sft", "unknown-role"),
        ({"messages": [ASSISTANT, USER]}, "sft", "last-not-assistant"),
        ({"messages": [ASSISTANT]}, "sft", "no-user-turn"),
        ({"messages": [USER, {"role": "system", "content": "x"}, ASSISTANT]}, "sft", "system-not-first"),
        ({"messages": [{"role": "user", "content": [{"type": "audio"}]}, ASSISTANT]}, "sft", "message-content"),
        ({"messages": [USER, {"role": "assistant", "tool_calls": [CALL]}]}, "sft", "tool-not-declared"),
        ({"messages": [USER, {"role": "tool", "content": "x"}, ASSISTANT]}, "sft", "tool-result-without-use"),
        ({"messages": [USER, ASSISTANT], "tools": [{"x": 1}]}, "sft", "tool-form"),
        ({"messages": [USER, BROKEN_CALL]}, "sft", "no-json"),
        ({"prompt": "x", "answer": "y", "system": {"a": 1}}, "sft", "system-no-text"),
        ({"prompt": "x", "answer": "y", "images": "http://example.com"}, "gen_qa", "image-not-inside"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_converted_is_told_and_stops_everything(tmp_path, row, to, code):
    assert refused(tmp_path, [row], to)[0] == code
    assert not (tmp_path / "out.jsonl").exists()


def test_keys_that_have_no_place_are_told_and_harmless():
    ledger = RowLedger()
    rows = [{"messages": [USER, {**ASSISTANT, "weight": 1, "refusal": None}]}]
    made = converter("sft", ledger).convert(RecordBatch(source="x", unit="line", numbers=[1], rows=rows))
    assert len(made.rows) == 1
    (finding,) = ledger.findings(skip_bad=False)
    assert (finding.code, finding.severity) == ("left-out", "warning")
    assert "'weight'" in finding.message


def test_however_many_kinds_of_problems_there_are_few_are_listed():
    ledger = RowLedger()
    for number in range(500):
        ledger.add(Flaw(f"code-{number}", "wrong"), file="x", unit="line", number=number + 1, row={"text": "y" * 9999})
    findings = ledger.findings(skip_bad=False)
    assert len(findings) == 51
    assert "450 lines: 51, 52, 53, 54, 55, …" in findings[-1].message
    assert len(json.dumps([finding.as_json() for finding in findings])) < 64 * 1024
    assert ledger.left_out.total() == 500


def test_an_own_system_prompt_stays_and_is_told():
    ledger = RowLedger()
    rows = [{"prompt": "a", "answer": "b", "system": own} for own in ("Mine.", "", "Ours.")]
    batch = RecordBatch(source="x", unit="line", numbers=[1, 2, 3], rows=rows)
    made = converter("gen_qa", ledger, system="Ours.").convert(batch)
    assert [as_dict(row)["system"] for row in made.rows] == ["Mine.", "Ours.", "Ours."]
    assert [finding.code for finding in ledger.findings(skip_bad=False)] == ["own-system"]


# ---- the fast way is the general way -----------------------------------------------------------------------------


def converter(to, ledger, *, mapping=None, system=None, contrasts=None):
    return Converter(
        format=to,
        mapping=mapping or {},
        shape=None,
        system=system,
        bucket_owner=None,
        contrasts=contrasts,
        ledger=ledger,
    )


def as_dict(row):
    import msgspec

    return json.loads(msgspec.json.encode(row))


WORDS = st.sampled_from(["", " ", "a", "B?", "User:", "the user: no", "<image>", "[EOS]", "x\n", "ä", "Bot:"])
TEXT = st.lists(WORDS, max_size=3).map("".join)


@given(
    rows=st.lists(st.fixed_dictionaries({"prompt": TEXT, "answer": TEXT, "other": TEXT, "text": TEXT}), max_size=5),
    to=st.sampled_from(sorted(set(FORMATS) - {"multi-turn-rft"})),
    system=st.none() | st.just("Be brief."),
)
def test_whole_columns_become_what_single_rows_become(rows, to, system):
    needed = {"cpt": ["text"]}.get(to, ["prompt", "answer", "other"])
    mapping = {role: role for role in needed if role != "other" or to in ("dpo", "llm_judge", "rubric_llm_judge")}
    system = None if to in ("cpt", "llm_judge", "rubric_llm_judge") else system
    batch = RecordBatch(source="x", unit="line", numbers=range(1, len(rows) + 1), rows=rows)
    results = []
    for fast in (True, False):
        ledger = RowLedger()
        made = converter(to, ledger, mapping=mapping, system=system)
        if not fast:
            made._is_plain = lambda columns: False
        found = made.convert(batch)
        results.append(([as_dict(row) for row in found.rows], found.questions, found.indexes, ledger.left_out))
    assert results[0] == results[1]


PLAIN_TURNS = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant"]), "content": TEXT | st.none()})
    | st.just({"role": "user", "content": "a", "weight": 1}),
    max_size=4,
)
PAIR = st.tuples(TEXT, TEXT).map(
    lambda said: [{"role": "user", "content": said[0]}, {"role": "assistant", "content": said[1]}]
)


@given(
    chats=st.lists(
        PLAIN_TURNS | PAIR | PAIR.map(lambda pair: [{"role": "system", "content": "S."}, *pair]), max_size=5
    ),
    to=st.sampled_from(["sft", "distillation", "rft", "gen_qa"]),
    system=st.none() | st.just("Be brief."),
)
def test_plain_chats_become_what_single_rows_become(chats, to, system):
    rows = [{"messages": chat} for chat in chats]
    batch = RecordBatch(source="x", unit="line", numbers=range(1, len(rows) + 1), rows=rows)
    results = []
    for fast in (True, False):
        ledger = RowLedger()
        made = converter(to, ledger, mapping={"messages": "messages"}, system=system)
        if not fast:
            made._fast = lambda batch, columns, *_, made=made: made._general(batch, columns, range(len(batch)))
        found = made.convert(batch)
        said = {finding.code for finding in ledger.findings(skip_bad=True)}
        results.append(([as_dict(row) for row in found.rows], found.questions, found.indexes, ledger.left_out, said))
    assert results[0] == results[1]


@given(st.lists(st.sampled_from([*"SystemUserBotAian<>:[]EOS ", *RESERVED]), max_size=12).map("".join))
def test_the_fast_look_finds_exactly_the_reserved_words(said):
    assert has_reserved(said) == bool(list(reserved_flaws([said])))
