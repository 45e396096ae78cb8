"""What is no YAML at all, in a person's words instead of the parser's."""

from __future__ import annotations

import yaml

from novaline.findings import NovalineError


def syntax_error(problem: yaml.MarkedYAMLError, *, text: str, file: str) -> NovalineError:
    """The error about text that is not YAML, at the place where a person looks."""
    mark = problem.problem_mark or problem.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    lines = text.splitlines()
    if line > len(lines):  # the parser stops behind the end; the last line is where a person looks
        line, column = max(len(lines), 1), len(lines[-1]) + 1 if lines else 1
    excerpt = lines[line - 1] if lines else ""
    tab = "\t" in excerpt[:column] and not excerpt[: column - 1].strip()
    hint = "use spaces, not tabs" if tab else "check indentation, quotes, brackets and colons here"
    message = f"this is not YAML: {_in_words(problem, tab=tab)}"
    return NovalineError.of("yaml-syntax", message, file=file, line=line, column=column, excerpt=excerpt, hint=hint)


# The parser's own words (libyaml's) → a person's. What is not here is passed on as it is.
_WHERE = {
    "while parsing a flow sequence": "the list that begins with [ on line",
    "while parsing a flow mapping": "the mapping that begins with { on line",
    "while parsing a block mapping": "the mapping that begins on line",
    "while parsing a block collection": "the list that begins on line",
    "while scanning a quoted scalar": "the quoted text that begins on line",
    "while scanning a simple key": "the key on line",
}
_WHAT = {
    "did not find expected ',' or ']'": "a comma or the closing ] is missing",
    "did not find expected ',' or '}'": "a comma or the closing } is missing",
    "did not find expected key": "this is not another `key: value`",
    "did not find expected '-' indicator": "this is not another `- item`",
    "did not find expected node content": "a value is missing",
    "could not find expected ':'": "the colon behind it is missing",
    "found unexpected end of stream": "its closing quote is missing",
    "found character that cannot start any token": "no value begins with this character; put the text in quotes",
    "mapping values are not allowed in this context": "a colon stands where no key can be; put the text in quotes",
    "but found another document": "a second document begins here; a configuration is one",
}


def _in_words(problem: yaml.MarkedYAMLError, *, tab: bool) -> str:
    if tab:
        return "a tab stands where the line is indented"
    what = _WHAT.get(problem.problem or "", problem.problem or "it cannot be read")
    if problem.context in _WHERE and problem.context_mark is not None:
        return f"in {_WHERE[problem.context]} {problem.context_mark.line + 1}, {what}"
    if problem.problem in _WHAT or not problem.context:
        return what
    return f"{problem.context}, {what}"


def character_error(problem: yaml.reader.ReaderError, *, text: str, file: str) -> NovalineError:
    """The error about a character that YAML does not allow."""
    position = problem.position if isinstance(problem.position, int) else 0
    before = text[:position]
    code = problem.character if isinstance(problem.character, int) else ord(str(problem.character)[:1] or "\0")
    return NovalineError.of(
        "yaml-syntax",
        f"the character U+{code:04X} is not allowed in YAML",
        file=file,
        line=before.count("\n") + 1,
        column=position - (before.rfind("\n") + 1) + 1,
        hint="remove the control character",
    )
