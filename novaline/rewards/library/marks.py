"""Where an answer says that it gives its answer: in tags, in a box, behind `Answer:`, in a code fence.

Everything here takes time linear in the text, whatever the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_TAG: Final = re.compile(r"<(/?)answer>", re.IGNORECASE | re.ASCII)
_BOX: Final = "\\boxed{"
_SAID: Final = re.compile(
    r"\b(?:answer|label|class|category|intent)\b[\"'`*_]{0,4}[ \t]{0,4}(?:is\b[ \t]{0,4}:?|[:=])[\"'`*_]{0,4}",
    re.IGNORECASE,
)
_NEXT_LINE: Final = re.compile(r"\S[^\n]*")
_HASHES: Final = re.compile(r"####([^\n]*)")
_FENCE: Final = re.compile(r"^[ \t]{0,3}(?:```|~~~)[ \t]*([^\n`]*)$", re.MULTILINE)


def marked(answer: str) -> list[str]:
    """What stands in the most deliberate marks of an answer, in their order; empty when nothing is marked.

    Tags come before boxes, boxes before `####`, and that before words such as `Answer:` and `the label is`.
    """
    for found in (tagged(answer), boxed(answer), _HASHES.findall(answer), list(_said(answer))):
        said = [one.strip() for one in found if one.strip()]
        if said:
            return said
    return []


def tagged(answer: str) -> list[str]:
    """What stands in `<answer>` tags, the innermost of nested ones."""
    found, opened = [], None
    for tag in _TAG.finditer(answer):
        if not tag[1]:
            opened = tag.end()
        elif opened is not None:
            found.append(answer[opened : tag.start()])
            opened = None
    return found


def boxed(answer: str) -> list[str]:
    r"""What stands in `\boxed{…}`, with the braces inside it."""
    found, at = [], answer.find(_BOX)
    while at >= 0:
        start = at + len(_BOX)
        end = _closing_brace(answer, start)
        if end is None:
            break
        found.append(answer[start:end])
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
    """What stands behind words that announce an answer, on their line or on the next one; of several, the last."""
    line_end = -1
    pending: int | None = None  # where the last announcement on this line ends
    for found in _SAID.finditer(answer):
        if pending is not None and found.start() > line_end:
            yield _rest(answer, pending, line_end)
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
