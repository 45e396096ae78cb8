"""All formats, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from novaline.datasets.formats.cpt import CPT
from novaline.datasets.formats.distillation import DISTILLATION
from novaline.datasets.formats.dpo import DPO
from novaline.datasets.formats.gen_qa import GEN_QA
from novaline.datasets.formats.judge import LLM_JUDGE, RUBRIC_LLM_JUDGE
from novaline.datasets.formats.multi_turn_rft import MULTI_TURN_RFT
from novaline.datasets.formats.rft import RFT
from novaline.datasets.formats.sft import SFT
from novaline.datasets.formats.spec import FormatSpec

_ALL: tuple[FormatSpec[Any], ...] = (
    SFT,
    DPO,
    RFT,
    MULTI_TURN_RFT,
    CPT,
    DISTILLATION,
    GEN_QA,
    LLM_JUDGE,
    RUBRIC_LLM_JUDGE,
)

FORMATS: Mapping[str, FormatSpec[Any]] = MappingProxyType({spec.name: spec for spec in _ALL})
"""Name → format. A name is a technique's or an evaluation task's, where it has a format of its own."""
