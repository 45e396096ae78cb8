"""One real question to the deployed model: a row that it was not trained on, asked through Converse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from novaline.findings import NovalineError
from novaline.runs.problems import explained

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient
    from mypy_boto3_bedrock_runtime.type_defs import SystemContentBlockTypeDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A held-out row: what is asked, under which system prompt, and what the data says to it."""

    query: str
    expected: str
    system: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the deployed model said."""

    question: Question
    text: str

    def as_json(self) -> dict[str, object]:
        """Question, expectation and answer, as `--json` prints them."""
        return {"query": self.question.query, "expected": self.question.expected, "answer": self.text}


def held_out_question(dataset: Path, *, after: int) -> Question:
    """The first row of an evaluation file behind the `after` rows that the run's own verification asks; or its last.

    Raises NovalineError when the file has no row.
    """
    rows = list(islice(_rows(dataset), after + 1))
    if not rows:
        raise NovalineError.of("empty-dataset", f"{dataset} has no rows to ask about", file=str(dataset))
    row = rows[-1]
    system = row.get("system")
    return Question(
        query=str(row["query"]), expected=str(row["response"]), system=None if system is None else str(system)
    )


def ask(runtime: BedrockRuntimeClient, deployment_arn: str, question: Question) -> Answer:
    """The deployment's answer. Raises NovalineError when Bedrock refuses, or answers without text."""
    system: list[SystemContentBlockTypeDef] = [] if question.system is None else [{"text": question.system}]
    with explained("asking the deployed model"):
        answer = runtime.converse(
            modelId=deployment_arn,
            messages=[{"role": "user", "content": [{"text": question.query}]}],
            system=system,
            inferenceConfig={"maxTokens": 512, "temperature": 0.0},
        )
    blocks = answer["output"].get("message", {}).get("content", [])
    text = "".join(block.get("text", "") for block in blocks)
    if not text:
        raise NovalineError.of("no-answer", f"the deployment {deployment_arn} answered without text")
    return Answer(question=question, text=text)


def _rows(dataset: Path) -> Iterator[dict[str, object]]:
    with dataset.open(encoding="utf-8") as source:
        for line in source:
            if line.strip():
                yield json.loads(line)
