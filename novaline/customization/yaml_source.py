"""YAML as people write it, read with YAML 1.2 rules, and with the place of every value.

PyYAML follows YAML 1.1, where `1e-5` is text, `on` is true and `012` is ten. Here `1e-5` is a number, only `true` and
`false` are booleans, and a number with a leading zero stays text, because an identifier was meant. Duplicate keys,
which PyYAML drops in silence, are errors, and so are merge keys (`<<`), which YAML 1.2 does not have.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from novaline.customization.yaml_words import character_error, syntax_error
from novaline.findings import Finding, NovalineError, Severity, UsageProblem, nearest
from novaline.recipes.problems import shortened

DataPath = tuple[str | int, ...]
"""The way to a value: keys and list indices from the root."""

_PREFIX = "tag:yaml.org,2002:"
_LARGEST_FILE_BYTES = 1_000_000
_MOST_VALUES = 100_000  # aliases expand: a small file must not become a large document
_LARGEST_INTEGER = 2**63
_MERGE = "<<"


def _integer(text: str) -> int:
    """Raises ValueError for what 64 bits do not hold: nothing that is configured is so large, and no float might be."""
    number = int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if not -_LARGEST_INTEGER <= number < _LARGEST_INTEGER:
        raise ValueError(text)
    return number


_READERS: dict[str, Callable[[str], object]] = {
    "str": str,
    "null": lambda _: None,
    "bool": lambda text: text.lower() == "true",
    "int": _integer,
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
    """A YAML document: its plain data, and where each part of it was written.

    `findings` are mistakes that left the rest readable, in a document that was not read strictly: of a key that is
    written twice the first value counts, a merge key is followed. `unreadable` are places whose value is None because
    it could not be read; `merged` those that came by a merge key, and are found there.
    """

    file: str
    text: str
    data: object
    values: dict[DataPath, tuple[int, int]] = field(repr=False)
    keys: dict[DataPath, tuple[int, int]] = field(repr=False)
    findings: tuple[Finding, ...] = ()
    unreadable: frozenset[DataPath] = frozenset()
    merged: frozenset[DataPath] = frozenset()

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


def load_yaml(path: Path, *, strict: bool = True) -> SourceDocument:
    """The document in the file at `path`; `strict` as in `parse_yaml`.

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
    return parse_yaml(text, file=file, strict=strict)


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


def parse_yaml(text: str, *, file: str, strict: bool = True) -> SourceDocument:
    """The document in `text`; `file` is only named in messages.

    Raises NovalineError where it is not YAML, and, if `strict`, with every mistake that would leave the rest readable:
    keys that are written twice, merge keys, tags, numbers that are too long. Otherwise the document has them.
    """
    try:
        document = _read(text, file)
    except yaml.MarkedYAMLError as problem:
        raise syntax_error(problem, text=text, file=file) from None
    except yaml.reader.ReaderError as problem:
        raise character_error(problem, text=text, file=file) from None
    except RecursionError:
        message = "the document is nested too deeply, or an alias contains itself"
        raise NovalineError.of("yaml-syntax", message, file=file) from None
    if strict and document.findings:
        raise NovalineError(document.findings)
    return document


def _read(text: str, file: str) -> SourceDocument:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
    finally:
        loader.dispose()
    builder = _Builder(loader, file, text)
    data = builder.build(node, ()) if node is not None else None
    return SourceDocument(
        file=file,
        text=text,
        data=data,
        values=builder.values,
        keys=builder.keys,
        findings=tuple(builder.findings),
        unreadable=frozenset(builder.unreadable),
        merged=frozenset(builder.merged),
    )


class _Builder:
    """Turns composed nodes into plain data, noting places and collecting what is wrong."""

    def __init__(self, loader: yaml.SafeLoader, file: str, text: str) -> None:
        self.loader = loader
        self.file = file
        self.lines = text.splitlines()
        self.values: dict[DataPath, tuple[int, int]] = {}
        self.keys: dict[DataPath, tuple[int, int]] = {}
        self.findings: list[Finding] = []
        self.unreadable: set[DataPath] = set()
        self.merged: set[DataPath] = set()
        self.nodes = 0
        self.told: set[tuple[str, int, int]] = set()
        self.merging: tuple[int, int] | None = None

    def build(self, node: yaml.Node, path: DataPath) -> object:
        self._count()
        self.values[path] = self._place(node)
        if self.merging is not None:
            self.merged.add(path)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: DataPath) -> dict[str, object]:
        data: dict[str, object] = {}
        self._add(node, data, path)
        return data

    def _add(self, node: yaml.MappingNode, data: dict[str, object], path: DataPath) -> None:
        """The keys of a mapping, then those that it merges as YAML 1.1 would: what is there already stays."""
        merges: list[tuple[yaml.Node, yaml.Node]] = []
        for key_node, value_node in node.value:
            self._count()
            if not isinstance(key_node, yaml.ScalarNode):
                self._report("yaml-key", "a key is plain text, not a list or a mapping", key_node)
                continue
            key = str(key_node.value)
            if key == _MERGE and not key_node.style:  # in quotes it is a key like others
                message = "merge keys (<<) are not part of YAML 1.2"
                self._report("yaml-merge", message, key_node, hint="write the keys out")
                merges.append((key_node, value_node))
            elif key not in data:
                self.keys[(*path, key)] = self._place(key_node)
                data[key] = self.build(value_node, (*path, key))
            elif self.merging is None:
                first = self.keys[(*path, key)][0]
                message = f"the key {key!r} is written twice; the first is on line {first}"
                self._report("duplicate-key", message, key_node, hint="keep one of the two")
        for key_node, value_node in merges:
            before, self.merging = self.merging, self.merging or _place(key_node)
            for source in value_node.value if isinstance(value_node, yaml.SequenceNode) else [value_node]:
                if isinstance(source, yaml.MappingNode):
                    self._add(source, data, path)
            self.merging = before

    def _scalar(self, node: yaml.Node, path: DataPath) -> object:
        text, tag = str(node.value), str(node.tag).removeprefix(_PREFIX)
        if tag not in _READERS:
            self._report("yaml-tag", f"the tag {node.tag!r} has no meaning here", node, hint="write plain YAML values")
            tag = self._untagged(node, text)
        try:
            return _READERS[tag](text)
        except ValueError:
            what = "a number of 64 bits" if tag == "int" else tag
            self._report("yaml-number", f"{shortened(text, longest=40)!r} cannot be read as {what}", node)
            self.unreadable.add(path)
            return None

    def _untagged(self, node: yaml.Node, text: str) -> str:
        """The kind of a scalar, as if its tag were not there."""
        quoted = isinstance(node, yaml.ScalarNode) and bool(node.style)
        tag = self.loader.resolve(yaml.ScalarNode, text, (not quoted, quoted))  # type: ignore[no-untyped-call]  # PyYAML's stubs have no types here
        return str(tag).removeprefix(_PREFIX)

    def _count(self) -> None:
        self.nodes += 1
        if self.nodes > 2 * _MOST_VALUES:  # keys and values
            message = f"the document has more than {_MOST_VALUES:,} values once its aliases are expanded"
            raise NovalineError.of("yaml-syntax", message, file=self.file)

    def _place(self, node: yaml.Node) -> tuple[int, int]:
        """Where the node is written, or the merge key that brought it."""
        return self.merging or _place(node)

    def _report(self, code: str, message: str, node: yaml.Node, *, hint: str | None = None) -> None:
        line, column = _place(node)
        if (code, line, column) in self.told:  # an alias comes by here again
            return
        self.told.add((code, line, column))
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
