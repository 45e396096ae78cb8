import io
import json
import random

import pytest
from job_archives import evaluation_archive, tar_gz

from novaline.evaluation.metrics import exact_match, quasi_exact_match
from novaline.evaluation.results import ResultsProblem, Sample, read_results


class Stream(io.RawIOBase):
    """Bytes that can be read only once and forwards, like an HTTP response."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._content.read(size)


def test_samples_and_aggregates_are_read_from_a_forward_only_stream():
    archive = evaluation_archive([("q1", "a", "a"), ("q2", "b", "c")], aggregates={"exact_match": 0.5, "bleu": 12.0})
    results = read_results(Stream(archive), name="output.tar.gz")
    assert results.samples == (
        Sample(prompt="q1", reference="a", answer="a"),
        Sample(prompt="q2", reference="b", answer="c"),
    )
    assert results.aggregates == {"exact_match": 0.5, "bleu": 12.0}


def test_a_gold_that_is_a_list_of_one_is_its_text():
    rows = [{"prompt": [{"role": "user", "content": "q"}], "gold": ["a"], "inference": ["b"]}]
    archive = tar_gz({"run/eval_results/inference_output.jsonl": json.dumps(rows[0]).encode()})
    sample = read_results(io.BytesIO(archive), name="x").samples[0]
    assert (sample.reference, sample.answer) == ("a", "b")
    assert json.loads(sample.prompt) == {"role": "user", "content": "q"}


@pytest.mark.parametrize(
    ("archive", "says"),
    [
        (b"not a tar", "cannot be read as a gzipped tar"),
        (evaluation_archive([("q", random.Random(1).randbytes(20_000).hex(), "a")])[:9000], "cannot be read"),
        (tar_gz({"run/manifest.json": b"{}"}), "holds no eval_results/inference_output.jsonl"),
        (tar_gz({"r/eval_results/inference_output.jsonl": b'{"gold": "a"}\n'}), "line 1: expected an object with"),
        (tar_gz({"r/eval_results/inference_output.jsonl": b"\nnonsense\n"}), "line 2: not JSON"),
        (tar_gz({"r/eval_results/inference_output.jsonl": b'{"gold": "a", "inference": []}'}), "holds no text"),
    ],
)
def test_a_broken_archive_is_named_with_the_place_of_the_break(archive, says):
    with pytest.raises(ResultsProblem, match=r"output\.tar\.gz") as problem:
        read_results(io.BytesIO(archive), name="s3://b/output.tar.gz")
    assert says in str(problem.value)


def test_exact_match_forgives_outer_white_space_only():
    assert exact_match(" card_lost\n", "card_lost")
    assert not exact_match("Card_lost", "card_lost")


def test_quasi_exact_match_forgives_case_punctuation_and_articles():
    assert quasi_exact_match("The answer: Restart.", "answer restart")
    assert not quasi_exact_match("restart twice", "restart")
