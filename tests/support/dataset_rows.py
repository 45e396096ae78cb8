"""Rows of every format, without a flaw, that differ by their question."""

import json
from pathlib import Path


def turns(question, answer):
    """A question and its answer as Converse messages."""
    said = [("user", question), ("assistant", answer)]
    return [{"role": role, "content": [{"text": text}]} for role, text in said]


def row(kind, question, answer=None):
    """A row of a technique or an evaluation task; its answer is about the question unless one is given."""
    answer = f"the answer to {question}" if answer is None else answer
    if kind in ("sft", "distillation"):
        return {"messages": turns(question, answer)}
    if kind == "dpo":
        labels = {"preferred": answer, "non-preferred": f"never mind {question}"}
        candidates = [{"preferenceLabel": label, "content": [{"text": text}]} for label, text in labels.items()]
        return {"messages": [turns(question, answer)[0], {"role": "assistant", "candidates": candidates}]}
    if kind == "cpt":
        return {"text": f"{question} {answer}"}
    if kind == "gen_qa":
        return {"query": question, "response": answer}
    if kind in ("llm_judge", "rubric_llm_judge"):
        return {"prompt": question, "response_A": answer, "response_B": f"or this: {answer}"}
    return {"messages": [{"role": "user", "content": question}], "reference_answer": {"answer": answer}}


def write_rows(path: Path, kind: str, count: int, *, first: int = 0) -> Path:
    """Writes so many rows of a kind, whose questions no other kind asks."""
    rows = (row(kind, f"{kind} question {number}") for number in range(first, first + count))
    path.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in rows), encoding="utf-8")
    return path
