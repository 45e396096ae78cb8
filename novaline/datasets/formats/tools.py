"""The rules of tools in Converse rows: declared once, called by their names, answered once and after the call.

Source: AWS's data-preparation pages for Nova, AWS's validator script, and the checks of nova-forge-sdk 1.4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import UNSET

from novaline.datasets.flaws import Flaw
from novaline.datasets.formats.conversation import Content, ConversationHead, ToolResult, ToolUse
from novaline.datasets.formats.media import shown
from novaline.datasets.formats.spec import RuleContext

_BOTH_TOOLS = "AWS's validator script and the Nova Forge SDK ask for it"


def declaration_flaws(row: ConversationHead, context: RuleContext) -> Iterator[Flaw]:
    """What is wrong with a row's toolConfig."""
    if row.toolConfig is UNSET:
        return
    if not row.toolConfig.tools:
        yield Flaw("no-tools", "toolConfig declares no tool", hint="leave toolConfig out", detail="found an empty list")
    if context.model is not None and context.model.generation != "nova-2":
        message = f"the Nova Forge SDK takes toolConfig for Nova 2 Lite only, not for {context.model.title}"
        yield Flaw("tools-not-supported", message, "warning")
    seen: set[str] = set()
    for index, tool in enumerate(row.toolConfig.tools):
        spec, place = tool.toolSpec, f"toolConfig.tools[{index}].toolSpec"
        if not spec.name.strip():
            yield Flaw("tool-name", "a tool needs a name", detail=f"found {shown(spec.name)} at {place}.name")
        elif spec.name in seen:
            yield Flaw("tool-declared-twice", "two tools share a name", detail=f"found {shown(spec.name)} at {place}")
        seen.add(spec.name)
        if spec.description is UNSET or not spec.description.strip():
            yield Flaw("tool-description", f"a tool has no description; {_BOTH_TOOLS}", "warning", detail=f"at {place}")
        if "type" not in spec.inputSchema.json:
            message = f"a tool's inputSchema has no `type`; {_BOTH_TOOLS}"
            hint = 'write "json": {"type": "object", …}'
            yield Flaw("tool-schema", message, "warning", hint=hint, detail=f"at {place}.inputSchema.json")


class ToolTrail:
    """The calls of tools and their results so far, from turn to turn of one row."""

    def __init__(self, row: ConversationHead) -> None:
        tools = [] if row.toolConfig is UNSET else row.toolConfig.tools
        self._declared = {tool.toolSpec.name for tool in tools}
        self._used: dict[str, str] = {}  # toolUseId → the place of its call
        self._open: dict[str, str] = {}
        self._answered: set[str] = set()

    def turn_flaws(self, content: Sequence[Content], role: str, place: str) -> Iterator[Flaw]:
        """What is wrong with one turn's calls and results; `place` is the path of its content."""
        for index, item in enumerate(content):
            if item.toolUse is not UNSET:
                yield from self._use(item.toolUse, role, f"{place}[{index}].toolUse")
            if item.toolResult is not UNSET:
                yield from self._result(item.toolResult, role, f"{place}[{index}].toolResult")

    def open_flaws(self) -> Iterator[Flaw]:
        """The calls that a later turn should have answered; to be asked before the last turn."""
        for use, place in self._open.items():
            message = "the conversation goes on without the toolResult of a toolUse"
            detail = f"found no result of {shown(use)}, called at {place}"
            yield Flaw("tool-use-unanswered", message, "warning", detail=detail)

    def _use(self, use: ToolUse, role: str, place: str) -> Iterator[Flaw]:
        if role != "assistant":
            yield Flaw("tool-use-misplaced", "toolUse stands in assistant turns", detail=f"found at {place}")
        elif use.toolUseId not in self._answered:
            self._open[use.toolUseId] = place
        if not use.toolUseId.strip():
            yield Flaw("tool-use-id", "a toolUse needs a toolUseId", detail=f"found {shown(use.toolUseId)} at {place}")
        elif use.toolUseId in self._used:
            detail = f"found {shown(use.toolUseId)} at {self._used[use.toolUseId]} and at {place}"
            yield Flaw("tool-use-twice", "two toolUse items share a toolUseId", detail=detail)
        if use.name not in self._declared:
            names = ", ".join(shown(name) for name in sorted(self._declared)[:5]) or "none"
            detail = f"found {shown(use.name)} at {place}, declared are: {names}"
            yield Flaw("tool-not-declared", "a toolUse names a tool that toolConfig does not declare", detail=detail)
        self._used.setdefault(use.toolUseId, place)

    def _result(self, result: ToolResult, role: str, place: str) -> Iterator[Flaw]:
        if role != "user":
            yield Flaw("tool-result-misplaced", "toolResult stands in user turns", detail=f"found at {place}")
        if result.toolUseId not in self._used:
            detail = f"found {shown(result.toolUseId)} at {place}"
            yield Flaw(
                "tool-result-without-use", "a toolResult comes before its toolUse, or without one", detail=detail
            )
        if result.toolUseId in self._answered:
            detail = f"found a second one of {shown(result.toolUseId)} at {place}"
            yield Flaw("tool-result-twice", "two toolResult items answer one toolUse", detail=detail)
        self._answered.add(result.toolUseId)
        self._open.pop(result.toolUseId, None)
        if not result.content:
            yield Flaw("tool-result-empty", "a toolResult needs content", detail=f"found an empty list at {place}")
        for part in result.content:
            if (part.text is UNSET) == (part.json is UNSET):
                found = "neither" if part.text is UNSET else "both"
                message = "a part of a toolResult holds either text or json"
                yield Flaw("tool-result-parts", message, detail=f"found {found} at {place}.content")
        if result.status is not UNSET and result.status not in ("success", "error"):
            message = "the status of a toolResult is success or error"
            yield Flaw("tool-result-status", message, detail=f"found {shown(result.status)} at {place}.status")
