"""YAML as people write it, read with YAML 1.2 rules, and with the place of every value.

PyYAML follows YAML 1.1, where `1e-5` is text, `on` is true and `012` is ten. Here `1e-5` is a number, only `true` and
`false` are booleans, and a number with a leading zero stays text, because an identifier was meant. Duplicate keys,
which PyYAML drops in silence, are errors.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from novaline.findings import Finding, NovalineError, Severity, UsageProblem, nearest

DataPath = tuple[str | int, ...]
"""The way to a value: keys and list indices from the root."""

_PREFIX = "tag:yaml.org,2002:"
_LARGEST_FILE_BYTES = 1_000_000
_MOST_VALUES = 100_000  # aliases expand: a small file must not become a large document

_READERS: dict[str, Callable[[str], object]] = {
    "str": str,
    "null": lambda _: None,
    "bool": lambda text: text.lower() == "true",
    "int": lambda text: int(text, 0) if text[:2] in ("0o", "0x") else int(text),
    "float": lambda text: float(text.lower().replace(".inf", "inf").replace(".nan", "nan")),
}

_BaseLoader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_BaseLoader):  # type: ignore[valid-type,misc]  # the C loader where PyYAML was built with it: chosen at run time
    """PyYAML's scanner and composer with the scalar rules of YAML 1.2's core schema."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  # PyYAML's own class attribute


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+0123456789."),
    ),
):
    _Loader.add_implicit_resolver(_PREFIX + _tag, re.compile(rf"^(?:{_pattern})$"), _first)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDocument:
    """A YAML document: its plain data, and where each part of it was written."""

    file: str
    text: str
    data: object
    values: dict[DataPath, tuple[int, int]] = field(repr=False)
    keys: dict[DataPath, tuple[int, int]] = field(repr=False)

    def locate(self, path: DataPath, *, key: bool = False) -> tuple[int, int, str]:
        """Line and column (from 1) and the source line of the value at `path`, or of its key.

        What is not there (a missing key) is found at its nearest parent.
        """
        for length in range(len(path), -1, -1):
            part = path[:length]
            exact = length == len(path)
            place = (self.keys.get(part) if key or not exact else None) or self.values.get(part)
            if place is not None:
                return (*place, self.line(place[0]))
        return 1, 1, self.line(1)

    def line(self, number: int) -> str:
        """The source line with this number, counted from 1."""
        lines = self.text.splitlines()
        return lines[number - 1] if 0 < number <= len(lines) else ""

    def finding(
        self,
        code: str,
        message: str,
        path: DataPath,
        *,
        severity: Severity = "error",
        key: bool = False,
        hint: str | None = None,
    ) -> Finding:
        """A finding that points at the value (or the key) at `path`."""
        line, column, excerpt = self.locate(path, key=key)
        return Finding(
            code=code,
            severity=severity,
            message=message,
            file=self.file,
            line=line,
            column=column,
            excerpt=excerpt,
            hint=hint,
        )


def load_yaml(path: Path) -> SourceDocument:
    """The document in the file at `path`.

    Raises UsageProblem when there is no such file, NovalineError (with line and column) when it is not YAML.
    """
    file = str(path)
    try:
        with path.open("rb") as source:
            raw = source.read(_LARGEST_FILE_BYTES + 1)
    except OSError as problem:
        raise _unreadable(path, problem) from None
    if len(raw) > _LARGEST_FILE_BYTES:
        message = f"the file has more than {_LARGEST_FILE_BYTES:,} bytes, which no configuration has"
        raise NovalineError.of("file-too-large", message, file=file, hint="is this a dataset?")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        before = raw[: problem.start]
        line, column = before.count(b"\n") + 1, problem.start - (before.rfind(b"\n") + 1) + 1
        message = f"byte 0x{raw[problem.start]:02x} is not UTF-8 text"
        raise NovalineError.of(
            "not-utf-8", message, file=file, line=line, column=column, hint="save the file as UTF-8"
        ) from None
    return parse_yaml(text, file=file)


