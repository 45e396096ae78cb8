"""JSON answers: against a schema, and against the reference."""

import json

import pytest

from novaline.rewards import Rollout, Unscorable
from novaline.rewards.kinds import build
from novaline.rewards.library.json_schema import read_schema

EQUAL, FIELDS = build("json", {}), build("json", {"compare": "fields"})
PERSON = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string", "minLength": 1}, "age": {"type": "integer", "minimum": 0}},
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("answer", "reference", "reward"),
    [
        ('{"a": 1, "b": [true, null]}', {"b": [True, None], "a": 1.0}, 1),
        (' {"a": 1} ', '{"a": 1}', 1),
        ('```json\n{"a": 1}\n```', {"a": 1}, 1),
        ('Here:\n```\n{"a": 1}\n```\nDone.', {"a": 1}, 1),
        ("5", 5, 1),
        ('"x"', "x", 1),
        ('<think>{"a": 2}?</think>\n{"a": 1}', {"a": 1}, 1),
        ('<answer>{"a": 1}</answer>', {"a": 1}, 1),
        ('<answer>\n```json\n{"a": 1}\n```\n</answer>', {"a": 1}, 1),
        ('\ufeff{"a": 1}', {"a": 1}, 1),
        ('```json {"a": 1} ```', {"a": 1}, 1),
        ('```json\n{"a": 1}```', {"a": 1}, 1),
        ('~~~json\n{"a": 1}\n~~~', {"a": 1}, 1),
        ('1. As asked:\n\n     ```json\n     {"a": 1}\n     ```', {"a": 1}, 1),
        ('{"a": "<think>"}', {"a": "<think>"}, 1),
        ('{"a": 1e999}', {"a": float("inf")}, 0),
        ('<think>{"a": 1}</think>', {"a": 1}, 0),
        ('<answer>{"a": 1}</answer><answer>{"a": 2}</answer>', {"a": 1}, 0),
        ('{"a": 1}', {"a": True}, 0),
        ('{"a": 1, "b": 2}', {"a": 1}, 0),
        ('{"a": "1"}', {"a": 1}, 0),
        ("[1, 2]", [2, 1], 0),
        ('{"a": 1, "a": 1}', {"a": 1}, 0),
        ('{"a": NaN}', {"a": 1}, 0),
        ('{"a": 1', {"a": 1}, 0),
        ('The answer: {"a": 1}', {"a": 1}, 0),
        ('```\n{"a": 1}\n```\n```\n{"a": 2}\n```', {"a": 1}, 0),
        ("", {"a": 1}, 0),
        ("[" * 50_000, {"a": 1}, 0),
        ("[" * 500 + "]" * 500, {"a": 1}, 0),
        ("9" * 5000, 9, 0),
    ],
)
def test_an_answer_counts_when_it_is_the_reference_as_json(answer, reference, reward):
    assert EQUAL(Rollout(answer, reference)).reward == reward


@pytest.mark.parametrize(
    ("answer", "share"),
    [
        ('{"a": 1, "b": {"c": "x", "d": [1, 2]}}', 1),
        ('{"a": 1}', 1 / 4),
        ('{"a": 2, "b": {"c": "x", "d": [1, 3]}}', 2 / 4),
        ('{"a": 1, "b": {"c": "x", "d": [1, 2]}, "e": 5, "f": 6}', 4 / 6),
        ("[]", 0),
        ("7", 0),
        ("none", 0),
    ],
)
def test_the_share_of_fields_that_are_right_counts_what_is_too_much_as_wrong(answer, share):
    assert FIELDS(Rollout(answer, {"a": 1, "b": {"c": "x", "d": [1, 2]}})).reward == pytest.approx(share)


def test_json_may_be_looked_for_anywhere():
    anywhere = build("json", {"place": "anywhere"})
    assert anywhere(Rollout('So {this} is it: {"a": [1]} and no more.', {"a": [1]})).reward == 1.0
    alone = build("json", {"place": "alone"})
    assert alone(Rollout('```json\n{"a": 1}\n```', {"a": 1})).reward == 0.0


def test_a_schema_alone_asks_for_no_reference():
    valid = build("json", {"schema": PERSON, "compare": "none"})
    assert [valid(Rollout(answer)).reward for answer in ('{"name": "x"}', '{"name": ""}', "{}", "x")] == [1, 0, 0, 0]
    assert valid(Rollout('{"name": 5}')).measures == {"parsed": 1.0, "valid": 0.0}


def test_what_does_not_fit_the_schema_earns_nothing_for_its_fields():
    both = build("json", {"schema": PERSON, "compare": "fields"})
    assert both(Rollout('{"name": "x", "age": 5}', {"name": "x", "age": 6})).reward == 0.5
    assert both(Rollout('{"name": "x", "age": -5}', {"name": "x", "age": 6})).reward == 0.0


def test_without_a_reference_there_is_nothing_to_compare_with():
    with pytest.raises(Unscorable):
        EQUAL(Rollout("{}", None))


