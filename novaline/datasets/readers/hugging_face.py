"""Datasets of the Hugging Face Hub, by Hugging Face's own library, streamed: `hf://owner/name@revision#config`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from novaline.datasets.readers.batches import RecordBatch, in_batches
from novaline.findings import NovalineError, UsageProblem

_URI = re.compile(r"hf://(?P<name>[\w.-]+(?:/[\w.-]+)?)(?:@(?P<revision>[\w./-]+))?(?:#(?P<config>[\w.-]+))?")


def read_hugging_face(uri: str, *, select: Sequence[str] = ()) -> Iterator[RecordBatch]:
    """The rows of the selected splits; of `train` when none is selected.

    Raises NovalineError when the library is missing or refuses, UsageProblem for another form of URI.
    """
    match = _URI.fullmatch(uri)
    if match is None:
        raise UsageProblem.of("no-such-source", f"expected hf://owner/name@revision#config, found {uri}")
    try:
        from datasets import load_dataset  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - an extra
    except ImportError:
        message = "Hugging Face datasets are read with their own library, which is not installed"
        hint = "install it with `pip install 'novaline[hugging-face]'`"
        raise NovalineError.of("not-installed", message, hint=hint) from None

    def rows() -> Iterator[object]:
        for split in select or ("train",):
            try:
                yield from load_dataset(
                    match["name"], match["config"], revision=match["revision"], split=split, streaming=True
                )
            except Exception as problem:  # the library raises dozens of kinds, its dependencies' among them
                what = str(problem).strip().split("\n")[0][:300] or type(problem).__name__
                hint = "`--select` names the split, `#name` the configuration"
                raise NovalineError.of("hugging-face", f"{uri}, split {split}: {what}", hint=hint) from None

    return in_batches(rows(), source=uri)