def _unreadable(path: Path, problem: OSError) -> UsageProblem:
    """Why a file cannot be read, with the file that may have been meant."""
    try:
        beside = sorted(item.name for item in path.parent.iterdir() if item.is_file()) if path.name else []
        inside = sorted(item.name for item in path.glob("*.yaml"))
    except OSError:
        beside, inside = [], []
    if isinstance(problem, IsADirectoryError):
        meant = path / ("customization.yaml" if "customization.yaml" in inside else inside[0]) if inside else None
        hint = f"did you mean {meant}?" if meant else "name the file in it"
        return UsageProblem.of("unreadable-file", f"{path} is a folder, not a file", hint=hint)
    if isinstance(problem, FileNotFoundError):
        close = nearest(path.name, beside)
        hint = f"did you mean {path.parent / close}?" if close else "check the path"
        return UsageProblem.of("missing-file", f"there is no file {path}", hint=hint)
    hint = "is it a file, and may you read it?"
    return UsageProblem.of("unreadable-file", f"cannot read {path}: {problem.strerror or problem}", hint=hint)


def parse_yaml(text: str, *, file: str) -> SourceDocument:
    """The document in `text`; `file` is only named in messages. Raises NovalineError with every duplicate key."""
    try:
        return _read(text, file)
    except yaml.MarkedYAMLError as problem:
        raise _syntax_error(problem, text=text, file=file) from None
    except yaml.reader.ReaderError as problem:
        raise _character_error(problem, text=text, file=file) from None
    except RecursionError:
        message = "the document is nested too deeply, or an alias contains itself"
        raise NovalineError.of("yaml-syntax", message, file=file) from None


def _read(text: str, file: str) -> SourceDocument:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
    finally:
        loader.dispose()
    builder = _Builder(file, text)
    data = builder.build(node, ()) if node is not None else None
    if builder.findings:
        raise NovalineError(builder.findings)
    return SourceDocument(file=file, text=text, data=data, values=builder.values, keys=builder.keys)


class _Builder:
    """Turns composed nodes into plain data, noting places and collecting what is wrong."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.lines = text.splitlines()
        self.values: dict[DataPath, tuple[int, int]] = {}
        self.keys: dict[DataPath, tuple[int, int]] = {}
        self.findings: list[Finding] = []

    def build(self, node: yaml.Node, path: DataPath) -> object:
        self.values[path] = _place(node)
        if len(self.values) > _MOST_VALUES:
            message = f"the document has more than {_MOST_VALUES:,} values once its aliases are expanded"
            raise NovalineError.of("yaml-syntax", message, file=self.file)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: DataPath) -> dict[str, object]:
        data: dict[str, object] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._report("yaml-key", "a key is plain text, not a list or a mapping", key_node)
                continue
            key = str(key_node.value)
            if key in data:
                first = self.keys[(*path, key)][0]
                message = f"the key {key!r} is written twice; the first is on line {first}"
                self._report("duplicate-key", message, key_node, hint="keep one of the two")
                continue
            self.keys[(*path, key)] = _place(key_node)
            data[key] = self.build(value_node, (*path, key))
        return data

    def _scalar(self, node: yaml.Node) -> object:
        text, tag = str(node.value), str(node.tag).removeprefix(_PREFIX)
        if tag not in _READERS:
            self._report("yaml-tag", f"the tag {node.tag!r} has no meaning here", node, hint="write plain YAML values")
            return None
        try:
            return _READERS[tag](text)
        except ValueError:
            self._report("yaml-number", f"{text[:40]!r} cannot be read as {tag}", node)
            return None

    def _report(self, code: str, message: str, node: yaml.Node, *, hint: str | None = None) -> None:
        line, column = _place(node)
        excerpt = self.lines[line - 1] if line <= len(self.lines) else None
        self.findings.append(
            Finding(
                code=code,
                severity="error",
                message=message,
                file=self.file,
                line=line,
                column=column,
                excerpt=excerpt,
                hint=hint,
            )
        )


def _place(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _syntax_error(problem: yaml.MarkedYAMLError, *, text: str, file: str) -> NovalineError:
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


def _character_error(problem: yaml.reader.ReaderError, *, text: str, file: str) -> NovalineError:
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
