"""1 when the model calls exactly the tools that it should, with the right arguments, else 0.

The reference is a call (`{"name": …, "arguments": {…}}`), a list of calls, or what a message holds of them. A list
without calls, or plain text, says that no tool may be called; then an answer in words earns 1, and neither a call nor
silence does (the question that When2Call asks; Ross et al., 2025).

The calls of an answer are those that came as calls, or else those that it writes out: in `<tool_call>` tags, in a code
fence, or as JSON with a name and arguments anywhere in its words. Thoughts in `<think>` tags or the like are no part of
the answer. Arguments are compared as JSON: order and 5 against 5.0 do not matter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from novaline.rewards.contract import Reward, Rollout, Score, ToolCall, Unscorable, tool_calls_of
from novaline.rewards.library.json_text import NoJson, json_in, values_in
from novaline.rewards.library.json_values import same
from novaline.rewards.library.marks import spoken
from novaline.rewards.library.references import part_of

_TAG: Final = re.compile(r"<\|?(/?)(?:tool_?calls?|function_?calls?)\|?>", re.IGNORECASE | re.ASCII)
_NAMES: Final = ("name", "tool", "tool_name", "function")
_ARGUMENTS: Final = ("arguments", "parameters", "input", "args")
_MOST_CALLS: Final = 50
"""Calls in one answer; more are no answer to anything."""


@dataclass(frozen=True, slots=True)
class Options:
    """What can be set on a function call."""

    arguments: Literal["exact", "given", "ignored"] = field(
        default="exact",
        metadata={"doc": "exact: the reference's and no others; given: the reference's, others may stand beside them"},
    )
    in_order: bool = field(default=False, metadata={"doc": "whether several calls must come in the reference's order"})
    partial: bool = field(
        default=False, metadata={"doc": "whether some of several right calls earn their share; a wrong one counts"}
    )
    reference_field: str = field(
        default="", metadata={"doc": "the field of the reference that holds the calls; without it, all of it"}
    )


class NotACall(ValueError):
    """What is written as a call is none."""


def reward(options: Options) -> Reward:
    """See the module. The measures: `called`, `should_call`, `names` (the tools are the right ones), `malformed`."""

    def score(rollout: Rollout) -> Score:
        expected = _expected(part_of(rollout, options.reference_field))
        measures = {"called": 0.0, "should_call": float(bool(expected)), "names": 0.0, "malformed": 0.0}
        words = spoken(rollout.answer)
        try:
            calls = _made(rollout.tool_calls, words)
        except NotACall:
            return Score(0.0, measures | {"malformed": 1.0})
        measures["called"] = float(bool(calls))
        measures["names"] = float(sorted(call.name for call in calls) == sorted(call.name for call in expected))
        if not expected:
            return Score(float(not calls and bool(words.strip())), measures)
        share = _agreed(calls, expected, options) / max(len(calls), len(expected))
        return Score(share if options.partial else float(share == 1.0), measures)

    return score


def _agreed(calls: Sequence[ToolCall], expected: Sequence[ToolCall], options: Options) -> int:
    """How many of the expected calls were made, each counted once."""
    if options.in_order:
        return sum(_same_call(call, one, options.arguments) for call, one in zip(calls, expected, strict=False))
    taken: dict[int, int] = {}  # which expected call each call was made for

    def place(one: int, tried: set[int]) -> bool:
        """Whether there is a call for this expected one, if need be by giving another one another call."""
        for at, call in enumerate(calls):
            if at not in tried and _same_call(call, expected[one], options.arguments):
                tried.add(at)
                if at not in taken or place(taken[at], tried):
                    taken[at] = one
                    return True
        return False

    return sum(place(one, set()) for one in range(len(expected)))


def _same_call(call: ToolCall, expected: ToolCall, arguments: str) -> bool:
    if call.name != expected.name:
        return False
    if arguments == "ignored":
        return True
    found, wanted = call.arguments, expected.arguments
    assert isinstance(found, Mapping)
    assert isinstance(wanted, Mapping)
    if arguments == "given":
        return all(name in found and same(found[name], value) for name, value in wanted.items())
    return same(dict(found), dict(wanted))


def _made(tool_calls: Sequence[ToolCall], words: str) -> list[ToolCall]:
    """The calls of an answer. Raises NotACall for one that is begun and is none."""
    if tool_calls:
        return _some([_call(call.name, call.arguments) for call in tool_calls])
    bodies = _tagged(words)
    if bodies:
        return _some([call for body in bodies for call in _written(body)])
    try:
        found = json_in(words, "fence")
    except NoJson:
        return _some([call for value in values_in(words) if _names_a_call(value) for call in _calls_in(value)])
    try:
        return _some(_calls_in(found))
    except NotACall:
        return []  # JSON, but about something else


def _written(body: str) -> list[ToolCall]:
    """The calls in a text that is meant to hold some: one value, or several in a row. Raises NotACall."""
    try:
        return _calls_in(json_in(body, "fence"))
    except NoJson:
        calls = [call for value in values_in(body) for call in _calls_in(value)]
    if not calls:
        raise NotACall
    return calls


def _names_a_call(value: object) -> bool:
    """Whether JSON within words is a call: it says what is called and with what."""
    if isinstance(value, list):
        return bool(value) and all(map(_names_a_call, value))
    if not isinstance(value, dict):
        return False
    inner = value.get("function", value.get("toolUse"))
    if isinstance(inner, dict):
        return _names_a_call(inner)
    return "tool_calls" in value or (
        any(isinstance(value.get(name), str) for name in _NAMES) and any(name in value for name in _ARGUMENTS)
    )


def _some(calls: list[ToolCall]) -> list[ToolCall]:
    if len(calls) > _MOST_CALLS:
        raise NotACall
    return calls


def _tagged(text: str) -> list[str]:
    """What stands in tags that announce a call; one that is not closed ends with the text."""
    found: list[str] = []
    opened = None
    for tag in _TAG.finditer(text):
        if not tag[1]:
            opened = tag.end()
        elif opened is not None:
            found.append(text[opened : tag.start()])
            opened = None
    return found if opened is None else [*found, text[opened:]]


def _expected(reference: object) -> list[ToolCall]:
    """The calls that a reference asks for; none for plain text. Raises Unscorable."""
    if isinstance(reference, str):
        if not reference.strip():
            raise Unscorable("the reference is empty")
        bodies = _tagged(reference)
        try:
            reference = [_parsed(body) for body in bodies] if bodies else json_in(reference, "fence")
        except NotACall:
            raise Unscorable("the reference writes a call that is none") from None
        except NoJson:
            return []
    if not isinstance(reference, dict | list):
        return []
    try:
        return _calls_in(reference)
    except NotACall:
        raise Unscorable("the reference is neither a call, nor a list of calls, nor text") from None


def _calls_in(found: object) -> list[ToolCall]:
    """The calls in a value: one, a list of them, or a message that holds some. Raises NotACall."""
    if isinstance(found, list):
        return [call for one in found for call in _calls_in(one)]
    if not isinstance(found, dict):
        raise NotACall
    if "tool_calls" in found or isinstance(found.get("content"), list):
        return [_call(call.name, call.arguments) for call in tool_calls_of(found)]
    if isinstance(found.get("content"), str) and "name" not in found:
        return []  # a message in words
    inner = found.get("function", found.get("toolUse"))
    call = inner if isinstance(inner, dict) else found
    given = next((call[name] for name in _ARGUMENTS if name in call), None)
    name = next((call[name] for name in _NAMES if isinstance(call.get(name), str)), None)
    if not isinstance(name, str) or (given is None and "name" not in call):
        raise NotACall
    return [_call(name, {} if given is None else given)]


def _call(name: str, arguments: object) -> ToolCall:
    """The call with its arguments as an object. Raises NotACall."""
    if isinstance(arguments, str):
        arguments = _parsed(arguments) if arguments.strip() else {}
    if not isinstance(arguments, dict):
        raise NotACall
    return ToolCall(name, arguments)


def _parsed(text: str) -> object:
    try:
        return json_in(text, "fence")
    except NoJson:
        raise NotACall from None