@pytest.mark.parametrize(
    ("schema", "fitting", "others"),
    [
        ({"type": "integer"}, [1, 1.0, -5], [1.5, True, "1", None]),
        ({"type": ["number", "null"]}, [1.5, None], [True, "x"]),
        ({"type": "boolean"}, [True], [1, None]),
        ({"enum": [1, "a", None]}, [1.0, "a", None], [True, "b", False]),
        ({"const": {"a": [1]}}, [{"a": [1.0]}], [{"a": [True]}, {}]),
        ({"minimum": 1, "exclusiveMaximum": 3}, [1, 2.9, "x"], [0, 3]),
        ({"maximum": 3, "exclusiveMinimum": 1}, [3, 1.1], [1, 3.1]),
        ({"multipleOf": 0.1}, [0.3, 1, "x"], [0.35]),
        ({"minLength": 1, "maxLength": 2, "pattern": "^a"}, ["a", "ab", 5], ["", "abc", "b"]),
        ({"minItems": 1, "maxItems": 2, "uniqueItems": True}, [[1], [1, True], {}], [[], [1, 1.0], [1, 2, 3]]),
        ({"minProperties": 1, "maxProperties": 1}, [{"a": 1}], [{}, {"a": 1, "b": 1}]),
        ({"prefixItems": [{"type": "string"}], "items": {"type": "integer"}}, [["a", 1], ["a"], []], [["a", "b"], [1]]),
        ({"properties": {"a": False}, "propertyNames": {"pattern": "^[ab]$"}}, [{"b": 1}], [{"a": 1}, {"c": 1}]),
        ({"additionalProperties": {"type": "null"}, "properties": {"a": {}}}, [{"a": 1, "b": None}], [{"b": 1}]),
        ({"allOf": [{"minimum": 1}, {"maximum": 2}]}, [1], [0, 3]),
        ({"anyOf": [{"type": "null"}, {"minimum": 5}]}, [None, 5], [1]),
        ({"oneOf": [{"type": "integer"}, {"minimum": 5}]}, [1, 5.5], [5, 1.5]),
        ({"not": {"type": "string"}}, [1], ["x"]),
        ({"$ref": "#/$defs/n", "$defs": {"n": {"type": "null"}}}, [None], [1]),
        (
            {"properties": {"next": {"$ref": "#"}, "v": {"type": "integer"}}, "required": ["v"]},
            [{"v": 1, "next": {"v": 2, "next": {"v": 3}}}],
            [{"v": 1, "next": {"v": 2, "next": {"v": "x"}}}],
        ),
        ({"definitions": {"a/b~c": {"type": "null"}}, "$ref": "#/definitions/a~1b~0c"}, [None], [1]),
        ({"title": "x", "description": "y", "default": 1, "examples": []}, [None], []),
        ({}, [None, 1], []),
    ],
)
def test_every_keyword_is_kept(schema, fitting, others):
    read = read_schema(schema)
    assert read.problems == []
    assert [value for value in fitting if not read.fits(value)] == []
    assert [value for value in others if read.fits(value)] == []


@pytest.mark.parametrize(
    ("schema", "path", "hint"),
    [
        ({"tpye": "object"}, "tpye", "type"),
        ({"properties": {"a": {"minimun": 1}}}, "properties.a.minimun", "minimum"),
        ({"format": "date"}, "format", "pattern"),
        ({"items": [{"type": "string"}]}, "items", ""),
        ({"properties": []}, "properties", ""),
        ({"type": "text"}, "type", ""),
        ({"type": []}, "type", ""),
        ({"enum": []}, "enum", ""),
        ({"required": "a"}, "required", ""),
        ({"minLength": -1}, "minLength", ""),
        ({"minimum": "1"}, "minimum", ""),
        ({"multipleOf": 0}, "multipleOf", ""),
        ({"uniqueItems": 1}, "uniqueItems", ""),
        ({"pattern": "(?=a)"}, "pattern", ""),
        ({"anyOf": []}, "anyOf", ""),
        ({"anyOf": [{"not": 5}]}, "anyOf[0].not", ""),
        ({"$ref": "#/$defs/none"}, "$ref", ""),
        ({"$ref": "https://example.com/schema"}, "$ref", ""),
        ({"$ref": "#"}, "$ref", ""),
        ({"allOf": [{"$ref": "#"}]}, "allOf[0].$ref", ""),
        ({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}, None, ""),
    ],
)
def test_what_is_not_kept_is_refused_with_its_path(schema, path, hint):
    problems = read_schema(schema).problems
    assert problems
    if path is not None:
        assert problems[0].path == path
        assert hint in problems[0].hint


@pytest.mark.parametrize("depth", [30, 90])
def test_alternatives_within_alternatives_come_to_an_end(depth):
    deeper = {"properties": {"a": {"$ref": "#"}}}
    schema = {"anyOf": [{**deeper, "required": ["x"]}, {**deeper, "required": ["y"]}]}
    value = {}
    for _ in range(depth):
        value = {"a": value}
    assert not read_schema(schema).fits(value)


def test_numbers_beyond_floats_are_no_numbers_of_json():
    assert not read_schema({"type": "number"}).fits(json.loads("1" * 400))


def test_the_end_in_a_pattern_of_a_schema_is_the_end_and_not_before_a_line_break():
    schema = read_schema({"pattern": "^[0-9]$"})
    assert schema.fits("5")
    assert not schema.fits("5\n")
