"""A processor: the Lambda that computes metrics of one's own from the answers of an evaluation."""

from __future__ import annotations

from nova_constructs.scoring_function import CORE, ScoringFunction


class ProcessorFunction(ScoringFunction):
    """Computes metrics as `processor.json` declares them. Event and answer: `novaline.rewards.processing.contract`."""

    _folder = "processor"
    _core = (*CORE, "novaline/rewards/processing")
