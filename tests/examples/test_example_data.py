"""The committed datasets of the examples: current, well-formed, without leaks, and neither trivial nor hopeless."""

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from examples import generate, return_decisions, support_intents, ticket_replies
from examples.measure import EXAMPLES, measure
from examples.phrases import Dice, expand, normalised, read_phrases, with_typos
from examples.rows import RESERVED_WORDS
from novaline.cli.commands import app

ROOT = Path(generate.__file__).parent
SUPPORT = ROOT / "support-intents"
TICKETS = ROOT / "ticket-replies"
RETURNS = ROOT / "return-decisions"
FOLDERS = [SUPPORT, TICKETS, RETURNS]
DATASETS = sorted(ROOT.glob("*/*.jsonl"))
# Two phrases are near-duplicates when this share of their words is common (Jaccard).
NEAR = 0.75


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def pairs(path: Path) -> list[tuple[str, str, str]]:
    """(system, question, answer) of each row, whichever form the file has."""
    return [said(row) for row in rows(path)]


def said(row: dict) -> tuple[str, str, str]:
    if "query" in row:
        return row["system"], row["query"], row["response"]
    if "reference_answer" in row:
        return (*(message["content"] for message in row["messages"]), row["reference_answer"])
    return (row["system"][0]["text"], *(message["content"][0]["text"] for message in row["messages"]))


def test_there_are_the_nine_datasets():
    assert [f"{path.parent.name}/{path.name}" for path in DATASETS] == [
        "return-decisions/eval.jsonl",
        "return-decisions/rewards.jsonl",
        "return-decisions/taught.jsonl",
        "return-decisions/train.jsonl",
        "support-intents/eval.jsonl",
        "support-intents/train.jsonl",
        "support-intents/validation.jsonl",
        "ticket-replies/eval.jsonl",
        "ticket-replies/train.jsonl",
    ]


def test_the_generator_reproduces_the_committed_files():
    assert generate.differing(generate.generated()) == []


def test_check_reports_a_changed_file_and_leaves_it_alone(tmp_path, capsys):
    changed = tmp_path / "train.jsonl"
    changed.write_bytes(b"old")
    assert not generate.settle({changed: b"new"}, check=True)
    assert "differs: " in capsys.readouterr().out
    assert changed.read_bytes() == b"old"


def test_without_check_a_changed_file_is_written(tmp_path, capsys):
    changed = tmp_path / "train.jsonl"
    assert generate.settle({changed: b"new"}, check=False)
    assert generate.settle({changed: b"new"}, check=True)
    assert capsys.readouterr().out.endswith("1 files are current\n")
    assert changed.read_bytes() == b"new"


def test_all_datasets_together_stay_small():
    assert sum(path.stat().st_size for path in DATASETS) < 4_500_000


REWARDED = [RETURNS / "train.jsonl", RETURNS / "rewards.jsonl"]
SUPERVISED = [path for path in DATASETS if path.name != "eval.jsonl" and path not in REWARDED]


@pytest.mark.parametrize("path", SUPERVISED, ids=str)
def test_training_rows_are_converse_rows_with_one_question_and_one_answer(path):
    for row in rows(path):
        system, question, answer = (
            row["system"][0]["text"],
            row["messages"][0]["content"][0]["text"],
            row["messages"][1]["content"][0]["text"],
        )
        assert row == {
            "schemaVersion": "bedrock-conversation-2024",
            "system": [{"text": system}],
            "messages": [
                {"role": "user", "content": [{"text": question}]},
                {"role": "assistant", "content": [{"text": answer}]},
            ],
        }
        assert all(text and text == text.strip() for text in (system, question, answer))


@pytest.mark.parametrize("path", [path for path in DATASETS if path.name == "eval.jsonl"], ids=str)
def test_evaluation_rows_are_gen_qa_rows(path):
    for row in rows(path):
        assert list(row) == ["query", "response", "system"]
        assert all(isinstance(text, str) and text and text == text.strip() for text in row.values())


@pytest.mark.parametrize("path", DATASETS, ids=str)
def test_no_text_holds_a_reserved_word_an_address_or_a_leftover_of_the_notation(path):
    for texts in pairs(path):
        for text in texts:
            assert not [word for word in RESERVED_WORDS if word in text]
            assert not re.search(r"\w@\w|https?:|<[a-z_]+>|\|", text)


