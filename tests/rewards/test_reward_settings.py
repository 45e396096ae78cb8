"""A reward as it is deployed: `reward.json`, and what it describes."""

import pytest

from novaline.rewards import Rollout, Score, Unscorable
from novaline.rewards.kinds import UnknownKind
from novaline.rewards.options import WrongOptions
from novaline.rewards.settings import FILE_NAME, RewardSpec, WrongSpec, deployed_spec, load

OWN = """
from dataclasses import dataclass
from novaline.rewards import Rollout, Score
import own_words_beside

@dataclass
class Kept:
    word: str

def score(rollout: Rollout, *, word: str = "please") -> float:
    return float(Kept(word).word in rollout.answer)

def full(rollout: Rollout) -> Score:
    return Score(0.5, {"words": own_words_beside.count(rollout.answer)})

def junk(rollout):
    return "yes"

def several(rollout):
    yield 1.0

async def later(rollout):
    return 1.0

thing = 5
"""


@pytest.fixture
def own(tmp_path):
    (tmp_path / "rewards").mkdir()
    (tmp_path / "rewards" / "tone.py").write_text(OWN, encoding="utf-8")
    (tmp_path / "rewards" / "own_words_beside.py").write_text(
        "def count(text):\n    return float(len(text.split()))\n", encoding="utf-8"
    )
    return tmp_path


def spec(function, **rest):
    return RewardSpec(name="tone", function=function, **rest)


def test_a_spec_is_the_same_after_a_journey_through_its_file():
    found = spec("classification", options={"labels": ["a", "b"]}, fallback=-1.0, log_prompts=True)
    assert RewardSpec.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"name": "x"}',
        '{"name": "x", "function": 5}',
        '{"name": "x", "function": "number", "fallback": NaN}',
        '{"name": "x", "function": "number", "fallback": true}',
        '{"name": "x", "function": "number", "options": []}',
        '{"name": "x", "function": "number", "log_prompts": 1}',
        '{"name": "x", "function": "number", "scoring": "y"}',
    ],
)
def test_a_file_that_describes_no_reward_is_refused(text):
    with pytest.raises(WrongSpec, match=FILE_NAME):
        RewardSpec.from_json(text)


def test_the_deployed_spec_lies_where_lambda_says(tmp_path, monkeypatch):
    (tmp_path / FILE_NAME).write_text(spec("number").to_json(), encoding="utf-8")
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(tmp_path))
    assert deployed_spec() == spec("number")


def test_a_kind_is_loaded_with_its_options():
    scorer = load(spec("number", options={"tolerance": 1}, fallback=0.1))
    assert (scorer.name, scorer.fallback, scorer.log_prompts) == ("tone", 0.1, False)
    assert scorer.reward(Rollout("6", 5)).reward == 1.0


def test_an_own_function_may_return_a_number_or_a_score(own):
    assert load(spec("rewards/tone.py:score"), root=own).reward(Rollout("please")) == Score(1.0)
    assert load(spec("rewards/tone.py:full"), root=own).reward(Rollout("a b")) == Score(0.5, {"words": 2.0})


def test_an_own_function_takes_its_options_by_name(own):
    scorer = load(spec("rewards/tone.py:score", options={"word": "thanks"}), root=own)
    assert scorer.reward(Rollout("please")) == Score(0.0)


def test_an_own_function_is_found_by_the_name_of_its_module(own, monkeypatch):
    monkeypatch.syspath_prepend(own / "rewards")
    assert load(spec("tone:score")).reward(Rollout("please")) == Score(1.0)


def test_what_an_own_function_returns_wrongly_is_no_score(own):
    with pytest.raises(Unscorable, match="str, not a number"):
        load(spec("rewards/tone.py:junk"), root=own).reward(Rollout("x"))


@pytest.mark.parametrize(
    ("function", "options", "expected"),
    [
        ("rewards/none.py:score", {}, "there is no file"),
        ("rewards/tone.py:skore", {}, "full, junk"),
        ("rewards/tone.py:thing", {}, "no function thing"),
        ("rewards/tone.py:later", {}, "async"),
        ("rewards/tone.py:several", {}, "yields"),
        ("rewards/tone.py:score", {"wrod": "x"}, "wrod"),
    ],
)
def test_a_function_that_cannot_be_called_is_refused_when_it_is_loaded(own, function, options, expected):
    with pytest.raises(WrongSpec, match=expected):
        load(spec(function, options=options), root=own)


def test_wrong_options_and_unknown_kinds_are_refused_when_it_is_loaded():
    with pytest.raises(WrongOptions):
        load(spec("number", options={"tolerance": "x"}))
    with pytest.raises(UnknownKind):
        load(spec("nmber"))
