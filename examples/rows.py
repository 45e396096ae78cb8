"""One line of each dataset file that the examples use, and the words that must not stand in it.

Source of the shapes: AWS's pages on preparing data for Amazon Nova.
"""

import json
from collections.abc import Iterable, Mapping

# Nova's chat template uses these; text that holds one of them (case counts) breaks training.
RESERVED_WORDS = (
    *("System:", "SYSTEM:", "User:", "USER:", "Bot:", "BOT:", "Assistant:", "ASSISTANT:", "Thought:"),
    *("[EOS]", "<image>", "<video>", "<unk>"),
)


def converse_row(*, system: str, question: str, answer: str) -> dict[str, object]:
    """A training or validation row: one question and the answer that the model is to learn (SFT, Converse format)."""
    return {
        "schemaVersion": "bedrock-conversation-2024",
        "system": [{"text": system}],
        "messages": [
            {"role": "user", "content": [{"text": question}]},
            {"role": "assistant", "content": [{"text": answer}]},
        ],
    }


def rft_row(
    identifier: str, *, system: str, question: str, answer: str, facts: Mapping[str, object]
) -> dict[str, object]:
    """A row of reinforcement fine-tuning (OpenAI's form): a question, and what the reward function needs to judge."""
    return {
        "id": identifier,
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": question}],
        "reference_answer": answer,
        **facts,
    }


def gen_qa_row(*, system: str, question: str, answer: str) -> dict[str, object]:
    """An evaluation row: `response` is what the model's answer is compared with."""
    return {"query": question, "response": answer, "system": system}


def to_jsonl(rows: Iterable[Mapping[str, object]]) -> bytes:
    """The rows, one JSON object a line, UTF-8."""
    return "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows).encode("utf-8")