@pytest.mark.parametrize("path", REWARDED, ids=str)
def test_rows_of_reinforcement_hold_a_question_its_reference_and_the_facts_that_it_follows_from(path):
    for row in rows(path):
        system, question = row["messages"]
        assert (system["role"], question["role"]) == ("system", "user")
        assert set(row) == {"id", "messages", "reference_answer", "state", "age"}
        assert row["reference_answer"] == return_decisions.RULES[row["state"]][row["age"]]
    assert len({row["id"] for row in rows(path)}) == len(rows(path))


def test_rewards_ask_what_the_evaluation_asks():
    assert pairs(RETURNS / "rewards.jsonl") == pairs(RETURNS / "eval.jsonl")


def test_every_decision_is_equally_frequent_and_listed_in_the_prompt():
    for name, each in (("train", 90), ("eval", 30), ("taught", 36)):
        found = Counter(answer for *_, answer in pairs(RETURNS / f"{name}.jsonl"))
        assert found == dict.fromkeys(return_decisions.DECISIONS, each)
    listed = return_decisions.SYSTEM_PROMPT.split(": ")[-1].rstrip(".").split(", ")
    assert listed == sorted(listed) == list(return_decisions.DECISIONS)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_no_text_stands_twice_in_all_splits_together(folder):
    paths = [path for path in folder.glob("*.jsonl") if path.name != "rewards.jsonl"]
    keys = [normalised(question) for path in paths for _, question, _ in pairs(path)]
    assert keys
    assert [key for key, count in Counter(keys).items() if count > 1] == []


def test_every_intent_is_equally_frequent_in_each_split():
    counts = {
        path.stem: Counter(answer for *_, answer in pairs(path))
        for path in DATASETS
        if path.parent.name == SUPPORT.name
    }
    labels = set(support_intents.intents())
    assert len(labels) >= 16
    assert all(set(found) == labels and len(set(found.values())) == 1 for found in counts.values())
    assert counts["train"].total() >= 2_000
    assert counts["validation"].total() >= 300
    assert counts["eval"].total() >= 580


def test_every_answer_of_the_playbook_is_trained_and_asked():
    answers = {entry.answer for entry in ticket_replies.playbook().values()}
    for name, least in (("train", 800), ("eval", 200)):
        found = Counter(answer for *_, answer in pairs(TICKETS / f"{name}.jsonl"))
        assert set(found) == answers
        assert found.total() >= least
        assert len(set(found.values())) == 1


def test_the_system_prompt_lists_every_intent_once():
    listed = support_intents.system_prompt().split(": ")[-1].rstrip(".").split(", ")
    assert listed == sorted(support_intents.intents())
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", label) for label in listed)


@pytest.mark.parametrize("name", ["train", "eval"])
def test_an_e_mail_has_80_to_250_words(name):
    for _, mail, _ in pairs(TICKETS / f"{name}.jsonl"):
        subject, _, body = mail.partition("\n\n")
        assert subject.startswith("Subject: ")
        assert 80 <= len(body.split()) <= 250


def intent_phrases() -> Iterator[tuple[str, dict[str, tuple[str, ...]]]]:
    groups = support_intents.fillers()
    named = support_intents.intents() | {
        "openings": groups.openings,
        "contexts": groups.contexts,
        "closings": groups.closings,
    }
    for name, phrases in named.items():
        yield name, {"train": phrases.train, "validation": phrases.validation, "eval": phrases.eval}


def ticket_phrases() -> Iterator[tuple[str, dict[str, tuple[str, ...]]]]:
    groups = ticket_replies.fillers()
    for phrases in (groups.subjects, groups.greetings, groups.remarks, groups.impacts, groups.closings):
        yield "fillers", {"train": phrases.train, "eval": phrases.eval}
    for name, entry in ticket_replies.playbook().items():
        parts = (entry.problem, entry.detail, entry.tried)
        yield (
            name,
            {
                "train": tuple(itertools.chain(*(part.train for part in parts))),
                "eval": tuple(itertools.chain(*(part.eval for part in parts))),
            },
        )


def return_phrases() -> Iterator[tuple[str, dict[str, tuple[str, ...]]]]:
    words = return_decisions.wordings()
    groups = {"remarks": words.remarks, "closings": words.closings, **words.ages, **words.states}
    for name, phrases in groups.items():
        yield name, {"train": phrases.train, "eval": phrases.eval}


