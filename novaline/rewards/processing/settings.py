"""A processor as it is declared and deployed: the file `processor.json` in the function's asset."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal, cast

from novaline.rewards.settings import RewardSpec, WrongSpec

FILE_NAME: Final = "processor.json"
"""Beside the packages in the function's asset."""
Kind = Literal["custom_metrics", "rft"]
"""`lambda_type` of the recipe: metrics one sample at a time, or a reward function's batches."""
KINDS: Final[tuple[Kind, ...]] = ("custom_metrics", "rft")
PLACE: Final = "{prompt}"
"""Where the row's prompt goes in the template of `prompt`."""
_METRIC: Final = re.compile(r"[a-z][a-z0-9_]{0,47}")
UNSCORABLE: Final = "_unscorable"
"""Ends the name of the metric beside each metric: 1 for a sample that could not be scored, else 0."""
BUILT_IN: Final = frozenset({
    "rouge1", "rouge2", "rougeL", "exact_match", "quasi_exact_match", "f1_score", "f1_score_quasi", "bleu",
})  # fmt: skip
"""What gen_qa computes itself: a metric of one's own under such a name could not be told from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessorSpec:
    """What is declared: metrics, each a reward under the metric's name, and how rows are asked."""

    name: str
    kind: Kind
    metrics: Sequence[RewardSpec]
    aggregate: str | None = None
    """Of kind rft: the metric that is the sample's reward; needed when there are several."""
    system: str | None = None
    """Replaces the system text of every row."""
    prompt: str | None = None
    """Replaces every prompt; the row's own goes where {prompt} stands."""

    @property
    def preprocesses(self) -> bool:
        """Whether rows are changed before the model is asked: the recipe's `processor.preprocessing.enabled`."""
        return self.system is not None or self.prompt is not None

    @property
    def reward_metric(self) -> str | None:
        """The metric that is a sample's reward in an answer to a batch; None where none is."""
        if self.aggregate is None and len(self.metrics) == 1:
            return self.metrics[0].name
        return self.aggregate

    def problems(self) -> list[str]:
        """Everything that is wrong with it, beside the options of its rewards; each begins with where it is."""
        return list(self._problems())

    def _problems(self) -> Iterator[str]:
        if self.kind not in KINDS:
            yield f"kind: is {self.kind!r}, expected {' or '.join(KINDS)}"
        if not self.metrics:
            yield "metrics: there are none; a processor computes at least one"
        names = [metric.name for metric in self.metrics]
        for name in dict.fromkeys(names):
            if names.count(name) > 1:
                yield f"metrics.{name}: is declared more than once"
            yield from _name_problems(name)
        if self.aggregate is not None and self.aggregate not in names:
            yield f"aggregate: is {self.aggregate!r}, expected one of {', '.join(names)}"
        if self.kind == "rft" and len(names) > 1 and self.aggregate is None:
            yield f"aggregate: is missing: which of {', '.join(names)} is the reward of a sample?"
        if self.prompt is not None and self.prompt.count(PLACE) != 1:
            count = self.prompt.count(PLACE)
            yield f"prompt: holds {PLACE} {count} times, expected once: the row's own prompt goes there"

    def to_json(self) -> str:
        """The text of `processor.json`; the same spec always gives the same text."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> ProcessorSpec:
        """The spec in the text of `processor.json`. Raises WrongSpec, with everything that is wrong."""
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as problem:
            raise WrongSpec(f"{FILE_NAME} is no JSON: {problem}") from problem
        if not isinstance(found, dict):
            raise WrongSpec(f"{FILE_NAME} holds {type(found).__name__}, expected an object")
        unknown = found.keys() - cls.__dataclass_fields__.keys()
        if unknown:
            raise WrongSpec(f"{FILE_NAME} holds unknown names: {', '.join(sorted(unknown))}")
        texts = {name: _text(found, name) for name in ("name", "kind", "aggregate", "system", "prompt")}
        if not isinstance(found.get("metrics"), list):
            raise WrongSpec(f"{FILE_NAME}: metrics is {type(found.get('metrics')).__name__}, expected an array")
        spec = cls(
            name=texts["name"] or "",
            kind=cast("Kind", texts["kind"]),
            metrics=tuple(RewardSpec.from_json(json.dumps(metric)) for metric in found["metrics"]),
            aggregate=texts["aggregate"],
            system=texts["system"],
            prompt=texts["prompt"],
        )
        problems = spec.problems() if spec.name else ["name: is missing", *spec.problems()]
        if problems:
            raise WrongSpec(f"{FILE_NAME}: {'; '.join(problems)}")
        return spec


def deployed_processor() -> ProcessorSpec:
    """The spec beside the packages of the running function. Raises WrongSpec, or FileNotFoundError."""
    root = os.environ.get("LAMBDA_TASK_ROOT") or str(Path(__file__).resolve().parents[3])
    return ProcessorSpec.from_json((Path(root) / FILE_NAME).read_text(encoding="utf-8"))


def _name_problems(name: str) -> Iterator[str]:
    if not _METRIC.fullmatch(name):
        yield f"metrics.{name}: a metric's name has lower-case letters, digits and _, a letter first, at most 48"
    elif name.endswith(UNSCORABLE):
        yield f"metrics.{name}: {UNSCORABLE} ends the names of the metrics that count what could not be scored"
    elif name in BUILT_IN:
        yield f"metrics.{name}: gen_qa computes a metric of that name itself; choose another"


def _text(found: dict[str, object], name: str) -> str | None:
    value = found.get(name)
    if value is not None and not isinstance(value, str):
        raise WrongSpec(f"{FILE_NAME}: {name} is {type(value).__name__}, expected text")
    return value
