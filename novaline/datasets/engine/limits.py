"""How many rows a job takes, and should have, by format, model and platform.

Source: AWS's training-jobs and data-preparation pages for Nova (mid 2026). The table of most records assumes records of
the full context length, five epochs and a job of five days.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from novaline.datasets.engine.options import Options
from novaline.datasets.flaws import Flaw


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """How many rows a job should have at least and at most; `says` names the source."""

    least: int
    says: str
    most: int | None = None


_BEDROCK = {
    ("sft", "nova-1"): _Rows(least=8, most=20_000, says="Bedrock takes"),
    ("sft", "nova-2"): _Rows(least=200, most=20_000, says="Bedrock takes"),
    ("rft", "nova-2"): _Rows(least=100, most=20_000, says="Bedrock takes"),
}
_JOBS = {
    ("sft", "nova-2"): _Rows(least=200, says="AWS advises 2,000 to 10,000, and asks for"),
    ("dpo", "nova-1"): _Rows(least=1_000, says="AWS advises"),
    ("rft", "nova-2"): _Rows(least=100, says="AWS asks for"),
    ("distillation", "nova-1"): _Rows(least=100, most=20_000, says="AWS takes"),
}
"""(format, generation) → rows."""

_BOTH = ("full", "lora")
_MOST: dict[tuple[str, str], tuple[tuple[int, tuple[str, ...], bool, int], ...]] = {
    ("sft", "nova-micro"): ((32_768, _BOTH, False, 100_000), (65_536, _BOTH, False, 50_000)),
    ("sft", "nova-lite"): (
        (32_768, _BOTH, False, 100_000),
        (32_768, ("full",), True, 50_000),
        (32_768, ("lora",), True, 90_000),
        (65_536, ("full",), False, 50_000),
        (65_536, ("full",), True, 30_000),
    ),
    ("sft", "nova-pro"): (
        (32_768, _BOTH, False, 40_000),
        (32_768, ("full",), True, 30_000),
        (32_768, ("lora",), True, 35_000),
        (65_536, _BOTH, False, 17_000),
        (65_536, _BOTH, True, 15_000),
    ),
    ("dpo", "nova-micro"): (
        (16_384, ("full",), False, 120_000),
        (16_384, ("lora",), False, 125_000),
        (32_768, ("full",), False, 45_000),
        (32_768, ("lora",), False, 50_000),
    ),
    ("dpo", "nova-lite"): (
        (16_384, ("full",), False, 130_000),
        (16_384, ("lora",), False, 140_000),
        (16_384, _BOTH, True, 20_000),
        (32_768, ("full",), False, 55_000),
        (32_768, ("lora",), False, 60_000),
        (32_768, _BOTH, True, 35_000),
    ),
    ("dpo", "nova-pro"): (
        (16_384, ("full",), False, 45_000),
        (16_384, ("lora",), False, 55_000),
        (16_384, _BOTH, True, 20_000),
        (32_768, ("full",), False, 20_000),
        (32_768, ("full",), True, 16_000),
        (32_768, ("lora",), False, 22_000),
        (32_768, ("lora",), True, 18_000),
    ),
}
"""(format, model) → context length in tokens, tunings, with media, most records."""


def row_flaws(options: Options, rows: int, *, media: bool, tokens: int) -> Iterator[Flaw]:
    """What is wrong with this number of rows. `tokens` are those of all rows, estimated."""
    model = options.model
    if options.evaluation or not rows or model is None:
        return
    name = options.format
    if rows < options.minimum_rows:
        refused = name == "sft" and model.generation == "nova-2"
        message = f"{rows:,} rows are fewer than one global batch of {options.minimum_rows:,}"
        hint = "add rows, or lower `global_batch_size`"
        yield Flaw("too-few-rows", message, "error" if refused else "warning", hint=hint)
        return
    limits = (_BEDROCK if options.platform == "bedrock" else _JOBS).get((name, model.generation))
    if limits is not None and rows < limits.least:
        yield Flaw("few-rows", f"{rows:,} rows; {limits.says} at least {limits.least:,}", "warning")
    elif limits is not None and limits.most is not None and rows > limits.most:
        yield Flaw("many-rows", f"{rows:,} rows; {limits.says} at most {limits.most:,}", "warning")
    elif options.platform != "bedrock":
        yield from _most_records(options, rows, media=media, tokens=tokens)


def _most_records(options: Options, rows: int, *, media: bool, tokens: int) -> Iterator[Flaw]:
    model = options.model
    assert model is not None
    table = _MOST.get((options.format, model.name), ())
    fitting = [
        (context, most)
        for context, tunings, with_media, most in table
        if with_media == media
        and (options.tuning is None or options.tuning in tunings)
        and context >= (options.max_length or 0)
    ]
    if not fitting:
        return
    context = min(fitting)[0]
    most = max(most for each, most in fitting if each == context)
    if rows > most:
        message = (
            f"{rows:,} rows; AWS's page names at most {most:,} records of {context:,} tokens for {model.title} "
            f"(five epochs in five days)"
        )
        hint = f"these have about {tokens // rows:,} tokens a row: shorter rows take less time"
        yield Flaw("many-rows", message, "warning", hint=hint)
