"""Where an answer says that it gives its answer: behind its thoughts, in tags, in a box, behind `Answer:`, in a fence.

Everything here takes time linear in the text, whatever the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_TAG: Final = re.compile(
    r"<(?P<end>/?)answer>|<\|(?:begin|(?P<end_of>end))_of_(?:answer|solution)\|>", re.IGNORECASE | re.ASCII
)
_THOUGHT: Final = re.compile(
    r"<(?P<end>/?)(?:think|thinking|thoughts?|reasoning)>|<\|(?:begin|(?P<end_of>end))_of_thought\|>",
    re.IGNORECASE | re.ASCII,
)
_STYLED: Final = re.compile(r"\\(?:text|textbf|textit|texttt|mathrm|mathbf|mathit)[ ]?\{([^{}]*)\}")
_BOX: Final = "\\boxed{"
_SAID: Final = re.compile(
    r"\b(?:answer|label|class(?:ification)?|category|intent|prediction)\b[\"'`*_]{0,4}[ \t]{0,4}"
    r"(?:(?:is|(?:should|must|would|will)[ ]be)\b[ \t]{0,4}:?|[:=\uff1a])[\"'`*_]{0,4}",
    re.IGNORECASE,
)
_NEXT_LINE: Final = re.compile(r"\S[^\n]*")
_HASHES: Final = re.compile(r"####([^\n]*)")
_FENCE: Final = re.compile(r"^[ \t]{0,12}(?:```|~~~)[ \t]*([^\n`]*)$", re.MULTILINE)


def spoken(answer: str) -> str:
    """The answer without the thoughts that are written into it, in `<think>` tags or the like.

    Behind thoughts that do not end there is nothing; and what ends without having begun was begun by the prompt.
    """
    if "<" not in answer:
        return answer
    kept: list[str] = []
    at, thinking = 0, False
    for tag in _THOUGHT.finditer(answer):
        if tag["end"] or tag["end_of"]:
            if not thinking:
                kept.clear()
            at, thinking = tag.end(), False
        elif not thinking:
            kept.append(answer[at : tag.start()])
            thinking = True
    if not thinking:
        kept.append(answer[at:])
    return "\n".join(kept)


def marked(answer: str) -> list[str]:
    """What stands in the most deliberate marks of an answer, in their order; empty when nothing is marked.

    Tags come before boxes, boxes before `####`, and that before words such as `Answer:` and `the label is`. In tags
    that hold boxes, the boxes are what is meant.
    """
    within_tags = [box for one in tagged(answer) for box in boxed(one) or [one]]
    for found in (within_tags, boxed(answer), _HASHES.findall(answer), list(_said(answer))):
        said = [one.strip() for one in found if one.strip()]
        if said:
            return said
    return []


def tagged(answer: str) -> list[str]:
    """What stands in `<answer>` tags, the innermost of nested ones; one alone need not be closed."""
    found, opened = [], None
    for tag in _TAG.finditer(answer):
        if not (tag["end"] or tag["end_of"]):
            opened = tag.end()
        elif opened is not None:
            found.append(answer[opened : tag.start()])
            opened = None
    if opened is not None and not found:
        found.append(answer[opened:])
    return found


def boxed(answer: str) -> list[str]:
    r"""What stands in `\boxed{…}`, with the braces inside it, but for those of `\text{…}` and its like."""
    found, at = [], answer.find(_BOX)
    while at >= 0:
        start = at + len(_BOX)
        end = _closing_brace(answer, start)
        if end is None:
            break
        found.append(_STYLED.sub(r"\1", answer[start:end]))
        at = answer.find(_BOX, end)
    return found


def fenced(answer: str) -> list[tuple[str, str]]:
    """Language and text of every code fence; one that is not closed ends with the answer."""
    found: list[tuple[str, str]] = []
    opened: tuple[str, int] | None = None
    for fence in _FENCE.finditer(answer):
        if opened is None:
            opened = (fence[1].strip().lower(), fence.end() + 1)
        elif not fence[1].strip():
            found.append((opened[0], answer[opened[1] : fence.start()]))
            opened = None
    if opened is not None:
        found.append((opened[0], answer[opened[1] :]))
    return found


def _said(answer: str) -> Iterator[str]:
    """What stands behind words that announce an answer, up to the next ones; on their line, or on the next line."""
    line_end = -1
    pending: int | None = None  # where the last announcement on this line ends
    for found in _SAID.finditer(answer):
        if pending is not None:
            same_line = found.start() <= line_end
            yield answer[pending : found.start()] if same_line else _rest(answer, pending, line_end)
        if found.end() > line_end:
            line_end = answer.find("\n", found.end()) % (len(answer) + 1)
        pending = found.end()
    if pending is not None:
        yield _rest(answer, pending, line_end)


def _rest(answer: str, start: int, end: int) -> str:
    said = answer[start:end]
    if said.strip():
        return said
    following = _NEXT_LINE.search(answer, end)
    return "" if following is None else following[0]


def _closing_brace(text: str, start: int) -> int | None:
    depth = 1
    for brace in re.compile(r"[{}]").finditer(text, start):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return brace.start()
    return None
