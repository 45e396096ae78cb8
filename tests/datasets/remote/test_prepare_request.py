"""What a preparation is asked for travels as JSON and comes out as it went in."""

import json

import msgspec
import pytest

from novaline.datasets.prepare.work import Request
from novaline.datasets.readers.reading import ReadOptions
from novaline.datasets.remote.parts import StoredFile, cut
from novaline.datasets.remote.prepare_request import Options, Output
from novaline.datasets.remote.prepare_results import Chosen, Plan, packed, passes, unpacked
from novaline.datasets.splitting import Shares, Splitter
from novaline.findings import UsageProblem

STRATA = {"a": (1, 1 << 63), "b": ((1 << 64) - 1, 1 << 64)}
SHARES = Shares(parts=(8, 1, 1))
FULL = Request(
    sources=(),
    format="rft",
    output=None,
    reading=ReadOptions(select=("rows",), delimiter="\t", header=False, quotes=False),
    mapping={"prompt": "0", "answer": "1", "mine": "2"},
    shape="table",
    system="Be brief. \ud800",
    shares=SHARES,
    seed=9,
    stratify="1",
    group="2",
    like=Splitter(shares=SHARES, seed=9, strata=STRATA),
    only="train",
    bucket_owner="111111111111",
    skip_bad=True,
    overwrite=True,
)


@pytest.mark.parametrize("request_", [FULL, Request(sources=(), format="cpt", output=None)])
def test_a_request_comes_out_as_it_went_in(request_):
    options = Options.from_json(json.loads(json.dumps(Options.of(request_, kind="csv").as_json())))
    assert options.request == request_
    assert options.kind == "csv"


def test_a_plan_carries_texts_that_are_no_unicode_and_hashes_of_64_bits():
    splitter = Splitter(shares=SHARES, seed=2, strata=STRATA, shared=frozenset({0, (1 << 64) - 1}))
    plan = Plan(
        options=Options.of(FULL).as_json(),
        answers=["\udc00", "yes"],
        chosen=Chosen.of(splitter, surveyed=3),
        before=[[(3, 1)], []],
    )
    again = unpacked(packed(plan), Plan)
    assert packed(again) == packed(plan)
    assert again.chosen.unpacked() == splitter
    assert again.contrasts.answers == ("yes", "\udc00")
    with pytest.raises(msgspec.ValidationError):
        unpacked(b'{"options": 1}', Plan)


def test_passes_are_those_that_the_request_needs():
    assert passes(FULL) == ("labels", "rows")
    assert passes(Request(sources=(), format="dpo", output=None, make_pairs=True)) == ("answers", "rows")
    assert passes(Request(sources=(), format="multi-turn-rft", output=None)) == ("lines", "rows")


def test_what_cannot_be_cut_is_one_range_however_large_it_is():
    files = [StoredFile(key="a.csv", version="1", size=1000, whole=True), StoredFile(key="b", version="1", size=250)]
    ranges = [(item.key, item.start, item.end) for part in cut(files, part_bytes=100) for item in part.ranges]
    assert ranges == [("a.csv", 0, 1000), ("b", 0, 100), ("b", 100, 200), ("b", 200, 250)]


@pytest.mark.parametrize(
    "uri", ["out", "s3://b", "s3://b/", "s3://b/out", "s3://b/data/0", "s3://b/prepared", "s3:///x"]
)
def test_an_output_elsewhere_is_refused_with_a_place_that_is_right(uri):
    with pytest.raises(UsageProblem) as caught:
        Output.of(uri, shares=None, only=None)
    assert "prepared/" in (caught.value.findings[0].hint or "")


def test_an_output_is_a_folder_or_one_object():
    folder = Output.of("s3://b/prepared/x/", shares=SHARES, only=None)
    assert folder.keys(FULL) == {"train": "prepared/x/train.jsonl"}
    assert folder.manifest_key == "prepared/x/manifest.json"
    one = Output.of("s3://b/prepared/x.jsonl", shares=SHARES, only="train")
    assert one.keys(FULL) == {"train": "prepared/x.jsonl"}
    assert one.uri(one.manifest_key) == "s3://b/prepared/x.manifest.json"
