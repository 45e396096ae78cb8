"""The corpus of planted defects: rows of every format with one defect each, and what is to be found in them."""

import json
from dataclasses import dataclass
from pathlib import Path

import yaml

from novaline.datasets.formats.catalogue import FORMATS
from novaline.recipes.catalogue import catalogue
from novaline.recipes.model import Model

CORPUS = Path(__file__).parents[1] / "datasets" / "corpus"
_MODELS = {"dpo": "nova-lite", "distillation": "nova-lite"}


@dataclass(frozen=True)
class Planted:
    """One defect: the line that has it, and the finding. `also` are codes that follow from it."""

    file: str
    format: str
    what: str
    line: bytes
    model: Model
    code: str
    severity: str
    also: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.format}: {self.what}"


def defects() -> list[Planted]:
    """Every planted defect."""
    found = []
    for path in sorted(CORPUS.glob("*.yaml")):
        name = path.stem if path.stem in FORMATS else path.stem.partition("-")[0]
        for case in yaml.safe_load(path.read_text(encoding="utf-8")):
            line = case["line"] if "line" in case else json.dumps(case["row"], ensure_ascii=False)
            found.append(
                Planted(
                    file=path.stem,
                    format=name,
                    what=case["what"],
                    line=line.encode(),
                    model=catalogue().model(case.get("model") or _MODELS.get(name, "nova-2-lite")),
                    code=case["code"],
                    severity=case.get("severity", "error"),
                    also=tuple(case.get("also", ())),
                )
            )
    return found


def clean_files() -> list[tuple[str, Path, Model]]:
    """Every file without a defect, with its format and a model that takes it.

    The names are `<format>.<what>.jsonl`, with `.<model>` before the suffix where it is no usual one.
    """
    found = []
    for path in sorted((CORPUS / "clean").glob("*.jsonl")):
        name, _, model = path.name.removesuffix(".jsonl").split(".")
        found.append((name, path, catalogue().model(model)))
    return found