def readings(phrase: str) -> set[frozenset[str]]:
    """The words of every way in which the phrase can be read."""
    parts = re.split(r"(\([^()|]*(?:\|[^()|]*)+\))", phrase)
    ways = [part[1:-1].split("|") if part.startswith("(") and "|" in part else [part] for part in parts]
    return {frozenset(normalised("".join(way)).split()) for way in itertools.product(*ways)}


def likeness(one: Iterable[frozenset[str]], other: Iterable[frozenset[str]]) -> float:
    return max((len(a & b) / len(a | b) for a in one for b in other if a | b), default=0.0)


def near_duplicates(groups: Iterable[tuple[str, dict[str, tuple[str, ...]]]]) -> list[tuple[str, str]]:
    return [
        (one, other)
        for _, phrases in groups
        for first, second in itertools.combinations(phrases.values(), 2)
        for one, other in itertools.product(first, second)
        if likeness(readings(one), readings(other)) >= NEAR
    ]


def test_no_phrase_of_a_split_is_nearly_one_of_another_split():
    found = [*intent_phrases(), *ticket_phrases(), *return_phrases()]
    assert len(found) > 50
    assert near_duplicates(found) == []


def test_near_duplicates_would_be_found():
    groups = {"train": ("Please (cancel|stop) my order <order>.",), "eval": ("Please stop my order <order> now.",)}
    assert len(near_duplicates([("cancel_order", groups)])) == 1


def test_no_phrase_is_used_for_two_intents():
    phrases = [
        normalised(phrase) for intent in support_intents.intents().values() for phrase in (*intent.train, *intent.eval)
    ]
    assert len(phrases) == len(set(phrases)) > 400


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_data_teach_and_are_not_solved_by_words_alone(name):
    found = measure(ROOT / name)
    assert 0.88 <= found.linear <= 0.97
    assert 0.15 <= found.words <= 0.6
    assert found.words + 0.2 < found.nearest < 0.97


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_each_customization_names_its_own_files(folder):
    plan = yaml.safe_load((folder / "customization.yaml").read_text(encoding="utf-8"))
    named = set()
    for path in folder.glob("*.yaml"):
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
        for stage in found.get("stages", ()):
            named |= {*stage["data"].values(), *(evaluation["data"] for evaluation in found["evaluations"])}
    assert named == {path.name for path in folder.glob("*.jsonl")}
    assert plan["name"] == folder.name
    assert len(rows(folder / "train.jsonl")) >= plan["stages"][0]["overrides"]["global_batch_size"]


def test_the_example_for_nova_2_lite_has_no_validation_data():
    plan = yaml.safe_load((TICKETS / "customization.yaml").read_text(encoding="utf-8"))
    assert plan["model"] == "nova-2-lite"
    assert "validation" not in plan["stages"][0]["data"]


def test_the_notation_makes_choices_and_fills_slots():
    slots = {"fruit": lambda dice: dice.pick(("pear", "fig"))}
    made = {
        expand("(I|We) (like|) <fruit> and <fruit> (really).", dice=Dice(str(seed)), slots=slots) for seed in range(60)
    }
    assert "I like pear and fig (really)." in made
    assert "We fig and pear (really)." in made
    assert len(made) == 8


def test_dice_fall_the_same_way_for_ever():
    dice = Dice("novaline")
    assert [dice.below(1_000) for _ in range(5)] == [13, 794, 285, 367, 803]
    assert "".join(dice.shuffled("abcdef")) == "abcedf"


def test_typos_spare_names_numbers_and_short_words():
    text = "the Osmer lamp of order LM-12345 flickers"
    assert with_typos(text, dice=Dice("1"), count=1) != text
    for seed in range(40):
        assert with_typos(text, dice=Dice(str(seed)), count=3).startswith("the Osmer lamp of ")


def test_a_phrase_file_of_another_shape_is_named(tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text("track_order: {about: x, train: [no], validation: [], eval: []}", encoding="utf-8")
    with pytest.raises(ValueError, match=r"wrong\.yaml: Expected `str`"):
        read_phrases(path, dict[str, support_intents.Intent])


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_novaline_check_has_nothing_to_say_about_an_example(folder):
    outcome = CliRunner().invoke(app, ["check", str(folder / "customization.yaml"), "--json"])
    assert outcome.exit_code == 0, outcome.output
    assert json.loads(outcome.output)["findings"] == []
