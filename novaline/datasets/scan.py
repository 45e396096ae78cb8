"""Reads a dataset once, from start to end: digest, row count, and everything that is wrong with its rows.

Memory does not grow with the file, but for eight bytes of digest per row (while looking for duplicates).
"""

from __future__ import annotations

import errno
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from novaline.datasets import converse
from novaline.datasets.flaws import Flaw, FlawLedger
from novaline.datasets.rows import Conversation, GenQa, TextConversation
from novaline.findings import Finding
from novaline.recipes.model import Model

Kind = Literal["sft", "gen_qa", "rows"]
"""Whose rows a dataset holds. `rows` are JSON objects that are counted, and not looked into."""

_BLOCK_BYTES = 4 * 1024 * 1024
_LONGEST_LINE = 64 * 1024 * 1024
_MOST_DIGESTS = 5_000_000
_BOM = b"\xef\xbb\xbf"
_BYTE = re.compile(r"\(byte (\d+)\)")
_INDEX = re.compile(r"\[\d+\]")
_ESCAPE = b"\\u00"  # an encoder may write `<` or `:` as an escape, which hides a reserved word from a search in bytes

_SYSTEM = "a system text"
_MEDIA = frozenset({"image", "video", "document"})
_BLANK = Flaw("blank-line", "a line is blank; every line is one JSON object", hint="remove it")
_HAS_BOM = Flaw("byte-order-mark", "the file starts with a byte order mark", hint="save it as UTF-8 without BOM")
_NOT_UTF8 = Flaw("not-utf-8", "the line is not UTF-8 text", hint="save the file as UTF-8")
_UTF16 = Flaw("not-utf-8", "the file is UTF-16 text, not UTF-8", hint="save the file as UTF-8")
_ARRAY = Flaw(
    "not-lines",
    "the file begins with `[`: a dataset is no JSON list",
    hint="write one JSON object on each line (JSONL), without brackets and commas between them",
)
_OPENED = Flaw(
    "not-lines",
    "the object goes on over several lines",
    hint="write each JSON object on one line (JSONL)",
)
_TOO_LONG = Flaw("line-too-long", f"the line is longer than {_LONGEST_LINE >> 20} MiB")
_DUPLICATE = Flaw("duplicate-row", "the row repeats an earlier one, byte for byte", "warning")
_HELD_OUT = Flaw(
    "held-out-row",
    "the row asks what an evaluation asks as well",
    "warning",
    hint="a model that has seen the answers looks better than it is: take such rows out of the training data",
)
_CONVERSE_ROW = """a row is {"messages": [{"role": "user", "content": [{"text": "…"}]}, \
{"role": "assistant", "content": [{"text": "…"}]}]}, with "system": [{"text": "…"}] if you like"""
_GEN_QA_ROW = """a row is {"query": "…", "response": "…"}, with "system": "…" if you like"""
_FORMS = {
    "sft": ("the Converse format", _CONVERSE_ROW),
    "gen_qa": ("the form of gen_qa rows", _GEN_QA_ROW),
    "rows": ("the form of any row, a JSON object", """a row is {"…": …}"""),
}
_NOT_JSON_HINT = "every line is one JSON object; of a table, `python -m examples.from_csv` makes such lines"
# The decoder's names of JSON types → a person's.
_TYPES = {
    "object": "an object",
    "array": "a list",
    "str": "text",
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
    "null": "null",
}
_EXPECTED = re.compile(r"expected `(\w+)`(?: of length >= 1)?, got `(\w+)`", re.IGNORECASE)
_EMPTY_QUERY = Flaw("empty-text", "`query` has no text, or only white space")
_EMPTY_RESPONSE = Flaw("empty-text", "`response` has no text, or only white space")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A local dataset as it was read: `sha256` is the hex digest of the file's bytes."""

    path: Path
    sha256: str
    bytes: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A dataset and what was found in it. `prompts` holds this process's hashes of what the rows ask.

    `media` are the kinds that rows hold besides text: `image`, `video`, `document`. Of `rows` they are not known.
    """

    dataset: Dataset
    findings: tuple[Finding, ...]
    prompts: frozenset[int]
    media: frozenset[str] = frozenset()


def scan(
    path: Path, *, kind: Kind, model: Model, held_out: frozenset[int] = frozenset(), keep_prompts: bool = False
) -> Scan:
    """Reads the dataset at `path`. Raises OSError when it cannot be read, or is no file (a folder, a pipe, a device).

    `held_out` are the prompts of other scans that must not occur in this one; `keep_prompts` returns this one's.
    """
    reader = _Reader(kind=kind, model=model, held_out=held_out, keep_prompts=keep_prompts)
    digest, size = hashlib.sha256(), 0
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is a folder" if path.is_dir() else "it is no ordinary file", str(path))
    with path.open("rb") as file:
        carry = b""
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            size += len(block)
            carry = reader.read(carry + block)
        reader.read(carry + b"\n" if carry else b"")
    dataset = Dataset(path=path, sha256=digest.hexdigest(), bytes=size, rows=reader.rows)
    findings = reader.findings(str(path))
    return Scan(
        dataset=dataset, findings=findings, prompts=frozenset(reader.prompts), media=frozenset(reader.media & _MEDIA)
    )


class _Reader:
    """The state of one scan."""

    def __init__(self, *, kind: Kind, model: Model, held_out: frozenset[int], keep_prompts: bool) -> None:
        self.ledger = FlawLedger()
        self.rows = 0
        self.prompts: set[int] = set()
        self.media: set[str] = set()
        self._kind = kind
        self._model = model
        self._held_out = held_out
        self._keep_prompts = keep_prompts
        self._line = 0
        self._seen: set[int] = set()
        self._with_system = 0
        self._readable = 0
        self._readable_at_all = True  # False once the first line showed that the file is something else altogether
        self._features: dict[str, tuple[int, int, bytes]] = {}
        self._read_row = {"sft": self._sft, "gen_qa": self._gen_qa, "rows": self._object}[kind]
        self._text_rows = msgspec.json.Decoder(TextConversation)
        self._full_rows = msgspec.json.Decoder(Conversation)
        self._question_rows = msgspec.json.Decoder(GenQa)
        self._any_rows = msgspec.json.Decoder(dict)

    def read(self, data: bytes) -> bytes:
        """Checks the complete lines of `data` and returns the rest, which is the start of a line."""
        end = data.rfind(b"\n")
        if end < 0:
            if len(data) <= _LONGEST_LINE:
                return data
            self._line += 1
            self._report(_TOO_LONG, data[:400])
            return b""
        complete = data[:end]
        suspicious = self._kind == "sft" and (
            _ESCAPE in complete or converse.RESERVED_BYTES.search(complete) is not None
        )
        read_row = self._read_row
        for line in complete.split(b"\n"):
            self._line += 1
            row = line if line[:1] == b"{" else self._start_of(line)
            if row is not None:
                self.rows += 1
                prompt = read_row(row, suspicious)
                if prompt is not None:
                    self._readable += 1
                    self._remember(row, prompt)
        return data[end + 1 :]

    def findings(self, file: str) -> tuple[Finding, ...]:
        """What was found, in the order of lines; an empty dataset is a finding too."""
        for feature, (seen, line, raw) in self._features.items():
            count = self._with_system if feature == _SYSTEM else seen
            if count < self._readable:
                message = (
                    f"{count:,} of {self._readable:,} rows have {feature}, the first in this line; all should, or none"
                )
                self.ledger.add(Flaw("mixed-rows", message, "warning"), line=line, raw=raw)
        if self.rows == 0:
            self.ledger.add(Flaw("no-rows", "the file has no rows"), line=1, raw=b"")
        return self.ledger.findings(file)

    def _start_of(self, line: bytes) -> bytes | None:
        """A line that does not start with `{`: without its byte order mark, or None when it is blank."""
        if self._line == 1 and line.startswith(_BOM):
            self._report(_HAS_BOM, line, column=1)
            line = line.removeprefix(_BOM)
        if not line or line.isspace():
            self._report(_BLANK, line)
            return None
        return line

    def _remember(self, line: bytes, prompt: str) -> None:
        """Looks the row up among earlier rows, and its prompt among those that are held out."""
        digest, seen = hash(line), self._seen
        if digest in seen:
            self._report(_DUPLICATE, line)
        elif len(seen) < _MOST_DIGESTS:
            seen.add(digest)
        if self._held_out and hash(prompt) in self._held_out:
            self._report(_HELD_OUT, line)
        if self._keep_prompts:
            self.prompts.add(hash(prompt))

    def _sft(self, line: bytes, suspicious: bool) -> str | None:  # noqa: FBT001  # called once a row, by position
        try:
            row = self._text_rows.decode(line)
        except msgspec.ValidationError:
            return self._sft_full(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            self._unreadable(problem, line)
            return None
        if row.system:
            self._count_system(line)
        if suspicious:
            for reserved in converse.reserved_flaws(row):
                self._report(reserved, line)
        prompt = converse.plain_prompt(row)
        if prompt:
            return prompt
        flaw = converse.text_flaw(row)
        if flaw is not None:
            self._report(flaw, line)
        return converse.prompt(row)

    def _sft_full(self, line: bytes) -> str | None:
        try:
            row = self._full_rows.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            self._unreadable(problem, line)
            return None
        for flaw in (*converse.conversation_flaws(row, self._model), *converse.reserved_flaws(row)):
            self._report(flaw, line)
        if row.system:
            self._count_system(line)
        features = converse.features(row)
        self.media |= features
        for feature in features:
            self._feature(feature, line)
        return converse.prompt(row)

    def _gen_qa(self, line: bytes, suspicious: bool) -> str | None:  # noqa: FBT001  # as _sft; an evaluation's texts may hold any word
        try:
            row = self._question_rows.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            self._unreadable(problem, line)
            return None
        if not row.query or row.query.isspace():
            self._report(_EMPTY_QUERY, line)
        if not row.response or row.response.isspace():
            self._report(_EMPTY_RESPONSE, line)
        if row.images:
            self.media.add("image")
            if "image" not in self._model.media:
                self._report(Flaw("media-not-supported", f"{self._model.title} takes no images"), line)
        if row.system:
            self._count_system(line)
        return row.query.strip()

    def _object(self, line: bytes, suspicious: bool) -> str | None:  # noqa: FBT001  # as _sft; what the row holds is not looked into
        try:
            self._any_rows.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            self._unreadable(problem, line)
            return None
        return ""

    def _unreadable(self, problem: Exception, line: bytes) -> None:
        whole_file = _flaw_of_the_file(line) if self._line == 1 else None
        if whole_file is not None:
            self._report(whole_file, line)
            self._readable_at_all = False
        elif isinstance(problem, msgspec.ValidationError):
            form, hint = _FORMS[self._kind]
            self._report(Flaw("wrong-shape", f"the row is not in {form}: {_in_words(problem)}", hint=hint), line)
        elif isinstance(problem, UnicodeDecodeError) or not _is_utf8(line):
            self._report(_NOT_UTF8, line)
        elif line.strip() == b"{":
            self._report(_OPENED, line)
        else:
            match = _BYTE.search(str(problem))
            what = _BYTE.sub("", str(problem)).strip().rstrip(":").removeprefix("JSON is malformed: ")
            flaw = Flaw("unreadable-json", f"the line is not JSON: {what[0].lower()}{what[1:]}", hint=_NOT_JSON_HINT)
            self._report(flaw, line, column=int(match[1]) + 1 if match else len(line) + 1)

    def _count_system(self, line: bytes) -> None:
        if not self._with_system:
            self._feature(_SYSTEM, line)
        self._with_system += 1

    def _feature(self, name: str, line: bytes) -> None:
        known = self._features.get(name)
        if known is None:
            self._features[name] = (1, self._line, line[:400])
        else:
            self._features[name] = (known[0] + 1, known[1], known[2])

    def _report(self, flaw: Flaw, line: bytes, *, column: int | None = None) -> None:
        if self._readable_at_all:
            self.ledger.add(flaw, line=self._line, raw=line, column=column)


def _flaw_of_the_file(first: bytes) -> Flaw | None:
    """What makes every line of the file unreadable, if its unreadable first line shows it."""
    if first[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _UTF16
    return _ARRAY if first.lstrip()[:1] == b"[" else None


def _in_words(problem: msgspec.ValidationError) -> str:
    """What is wrong with a row's shape: the decoder's message with a person's words for JSON's types."""
    text, _, where = str(problem).partition(" - at `$")
    text = _EXPECTED.sub(
        lambda match: f"expected {_TYPES.get(match[1], match[1])}, found {_TYPES.get(match[2], match[2])}", text
    )
    text = text.replace("Expected `array` of length >= 1", "the list is empty").removeprefix("Object ")
    place = _INDEX.sub("[…]", where.rstrip("`").lstrip("."))
    return f"{text[0].lower()}{text[1:]}" + (f", at `{place}`" if place else "")


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
